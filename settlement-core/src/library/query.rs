//! Asking the index: which products, in which order, from where on.

use super::ROWS;
use super::columns::{self, By, estimate_key, rate_key};
use super::docs::{self, Block};
use super::grams::{self, Field};
use super::offers::{Item, Offers, Viewer};
use super::terms::{ALL, DEAD, of_category, of_merchant};
use crate::params;
use crate::store::{List, StoreError, Tx};
use attribution_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

/// Changed products that are looked at one by one, until the job has taken them in.
const MARKED: i64 = 500;
/// Times more candidates are fetched where pairs of characters promised more than the texts hold.
const TRIES: usize = 8;

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they came into the catalogue.
    Oldest,
    Newest,
    /// The highest first; then the newest.
    Best(By),
}

/// Whether dead products (失效) are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    All,
    Live,
    Dead,
}

/// What is looked for. Everything given must fit.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Words in the product's name.
    pub(crate) title: Vec<String>,
    /// Words in the shop's name.
    pub(crate) shop: Vec<String>,
    pub(crate) merchant: Option<String>,
    /// The category and those below it; all if `None`.
    pub(crate) categories: Option<Vec<i64>>,
    pub(crate) shown: Shown,
    pub(crate) order: Order,
    pub(crate) viewer: Viewer,
}

/// A product's place in the order: its key and its number.
pub(crate) type Place = (u32, i64);

/// The products after `after`, up to `limit` and, if there are more, where to go on.
///
/// # Errors
/// If the store fails.
pub(crate) fn find(
    tx: &mut dyn Tx,
    query: &Query,
    after: Option<Place>,
    limit: usize,
    now: Instant,
) -> Result<(Vec<i64>, Option<Place>), StoreError> {
    let mut sets = candidates(tx, query)?;
    let marked = marked(tx, query, now)?;
    for target in marked.keys() {
        let (block, number) = docs::place(*target);
        if let Some(set) = sets.get_mut(&block) {
            set.remove(number);
        }
    }
    let fresh = marked.iter().filter_map(|(target, key)| key.map(|key| (key, *target)));
    let mut found = Vec::with_capacity(limit);
    let mut after = after;
    let look = query.title.iter().chain(&query.shop).any(|word| grams::needs_a_look(word));
    let fresh: Vec<Place> = fresh.collect();
    let keys = match query.order {
        Order::Best(by) => {
            let plans = plans_of(tx, &query.viewer, now)?;
            Keys::read(tx, by, &sets, &plans)?
        }
        _ => Keys::None,
    };
    for _ in 0..TRIES {
        let wanted = if look { (limit + 1) * 2 } else { limit + 1 - found.len() };
        let best = next(&sets, &keys, &fresh, query.order, after, wanted);
        let exhausted = best.len() < wanted;
        let right = if look { right_ones(tx, query, &best)? } else { BTreeSet::new() };
        for (key, target) in best {
            if !look || right.contains(&target) || marked.contains_key(&target) {
                if found.len() == limit {
                    return Ok((found.iter().map(|(_, target)| *target).collect(), found.last().copied()));
                }
                found.push((key, target));
            }
            after = Some((key, target));
        }
        if exhausted {
            return Ok((found.iter().map(|(_, target)| *target).collect(), None));
        }
    }
    Ok((found.iter().map(|(_, target)| *target).collect(), after))
}

/// The products that have all the terms, by block.
fn candidates(tx: &mut dyn Tx, query: &Query) -> Result<BTreeMap<i64, Block>, StoreError> {
    let mut terms: BTreeSet<String> = BTreeSet::new();
    for (field, words) in [(Field::Title, &query.title), (Field::Shop, &query.shop)] {
        terms.extend(words.iter().flat_map(|word| grams::terms_of_word(field, word)));
    }
    terms.extend(query.merchant.as_deref().map(of_merchant));
    if query.shown == Shown::Dead {
        terms.insert(DEAD.to_owned());
    }
    if terms.is_empty() {
        terms.insert(ALL.to_owned());
    }
    let mut sets: Option<BTreeMap<i64, Block>> = None;
    for term in terms {
        let of_term = blocks(tx, &[term])?;
        sets = Some(match sets {
            None => of_term,
            Some(sets) => both(sets, &of_term),
        });
        if sets.as_ref().is_some_and(BTreeMap::is_empty) {
            break;
        }
    }
    let mut sets = sets.unwrap_or_default();
    if let Some(categories) = &query.categories {
        let terms: Vec<String> = categories.iter().map(|category| of_category(*category)).collect();
        sets = both(sets, &blocks(tx, &terms)?);
    }
    if query.shown == Shown::Live {
        for (block, dead) in blocks(tx, &[DEAD.to_owned()])? {
            if let Some(set) = sets.get_mut(&block) {
                set.minus(&dead);
            }
        }
    }
    sets.retain(|_, set| !set.is_empty());
    Ok(sets)
}

