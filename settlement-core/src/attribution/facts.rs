//! Gathering what the rules look at for one order: everything is read here, nothing is decided.

use super::catalogue::Catalogue;
use super::clicks::{BuyerClicks, Whose};
use crate::catalogue::own_promoters;
use crate::catalogue::rules::Programme;
use crate::order_events::log::{StoredEvent, stored_event};
use crate::order_events::state::{LineState, OrderState};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{EdgesCaughtUp, OrderLine, PromoterState};
use attribution_core::commission::class::History;
use attribution_core::fold::{Click, ClickTarget, PriorOrder};
use attribution_core::ids::{
    BuyerId, CategoryId, ChannelId, MerchantId, PlatformId, ProgrammeNum, PromoterId,
};
use attribution_core::policy::attribution::{ContentWindow, OrderEvent};
use attribution_core::policy::{AttributionPolicy, PolicyVersion};
use attribution_core::time::{Instant, Period, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A click counts up to the end of the order's second; one whose token is on the order a little longer. Clicks that
/// are read beyond what a policy allows get their verdict from the rules.
pub(crate) const READ_AHEAD_MS: i64 = 60 * SECOND_MS;

/// Whoever asks with this as the time of knowledge is told everything that the store has: what is decided now. A replay
/// asks as of the time at which something was decided.
pub(super) const EVERYTHING: Instant = Instant(i64::MAX);

/// What concerns all lines of one order.
pub(super) struct OrderFacts {
    pub programmes: Rc<[Programme]>,
    pub clicks: BuyerClicks,
    pub own_promoters: BTreeSet<PromoterId>,
    pub history: History,
    pub prior_orders: Vec<PriorOrder>,
    pub edges: EdgesCaughtUp,
    /// The catalogue is asked for what was known then.
    pub known: Instant,
}

/// What concerns one line.
pub(super) struct LineFacts {
    pub line: OrderLine,
    /// The goods' category and its ancestors, by number too.
    pub categories: Vec<(i64, CategoryId)>,
    pub withdrawn: Vec<Period>,
}

impl OrderFacts {
    pub(super) fn load(
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        state: &OrderState,
        edges: EdgesCaughtUp,
    ) -> Result<Self, StoreError> {
        let created = &state.created;
        let (platform, buyer, at) = (&created.platform, &created.buyer, created.at.instant());
        let programmes = catalogue.programmes(tx, platform, &created.merchant)?;
        let order = Some((&created.order, state.received));
        let until = last_instant(&programmes, state, EVERYTHING);
        let clicks = BuyerClicks::load(tx, platform, buyer, order, until.plus(READ_AHEAD_MS))?;
        let own_promoters = own_promoters(tx, platform, buyer)?;
        let mut in_force = programmes.iter().filter_map(|p| p.in_force(at));
        let prior_orders = if in_force.any(|version| orders_matter(&version.policy.attribution)) {
            orders_of(tx, platform, buyer, until)?
        } else {
            Vec::new()
        };
        let first = first_success(tx, state, &created.merchant)?;
        let history = catalogue.history(tx, &created.merchant, first, at, EVERYTHING)?;
        Ok(Self { programmes, clicks, own_promoters, history, prior_orders, edges, known: EVERYTHING })
    }

    /// Adds the clicks that an edge refused, for whoever asks why.
    pub(super) fn add_refused(&mut self, tx: &mut dyn Tx, state: &OrderState) -> Result<(), StoreError> {
        let until = last_instant(&self.programmes, state, self.known).plus(READ_AHEAD_MS);
        self.clicks.add_refused(tx, &state.created.platform, &state.created.buyer, until)
    }

    /// The buyer's clicks under one programme's rules.
    pub(super) fn chain(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        state: &OrderState,
        programme: ProgrammeNum,
        version: &PolicyVersion,
    ) -> Result<Vec<Click>, StoreError> {
        let as_of = (order_instant(state, &version.policy.attribution), self.known);
        let whose = Whose::BuyerAt(&state.created.buyer, &state.created.merchant);
        self.clicks.chain(tx, catalogue, programme, &version.policy, whose, as_of)
    }

    /// What concerns one line of the order.
    pub(super) fn line(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        state: &OrderState,
        line: &LineState,
    ) -> Result<LineFacts, StoreError> {
        let created = &state.created;
        let target = catalogue.product(tx, &line.product)?;
        let categories = catalogue.categories_of(tx, state, &line.product, self.known)?;
        let declared = created.declared.as_ref();
        let channel = declared.and_then(|d| d.channel.as_deref()).and_then(|c| ChannelId::new(c).ok());
        let order_line = OrderLine {
            platform: created.platform.clone(),
            order: created.order.clone(),
            line: line.line.clone(),
            merchant: created.merchant.clone(),
            product: Some(line.product.clone()),
            categories: categories.iter().map(|(_, id)| id.clone()).collect(),
            created: created.at.instant(),
            paid: state.paid,
            method: state.payment_method,
            // What a refund takes off is the ledger's business: the decision stays as it was made.
            base: line.amount,
            coupon: None,
            channel,
            token: self.clicks.token(),
        };
        Ok(LineFacts { line: order_line, categories, withdrawn: target.cancelled.as_of(self.known).clone() })
    }

    /// Those of some promoters about whom there is something to say, as far as an order of this time cares.
    pub(super) fn promoters<'a>(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        of: impl Iterator<Item = &'a PromoterId>,
        order: Instant,
    ) -> Result<BTreeMap<PromoterId, PromoterState>, StoreError> {
        let mut promoters = BTreeMap::new();
        for promoter in of {
            if promoters.contains_key(promoter) {
                continue;
            }
            let Some(read) = catalogue.dated.promoter(tx, promoter)? else { continue };
            // Of most there is nothing to say, and an order has many.
            let state = read.state(order, self.known);
            if state != PromoterState::default() {
                promoters.insert(promoter.clone(), state);
            }
        }
        Ok(promoters)
    }
}

