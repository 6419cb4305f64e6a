//! A buyer's clicks: those of all visitors ever joined to the account, and those whose token is on the order.

use super::catalogue::Catalogue;
use super::dated::{Dated, Target};
use crate::params;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::attribute::SHARED_BY;
use attribution_core::catalogue::LinkFlags;
use attribution_core::click::ClickId;
use attribution_core::fold::{Click, ClickTarget, Evidence};
use attribution_core::identity::{Join, is_buyers_click};
use attribution_core::ids::{
    BuyerId, MerchantId, OrderId, PlacementNum, PlatformId, ProgrammeNum, PromoterNum, TargetNum, VisitorId,
};
use attribution_core::judge::{DatedState, judge};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::policy::{BanRule, Policy};
use attribution_core::record::{ClickFlags, ClickHead};
use attribution_core::time::{Instant, Period};
use std::collections::{BTreeMap, BTreeSet};

/// A click with what is needed to judge it under any programme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    id: ClickId,
    received: Instant,
    ingested: Instant,
    edge: (Outcome, Reason),
    flags: ClickFlags,
    visitor: VisitorId,
    code: u64,
    placement: PlacementNum,
    target: TargetNum,
    evidence: Evidence,
    on_order: bool,
}

/// The clicks and the logins of their visitors.
#[derive(Debug, Default)]
pub(super) struct BuyerClicks {
    seen: Vec<Seen>,
    joins: BTreeMap<VisitorId, Vec<Join>>,
    shared: BTreeSet<ClickId>,
}

/// A click token that came with an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderToken {
    click: Seen,
    /// What an edge delivered of the same click.
    journaled: Option<Seen>,
    /// It had come with the orders of many others.
    shared: bool,
}

impl Seen {
    pub(super) const fn id(&self) -> ClickId {
        self.id
    }

    pub(super) const fn visitor(&self) -> VisitorId {
        self.visitor
    }

    /// When the core took it in.
    pub(super) const fn ingested(&self) -> Instant {
        self.ingested
    }

    /// The instant that counts.
    pub(super) fn effective(&self) -> Instant {
        self.received.min(self.ingested)
    }
}

impl OrderToken {
    /// The token with what an edge had delivered, if that was `known`.
    pub(super) fn as_known(&self, known: impl Fn(&Seen) -> bool) -> Self {
        Self { journaled: self.journaled.filter(known), ..*self }
    }
}

/// Whose clicks are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'a> {
    /// The devices', whoever used them.
    Devices,
    /// A buyer's, as this shop knows its customers; and those whose tokens are on the order.
    BuyerAt(&'a BuyerId, &'a MerchantId),
    /// A buyer's, each click as the shop to which it led knows its customers.
    BuyerAtEach(&'a BuyerId),
}

/// A click as a record of who holds whom shows it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub id: ClickId,
    /// By the edge's clock: what the edge tells Redis.
    pub edge_time: Instant,
    pub promoter: PromoterNum,
    pub placement: PlacementNum,
    pub target: TargetNum,
    pub place: ClickTarget,
    /// The link's own end; a QR code's does not count.
    pub link_end: Option<Instant>,
}

/// The columns of [`join`].
pub(super) const JOIN: &str = "visitor, at_ms, buyer, told_by";

/// Reads a login, behind its visitor.
pub(super) fn join(row: &Row) -> Result<Join, StoreError> {
    let told_by = match row.text(3)? {
        "" => None,
        merchant => Some(read("merchant id", merchant)?),
    };
    Ok(Join { at: row.instant(1)?, buyer: read("buyer id", row.text(2)?)?, told_by })
}

/// Refused clicks of a buyer that are told of: a script can make any number.
const REFUSED_MAX: i64 = 100;

pub(super) const COLUMNS: &str = "click_id, edge_ms, ingested_ms, visitor, code, placement, target, head";

impl BuyerClicks {
    /// Reads the clicks of `buyer` up to `until`, and those whose token is on `order`.
    pub(super) fn load(
        tx: &mut dyn Tx,
        platform: &PlatformId,
        buyer: &BuyerId,
        order: Option<(&OrderId, Instant)>,
        until: Instant,
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        tx.before_asking_by_visitor()?;
        let rows = tx.query(
            &format!(
                "SELECT {COLUMNS} FROM earning_clicks WHERE effective_ms < $3 AND visitor IN (\
                 SELECT visitor FROM identities WHERE platform = $1 AND buyer = $2)"
            ),
            params![platform, buyer, until],
        )?;
        for row in &rows {
            found.seen.push(journaled(row, 0)?);
        }
        if let Some((order, received)) = order {
            let rows = tx.query(
                &format!("{TOKENS} WHERE t.platform = $1 AND t.order_id = $2"),
                params![platform, order],
            )?;
            let tokens = rows.iter().map(|row| order_token(row, received)).collect::<Result<Vec<_>, _>>()?;
            found.add_tokens(tokens.iter());
        }
        let joins = tx.query(
            &format!(
                "SELECT {JOIN} FROM identities WHERE platform = $1 AND visitor IN (\
                 SELECT visitor FROM identities WHERE platform = $1 AND buyer = $2)"
            ),
            params![platform, buyer],
        )?;
        for row in &joins {
            found.joins.entry(VisitorId(row.id16(0)?)).or_default().push(join(row)?);
        }
        Ok(found)
    }

