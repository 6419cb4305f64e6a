//! Writes the index: the sets of the terms, what each product says, and the columns that products are sorted by.

use super::ROWS;
use super::columns::{self, Columns, estimate_key, rate_key};
use super::docs::{self, Block};
use super::offers::{Item, Offer};
use super::terms::Doc;
use crate::params;
use crate::store::{List, Param, StoreError, Tx};
use std::collections::{BTreeMap, HashMap};

/// A block and a term, with the numbers to add to its set and those to remove.
type TermChange = ((i64, String), (Vec<u16>, Vec<u16>));

/// Adds and removes the products in the sets of their terms.
pub(super) fn write_terms(
    tx: &mut dyn Tx,
    new: &BTreeMap<i64, (Item, Doc)>,
    old: &BTreeMap<i64, Doc>,
) -> Result<(), StoreError> {
    let mut changes: BTreeMap<(i64, String), (Vec<u16>, Vec<u16>)> = BTreeMap::new();
    for (target, (_, doc)) in new {
        let before = old.get(target);
        if before == Some(doc) {
            continue;
        }
        let (block, number) = docs::place(*target);
        let had = before.map(Doc::terms).unwrap_or_default();
        let has = doc.terms();
        for term in has.difference(&had) {
            changes.entry((block, term.clone())).or_default().0.push(number);
        }
        for term in had.difference(&has) {
            changes.entry((block, term.clone())).or_default().1.push(number);
        }
    }
    let changes: Vec<TermChange> = changes.into_iter().collect();
    for of_block in changes.chunk_by(|((a, _), _), ((b, _), _)| a == b) {
        for chunk in of_block.chunks(ROWS) {
            write_blocks(tx, chunk)?;
        }
    }
    Ok(())
}

/// Changes the sets of some terms in one block.
fn write_blocks(tx: &mut dyn Tx, changes: &[TermChange]) -> Result<(), StoreError> {
    let Some(((block, _), _)) = changes.first() else { return Ok(()) };
    let mut list: List<'_> = changes.iter().map(|((_, term), _)| term).collect();
    let terms = list.marks.clone();
    let sql = format!(
        "SELECT term, docs FROM library_blocks WHERE term IN ({terms}) AND block = {}",
        list.mark_of(*block)
    );
    let mut blocks: HashMap<String, Block> = HashMap::new();
    for row in &tx.query(&sql, &list.values)? {
        blocks.insert(row.text(0)?.to_owned(), Block::read(row.blob(1)?));
    }
    let mut written: Vec<(&String, Vec<u8>)> = Vec::with_capacity(changes.len());
    for ((_, term), (added, removed)) in changes {
        let mut set = blocks.remove(term).unwrap_or_else(Block::empty);
        added.iter().for_each(|number| set.insert(*number));
        removed.iter().for_each(|number| set.remove(*number));
        if set.is_empty() {
            tx.execute("DELETE FROM library_blocks WHERE term = $1 AND block = $2", params![term, *block])?;
        } else {
            written.push((term, set.bytes()));
        }
    }
    if written.is_empty() {
        return Ok(());
    }
    let mut values: Vec<Param<'_>> = vec![(*block).into()];
    let mut rows = Vec::with_capacity(written.len());
    for (term, bytes) in &written {
        values.extend([Param::from(*term), Param::from(bytes)]);
        rows.push(format!("(${}, $1, ${})", values.len() - 1, values.len()));
    }
    let sql = format!(
        "INSERT INTO library_blocks (term, block, docs) VALUES {} \
         ON CONFLICT (term, block) DO UPDATE SET docs = excluded.docs",
        rows.join(", ")
    );
    tx.execute(&sql, &values)?;
    Ok(())
}

