//! What the index says of a product, and the terms under which it is found. Pure but for reading its own row.

use super::grams::{self, Field};
use crate::store::{Row, StoreError};
use std::collections::BTreeSet;

/// What the index says of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doc {
    pub(super) title: String,
    pub(super) shop: String,
    pub(super) merchant: String,
    pub(super) category: Option<i64>,
    pub(super) dead: bool,
}

impl Doc {
    pub(super) fn read(row: &Row, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            title: row.text(first)?.to_owned(),
            shop: row.text(first + 1)?.to_owned(),
            merchant: row.text(first + 2)?.to_owned(),
            category: row.opt_int(first + 3)?,
            dead: row.flag(first + 4)?,
        })
    }

    pub(super) fn terms(&self) -> BTreeSet<String> {
        let mut terms = grams::terms(Field::Title, &self.title);
        terms.append(&mut grams::terms(Field::Shop, &self.shop));
        terms.insert(ALL.to_owned());
        terms.insert(of_merchant(&self.merchant));
        terms.extend(self.category.map(of_category));
        if self.dead {
            terms.insert(DEAD.to_owned());
        }
        terms
    }
}

/// The term of every product.
pub(super) const ALL: &str = "a";
/// The term of those that nobody earns with.
pub(super) const DEAD: &str = "x";

/// The term of a merchant's products.
pub(super) fn of_merchant(merchant: &str) -> String {
    format!("m{merchant}")
}

/// The term of the products of a category, without those below it.
pub(super) fn of_category(category: i64) -> String {
    format!("c{category}")
}
