//! The facts of many buyers at once, each with the time at which it was recorded: for deciding again as of that time.
//!
//! What is read here with a few range reads is what [`OrderFacts::load`] reads buyer by buyer; from there on a replay
//! goes the way of every decision.

use super::Decided;
use super::catalogue::Catalogue;
use super::clicks::{self, BuyerClicks, OrderToken, Seen};
use super::decide::{DecideError, decide};
use super::facts::{OrderFacts, READ_AHEAD_MS, history_ends, last_instant, orders_matter, prior_orders};
use crate::order_events::log::StoredEvent;
use crate::order_events::state::OrderState;
use crate::params;
use crate::store::{List, Param, Row, StoreError, Tx, read};
use attribution_core::attribute::EdgesCaughtUp;
use attribution_core::click::ClickId;
use attribution_core::fold::{Evidence, PriorOrder};
use attribution_core::identity::Join;
use attribution_core::ids::{BuyerId, OrderId, PromoterId, VisitorId};
use attribution_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A login with the time at which the core learnt of it.
#[derive(Debug, Clone)]
struct RecordedJoin {
    join: Join,
    recorded: Instant,
}

/// What is recorded about the buyers of some orders of one platform.
#[derive(Debug, Default)]
pub(crate) struct RecordedBuyers {
    /// Every visitor that was ever joined to the buyer.
    visitors: HashMap<BuyerId, Vec<VisitorId>>,
    /// Visitor by visitor.
    clicks: Vec<Seen>,
    joins: HashMap<VisitorId, Vec<RecordedJoin>>,
    tokens: HashMap<OrderId, Vec<OrderToken>>,
}

/// One order of a buyer with its events.
#[derive(Debug)]
pub(crate) struct RecordedOrder {
    pub order: OrderId,
    /// In the order in which a judgement reads them.
    pub events: Vec<StoredEvent>,
}

impl RecordedOrder {
    /// The order as its events told it at `known`; `None` if it had not been placed yet.
    pub(crate) fn as_of(&self, known: Instant) -> Option<OrderState> {
        if self.events.iter().all(|event| event.received <= known) {
            return OrderState::of(&self.events);
        }
        let then: Vec<StoredEvent> =
            self.events.iter().filter(|event| event.received <= known).cloned().collect();
        OrderState::of(&then)
    }
}

/// The facts recorded within this many milliseconds of a decision: which of them it saw their times do not tell. It
/// names its clicks itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doubt<'a> {
    pub from: Instant,
    pub to: Instant,
    pub named: &'a HashSet<(ClickId, Evidence)>,
}

/// The times whose knowledge counts: one and the same, unless the facts of one moment are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known {
    /// Of clicks and logins.
    pub joins: Instant,
    /// Of the buyer's other orders.
    pub orders: Instant,
    /// Of catalogue and rules.
    pub catalogue: Instant,
}

impl Known {
    /// Everything that was known then.
    pub(crate) const fn at(at: Instant) -> Self {
        Self { joins: at, orders: at, catalogue: at }
    }
}

/// What to decide again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again<'a> {
    /// The order as it was known then.
    pub state: &'a OrderState,
    /// All orders of its buyer.
    pub orders: &'a [RecordedOrder],
    /// What the edges had delivered by then.
    pub edges: EdgesCaughtUp,
    /// Facts recorded later do not count.
    pub known: Known,
    /// When it was decided.
    pub now: Instant,
    /// Clicks about which the times do not tell.
    pub doubt: Option<Doubt<'a>>,
}

