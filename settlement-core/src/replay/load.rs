//! Everything about a range of orders: their events, lines, decisions and transfers, and the facts around their buyers.
//!
//! What belongs to an order lies in the order of their numbers, in each table: one walk over a stretch of it, without looking
//! anything up. Only what hangs on the buyer (logins, clicks, other orders) is looked up, once for each.

use super::job::Selection;
use crate::attribution::recorded::{RecordedBuyers, RecordedOrder};
use crate::ledger::account::AccountKey;
use crate::order_events::log::{StoredEvent, stored_event};
use crate::store::{List, Param, Row, StoreError, Tx, read};
use attribution_core::ids::{BuyerId, LineId, OrderId, PlatformId};
use attribution_core::time::Instant;
use std::borrow::Cow;
use std::collections::HashMap;

/// The selected orders of a platform from one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub platform: PlatformId,
    pub from: String,
    pub through: String,
    pub selection: Selection,
}

/// What a range of orders has.
#[derive(Debug)]
pub(super) struct Loaded {
    pub facts: RecordedBuyers,
    pub buyers: Vec<Buyer>,
}

/// A buyer's orders: those of the range first, as facts and as they stand, and then all others, as facts alone.
#[derive(Debug, Default)]
pub(super) struct Buyer {
    pub orders: Vec<RecordedOrder>,
    /// In the same order, of the range's.
    pub standing: Vec<Standing>,
}

/// How an order stands.
#[derive(Debug)]
pub(super) struct Standing {
    pub merchant: String,
    pub dirty: bool,
    pub caught_up: Option<Instant>,
    pub lines: Vec<StoredLine>,
}

/// A line as it is stored. Texts are kept as they are: most of them are only compared.
#[derive(Debug)]
pub(super) struct StoredLine {
    pub line: LineId,
    pub position: i64,
    pub promoter: Option<String>,
    pub programme: Option<String>,
    pub version: Option<i64>,
    pub is_final: bool,
    pub state: String,
    pub releases: Vec<StoredRelease>,
    pub shown: [i64; 4],
    pub matured: Option<Instant>,
    pub settled: Option<Instant>,
    pub books: Option<String>,
    pub decisions: Vec<StoredDecision>,
    pub transfers: Vec<StoredTransfer>,
}

/// What of the line a person has let go, and when.
#[derive(Debug)]
pub(super) struct StoredRelease {
    /// The code.
    pub reason: String,
    pub found: String,
    pub at: Instant,
}

/// A decision as it is stored.
#[derive(Debug)]
pub(super) struct StoredDecision {
    pub number: i64,
    pub made: Instant,
    /// What was decided, as JSON.
    pub text: String,
}

/// A transfer as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTransfer {
    pub id: String,
    pub state: Word,
    pub reason: Word,
    pub resolves: Option<String>,
    pub counters: Option<String>,
    pub at: Instant,
    pub recorded: Instant,
    /// Layer, account and fen.
    pub entries: Vec<(Word, AccountKey, i64)>,
}

/// One of the ledger's fixed words, or what else is stored in its place.
pub(super) type Word = Cow<'static, str>;

fn word(stored: &str) -> Word {
    const WORDS: [&str; 8] =
        ["pending", "posted", "void", "expected", "settled", "clawback", "superseded", "top_up"];
    let known = WORDS.into_iter().find(|word| *word == stored);
    known.map_or_else(|| Cow::Owned(stored.to_owned()), Cow::Borrowed)
}

/// Where each order is within what was loaded: its buyer, and its place among the buyer's.
#[derive(Debug, Default)]
struct Places {
    of: HashMap<OrderId, (usize, usize)>,
    /// The order asked for last: the rows of one order mostly come one after the other.
    last: Option<(OrderId, (usize, usize))>,
}

impl Places {
    /// Notes an order, and gives it a place behind the buyer's others.
    fn add(&mut self, order: OrderId, place: usize, buyer: &mut Buyer) {
        self.of.insert(order.clone(), (place, buyer.orders.len()));
        buyer.orders.push(RecordedOrder { order, events: Vec::new() });
    }

    fn find(&mut self, order: &str) -> Option<(usize, usize)> {
        match &self.last {
            Some((last, place)) if last.as_str() == order => Some(*place),
            _ => {
                let (order, place) = self.of.get_key_value(order)?;
                self.last = Some((order.clone(), *place));
                Some(*place)
            }
        }
    }
}

impl Range {
    /// Which orders `o` these are, for a statement with [`orders`](Self::orders) as its parameters.
    fn condition() -> String {
        format!("{} AND o.order_id >= $5 AND o.order_id <= $6", Selection::CONDITION)
    }

    fn orders(&self) -> [Param<'_>; 6] {
        let [platform, merchant, since, until] = self.selection.params(&self.platform);
        [platform, merchant, since, until, (&self.from).into(), (&self.through).into()]
    }

