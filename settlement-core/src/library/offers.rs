//! What products offer a promoter now: through which programme and plan, at which rate, how much that is of the list
//! price for a new customer; and whether a product is dead (失效) and why.
//!
//! The rules' own `estimate` decides; here is only gathered what it looks at, for many products at a time.

use crate::attribution::Catalogue;
use crate::catalogue::Banned;
use crate::catalogue::rules::Programme;
use crate::params;
use crate::plans::facts::{self, Terms};
use crate::store::{List, Row, StoreError, Tx, read};
use attribution_core::commission::rate::{Application, Estimate, Goods, Rates};
use attribution_core::ids::{CategoryId, MerchantId, PlanId, PlatformId, ProductId, ProgrammeId, PromoterId};
use attribution_core::money::Fen;
use attribution_core::policy::commission::{PlanRef, Rate};
use attribution_core::time::Instant;
use serde::Serialize;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use utoipa::ToSchema;

/// Products asked for in one statement.
const AT_ONCE: usize = 500;

/// Through whose eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// Whoever takes part in no targeted plan.
    Anybody,
    /// This promoter.
    Promoter(PromoterId),
    /// Whoever takes part in this targeted plan and in no other.
    PlanMember(PlanId),
}

/// A product, as far as offers care.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: ProductId,
    pub(crate) merchant: MerchantId,
    pub(crate) platform: PlatformId,
    pub(crate) category: Option<i64>,
    pub(crate) price: Option<Fen>,
    pub(crate) cancelled_from: Option<Instant>,
    pub(crate) delisted_from: Option<Instant>,
}

impl Item {
    /// The columns of [`read`](Self::read), for a query over `targets t JOIN merchants m`.
    pub(crate) const COLUMNS: &'static str =
        "t.id, t.merchant, m.platform, t.category, t.price_fen, t.cancelled_from, t.delisted_from";

    /// Reads [`COLUMNS`](Self::COLUMNS) from the column `first` on.
    pub(crate) fn read(row: &Row, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: read("product id", row.text(first)?)?,
            merchant: read("merchant id", row.text(first + 1)?)?,
            platform: read("platform id", row.text(first + 2)?)?,
            category: row.opt_int(first + 3)?,
            price: row.opt_int(first + 4)?.map(Fen),
            cancelled_from: row.opt_instant(first + 5)?,
            delisted_from: row.opt_instant(first + 6)?,
        })
    }
}

/// Why nobody earns with a product now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dead {
    /// The merchant cancelled the promotion.
    PromotionCancelled,
    /// The product is off the shelf.
    ProductDelisted,
    /// Its category may not be promoted in any programme in which promoters could earn with it.
    CategoryBanned,
}

impl Dead {
    /// As it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PromotionCancelled => "promotion_cancelled",
            Self::ProductDelisted => "product_delisted",
            Self::CategoryBanned => "category_banned",
        }
    }
}

/// What a product offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Offer {
    pub(crate) dead: Option<Dead>,
    /// The programme with the highest estimate, and that estimate; the smaller number of two alike.
    pub(crate) best: Option<(ProgrammeId, Estimate)>,
}

impl Offer {
    /// The rate in basis points.
    pub(crate) fn rate_bp(&self) -> Option<u32> {
        self.best.as_ref().map(|(_, estimate)| estimate.chosen.rate.points().into())
    }

    /// The plan's id; `None` for the general plan.
    pub(crate) fn plan(&self) -> Option<&str> {
        match self.best.as_ref().map(|(_, estimate)| &estimate.chosen.plan) {
            Some(PlanRef::Targeted(plan)) => Some(plan.as_str()),
            _ => None,
        }
    }
}

type RatesBySubject = HashMap<(String, String), Vec<Rate>>;

/// Answers for one viewer within one transaction.
pub(crate) struct Offers {
    viewer: Viewer,
    now: Instant,
    catalogue: Catalogue,
    terms: HashMap<ProgrammeId, Rc<Terms>>,
    /// Rates for more than one product, by programme and subject.
    wide: HashMap<ProgrammeId, Rc<RatesBySubject>>,
    /// Read when it is first asked for.
    banned: Option<Rc<Banned>>,
}

impl Offers {
    pub(crate) fn new(viewer: Viewer, now: Instant) -> Self {
        Self {
            viewer,
            now,
            catalogue: Catalogue::default(),
            terms: HashMap::new(),
            wide: HashMap::new(),
            banned: None,
        }
    }

