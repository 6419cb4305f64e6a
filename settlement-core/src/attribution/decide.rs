//! Asking the rules about each line of an order, programme by programme, and picking one winner.
//!
//! Every programme of the merchant and of its platform that the buyer has clicks in is asked, each with its own
//! clicks and its own rules. One of them wins the line: an exclusive coupon before a declared channel before the
//! programme whose owner clicked last. What the winner's rules then say stands, even if it is "no commission": no
//! other programme takes the line instead.

use super::catalogue::Catalogue;
use super::facts::{LineFacts, OrderFacts};
use crate::order_events::state::OrderState;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{
    Attribution, EdgesCaughtUp, ExclusiveCoupon, Facts, OrderLine, Outcome, Via, attribute,
};
use attribution_core::click::ClickId;
use attribution_core::fold::Click;
use attribution_core::ids::ProgrammeNum;
use attribution_core::money::Overflow;
use attribution_core::policy::attribution::{CouponOverride, Model};
use attribution_core::policy::{AttributionPolicy, PolicyVersion};
use attribution_core::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::rc::Rc;

/// What to decide, and as of when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineQuestion {
    /// Whether all edges have delivered what they recorded before the order.
    pub edges: EdgesCaughtUp,
    /// Now.
    pub now: Instant,
}

/// The decision on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decided {
    /// By the programme that won, or the one that best says why nobody did.
    pub attribution: Attribution,
    /// What the rules said for the buyer's clicks in other programmes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Attribution>,
}

/// Why an order could not be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecideError {
    /// The store failed.
    #[error("the facts of the order could not be read")]
    Store(#[from] StoreError),
    /// An amount does not fit.
    #[error("an amount of the order does not fit")]
    Overflow(#[from] Overflow),
}

/// Decides on all lines, in their order. `None` for a line if no programme of the shop or its platform has rules in
/// force when the order was made.
///
/// # Errors
/// If the store fails or an amount does not fit.
pub(crate) fn decide_order(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    state: &OrderState,
    question: LineQuestion,
) -> Result<Vec<Option<Decided>>, DecideError> {
    let facts = OrderFacts::load(tx, catalogue, state, question.edges)?;
    decide(tx, catalogue, state, &facts, question.now)
}

/// The same with the clicks that an edge refused among those that are judged: they change nothing, and each is named.
///
/// # Errors
/// If the store fails or an amount does not fit.
pub(crate) fn decide_with_refused(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    state: &OrderState,
    question: LineQuestion,
) -> Result<Vec<Option<Decided>>, DecideError> {
    let mut facts = OrderFacts::load(tx, catalogue, state, question.edges)?;
    facts.add_refused(tx, state)?;
    decide(tx, catalogue, state, &facts, question.now)
}

/// Decides on all lines from facts that were gathered before, whoever gathered them.
pub(super) fn decide(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    state: &OrderState,
    facts: &OrderFacts,
    now: Instant,
) -> Result<Vec<Option<Decided>>, DecideError> {
    let cases = cases(tx, catalogue, state, facts)?;
    let mut decisions = Vec::with_capacity(state.lines.len());
    for line in &state.lines {
        let line = facts.line(tx, catalogue, state, line)?;
        let mut said = Vec::with_capacity(cases.len());
        for case in &cases {
            said.push(ask(tx, catalogue, facts, &line, case, now)?);
        }
        decisions.push(pick(said));
    }
    Ok(decisions)
}

/// One programme with its rules, the buyer's clicks in it, and the coupon that is somebody's in it.
struct Case<'a> {
    programme: ProgrammeNum,
    version: Cow<'a, PolicyVersion>,
    /// All that were known.
    versions: Vec<&'a PolicyVersion>,
    clicks: Vec<Click>,
    coupon: Option<ExclusiveCoupon>,
}

fn cases<'a>(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    state: &OrderState,
    facts: &'a OrderFacts,
) -> Result<Vec<Case<'a>>, StoreError> {
    let at = state.created.at.instant();
    let names_channel = state.created.declared.as_ref().is_some_and(|d| d.channel.is_some());
    let mut cases = Vec::new();
    // One that counts clicks rather than one for declared channels.
    let mut without: Option<Case<'a>> = None;
    for programme in facts.programmes.iter() {
        let versions: Vec<&PolicyVersion> = programme.known_at(facts.known).collect();
        let Some(version) = PolicyVersion::in_force(versions.iter().copied(), at) else { continue };
        let version = known_late(version, at, state.received);
        let clicks = facts.chain(tx, catalogue, state, programme.num, &version)?;
        let declared = is_declared(&version);
        let coupon = exclusive_coupon(tx, catalogue, state, &version, facts.known)?;
        let concerned = coupon.is_some() || if declared { names_channel } else { !clicks.is_empty() };
        let case = Case { programme: programme.num, version, versions, clicks, coupon };
        if concerned {
            cases.push(case);
        } else if without.as_ref().is_none_or(|other| is_declared(&other.version) && !declared) {
            without = Some(case);
        }
    }
    // Nobody is concerned: one programme says so in the rules' own words.
    if cases.is_empty() {
        cases.extend(without);
    }
    Ok(cases)
}

fn is_declared(version: &PolicyVersion) -> bool {
    version.policy.attribution.model == Model::Declared
}

