//! The job that takes marked products into the index, many at a time.
//!
//! Every round is a transaction of its own under one lock, and leaves the index as whole as it found it: it can stop
//! anywhere and go on later. A product that changes again meanwhile keeps its mark.

use super::columns::{self, Columns, estimate_key, rate_key};
use super::docs::{self, Block};
use super::grams::{self, Field};
use super::{marks, times};
use crate::Core;
use crate::params;
use crate::plans::offers::{Item, Offer, Offers, Viewer};
use crate::store::{Param, Row, StoreError, Tx};
use attribution_core::ids::PlanId;
use attribution_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Products taken in at once: about half a second of one writer's time.
const PRODUCTS: i64 = 8_192;
/// Rows read or written in one statement.
const ROWS: usize = 400;

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// So many products were taken in; there may be more.
    Took(u64),
    Done,
}

impl Core {
    /// Takes all changes of the catalogue into the library's index; returns how many products. Cheap when there are
    /// none. [`maintain`](Self::maintain) does a part of it at a time.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn refresh_library(&self, now: Instant) -> Result<u64, StoreError> {
        let mut taken = 0;
        while let Some(products) = self.refresh_some_of_library(now).await? {
            taken += products;
        }
        Ok(taken)
    }

    /// One round of [`refresh_library`](Self::refresh_library): how many products it took in, or nothing if nothing
    /// waits.
    pub(crate) async fn refresh_some_of_library(&self, now: Instant) -> Result<Option<u64>, StoreError> {
        // Looking is a read, so that a quiet core writes nothing.
        let waits = self
            .store()
            .read(move |tx| {
                let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM library_marks) \
                           OR EXISTS (SELECT 1 FROM library_stale)";
                let marked = tx.query_opt(sql, &[])?.is_some();
                let since = times::looked_at(tx)?;
                Ok::<_, StoreError>(marked || times::anything(tx, since, now)?)
            })
            .await?;
        if !waits {
            return Ok(None);
        }
        match self.store().write(move |tx| round(tx, now)).await? {
            Round::Took(products) => {
                metrics::counter!("yinke_core_library_products_total").increment(products);
                Ok(Some(products))
            }
            Round::Done => Ok(None),
        }
    }
}

fn round(tx: &mut dyn Tx, now: Instant) -> Result<Round, StoreError> {
    tx.lock("library")?;
    let since = times::looked_at(tx)?;
    if times::anything(tx, since, now)? {
        times::mark(tx, since, now)?;
    }
    let marked =
        tx.query("SELECT target, mark FROM library_marks ORDER BY target LIMIT $1", params![PRODUCTS])?;
    let mut marks = marked
        .iter()
        .map(|row| Ok((row.int(0)?, Some(row.int(1)?))))
        .collect::<Result<BTreeMap<i64, Option<i64>>, StoreError>>()?;
    let mut left = PRODUCTS - i64::try_from(marks.len()).unwrap_or(PRODUCTS);
    for row in tx.query("SELECT kind, id, after_target FROM library_stale ORDER BY kind, id", &[])? {
        if left <= 0 {
            break;
        }
        left -= widen(tx, &row, left, &mut marks)?;
    }
    if marks.is_empty() {
        return Ok(Round::Done);
    }
    let targets: Vec<i64> = marks.keys().copied().collect();
    take_in(tx, &targets, now)?;
    forget(tx, &marks)?;
    Ok(Round::Took(targets.len() as u64))
}

/// Takes away the marks that were looked at; a product that has changed again since has another one.
fn forget(tx: &mut dyn Tx, marks: &BTreeMap<i64, Option<i64>>) -> Result<(), StoreError> {
    let mut alike: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (target, mark) in marks {
        if let Some(mark) = mark {
            alike.entry(*mark).or_default().push(*target);
        }
    }
    for (mark, targets) in alike {
        for chunk in targets.chunks(ROWS) {
            let mut values: Vec<Param<'_>> = chunk.iter().map(|target| Param::from(*target)).collect();
            let list = marks_of(values.len());
            values.push(mark.into());
            let sql =
                format!("DELETE FROM library_marks WHERE target IN ({list}) AND mark = ${}", values.len());
            tx.execute(&sql, &values)?;
        }
    }
    Ok(())
}

/// Adds the next products of a wide change, and returns how many it looked at.
fn widen(
    tx: &mut dyn Tx,
    row: &Row,
    limit: i64,
    marks: &mut BTreeMap<i64, Option<i64>>,
) -> Result<i64, StoreError> {
    let (kind, id) = (row.text(0)?, row.text(1)?);
    let found = marks::next(tx, kind, id, row.int(2)?, limit)?;
    let count = i64::try_from(found.len()).unwrap_or(limit);
    match found.last().filter(|_| count == limit) {
        Some(last) => tx.execute(
            "UPDATE library_stale SET after_target = $3 WHERE kind = $1 AND id = $2",
            params![kind, id, *last],
        )?,
        None => tx.execute("DELETE FROM library_stale WHERE kind = $1 AND id = $2", params![kind, id])?,
    };
    for target in found {
        marks.entry(target).or_insert(None);
    }
    Ok(count)
}