    /// What each of these products offers, in their order.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn of(&mut self, tx: &mut dyn Tx, items: &[Item]) -> Result<Vec<Offer>, StoreError> {
        let mut offers = Vec::with_capacity(items.len());
        for chunk in items.chunks(AT_ONCE) {
            let own = product_rates(tx, chunk)?;
            for item in chunk {
                let own = own.get(&item.id).map_or(&[][..], Vec::as_slice);
                offers.push(self.one(tx, item, own)?);
            }
        }
        Ok(offers)
    }

    /// The targeted plans with a rate for each of these products, in their order.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn plans_of(
        &mut self,
        tx: &mut dyn Tx,
        items: &[Item],
    ) -> Result<Vec<BTreeSet<PlanId>>, StoreError> {
        let mut all = Vec::with_capacity(items.len());
        for chunk in items.chunks(AT_ONCE) {
            let own = product_rates(tx, chunk)?;
            for item in chunk {
                let own = own.get(&item.id).map_or(&[][..], Vec::as_slice);
                let above = self.catalogue.ancestors(tx, item.category, Instant(i64::MAX))?;
                let mut plans = BTreeSet::new();
                for programme in self.catalogue.programmes(tx, &item.platform, &item.merchant)?.iter() {
                    let Some(version) = programme.in_force(self.now) else { continue };
                    let terms = self.terms(tx, &programme.id)?;
                    if terms.plans.is_empty() {
                        continue;
                    }
                    let wide = self.wide(tx, &programme.id, terms.has_rates)?;
                    let wide = wide_of(&wide, item, &above);
                    let own = own.iter().filter(|(of, _)| *of == programme.id).map(|(_, rate)| rate);
                    for rate in version.policy.commission.rates.iter().chain(wide).chain(own) {
                        if let PlanRef::Targeted(plan) = &rate.plan {
                            plans.insert(plan.clone());
                        }
                    }
                }
                all.push(plans);
            }
        }
        Ok(all)
    }

    fn one(
        &mut self,
        tx: &mut dyn Tx,
        item: &Item,
        own: &[(ProgrammeId, Rate)],
    ) -> Result<Offer, StoreError> {
        let now = self.now;
        let begun = |from: Option<Instant>| from.is_some_and(|from| from <= now);
        let mut dead = if begun(item.cancelled_from) {
            Some(Dead::PromotionCancelled)
        } else if begun(item.delisted_from) {
            Some(Dead::ProductDelisted)
        } else {
            None
        };
        let programmes = self.catalogue.programmes(tx, &item.platform, &item.merchant)?;
        let above = self.catalogue.ancestors(tx, item.category, Instant(i64::MAX))?;
        let banned = self.banned(tx)?;
        let forbids = |programme| item.category.is_some_and(|category| banned.forbids(category, programme));
        let mut best: Option<(ProgrammeId, Estimate)> = None;
        let (mut forbidden, mut allowed) = (0, 0);
        for programme in programmes.iter().filter(|of| pays_promoters(of, now)) {
            if forbids(programme.num.0.into()) {
                forbidden += 1;
                continue;
            }
            allowed += 1;
            let own = own.iter().filter(|(of, _)| *of == programme.id).map(|(_, rate)| rate);
            let Some(found) = self.estimate(tx, programme, item, &above, own)? else { continue };
            let rank = |e: &Estimate| (e.amount, e.chosen.rate);
            if best.as_ref().is_none_or(|(_, known)| rank(&found) > rank(known)) {
                best = Some((programme.id.clone(), found));
            }
        }
        let everywhere = item.category.is_some_and(|category| banned.everywhere(category));
        if dead.is_none() && (everywhere || (forbidden > 0 && allowed == 0)) {
            dead = Some(Dead::CategoryBanned);
        }
        Ok(Offer { dead, best })
    }

    fn estimate<'r>(
        &mut self,
        tx: &mut dyn Tx,
        programme: &Programme,
        item: &Item,
        above: &[(i64, CategoryId)],
        own: impl Iterator<Item = &'r Rate>,
    ) -> Result<Option<Estimate>, StoreError> {
        let Some(version) = programme.in_force(self.now) else { return Ok(None) };
        let terms = self.terms(tx, &programme.id)?;
        let wide = self.wide(tx, &programme.id, terms.has_rates)?;
        let rates: Vec<Rate> = own.cloned().chain(wide_of(&wide, item, above).cloned()).collect();
        let categories: Vec<CategoryId> = above.iter().map(|(_, id)| id.clone()).collect();
        let goods = Goods { product: Some(&item.id), categories: &categories, merchant: &item.merchant };
        let member = plan_member();
        let promoter = match &self.viewer {
            Viewer::Anybody => None,
            Viewer::Promoter(promoter) => Some(promoter),
            Viewer::PlanMember(_) => Some(&member),
        };
        let price = item.price.unwrap_or(Fen::ZERO);
        let rates = Rates { policy: &version.policy.commission, merchant: &rates, plans: &terms.plans };
        // An amount that does not fit into the books is no offer.
        Ok(rates.estimate(promoter, goods, price, self.now).unwrap_or_default())
    }

    fn terms(&mut self, tx: &mut dyn Tx, programme: &ProgrammeId) -> Result<Rc<Terms>, StoreError> {
        let new = match self.terms.entry(programme.clone()) {
            Entry::Occupied(known) => return Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => new,
        };
        let terms = match &self.viewer {
            Viewer::Anybody => facts::terms_of(tx, programme, None)?,
            Viewer::Promoter(promoter) => facts::terms_of(tx, programme, Some(promoter))?,
            Viewer::PlanMember(plan) => {
                let mut terms = facts::terms_of(tx, programme, None)?;
                for known in terms.plans.iter_mut().filter(|known| known.id == *plan) {
                    known.applications = vec![Application {
                        promoter: plan_member(),
                        applied: known.created,
                        approved: Some(known.created),
                        rejected: None,
                    }];
                }
                terms
            }
        };
        Ok(Rc::clone(new.insert(Rc::new(terms))))
    }

    fn wide(
        &mut self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
        any: bool,
    ) -> Result<Rc<RatesBySubject>, StoreError> {
        let new = match self.wide.entry(programme.clone()) {
            Entry::Occupied(known) => return Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => new,
        };
        let mut rates = RatesBySubject::new();
        if any {
            let sql = format!(
                "{} WHERE programme = $1 AND subject_kind <> 'product' ORDER BY number",
                facts::RATE_COLUMNS
            );
            for row in &tx.query(&sql, params![programme])? {
                let subject = (row.text(2)?.to_owned(), row.text(3)?.to_owned());
                rates.entry(subject).or_default().push(facts::rate(row)?);
            }
        }
        Ok(Rc::clone(new.insert(Rc::new(rates))))
    }

    fn banned(&mut self, tx: &mut dyn Tx) -> Result<Rc<Banned>, StoreError> {
        match &self.banned {
            Some(known) => Ok(Rc::clone(known)),
            None => Ok(Rc::clone(self.banned.insert(Rc::new(Banned::read(tx, self.now)?)))),
        }
    }
}