    /// Everything that a table has of these orders and those between them. Its rows come in the order of the key.
    fn stretch(select: &str, table: &str) -> String {
        format!("{select} FROM {table} WHERE platform = $1 AND order_id >= $2 AND order_id <= $3")
    }

    fn ends(&self) -> [Param<'_>; 3] {
        [(&self.platform).into(), (&self.from).into(), (&self.through).into()]
    }
}

impl Loaded {
    /// Reads a range.
    pub(super) fn read(tx: &mut dyn Tx, range: &Range) -> Result<Self, StoreError> {
        let facts = RecordedBuyers::load(tx, (&Range::condition(), &range.orders()), &range.ends())?;
        let mut loaded = Self { facts, buyers: Vec::new() };
        let (mut places, elsewhere) = loaded.read_orders(tx, range)?;
        loaded.read_events(tx, range, &elsewhere, &mut places)?;
        loaded.read_lines(tx, range, &mut places)?;
        loaded.read_releases(tx, range, &mut places)?;
        loaded.read_decisions(tx, range, &mut places)?;
        loaded.read_transfers(tx, range, &mut places)?;
        Ok(loaded)
    }

    /// Reads the orders and names all others of their buyers; returned are those of them that lie outside the range.
    fn read_orders(&mut self, tx: &mut dyn Tx, range: &Range) -> Result<(Places, Vec<OrderId>), StoreError> {
        // A CROSS JOIN keeps SQLite to the order of the tables.
        let sql = format!(
            "SELECT o.order_id, o.buyer, o.merchant, o.dirty, o.caught_up_ms, x.order_id \
             FROM orders o CROSS JOIN orders x WHERE {} AND x.platform = o.platform AND x.buyer = o.buyer",
            Range::condition()
        );
        let mut places = Places::default();
        let mut buyers: HashMap<BuyerId, usize> = HashMap::new();
        let mut others: Vec<(OrderId, usize)> = Vec::new();
        tx.each(&sql, &range.orders(), &mut |row| {
            let place = *buyers.entry(read("buyer id", row.text(1)?)?).or_insert(self.buyers.len());
            if place == self.buyers.len() {
                self.buyers.push(Buyer::default());
            }
            if row.text(0)? != row.text(5)? {
                others.push((read("order id", row.text(5)?)?, place));
                return Ok(());
            }
            let buyer = &mut self.buyers[place];
            places.add(read("order id", row.text(0)?)?, place, buyer);
            buyer.standing.push(Standing {
                merchant: row.text(2)?.to_owned(),
                dirty: row.flag(3)?,
                caught_up: row.opt_instant(4)?,
                lines: Vec::new(),
            });
            Ok(())
        })?;
        let mut elsewhere = Vec::new();
        for (order, place) in others {
            if places.find(order.as_str()).is_none() {
                // Its events are not on the stretch that is read anyway.
                if order.as_str() < range.from.as_str() || order.as_str() > range.through.as_str() {
                    elsewhere.push(order.clone());
                }
                places.add(order, place, &mut self.buyers[place]);
            }
        }
        Ok((places, elsewhere))
    }

    fn read_events(
        &mut self,
        tx: &mut dyn Tx,
        range: &Range,
        elsewhere: &[OrderId],
        places: &mut Places,
    ) -> Result<(), StoreError> {
        const SELECT: &str = "SELECT order_id, contents, received_ms, sender";
        let mut take = |row: &Row| {
            if let Some((buyer, index)) = places.find(row.text(0)?) {
                self.buyers[buyer].orders[index].events.push(stored_event(row, 1)?);
            }
            Ok(())
        };
        tx.each(&Range::stretch(SELECT, "order_events"), &range.ends(), &mut take)?;
        for some in elsewhere.chunks(List::MOST) {
            let mut list: List<'_> = some.iter().collect();
            let platform = list.mark_of(&range.platform);
            let sql = format!(
                "{SELECT} FROM order_events WHERE platform = {platform} AND order_id IN ({})",
                list.marks
            );
            tx.each(&sql, &list.values, &mut take)?;
        }
        for order in self.buyers.iter_mut().flat_map(|buyer| &mut buyer.orders) {
            // In the order in which a judgement reads them.
            order.events.sort_by(|StoredEvent { event: a, .. }, StoredEvent { event: b, .. }| {
                (a.at(), a.kind(), a.number()).cmp(&(b.at(), b.kind(), b.number()))
            });
        }
        Ok(())
    }