/// What the index says of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Doc {
    title: String,
    shop: String,
    merchant: String,
    category: Option<i64>,
    dead: bool,
}

impl Doc {
    fn read(row: &Row, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            title: row.text(first)?.to_owned(),
            shop: row.text(first + 1)?.to_owned(),
            merchant: row.text(first + 2)?.to_owned(),
            category: row.opt_int(first + 3)?,
            dead: row.flag(first + 4)?,
        })
    }

    fn terms(&self) -> BTreeSet<String> {
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

/// `$1, $2, ...`
pub(super) fn marks_of(count: usize) -> String {
    (1..=count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Brings the index up to date for these products.
fn take_in(tx: &mut dyn Tx, targets: &[i64], now: Instant) -> Result<(), StoreError> {
    let mut new: BTreeMap<i64, (Item, Doc)> = BTreeMap::new();
    let mut old: BTreeMap<i64, Doc> = BTreeMap::new();
    for chunk in targets.chunks(ROWS) {
        let values: Vec<Param<'_>> = chunk.iter().map(|target| Param::from(*target)).collect();
        let sql = format!(
            "SELECT {}, t.num, t.title, m.name FROM targets t JOIN merchants m ON m.id = t.merchant \
             WHERE t.kind = 'product' AND t.num IN ({})",
            Item::COLUMNS,
            marks_of(chunk.len())
        );
        for row in &tx.query(&sql, &values)? {
            let item = Item::read(row, 0)?;
            let doc = Doc {
                title: grams::fold(row.text(8)?),
                shop: grams::fold(row.text(9)?),
                merchant: item.merchant.to_string(),
                category: item.category,
                dead: false,
            };
            new.insert(row.int(7)?, (item, doc));
        }
        let sql = format!(
            "SELECT title, shop, merchant, category, dead, target FROM library_docs WHERE target IN ({})",
            marks_of(chunk.len())
        );
        for row in &tx.query(&sql, &values)? {
            old.insert(row.int(5)?, Doc::read(row, 0)?);
        }
    }
    let items: Vec<Item> = new.values().map(|(item, _)| item.clone()).collect();
    let mut anybody = Offers::new(Viewer::Anybody, now);
    let offers = anybody.of(tx, &items)?;
    for ((_, doc), offer) in new.values_mut().zip(&offers) {
        doc.dead = offer.dead.is_some();
    }
    let numbers: Vec<i64> = new.keys().copied().collect();
    write_terms(tx, &new, &old)?;
    write_docs(tx, &new, &old)?;
    write_columns(tx, &numbers, &offers)?;
    let mut changed: HashMap<PlanId, Vec<usize>> = HashMap::new();
    for (index, plans) in anybody.plans_of(tx, &items)?.into_iter().enumerate() {
        for plan in plans {
            changed.entry(plan).or_default().push(index);
        }
    }
    let mut seen: BTreeMap<String, BTreeMap<i64, Offer>> = BTreeMap::new();
    for (plan, members) in changed {
        let chosen: Vec<Item> = members.iter().filter_map(|index| items.get(*index)).cloned().collect();
        let theirs = Offers::new(Viewer::PlanMember(plan.clone()), now).of(tx, &chosen)?;
        let mut other = BTreeMap::new();
        for (index, offer) in members.iter().zip(theirs) {
            if let (Some(target), Some(general)) = (numbers.get(*index), offers.get(*index))
                && general.best != offer.best
            {
                other.insert(*target, offer);
            }
        }
        seen.insert(plan.to_string(), other);
    }
    write_plans(tx, &numbers, &seen)
}

/// Writes what these products are sorted by for the members of plans: what a plan no longer changes is set back to
/// nothing. One question for each block, whatever plans there are.
fn write_plans(
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

/// A block and a term, with the numbers to add to its set and those to remove.
type TermChange = ((i64, String), (Vec<u16>, Vec<u16>));

/// Adds and removes the products in the sets of their terms.
fn write_terms(
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
    let mut values: Vec<Param<'_>> = vec![(*block).into()];
    values.extend(changes.iter().map(|((_, term), _)| Param::from(term)));
    let terms = (2..=values.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT term, docs FROM library_blocks WHERE block = $1 AND term IN ({terms})");
    let mut blocks: HashMap<String, Block> = HashMap::new();
    for row in &tx.query(&sql, &values)? {
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

fn write_docs(
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
fn write_columns(tx: &mut dyn Tx, targets: &[i64], offers: &[Offer]) -> Result<(), StoreError> {
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
