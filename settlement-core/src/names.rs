//! What people call a thing: beside each id that an answer names, for those who read it.

use crate::params;
use crate::store::{List, StoreError, Tx};
use std::collections::BTreeMap;

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noun {
    Programme,
    Promoter,
    Merchant,
    Product,
    Placement,
    Plan,
}

/// The name of one thing, if the catalogue has it.
///
/// # Errors
/// If the store fails.
pub(crate) fn name_of(tx: &mut dyn Tx, noun: Noun, id: &str) -> Result<Option<String>, StoreError> {
    let sql = match noun {
        Noun::Programme => "SELECT name FROM programmes WHERE id = $1",
        Noun::Promoter => "SELECT name FROM promoters WHERE id = $1",
        Noun::Merchant => "SELECT name FROM merchants WHERE id = $1",
        Noun::Product => "SELECT title FROM targets WHERE kind = 'product' AND id = $1",
        Noun::Placement => "SELECT name FROM placements WHERE id = $1",
        Noun::Plan => "SELECT name FROM plans WHERE id = $1",
    };
    tx.query_opt(sql, params![id])?.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// The names of many things of one kind, by their ids. What the catalogue does not have is left out.
///
/// # Errors
/// If the store fails.
pub(crate) fn names_of(
    tx: &mut dyn Tx,
    noun: Noun,
    ids: &[&str],
) -> Result<BTreeMap<String, String>, StoreError> {
    let table = match noun {
        Noun::Programme => "SELECT id, name FROM programmes WHERE",
        Noun::Promoter => "SELECT id, name FROM promoters WHERE",
        Noun::Merchant => "SELECT id, name FROM merchants WHERE",
        Noun::Product => "SELECT id, title FROM targets WHERE kind = 'product' AND",
        Noun::Placement => "SELECT id, name FROM placements WHERE",
        Noun::Plan => "SELECT id, name FROM plans WHERE",
    };
    let mut names = BTreeMap::new();
    for some in ids.chunks(List::MOST) {
        let list: List<'_> = some.iter().copied().collect();
        for row in &tx.query(&format!("{table} id IN ({})", list.marks), &list.values)? {
            names.insert(row.text(0)?.to_owned(), row.text(1)?.to_owned());
        }
    }
    Ok(names)
}
