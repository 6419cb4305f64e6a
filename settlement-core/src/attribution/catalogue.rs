//! What one transaction has read of the catalogue: many orders in a batch ask for the same programmes and products.
//!
//! It lives as long as the transaction and no longer, so that nobody decides by yesterday's rules.

use super::dated::{Dated, Target};
use super::held::RecordRules;
use super::programmes::{self, Programme};
use crate::orders::rows;
use crate::params;
use crate::plans::{self, facts::Terms};
use crate::store::{StoreError, Tx};
use attribution_core::ids::{
    CategoryId, MerchantId, PlatformId, ProductId, ProgrammeId, ProgrammeNum, TargetNum,
};
use attribution_core::policy::Policy;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

/// See the module's own words.
#[derive(Debug, Default)]
pub struct Catalogue {
    programmes: HashMap<(PlatformId, MerchantId), Rc<[Programme]>>,
    records: HashMap<ProgrammeNum, Option<Rc<RecordRules>>>,
    policies: HashMap<(ProgrammeId, u32), Rc<Policy>>,
    products: HashMap<ProductId, TargetNum>,
    ancestors: HashMap<i64, Rc<[(i64, CategoryId)]>>,
    terms: HashMap<ProgrammeId, Rc<Terms>>,
    pub(super) dated: Dated,
}

impl Catalogue {
    /// The programmes of a merchant and its platform.
    pub(crate) fn programmes(
        &mut self,
        tx: &mut dyn Tx,
        platform: &PlatformId,
        merchant: &MerchantId,
    ) -> Result<Rc<[Programme]>, StoreError> {
        match self.programmes.entry((platform.clone(), merchant.clone())) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => {
                Ok(Rc::clone(new.insert(programmes::of_merchant(tx, platform, merchant)?.into())))
            }
        }
    }

    /// What records of who holds whom need of one programme.
    pub(super) fn record_rules(
        &mut self,
        tx: &mut dyn Tx,
        programme: ProgrammeNum,
    ) -> Result<Option<Rc<RecordRules>>, StoreError> {
        match self.records.entry(programme) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(new) => {
                let rules = programmes::of_number(tx, programme)?.map(RecordRules::of).map(Rc::new);
                Ok(new.insert(rules).clone())
            }
        }
    }

    /// One version of a programme's rules.
    pub(crate) fn policy(
        &mut self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
        version: u32,
    ) -> Result<Rc<Policy>, StoreError> {
        match self.policies.entry((programme.clone(), version)) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => Ok(Rc::clone(new.insert(Rc::new(rows::policy(tx, programme, version)?)))),
        }
    }

    /// The plans of a programme, and whether it has rates beside its rules.
    pub(super) fn terms(
        &mut self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
    ) -> Result<Rc<Terms>, StoreError> {
        match self.terms.entry(programme.clone()) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => Ok(Rc::clone(new.insert(Rc::new(plans::facts::terms(tx, programme)?)))),
        }
    }

    /// A product that must be there.
    pub(super) fn product(&mut self, tx: &mut dyn Tx, product: &ProductId) -> Result<Target, StoreError> {
        let num = match self.products.entry(product.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let row = tx.query_one(
                    "SELECT num FROM targets WHERE kind = 'product' AND id = $1",
                    params![product],
                )?;
                *new.insert(TargetNum(row.num(0)?))
            }
        };
        self.dated.target(tx, num)?.cloned().ok_or(StoreError::NoRow)
    }

    /// A product's category and its ancestors, narrowest first.
    pub(crate) fn categories_of(
        &mut self,
        tx: &mut dyn Tx,
        product: &ProductId,
    ) -> Result<Vec<CategoryId>, StoreError> {
        let category = self.product(tx, product)?.category.map(|(num, _)| num);
        Ok(self.ancestors(tx, category)?.iter().map(|(_, id)| id.clone()).collect())
    }

    /// A category and its ancestors, narrowest first.
    pub(crate) fn ancestors(
        &mut self,
        tx: &mut dyn Tx,
        category: Option<i64>,
    ) -> Result<Rc<[(i64, CategoryId)]>, StoreError> {
        let Some(category) = category else { return Ok(Rc::new([])) };
        match self.ancestors.entry(category) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => Ok(Rc::clone(new.insert(read_ancestors(tx, category)?.into()))),
        }
    }
}

fn read_ancestors(tx: &mut dyn Tx, category: i64) -> Result<Vec<(i64, CategoryId)>, StoreError> {
    let mut found: Vec<(i64, CategoryId)> = Vec::new();
    let mut next = Some(category);
    while let Some(num) = next {
        // A loop in the tree would be a fault of the catalogue; it must not hang an order.
        if found.iter().any(|(seen, _)| *seen == num) {
            break;
        }
        let row = tx.query_one("SELECT id, parent FROM categories WHERE num = $1", params![num])?;
        found.push((num, programmes::read("category id", row.text(0)?)?));
        next = row.opt_int(1)?;
    }
    Ok(found)
}