    /// Adds the clicks that an edge refused `buyer` before `until`, the newest of them. No decision looks at them, for they
    /// can never earn; whoever asks why is told of them.
    pub(super) fn add_refused(
        &mut self,
        tx: &mut dyn Tx,
        platform: &PlatformId,
        buyer: &BuyerId,
        until: Instant,
    ) -> Result<(), StoreError> {
        let rows = tx.query(
            &format!(
                "SELECT {COLUMNS} FROM refused_clicks WHERE effective_ms < $3 AND visitor IN (\
                 SELECT visitor FROM identities WHERE platform = $1 AND buyer = $2) \
                 ORDER BY effective_ms DESC, click_id DESC LIMIT $4"
            ),
            params![platform, buyer, until, REFUSED_MAX],
        )?;
        for row in &rows {
            self.seen.push(journaled(row, 0)?);
        }
        Ok(())
    }

    /// Clicks that were read before.
    pub(super) fn of(seen: Vec<Seen>, joins: BTreeMap<VisitorId, Vec<Join>>, tokens: &[OrderToken]) -> Self {
        let mut found = Self { seen, joins, shared: BTreeSet::new() };
        found.add_tokens(tokens.iter());
        found
    }

    /// The last instant that any of it speaks of: asked as of then, nothing that is here lies in the future.
    pub(super) fn latest(&self) -> Option<Instant> {
        let clicks = self.seen.iter().map(|seen| seen.received.min(seen.ingested));
        let logins = self.joins.values().flatten().map(|join| join.at);
        clicks.chain(logins).max()
    }

    /// Reads what these clicks need of the catalogue with few questions, before they are asked one by one.
    pub(super) fn prepare<'a>(
        all: impl Iterator<Item = &'a Self> + Clone,
        tx: &mut dyn Tx,
        dated: &mut Dated,
    ) -> Result<(), StoreError> {
        let seen = all.flat_map(|clicks| &clicks.seen);
        dated.read_placements(tx, seen.clone().map(|seen| seen.placement))?;
        dated.read_targets(tx, seen.clone().map(|seen| seen.target))?;
        dated.read_links(tx, seen.map(|seen| seen.code))
    }

    /// The clicks by programme, counting or not, as far as the catalogue knows where they led.
    pub(super) fn by_programme(
        &self,
        tx: &mut dyn Tx,
        dated: &mut Dated,
    ) -> Result<BTreeMap<ProgrammeNum, Vec<Shown>>, StoreError> {
        let mut found: BTreeMap<ProgrammeNum, Vec<Shown>> = BTreeMap::new();
        for seen in &self.seen {
            let Some(placement) = dated.placement(tx, seen.placement)? else { continue };
            let (programme, promoter) = (placement.programme, placement.promoter_num);
            let Some(target) = dated.target(tx, seen.target)? else { continue };
            let place = target.place.clone();
            let link = dated.link(tx, seen.code)?.unwrap_or_default();
            found.entry(programme).or_default().push(Shown {
                id: seen.id,
                edge_time: seen.received,
                promoter,
                placement: seen.placement,
                target: seen.target,
                place,
                link_end: link.expires.instant().filter(|_| !link.flags.has(LinkFlags::QR)),
            });
        }
        Ok(found)
    }

    /// Adds the clicks whose tokens are on the order: from the journal if they have arrived, else as the token says.
    fn add_tokens<'a>(&mut self, tokens: impl Iterator<Item = &'a OrderToken>) {
        for token in tokens {
            if token.shared {
                self.shared.insert(token.click.id);
            }
            match self.seen.iter_mut().find(|seen| seen.id == token.click.id) {
                Some(seen) => seen.on_order = true,
                None => self.seen.push(token.journaled.unwrap_or(token.click)),
            }
        }
    }

    /// The clicks whose tokens are on the order and had come with the orders of many other buyers before.
    pub(super) const fn shared(&self) -> &BTreeSet<ClickId> {
        &self.shared
    }

    /// The click whose token is on the order and which is the latest, if any: it may be a little later than the order.
    pub(super) fn token(&self) -> Option<ClickId> {
        let on_order = self.seen.iter().filter(|seen| seen.on_order);
        on_order.max_by_key(|seen| (seen.received.min(seen.ingested), seen.id)).map(|seen| seen.id)
    }

    /// Somebody's clicks in one programme, judged under its rules against the dated state. `as_of` is the instant asked
    /// about, `known` the one whose knowledge counts. A click whose placement or target the catalogue does not have is left
    /// out: nobody could be paid for it.
    pub(super) fn chain(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        programme: ProgrammeNum,
        policy: &Policy,
        whose: Whose<'_>,
        (as_of, known): (Instant, Instant),
    ) -> Result<Vec<Click>, StoreError> {
        let mut chain = Vec::with_capacity(self.seen.len());
        for seen in &self.seen {
            let effective = seen.received.min(seen.ingested);
            let joins = self.joins.get(&seen.visitor).map_or(&[][..], Vec::as_slice);
            let is_of = |buyer, shop| {
                is_buyers_click(&policy.attribution.identity, joins, (buyer, shop), effective, as_of)
            };
            if let (Whose::BuyerAt(buyer, shop), false) = (whose, seen.on_order)
                && !is_of(buyer, shop)
            {
                continue;
            }
            let Some(placement) = catalogue.dated.placement(tx, seen.placement)? else { continue };
            if placement.programme != programme {
                continue;
            }
            let Some(target) = catalogue.dated.target(tx, seen.target)? else { continue };
            if let Whose::BuyerAtEach(buyer) = whose
                && !is_of(buyer, &target.place.merchant)
            {
                continue;
            }
            let link = catalogue.dated.link(tx, seen.code)?.unwrap_or_default();
            let banned = banned(tx, catalogue, policy, programme, &target, (effective, known))?;
            let state = DatedState {
                starts: link.starts,
                expires: link.expires,
                flags: link.flags,
                closed: &[],
                cancelled: target.cancelled.as_of(known),
                delisted: target.delisted.as_of(known),
                disabled: placement.disabled.as_of(known),
                banned: &banned,
            };
            let judged = judge(&policy.attribution, seen.edge, seen.flags, &state, effective);
            chain.push(Click {
                id: seen.id,
                received: seen.received,
                ingested: seen.ingested,
                promoter: placement.promoter.clone(),
                placement: placement.id.clone(),
                target: target.place.clone(),
                link_expires: link.expires.instant(),
                qr: link.flags.has(LinkFlags::QR),
                ineligible: judged.ineligible(),
                evidence: seen.evidence,
            });
        }
        Ok(chain)
    }
}

