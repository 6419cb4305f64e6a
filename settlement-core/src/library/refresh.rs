//! The job that takes marked products into the index, many at a time.
//!
//! Every round is a transaction of its own under one lock, and leaves the index as whole as it found it: it can stop
//! anywhere and go on later. A product that changes again meanwhile keeps its mark.

use super::ROWS;
use super::offers::{Item, Offer, Offers, Viewer};
use super::terms::Doc;
use super::write::{write_columns, write_docs, write_plans, write_terms};
use super::{grams, times};
use crate::Core;
use crate::library_marks;
use crate::params;
use crate::store::{List, Row, StoreError, Tx};
use attribution_core::ids::PlanId;
use attribution_core::time::Instant;
use std::collections::{BTreeMap, HashMap};

/// Products taken in at once: about half a second of one writer's time.
const PRODUCTS: i64 = 8_192;

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// So many products were taken in; there may be more.
    Took(u64),
    Done,
}

impl Core {
    /// One round of taking changes of the catalogue into the library's index: how many products it took in, or nothing if
    /// nothing waits.
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
            let mut list: List<'_> = chunk.iter().copied().collect();
            let targets = list.marks.clone();
            let sql = format!(
                "DELETE FROM library_marks WHERE target IN ({targets}) AND mark = {}",
                list.mark_of(mark)
            );
            tx.execute(&sql, &list.values)?;
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
    let found = library_marks::next(tx, kind, id, row.int(2)?, limit)?;
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

/// Brings the index up to date for these products.
fn take_in(tx: &mut dyn Tx, targets: &[i64], now: Instant) -> Result<(), StoreError> {
    let mut new: BTreeMap<i64, (Item, Doc)> = BTreeMap::new();
    let mut old: BTreeMap<i64, Doc> = BTreeMap::new();
    for chunk in targets.chunks(ROWS) {
        let list: List<'_> = chunk.iter().copied().collect();
        let sql = format!(
            "SELECT {}, t.num, t.title, m.name FROM targets t JOIN merchants m ON m.id = t.merchant \
             WHERE t.kind = 'product' AND t.num IN ({})",
            Item::COLUMNS,
            list.marks
        );
        for row in &tx.query(&sql, &list.values)? {
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
            list.marks
        );
        for row in &tx.query(&sql, &list.values)? {
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
    let seen = seen_by_plans(tx, &mut anybody, &numbers, &items, &offers, now)?;
    write_plans(tx, &numbers, &seen)
}

/// What members of each plan see otherwise than anybody: by plan, the products and their offers.
fn seen_by_plans(
    tx: &mut dyn Tx,
    anybody: &mut Offers,
    numbers: &[i64],
    items: &[Item],
    offers: &[Offer],
    now: Instant,
) -> Result<BTreeMap<String, BTreeMap<i64, Offer>>, StoreError> {
    let mut changed: HashMap<PlanId, Vec<usize>> = HashMap::new();
    for (index, plans) in anybody.plans_of(tx, items)?.into_iter().enumerate() {
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
    Ok(seen)
}