fn both(mut sets: BTreeMap<i64, Block>, others: &BTreeMap<i64, Block>) -> BTreeMap<i64, Block> {
    sets.retain(|block, set| {
        others.get(block).is_some_and(|other| {
            set.and(other);
            !set.is_empty()
        })
    });
    sets
}

/// The products that have any of the terms.
fn blocks(tx: &mut dyn Tx, terms: &[String]) -> Result<BTreeMap<i64, Block>, StoreError> {
    let mut sets: BTreeMap<i64, Block> = BTreeMap::new();
    for chunk in terms.chunks(ROWS) {
        let list: List<'_> = chunk.iter().collect();
        let sql = format!("SELECT block, docs FROM library_blocks WHERE term IN ({})", list.marks);
        for row in &tx.query(&sql, &list.values)? {
            let set = Block::read(row.blob(1)?);
            sets.entry(row.int(0)?).and_modify(|known| known.or(&set)).or_insert(set);
        }
    }
    Ok(sets)
}

/// Targeted plans that this viewer takes part in now.
fn plans_of(tx: &mut dyn Tx, viewer: &Viewer, now: Instant) -> Result<Vec<String>, StoreError> {
    let promoter = match viewer {
        Viewer::Anybody => return Ok(Vec::new()),
        Viewer::PlanMember(plan) => return Ok(vec![plan.to_string()]),
        Viewer::Promoter(promoter) => promoter,
    };
    let rows = tx.query(
        "SELECT DISTINCT p.id FROM plan_applications a JOIN plans p ON p.id = a.plan WHERE a.promoter = $1 \
         AND (p.auto_approve = 1 OR a.approved_ms <= $2) AND (a.rejected_ms IS NULL OR a.rejected_ms > $2) \
         AND (p.closes_ms IS NULL OR p.closes_ms > $2)",
        params![promoter, now],
    )?;
    rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
}

/// What candidates are sorted by.
enum Keys {
    None,
    /// By block of the columns: the general keys, and what the viewer's plans change.
    Columns(By, HashMap<i64, Vec<Vec<u8>>>),
}

impl Keys {
    /// Reads the columns of the blocks that have candidates.
    fn read(
        tx: &mut dyn Tx,
        by: By,
        sets: &BTreeMap<i64, Block>,
        plans: &[String],
    ) -> Result<Self, StoreError> {
        let parts = |(block, set): (&i64, &Block)| {
            (0..docs::PARTS)
                .filter(|part| set.has_any(*part))
                .map(|part| column(*block, part))
                .collect::<Vec<_>>()
        };
        let wanted: Vec<i64> = sets.iter().flat_map(parts).collect();
        let mut found: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
        // The general column first: what plans change comes after it.
        for plan in std::iter::once("").chain(plans.iter().map(String::as_str)) {
            for chunk in wanted.chunks(ROWS) {
                let mut list: List<'_> = chunk.iter().copied().collect();
                let blocks = list.marks.clone();
                let sql = format!(
                    "SELECT block, {} FROM library_columns WHERE plan = {} AND block IN ({blocks})",
                    by.name(),
                    list.mark_of(plan)
                );
                for row in &tx.query(&sql, &list.values)? {
                    let columns = found.entry(row.int(0)?).or_default();
                    if !plan.is_empty() && columns.is_empty() {
                        columns.push(Vec::new());
                    }
                    columns.push(row.blob(1)?.to_vec());
                }
            }
        }
        Ok(Self::Columns(by, found))
    }

    /// The columns of one block, to be asked for many of its products.
    fn block(&self, block: i64) -> BlockKeys<'_> {
        let Self::Columns(by, columns) = self else {
            return BlockKeys { by: By::Rate, general: &[], plans: &[] };
        };
        match columns.get(&block).and_then(|columns| columns.split_first()) {
            Some((general, plans)) => BlockKeys { by: *by, general, plans },
            None => BlockKeys { by: *by, general: &[], plans: &[] },
        }
    }
}

/// The columns of one block.
struct BlockKeys<'k> {
    by: By,
    general: &'k [u8],
    plans: &'k [Vec<u8>],
}

impl BlockKeys<'_> {
    /// A product's key. A plan's rate counts even where it is lower than the general one: that is how plans are tried.
    fn of(&self, number: usize) -> u32 {
        let changed = self.plans.iter().map(|plan| columns::key(self.by, plan, number)).max().unwrap_or(0);
        if changed > 0 { changed } else { columns::key(self.by, self.general, number) }
    }
}

/// The block of the columns that holds a part of a set's block.
fn column(block: i64, part: usize) -> i64 {
    block * i64::try_from(docs::PARTS).unwrap_or(1) + i64::try_from(part).unwrap_or_default()
}

/// The best candidates so far, best first.
struct Leading {
    order: Order,
    /// Only what comes behind this rank.
    after: Option<Rank>,
    wanted: usize,
    heap: BinaryHeap<(Rank, Place)>,
}

/// What comes first compares as less.
type Rank = (i64, i64);

impl Leading {
    fn new(order: Order, after: Option<Place>, wanted: usize) -> Self {
        let after = after.map(|place| rank(order, place));
        Self { order, after, wanted, heap: BinaryHeap::with_capacity(wanted + 1) }
    }