impl RecordedBuyers {
    /// Reads the facts about the buyers of the orders `o` of one platform that meet a condition, and the tokens of all orders
    /// between two `ends`: the platform, the first and the last of them. The condition's first parameter is the platform.
    pub(crate) fn load(
        tx: &mut dyn Tx,
        (orders, params): (&str, &[Param<'_>]),
        ends: &[Param<'_>; 3],
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        // A CROSS JOIN keeps SQLite to the order of the tables.
        let joins = format!(
            "SELECT {}, recorded_at FROM identities WHERE platform = $1 AND visitor IN (\
             SELECT i.visitor FROM orders o CROSS JOIN identities i \
             WHERE {orders} AND i.platform = o.platform AND i.buyer = o.buyer)",
            clicks::JOIN
        );
        tx.each(&joins, params, &mut |row| {
            let visitor = VisitorId(row.id16(0)?);
            let recorded = RecordedJoin { join: clicks::join(row)?, recorded: row.instant(4)? };
            // Of a buyer without an order among these not all are here; nobody asks for them.
            found.visitors.entry(recorded.join.buyer.clone()).or_default().push(visitor);
            found.joins.entry(visitor).or_default().push(recorded);
            Ok(())
        })?;
        for visitors in found.visitors.values_mut() {
            visitors.sort_unstable();
            visitors.dedup();
        }
        let mut visitors: Vec<&VisitorId> = found.joins.keys().collect();
        visitors.sort_unstable();
        for some in visitors.chunks(List::MOST) {
            let list: List<'_> = some.iter().copied().collect();
            let clicks =
                format!("SELECT {} FROM earning_clicks WHERE visitor IN ({})", clicks::COLUMNS, list.marks);
            tx.each(&clicks, &list.values, &mut |row| {
                found.clicks.push(clicks::journaled(row, 0)?);
                Ok(())
            })?;
        }
        // They come in this order already, run by run.
        found.clicks.sort_by_key(Seen::visitor);
        let tokens = clicks::TOKENS
            .replace(" FROM order_tokens t", ", o.received_ms FROM order_tokens t CROSS JOIN orders o");
        let tokens = format!(
            "{tokens} WHERE t.platform = $1 AND t.order_id >= $2 AND t.order_id <= $3 \
             AND o.platform = t.platform AND o.order_id = t.order_id"
        );
        tx.each(&tokens, ends, &mut |row| {
            let token = clicks::order_token(row, row.instant(17)?)?;
            found.tokens.entry(read("order id", row.text(7)?)?).or_default().push(token);
            Ok(())
        })?;
        Ok(found)
    }

    /// Decides on all lines of an order with what was known then.
    ///
    /// # Errors
    /// If the store fails or an amount does not fit.
    pub(crate) fn decide(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        again: Again<'_>,
    ) -> Result<Vec<Option<Decided>>, DecideError> {
        let facts = self.facts(tx, catalogue, again)?;
        decide(tx, catalogue, again.state, &facts, again.now)
    }

    fn facts(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        again: Again<'_>,
    ) -> Result<OrderFacts, StoreError> {
        let Again { state, known, .. } = again;
        let created = &state.created;
        let at = created.at.instant();
        let programmes = catalogue.programmes(tx, &created.platform, &created.merchant)?;
        let until = last_instant(&programmes, state, known.catalogue);
        let mut in_force = programmes.iter().filter_map(|p| p.in_force_as_of(at, known.catalogue));
        let prior_orders = if in_force.any(|version| orders_matter(&version.policy.attribution)) {
            known_orders(again, until)
        } else {
            Vec::new()
        };
        Ok(OrderFacts {
            clicks: self.clicks(again, until.plus(READ_AHEAD_MS)),
            own_promoters: catalogue.own_promoters(tx, &created.platform, &created.buyer, known.catalogue)?,
            history: catalogue.history(tx, &created.merchant, first_success(again), at, known.catalogue)?,
            prior_orders,
            edges: again.edges,
            known: known.catalogue,
            programmes,
        })
    }

    /// The clicks before `until` that were known, of the visitors who were known to be this buyer.
    fn clicks(&self, again: Again<'_>, until: Instant) -> BuyerClicks {
        let Again { state, known, .. } = again;
        let created = &state.created;
        let mut joins: BTreeMap<VisitorId, Vec<Join>> = BTreeMap::new();
        let mut seen: Vec<Seen> = Vec::new();
        for visitor in self.visitors_of(&created.buyer) {
            let theirs = self.joins_of(*visitor, known.joins);
            if !theirs.iter().any(|join| join.buyer == created.buyer) {
                continue;
            }
            let clicks = self.clicks_of(*visitor).iter();
            seen.extend(clicks.filter(|click| click.effective() < until && knew(again, click)));
            joins.insert(*visitor, theirs);
        }
        let tokens = self.tokens.get(&created.order).map_or(&[][..], Vec::as_slice);
        let tokens: Vec<OrderToken> =
            tokens.iter().map(|token| token.as_known(|journaled| knew(again, journaled))).collect();
        BuyerClicks::of(seen, joins, &tokens)
    }

    fn joins_of(&self, visitor: VisitorId, known: Instant) -> Vec<Join> {
        let all = self.joins.get(&visitor).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|join| join.recorded <= known).map(|join| join.join.clone()).collect()
    }

    /// The clicks of a buyer.
    pub(crate) fn click_ids(&self, buyer: &BuyerId) -> impl Iterator<Item = ClickId> {
        self.visitors_of(buyer).iter().flat_map(|visitor| self.clicks_of(*visitor)).map(Seen::id)
    }

    fn clicks_of(&self, visitor: VisitorId) -> &[Seen] {
        let behind = &self.clicks[self.clicks.partition_point(|click| click.visitor() < visitor)..];
        &behind[..behind.iter().take_while(|click| click.visitor() == visitor).count()]
    }

    fn visitors_of(&self, buyer: &BuyerId) -> &[VisitorId] {
        self.visitors.get(buyer).map_or(&[], Vec::as_slice)
    }

    /// Every instant within the doubt at which a fact about the buyer was recorded.
    pub(crate) fn recorded_within(
        &self,
        buyer: &BuyerId,
        orders: &[RecordedOrder],
        from: Instant,
        to: Instant,
    ) -> BTreeSet<Instant> {
        let joins = self.visitors_of(buyer).iter().filter_map(|visitor| self.joins.get(visitor));
        let joins = joins.flatten().map(|join| join.recorded);
        let events = orders.iter().flat_map(|order| &order.events).map(|event| event.received);
        joins.chain(events).filter(|at| (from..=to).contains(at)).collect()
    }
}

/// Whether a click was known: by its time, or where that does not tell, by the decision's own word.
fn knew(again: Again<'_>, click: &Seen) -> bool {
    match again.doubt {
        Some(doubt) if (doubt.from..=doubt.to).contains(&click.ingested()) => {
            doubt.named.contains(&(click.id(), Evidence::Journal))
        }
        _ => click.ingested() <= again.known.joins,
    }
}

/// The buyer's first success at the shop before this order, as far as it was known.
fn first_success(again: Again<'_>) -> Option<Instant> {
    let created = &again.state.created;
    let others = again.orders.iter().filter(|other| other.order != created.order);
    let success = others
        .filter_map(|other| other.as_of(again.known.orders))
        .filter(|other| other.created.merchant == created.merchant)
        .filter_map(|other| other.success())
        .filter(|success| *success < history_ends(created.at.instant()));
    success.min()
}

/// What the buyer was known to have ordered up to `until`, line by line.
fn known_orders(again: Again<'_>, until: Instant) -> Vec<PriorOrder> {
    let known = again.orders.iter().filter_map(|other| other.as_of(again.known.orders));
    known.filter(|other| other.created.at.instant() <= until).flat_map(prior_orders).collect()
}

/// The ids of promoters by their numbers; who is gone from the catalogue is nobody.
pub(super) fn promoter_ids(tx: &mut dyn Tx, numbers: &[i64]) -> Result<BTreeSet<PromoterId>, StoreError> {
    let mut ids = BTreeSet::new();
    for num in numbers {
        let row: Option<Row> = tx.query_opt("SELECT id FROM promoters WHERE num = $1", params![*num])?;
        if let Some(row) = row {
            ids.insert(read("promoter id", row.text(0)?)?);
        }
    }
    Ok(ids)
}