    fn read_lines(&mut self, tx: &mut dyn Tx, range: &Range, places: &mut Places) -> Result<(), StoreError> {
        let sql = Range::stretch(
            "SELECT order_id, line_id, position, promoter, programme, programme_version, final_ms, state, \
             base_fen, commission_fen, promoter_fen, matured_ms, settled_ms, books, agency_fen",
            "order_lines",
        );
        tx.each(&sql, &range.ends(), &mut |row| {
            let line = StoredLine {
                line: read("line id", row.text(1)?)?,
                position: row.int(2)?,
                promoter: row.opt_text(3)?.map(str::to_owned),
                programme: row.opt_text(4)?.map(str::to_owned),
                version: row.opt_int(5)?,
                is_final: row.opt_int(6)?.is_some(),
                state: row.text(7)?.to_owned(),
                releases: Vec::new(),
                shown: [row.int(8)?, row.int(9)?, row.int(10)?, row.int(14)?],
                matured: row.opt_instant(11)?,
                settled: row.opt_instant(12)?,
                books: row.opt_text(13)?.map(str::to_owned),
                decisions: Vec::new(),
                transfers: Vec::new(),
            };
            if let Some(lines) = self.lines(places, row)? {
                lines.push(line);
            }
            Ok(())
        })?;
        for standing in self.buyers.iter_mut().flat_map(|buyer| &mut buyer.standing) {
            standing.lines.sort_by_key(|line| line.position);
        }
        Ok(())
    }

    fn read_releases(
        &mut self,
        tx: &mut dyn Tx,
        range: &Range,
        places: &mut Places,
    ) -> Result<(), StoreError> {
        let select = "SELECT order_id, line_id, reason, found, resolved_ms";
        let sql = format!("{} AND released = 1", Range::stretch(select, "order_reviews"));
        tx.each(&sql, &range.ends(), &mut |row| {
            let release = StoredRelease {
                reason: row.text(2)?.to_owned(),
                found: row.text(3)?.to_owned(),
                at: row.instant(4)?,
            };
            if let Some(line) = self.line(places, row)? {
                line.releases.push(release);
            }
            Ok(())
        })
    }

    fn read_decisions(
        &mut self,
        tx: &mut dyn Tx,
        range: &Range,
        places: &mut Places,
    ) -> Result<(), StoreError> {
        let select = "SELECT order_id, line_id, number, made_ms, attribution";
        tx.each(&Range::stretch(select, "order_decisions"), &range.ends(), &mut |row| {
            let decision =
                StoredDecision { number: row.int(2)?, made: row.instant(3)?, text: row.text(4)?.to_owned() };
            if let Some(line) = self.line(places, row)? {
                line.decisions.push(decision);
            }
            Ok(())
        })?;
        for line in self.all_lines() {
            line.decisions.sort_by_key(|decision| decision.number);
        }
        Ok(())
    }

    fn read_transfers(
        &mut self,
        tx: &mut dyn Tx,
        range: &Range,
        places: &mut Places,
    ) -> Result<(), StoreError> {
        let select = "SELECT t.order_id, t.line_id, t.id, t.state, t.reason, t.resolves, t.counters, t.at_ms, \
                      t.recorded_ms, n.layer, n.account, n.owner, n.programme, n.amount_fen";
        let sql = format!(
            "{} AND n.transfer = t.id",
            Range::stretch(select, "ledger_transfers t CROSS JOIN ledger_entries n")
        );
        tx.each(&sql, &range.ends(), &mut |row| {
            let account = row.text(10)?;
            let key = AccountKey {
                account: AccountKey::kind(account).ok_or_else(|| StoreError::Corrupt {
                    what: "account",
                    cause: account.to_owned().into(),
                })?,
                owner: row.text(11)?.to_owned(),
                programme: row.text(12)?.to_owned(),
            };
            let entry = (word(row.text(9)?), key, row.int(13)?);
            let Some(line) = self.line(places, row)? else { return Ok(()) };
            match line.transfers.last_mut() {
                Some(last) if last.id == row.text(2)? => last.entries.push(entry),
                _ => line.transfers.push(StoredTransfer {
                    id: row.text(2)?.to_owned(),
                    state: word(row.text(3)?),
                    reason: word(row.text(4)?),
                    resolves: row.opt_text(5)?.map(str::to_owned),
                    counters: row.opt_text(6)?.map(str::to_owned),
                    at: row.instant(7)?,
                    recorded: row.instant(8)?,
                    entries: vec![entry],
                }),
            }
            Ok(())
        })?;
        for transfer in self.all_lines().flat_map(|line| &mut line.transfers) {
            // The debit first.
            transfer.entries.sort_by_key(|(.., fen)| *fen);
        }
        Ok(())
    }

    fn all_lines(&mut self) -> impl Iterator<Item = &mut StoredLine> {
        self.buyers.iter_mut().flat_map(|buyer| &mut buyer.standing).flat_map(|standing| &mut standing.lines)
    }

    fn lines(&mut self, places: &mut Places, row: &Row) -> Result<Option<&mut Vec<StoredLine>>, StoreError> {
        let Some((buyer, index)) = places.find(row.text(0)?) else { return Ok(None) };
        Ok(self.buyers[buyer].standing.get_mut(index).map(|standing| &mut standing.lines))
    }

    fn line(&mut self, places: &mut Places, row: &Row) -> Result<Option<&mut StoredLine>, StoreError> {
        let id = row.text(1)?;
        Ok(self.lines(places, row)?.and_then(|lines| lines.iter_mut().find(|line| line.line.as_str() == id)))
    }
}