    /// Takes a candidate, unless as many are better. Says `false` then: of candidates in order none behind it counts.
    fn take(&mut self, place: Place) -> bool {
        let rank = rank(self.order, place);
        if self.after.is_some_and(|after| rank <= after) {
            return true;
        }
        if self.heap.len() < self.wanted {
            self.heap.push((rank, place));
        } else if self.heap.peek().is_some_and(|(worst, _)| rank < *worst) {
            self.heap.pop();
            self.heap.push((rank, place));
        } else {
            return false;
        }
        true
    }

    fn into_places(self) -> Vec<Place> {
        self.heap.into_sorted_vec().into_iter().map(|(_, place)| place).collect()
    }
}

fn rank(order: Order, (key, target): Place) -> Rank {
    match order {
        Order::Oldest => (0, target),
        Order::Newest => (0, -target),
        Order::Best(_) => (i64::from(u32::MAX - key), -target),
    }
}

/// The first `wanted` candidates behind `after`.
fn next(
    sets: &BTreeMap<i64, Block>,
    keys: &Keys,
    fresh: &[Place],
    order: Order,
    after: Option<Place>,
    wanted: usize,
) -> Vec<Place> {
    let mut best = Leading::new(order, after, wanted);
    for place in fresh {
        best.take(if matches!(order, Order::Best(_)) { *place } else { (0, place.1) });
    }
    match order {
        Order::Best(_) => {
            for (block, set) in sets {
                for part in (0..docs::PARTS).filter(|part| set.has_any(*part)) {
                    let keys = keys.block(column(*block, part));
                    for number in set.part(part) {
                        let target = docs::target(*block, number);
                        best.take((keys.of(columns::place(target).1), target));
                    }
                }
            }
        }
        // In the order of numbers the first that is too late ends it.
        Order::Oldest => {
            let mut all = sets
                .iter()
                .flat_map(|(block, set)| set.iter().map(move |number| docs::target(*block, number)));
            while all.next().is_some_and(|target| best.take((0, target))) {}
        }
        Order::Newest => {
            for (block, set) in sets.iter().rev() {
                let mut numbers: Vec<u16> = set.iter().collect();
                numbers.reverse();
                if !numbers.into_iter().all(|number| best.take((0, docs::target(*block, number)))) {
                    break;
                }
            }
        }
    }
    best.into_places()
}

/// Those of the candidates whose texts hold the words.
fn right_ones(tx: &mut dyn Tx, query: &Query, places: &[Place]) -> Result<BTreeSet<i64>, StoreError> {
    let mut right = BTreeSet::new();
    for chunk in places.chunks(ROWS) {
        let list: List<'_> = chunk.iter().map(|(_, target)| *target).collect();
        let sql = format!("SELECT target, title, shop FROM library_docs WHERE target IN ({})", list.marks);
        for row in &tx.query(&sql, &list.values)? {
            if holds(query, row.text(1)?, row.text(2)?) {
                right.insert(row.int(0)?);
            }
        }
    }
    Ok(right)
}

fn holds(query: &Query, title: &str, shop: &str) -> bool {
    query.title.iter().all(|word| title.contains(word.as_str()))
        && query.shop.iter().all(|word| shop.contains(word.as_str()))
}

/// The products that the index has not taken in, with their keys if they fit.
fn marked(tx: &mut dyn Tx, query: &Query, now: Instant) -> Result<BTreeMap<i64, Option<u32>>, StoreError> {
    let sql = format!(
        "SELECT {}, t.num, t.title, m.name FROM library_marks k JOIN targets t ON t.num = k.target \
         JOIN merchants m ON m.id = t.merchant WHERE t.kind = 'product' ORDER BY k.target DESC LIMIT {MARKED}",
        Item::COLUMNS
    );
    let rows = tx.query(&sql, &[])?;
    let items = rows.iter().map(|row| Item::read(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let offers = Offers::new(query.viewer.clone(), now).of(tx, &items)?;
    let mut marked = BTreeMap::new();
    for ((row, item), offer) in rows.iter().zip(&items).zip(&offers) {
        let (title, shop) = (grams::fold(row.text(8)?), grams::fold(row.text(9)?));
        let in_category = query
            .categories
            .as_ref()
            .is_none_or(|below| item.category.is_some_and(|category| below.contains(&category)));
        let fits = holds(query, &title, &shop)
            && query.merchant.as_ref().is_none_or(|merchant| merchant == item.merchant.as_str())
            && in_category
            && match query.shown {
                Shown::All => true,
                Shown::Live => offer.dead.is_none(),
                Shown::Dead => offer.dead.is_some(),
            };
        let key = match query.order {
            Order::Best(By::Rate) => rate_key(offer.rate_bp()),
            Order::Best(By::Commission) => estimate_key(offer.best.as_ref().map(|(_, e)| e.amount.0)),
            _ => 0,
        };
        marked.insert(row.int(7)?, fits.then_some(key));
    }
    Ok(marked)
}