/// The instant by which the rules look for the owner: the order's creation, or its payment once it is paid.
fn order_instant(state: &OrderState, policy: &AttributionPolicy) -> Instant {
    let created = state.created.at.instant();
    match policy.order_event {
        OrderEvent::Created => created,
        OrderEvent::Paid => state.paid.unwrap_or(created),
    }
}

/// The latest of the instants by which some programme looks for the owner, as far as its rules were `known`.
pub(super) fn last_instant(programmes: &[Programme], state: &OrderState, known: Instant) -> Instant {
    let created = state.created.at.instant();
    programmes
        .iter()
        .filter_map(|programme| programme.in_force_as_of(created, known))
        .map(|version| order_instant(state, &version.policy.attribution))
        .fold(created, Instant::max)
}

/// What succeeds from here on is no history of an order placed at `created`: whole seconds are compared, so the same
/// second still is.
pub(super) fn history_ends(created: Instant) -> Instant {
    Instant((created.floor_seconds() + 1).saturating_mul(SECOND_MS))
}

/// The buyer's first success at the shop before this order, promoted or not.
fn first_success(
    tx: &mut dyn Tx,
    state: &OrderState,
    merchant: &MerchantId,
) -> Result<Option<Instant>, StoreError> {
    let created = &state.created;
    let row = tx.query_one(
        "SELECT MIN(success_ms) FROM orders WHERE platform = $1 AND buyer = $2 AND merchant = $3 AND order_id <> $4 \
         AND success_ms < $5",
        params![&created.platform, &created.buyer, merchant, &created.order, history_ends(created.at.instant())],
    )?;
    row.opt_instant(0)
}

/// Whether a buyer's orders end or prolong relations under these rules.
pub(crate) const fn orders_matter(policy: &AttributionPolicy) -> bool {
    let content = matches!(policy.content, Some(ContentWindow { extend_on_order: Some(_), .. }));
    policy.close_on_order || policy.extend_on_order.is_some() || content
}

/// What the buyer ordered up to `until`, line by line. The fold leaves the order in question out by itself.
pub(super) fn orders_of(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    buyer: &BuyerId,
    until: Instant,
) -> Result<Vec<PriorOrder>, StoreError> {
    let rows = tx.query(
        "SELECT e.contents, e.received_ms, e.sender, o.order_id FROM orders o \
         JOIN order_events e ON e.platform = o.platform AND e.order_id = o.order_id \
         WHERE o.platform = $1 AND o.buyer = $2 AND o.created_ms <= $3 ORDER BY o.order_id, e.at_ms, e.kind, e.refund_id",
        params![platform, buyer, until],
    )?;
    let mut events: BTreeMap<&str, Vec<StoredEvent>> = BTreeMap::new();
    for row in &rows {
        events.entry(row.text(3)?).or_default().push(stored_event(row, 0)?);
    }
    let orders = events.values().filter_map(|events| OrderState::of(events));
    Ok(orders.flat_map(prior_orders).collect())
}

/// An order, line by line, as other orders of its buyer see it. One that was closed without a payment never came about.
pub(super) fn prior_orders(order: OrderState) -> impl Iterator<Item = PriorOrder> {
    let OrderState { created, mut lines, paid, closed, payment_method, .. } = order;
    if closed.is_some() && paid.is_none() {
        lines.clear();
    }
    lines.into_iter().map(move |line| PriorOrder {
        at: created.at.instant(),
        paid,
        order: created.order.clone(),
        target: ClickTarget {
            platform: created.platform.clone(),
            merchant: created.merchant.clone(),
            product: Some(line.product),
        },
        method: payment_method,
    })
}