/// The order's coupon code, if the rules let it decide and it belongs to one promoter.
fn exclusive_coupon(
    tx: &mut dyn Tx,
    catalogue: &Catalogue,
    state: &OrderState,
    version: &PolicyVersion,
    known: Instant,
) -> Result<Option<ExclusiveCoupon>, StoreError> {
    let created = &state.created;
    match (&created.coupon, version.policy.attribution.coupon) {
        (Some(code), CouponOverride::ExclusiveCodeWins) => {
            catalogue.coupon(tx, &version.programme, code, created.at.instant(), known)
        }
        _ => Ok(None),
    }
}

fn known_late(version: &PolicyVersion, at: Instant, received: Instant) -> Cow<'_, PolicyVersion> {
    let grace = version.policy.attribution.late_click_grace;
    let mut longer = AttributionPolicy { late_click_grace: grace, ..AttributionPolicy::default() };
    extend_grace(&mut longer, at, received);
    if longer.late_click_grace == grace {
        return Cow::Borrowed(version);
    }
    let mut version = version.clone();
    version.policy.attribution.late_click_grace = longer.late_click_grace;
    Cow::Owned(version)
}

/// An order that the core learns of late (an import) is not final before it is known: its grace reaches at least to
/// the end of the second in which it came. Whatever had arrived by then is in time.
pub(crate) fn extend_grace(policy: &mut AttributionPolicy, at: Instant, received: Instant) {
    let behind = received.floor_seconds().saturating_sub(at.floor_seconds()).saturating_add(2);
    if let Ok(behind) = u32::try_from(behind)
        && Span::seconds(behind) > policy.late_click_grace
    {
        policy.late_click_grace = Span::seconds(behind);
    }
}

fn ask(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    facts: &OrderFacts,
    line: &LineFacts,
    case: &Case<'_>,
    now: Instant,
) -> Result<Attribution, DecideError> {
    let bans = catalogue.bans(tx, &line.categories, case.programme, facts.known)?;
    let at = line.line.created;
    let of_coupon = case.coupon.as_ref().map(|coupon| &coupon.promoter);
    let promoters = facts.promoters(
        tx,
        catalogue,
        case.clicks.iter().map(|click| &click.promoter).chain(of_coupon),
        at,
    )?;
    let own = &case.version.programme;
    let terms = catalogue.terms(tx, own)?;
    let rates = match &line.line.product {
        Some(product) if terms.has_rates => {
            catalogue.rates(tx, own, product, &line.line.categories, &line.line.merchant)?
        }
        _ => Rc::default(),
    };
    let asked = match &case.coupon {
        Some(coupon) => Cow::Owned(OrderLine { coupon: Some(coupon.clone()), ..line.line.clone() }),
        None => Cow::Borrowed(&line.line),
    };
    let looked_at = Facts {
        clicks: &case.clicks,
        prior_orders: &facts.prior_orders,
        own_promoters: &facts.own_promoters,
        history: facts.history,
        rates: &rates.as_of(facts.known),
        plans: &terms.plans,
        bans: &bans,
        promoters: &promoters,
        withdrawn: &line.withdrawn,
        versions: &case.versions,
        shared: facts.clicks.shared(),
        settled: None,
        edges: facts.edges,
        now,
    };
    Ok(attribute(&case.version, &asked, &looked_at)?)
}

/// How strong a programme's claim on the line is; nobody's is the weakest.
fn strength(attribution: &Attribution) -> (u8, Instant, ClickId) {
    let none = ClickId::default();
    match attribution.award().map(|award| &award.via) {
        Some(Via::Coupon { .. }) => return (3, Instant(0), none),
        Some(Via::Channel { .. }) => return (2, Instant(0), none),
        _ => {}
    }
    let Some(owner) = &attribution.relation else { return (0, Instant(0), none) };
    let own =
        attribution.candidates.iter().filter(|c| c.promoter == owner.promoter && c.at <= owner.last_click_at);
    let last = own.map(|c| (c.at, c.click)).max().unwrap_or((owner.bound_at, owner.click));
    (1, last.0, last.1)
}

fn pick(mut said: Vec<Attribution>) -> Option<Decided> {
    // Of equals the first counts: programmes come in the order of their numbers.
    let best = (0..said.len()).rev().max_by_key(|i| strength(&said[*i]))?;
    let attribution = said.remove(best);
    Some(Decided { attribution, others: said })
}

impl Decided {
    /// The outcome in one word: `award`, or the code of the reason why there is none.
    pub(crate) fn outcome_code(&self) -> String {
        match &self.attribution.outcome {
            Outcome::Award(_) => "award".to_owned(),
            Outcome::NoCommission(none) => serde_json::to_value(none)
                .ok()
                .and_then(|value| value.get("code").and_then(|code| code.as_str().map(str::to_owned)))
                .unwrap_or_else(|| "no_commission".to_owned()),
        }
    }

    /// Whether both say the same, whenever they were made.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let timeless = |attribution: &Attribution| Attribution {
            decided_at: Instant(0),
            final_at: Instant(0),
            provisional: false,
            ..attribution.clone()
        };
        timeless(&self.attribution) == timeless(&other.attribution)
            && self.others.len() == other.others.len()
            && self.others.iter().zip(&other.others).all(|(a, b)| timeless(a) == timeless(b))
    }
}