/// Whether promoters have a share in what a programme pays now.
fn pays_promoters(programme: &Programme, now: Instant) -> bool {
    programme.in_force(now).is_some_and(|version| version.policy.commission.pays_promoters())
}

/// The rates for a product among those for more than one.
fn wide_of<'r>(
    wide: &'r RatesBySubject,
    item: &Item,
    above: &[(i64, CategoryId)],
) -> impl Iterator<Item = &'r Rate> {
    let categories = above.iter().map(|(_, id)| ("category".to_owned(), id.to_string()));
    let rest = [("shop".to_owned(), item.merchant.to_string()), ("any".to_owned(), String::new())];
    let found: Vec<&Rate> = categories.chain(rest).filter_map(|key| wide.get(&key)).flatten().collect();
    found.into_iter()
}

/// The rates that name these products, with their programmes.
fn product_rates(
    tx: &mut dyn Tx,
    items: &[Item],
) -> Result<HashMap<ProductId, Vec<(ProgrammeId, Rate)>>, StoreError> {
    let mut found: HashMap<ProductId, Vec<(ProgrammeId, Rate)>> = HashMap::new();
    if items.is_empty() {
        return Ok(found);
    }
    let list: List<'_> = items.iter().map(|item| &item.id).collect();
    let sql = format!(
        "SELECT plan, class, subject_kind, subject, bp, from_ms, to_ms, programme FROM rates \
         WHERE subject_kind = 'product' AND subject IN ({}) ORDER BY programme, number",
        list.marks
    );
    for row in &tx.query(&sql, &list.values)? {
        let product: ProductId = read("product id", row.text(3)?)?;
        let programme: ProgrammeId = read("programme id", row.text(7)?)?;
        found.entry(product).or_default().push((programme, facts::rate(row)?));
    }
    Ok(found)
}

/// Stands for whoever is in the plan: where it is used, no real promoter's application is read.
fn plan_member() -> PromoterId {
    PromoterId::new("member").unwrap_or_else(|_| unreachable!("a literal id"))
}
