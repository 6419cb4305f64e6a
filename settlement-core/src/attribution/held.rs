//! Who holds a visitor or a buyer now, record by record, as the one fold says it: what the core tells Redis.
//!
//! A visitor's record is about one device, whoever used it; a buyer's is about all devices joined to the account, with
//! the buyer's orders and own promoter accounts. The records are those that edges write (see
//! [`attribution_core::holder`]): one per programme, or one per target where the programme counts by product. Where an
//! edge cannot tell shops apart, in a platform's programme, the programme's record is that of the shop clicked last,
//! and each shop has one of its own beside it.

use super::catalogue::Catalogue;
use super::clicks::{BuyerClicks, Shown, Whose};
use super::facts::{EVERYTHING, orders_matter, orders_of};
use super::together::{self, Read};
use crate::catalogue::rules::Programme;
use crate::store::{StoreError, Tx};
use attribution_core::catalogue::ProgrammeRow;
use attribution_core::click::ClickId;
use attribution_core::fold::{Click, ClickTarget, Folded, PriorOrder, Question, Verdict, fold};
use attribution_core::holder::{self, Decided, Held, HolderScope, Holding, key};
use attribution_core::ids::{
    BuyerId, MerchantId, PlatformId, ProgrammeNum, PromoterId, TargetNum, VisitorId,
};
use attribution_core::policy::attribution::{Model, Scope};
use attribution_core::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Whom records are about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A device.
    Visitor(VisitorId),
    /// An account.
    Buyer(PlatformId, BuyerId),
}

impl Who {
    /// Under which name its records stand.
    pub(crate) const fn held(&self) -> Held<'_> {
        match self {
            Self::Visitor(visitor) => Held::Visitor(*visitor),
            Self::Buyer(_, buyer) => Held::Buyer(buyer),
        }
    }
}

/// One record as the core would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The record's key.
    pub key: String,
    /// The key's bucket.
    pub bucket: u8,
    /// Time (by the edge's clock) and id of the last click that was taken into account.
    pub covers: (Instant, ClickId),
    /// Who holds, or nobody.
    pub holder: Option<Holding>,
    /// No click that was taken into account could make a claim that lasts longer.
    pub keep_until: Instant,
}

impl Answer {
    /// The operation that tells Redis.
    pub(crate) fn operation(&self, version: u64) -> redis_view::Operation {
        let Self { covers, holder, keep_until, .. } = *self;
        let argument = holder::decided_op(&Decided { version, covers, holder, keep_until });
        redis_view::Operation { bucket: self.bucket, key: self.key.clone(), argument }
    }
}

/// Which records a programme has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Programme,
    Shops,
    Targets,
}

/// What records need of one programme.
#[derive(Debug)]
pub(super) struct RecordRules {
    programme: Programme,
    /// What edges were ever told of it.
    rows: Vec<ProgrammeRow>,
    /// The kinds of records that any version had.
    kinds: BTreeSet<Kind>,
}

impl RecordRules {
    pub(super) fn of(programme: Programme) -> Self {
        let versions = programme.versions.iter();
        let rows = versions.map(|v| v.policy.programme_row(programme.num, programme.id.clone())).collect();
        let versions = programme.versions.iter();
        let kinds = versions.flat_map(|v| kinds(v.policy.attribution.scope, &programme)).copied().collect();
        Self { programme, rows, kinds }
    }

    /// The latest end that any of these clicks could have given a claim, under any version an edge may know.
    fn keep_until(&self, clicks: &[&Shown]) -> Instant {
        let ends = clicks
            .iter()
            .flat_map(|click| self.rows.iter().map(|row| row.claim_ends(click.edge_time, click.link_end)));
        ends.max().unwrap_or(Instant(0))
    }
}

const fn kinds(scope: Scope, programme: &Programme) -> &'static [Kind] {
    match (scope, &programme.merchant) {
        (Scope::Product | Scope::ProductThenShop, _) => &[Kind::Targets],
        (Scope::Shop, None) => &[Kind::Programme, Kind::Shops],
        (Scope::Shop, Some(_)) | (Scope::Platform, _) => &[Kind::Programme],
    }
}

/// All records about each of `who`, as of `now`; those that could say nothing any more are left out.
///
/// # Errors
/// If the store fails.
pub(crate) fn answers(tx: &mut dyn Tx, who: &[Who], now: Instant) -> Result<Vec<Vec<Answer>>, StoreError> {
    let mut catalogue = Catalogue::default();
    let read = together::load(tx, who)?;
    BuyerClicks::prepare(read.iter().map(|one| &one.clicks), tx, &mut catalogue.dated)?;
    read.into_iter().map(|one| answers_of(tx, &mut catalogue, one, now)).collect()
}

fn answers_of(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    Read { who, clicks, own }: Read<'_>,
    now: Instant,
) -> Result<Vec<Answer>, StoreError> {
    // Another core's clock may be a little ahead: nothing that is here may count as the future.
    let at = clicks.latest().map_or(now, |latest| latest.max(now));
    let mut case = Case { who, at, now, own, orders: None };
    let mut found = Vec::new();
    for (programme, shown) in clicks.by_programme(tx, &mut catalogue.dated)? {
        let Some(rules) = catalogue.record_rules(tx, programme)? else { continue };
        case.programme(tx, catalogue, &rules, &clicks, &shown, &mut found)?;
    }
    Ok(found)
}