pub(super) fn write_docs(
    tx: &mut dyn Tx,
    new: &BTreeMap<i64, (Item, Doc)>,
    old: &BTreeMap<i64, Doc>,
) -> Result<(), StoreError> {
    let changed: Vec<(&i64, &Doc)> =
        new.iter().map(|(n, (_, doc))| (n, doc)).filter(|(n, doc)| old.get(n) != Some(doc)).collect();
    for chunk in changed.chunks(ROWS) {
        let mut values: Vec<Param<'_>> = Vec::with_capacity(chunk.len() * 6);
        let mut rows = Vec::with_capacity(chunk.len());
        for (target, doc) in chunk {
            let first = values.len();
            values.extend([
                Param::from(**target),
                (&doc.title).into(),
                (&doc.shop).into(),
                (&doc.merchant).into(),
                doc.category.into(),
                doc.dead.into(),
            ]);
            let marks = (first + 1..=first + 6).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
            rows.push(format!("({marks})"));
        }
        let sql = format!(
            "INSERT INTO library_docs (target, title, shop, merchant, category, dead) VALUES {} \
             ON CONFLICT (target) DO UPDATE SET title = excluded.title, shop = excluded.shop, \
             merchant = excluded.merchant, category = excluded.category, dead = excluded.dead",
            rows.join(", ")
        );
        tx.execute(&sql, &values)?;
    }
    Ok(())
}

/// A product's number in its block, and what it is sorted by.
type Keys = (usize, u32, u32);

fn keys(target: i64, offer: &Offer) -> Keys {
    let fen = offer.best.as_ref().map(|(_, estimate)| estimate.amount.0);
    (columns::place(target).1, rate_key(offer.rate_bp()), estimate_key(fen))
}

/// Writes what these products are sorted by for everybody.
pub(super) fn write_columns(tx: &mut dyn Tx, targets: &[i64], offers: &[Offer]) -> Result<(), StoreError> {
    let mut blocks: BTreeMap<i64, Vec<Keys>> = BTreeMap::new();
    for (target, offer) in targets.iter().zip(offers) {
        blocks.entry(columns::place(*target).0).or_default().push(keys(*target, offer));
    }
    for (block, keys) in blocks {
        let sql = "SELECT rates, estimates FROM library_columns WHERE plan = '' AND block = $1";
        let before = match tx.query_opt(sql, params![block])? {
            Some(row) => Columns::read(row.blob(0)?, row.blob(1)?),
            None => Columns::empty(),
        };
        write_block(tx, "", block, &before, &keys)?;
    }
    Ok(())
}

/// Writes what these products are sorted by for the members of plans: what a plan no longer changes is set back to
/// nothing. One question for each block, whatever plans there are.
pub(super) fn write_plans(
    tx: &mut dyn Tx,
    targets: &[i64],
    seen: &BTreeMap<String, BTreeMap<i64, Offer>>,
) -> Result<(), StoreError> {
    let nothing = Offer::default();
    for of_block in targets.chunk_by(|a, b| columns::place(*a).0 == columns::place(*b).0) {
        let Some(block) = of_block.first().map(|target| columns::place(*target).0) else { continue };
        let sql = "SELECT plan, rates, estimates FROM library_columns WHERE block = $1 AND plan <> ''";
        let mut kept: BTreeMap<String, Columns> = BTreeMap::new();
        for row in &tx.query(sql, params![block])? {
            kept.insert(row.text(0)?.to_owned(), Columns::read(row.blob(1)?, row.blob(2)?));
        }
        for (plan, offers) in seen {
            if of_block.iter().any(|target| offers.contains_key(target)) {
                kept.entry(plan.clone()).or_insert_with(Columns::empty);
            }
        }
        for (plan, before) in kept {
            let offers = seen.get(&plan);
            let offer = |target| offers.and_then(|offers| offers.get(target)).unwrap_or(&nothing);
            let keys: Vec<Keys> = of_block.iter().map(|target| keys(*target, offer(target))).collect();
            write_block(tx, &plan, block, &before, &keys)?;
        }
    }
    Ok(())
}

/// Sets the keys of some products in one plan's columns, and writes them if that changes anything.
fn write_block(
    tx: &mut dyn Tx,
    plan: &str,
    block: i64,
    before: &Columns,
    keys: &[Keys],
) -> Result<(), StoreError> {
    let mut columns = before.clone();
    keys.iter().for_each(|(number, rate, estimate)| columns.set(*number, *rate, *estimate));
    if columns == *before {
        return Ok(());
    }
    let (rates, estimates) = columns.bytes();
    tx.execute(
        "INSERT INTO library_columns (plan, block, rates, estimates) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (plan, block) DO UPDATE SET rates = excluded.rates, estimates = excluded.estimates",
        params![plan, block, &rates, &estimates],
    )?;
    Ok(())
}