/// When the category that a target had at a click, or one above it, was banned in a programme: by its rules or by an operator.
fn banned(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    policy: &Policy,
    programme: ProgrammeNum,
    target: &Target,
    (effective, known): (Instant, Instant),
) -> Result<Vec<Period>, StoreError> {
    let then = effective.min(known);
    let category = target.category.as_of(then).as_ref().map(|(num, _)| *num);
    let categories = catalogue.ancestors(tx, category, then)?;
    let told = catalogue.bans(tx, &categories, programme, known)?;
    let covers = |ban: &&BanRule| categories.iter().any(|(_, id)| *id == ban.category);
    Ok(policy.bans.iter().filter(covers).chain(&told).map(BanRule::period).collect())
}

/// The columns of [`order_token`].
pub(super) const TOKENS: &str = "SELECT t.click_id, t.visitor, t.code, t.placement, t.target, t.clicked_ms, t.platform, \
     t.order_id, c.click_id, c.edge_ms, c.ingested_ms, c.visitor, c.code, c.placement, c.target, substr(c.payload, 1, 6), \
     t.buyers_before \
     FROM order_tokens t LEFT JOIN clicks c ON c.click_id = t.click_id";

/// Reads a token of an order that the core learnt of at `received`.
pub(super) fn order_token(row: &Row, received: Instant) -> Result<OrderToken, StoreError> {
    let click = Seen {
        id: ClickId(row.id16(0)?),
        received: row.instant(5)?,
        ingested: received,
        edge: (Outcome::Attributed, Reason::None),
        flags: ClickFlags::default(),
        visitor: VisitorId(row.opt_id16(1)?.unwrap_or_default()),
        code: row.int(2)?.cast_unsigned(),
        placement: PlacementNum(row.num(3)?),
        target: TargetNum(row.num(4)?),
        evidence: Evidence::TokenOnly,
        on_order: true,
    };
    let journaled = match row.opt_id16(8)? {
        Some(_) => Some(Seen { on_order: true, ..journaled(row, 8)? }),
        None => None,
    };
    Ok(OrderToken { click, journaled, shared: row.int(16)? >= i64::from(SHARED_BY) })
}

/// Reads a click whose columns begin at `first`.
pub(super) fn journaled(row: &Row, first: usize) -> Result<Seen, StoreError> {
    let head = ClickHead::decode(row.blob(first + 7)?).map_err(StoreError::corrupt("click record"))?;
    Ok(Seen {
        id: ClickId(row.id16(first)?),
        received: row.instant(first + 1)?,
        ingested: row.instant(first + 2)?,
        edge: (head.outcome, head.reason),
        flags: head.flags,
        visitor: VisitorId(row.opt_id16(first + 3)?.unwrap_or_default()),
        code: row.int(first + 4)?.cast_unsigned(),
        placement: PlacementNum(row.num(first + 5)?),
        target: TargetNum(row.num(first + 6)?),
        evidence: Evidence::Journal,
        on_order: false,
    })
}