/// The question that is asked of every programme.
struct Case<'a> {
    who: &'a Who,
    at: Instant,
    now: Instant,
    own: BTreeSet<PromoterId>,
    /// Read once, if any programme's rules look at them.
    orders: Option<Vec<PriorOrder>>,
}

impl Case<'_> {
    fn programme(
        &mut self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        rules: &RecordRules,
        clicks: &BuyerClicks,
        shown: &[Shown],
        found: &mut Vec<Answer>,
    ) -> Result<(), StoreError> {
        let programme = &rules.programme;
        let version = programme.in_force(self.at).filter(|v| v.policy.attribution.model != Model::Declared);
        let chain = match version {
            None => Vec::new(),
            Some(version) => {
                if orders_matter(&version.policy.attribution) {
                    self.read_orders(tx)?;
                }
                let whose = match self.who {
                    Who::Visitor(_) => Whose::Devices,
                    Who::Buyer(_, buyer) => Whose::BuyerAtEach(buyer),
                };
                clicks.chain(tx, catalogue, programme.num, &version.policy, whose, (self.at, EVERYTHING))?
            }
        };
        let by_id: BTreeMap<ClickId, &Shown> = shown.iter().map(|click| (click.id, click)).collect();
        let live = version.map_or(&[][..], |v| kinds(v.policy.attribution.scope, programme));
        for kind in &rules.kinds {
            for group in groups(*kind, shown) {
                // A kind that the rules in force no longer have is held by nobody, so that old records go.
                let holder = version.filter(|_| live.contains(kind)).and_then(|version| {
                    let place = place(*kind, &group, &chain)?;
                    let question = Question {
                        at: self.at,
                        order: None,
                        target: &place,
                        token: None,
                        final_at: None,
                        own_promoters: &self.own,
                    };
                    let orders = self.orders.as_deref().unwrap_or_default();
                    let orders = PriorOrder::touching(orders, &version.policy);
                    holding(&fold(&version.policy.attribution, &question, &chain, &orders), &by_id)
                });
                self.note(programme.num, *kind, &group, holder, rules.keep_until(&group), found);
            }
        }
        Ok(())
    }

    fn note(
        &self,
        programme: ProgrammeNum,
        kind: Kind,
        group: &[&Shown],
        holder: Option<Holding>,
        keep_until: Instant,
        found: &mut Vec<Answer>,
    ) {
        let newest = group.iter().max_by_key(|click| (click.edge_time, click.id));
        let Some(newest) = newest else { return };
        let ends = holder.map_or(keep_until, |holder| holder.expires.max(keep_until));
        if ends <= self.now {
            return;
        }
        let scope = match kind {
            Kind::Programme => HolderScope::Programme(programme),
            Kind::Shops => HolderScope::Shop(programme, &newest.place.merchant),
            Kind::Targets => HolderScope::Target(programme, newest.target),
        };
        let held = self.who.held();
        let covers = (newest.edge_time, newest.id);
        found.push(Answer { key: key(scope, held), bucket: held.bucket(), covers, holder, keep_until });
    }

    fn read_orders(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        if let (Who::Buyer(platform, buyer), None) = (self.who, &self.orders) {
            self.orders = Some(orders_of(tx, platform, buyer, self.at)?);
        }
        Ok(())
    }
}

/// The clicks of each record of a kind.
fn groups(kind: Kind, shown: &[Shown]) -> Vec<Vec<&Shown>> {
    match kind {
        Kind::Programme => vec![shown.iter().collect()],
        Kind::Shops => grouped::<&MerchantId>(shown, |click| &click.place.merchant),
        Kind::Targets => grouped::<TargetNum>(shown, |click| click.target),
    }
}

fn grouped<'a, K: Ord>(shown: &'a [Shown], of: impl Fn(&'a Shown) -> K) -> Vec<Vec<&'a Shown>> {
    let mut groups: BTreeMap<K, Vec<&Shown>> = BTreeMap::new();
    for click in shown {
        groups.entry(of(click)).or_default().push(click);
    }
    groups.into_values().collect()
}

/// What a record asks about: its target, its shop, or for a whole programme the shop whose clicks counted last.
fn place(kind: Kind, group: &[&Shown], chain: &[Click]) -> Option<ClickTarget> {
    let newest = group.iter().max_by_key(|click| (click.edge_time, click.id))?;
    if kind == Kind::Targets {
        return Some(newest.place.clone());
    }
    let mut place = newest.place.clone();
    if kind == Kind::Programme {
        let counting = chain.iter().filter(|click| click.ineligible.is_none());
        if let Some(last) = counting.max_by_key(|click| (click.effective(), click.id)) {
            place = last.target.clone();
        }
    }
    Some(ClickTarget { product: None, ..place })
}

/// The owner as a record shows it: by the last click of the relation.
fn holding(folded: &Folded, by_id: &BTreeMap<ClickId, &Shown>) -> Option<Holding> {
    let relation = folded.owner.as_ref()?;
    let theirs = folded.candidates.iter().filter(|candidate| {
        candidate.promoter == relation.promoter
            && candidate.at <= relation.last_click_at
            && matches!(candidate.verdict, Verdict::Won | Verdict::RepeatOfOwner { .. })
    });
    let last = theirs.max_by_key(|candidate| (candidate.at, candidate.click))?;
    let shown = by_id.get(&last.click)?;
    Some(Holding {
        promoter: shown.promoter,
        placement: shown.placement,
        click: last.click,
        clicked: last.at,
        protected_until: relation.protected_until.unwrap_or(Instant(0)),
        expires: relation.ends.unwrap_or(Instant(i64::MAX)),
    })
}
