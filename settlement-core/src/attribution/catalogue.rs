//! What one transaction has read of the catalogue: many orders in a batch ask for the same programmes and products.
//!
//! It lives as long as the transaction and no longer, so that nobody decides by yesterday's rules.

use super::dated::{Dated, Target};
use super::held::RecordRules;
use super::recorded::promoter_ids;
use crate::catalogue::own_numbers;
use crate::catalogue::rules::{self, Programme};
use crate::earlier::{Fact, Versioned};
use crate::order_events::state::OrderState;
use crate::params;
use crate::plans::{
    self,
    facts::{RecordedRates, Terms},
};
use crate::store::{StoreError, Tx, read};
use crate::wake;
use attribution_core::attribute::ExclusiveCoupon;
use attribution_core::commission::class::History;
use attribution_core::ids::{
    BuyerId, CategoryId, MerchantId, PlatformId, ProductId, ProgrammeId, ProgrammeNum, PromoterId, TargetNum,
};
use attribution_core::policy::{BanRule, Policy, PolicyVersion};
use attribution_core::time::{Instant, Period};
use foldhash::HashMap;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

/// See the module's own words.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    programmes: HashMap<(PlatformId, MerchantId), Rc<[Programme]>>,
    records: HashMap<ProgrammeNum, Option<Rc<RecordRules>>>,
    policies: HashMap<(ProgrammeId, u32), Rc<Policy>>,
    products: HashMap<ProductId, TargetNum>,
    categories: HashMap<i64, Category>,
    terms: HashMap<ProgrammeId, Rc<Terms>>,
    rates: HashMap<(ProgrammeId, ProductId, Vec<CategoryId>), Rc<RecordedRates>>,
    histories: HashMap<MerchantId, Versioned<Option<Instant>>>,
    /// Read when they are first asked for.
    accounts: Option<Accounts>,
    rehearsed: Option<Rehearsed>,
    /// How many changes there had been when something was first read for a judgement.
    read_after: Option<i64>,
    pub(super) dated: Dated,
}

/// Rules that are not in force, looked at as if they were.
#[derive(Debug, Clone)]
pub(crate) struct Rehearsed {
    pub programme: ProgrammeId,
    pub version: u32,
    pub since: Instant,
    pub policy: Policy,
}

impl Rehearsed {
    fn enact(&self, programme: &mut Programme) {
        programme.versions.push(PolicyVersion {
            programme: self.programme.clone(),
            version: self.version,
            effective: Period::since(self.since),
            policy: self.policy.clone(),
        });
        programme.recorded.push(Instant(i64::MIN));
    }
}

/// All buyers who are, or once were, known to be promoters in person: they are few.
#[derive(Debug)]
struct Accounts(HashSet<(String, String)>);

impl Accounts {
    fn read(tx: &mut dyn Tx) -> Result<Self, StoreError> {
        let mut found = HashSet::new();
        for row in &tx.query("SELECT platform, buyer FROM promoter_accounts", &[])? {
            found.insert((row.text(0)?.to_owned(), row.text(1)?.to_owned()));
        }
        for row in &tx.query("SELECT DISTINCT subject FROM earlier_facts WHERE kind = 'accounts'", &[])? {
            if let Some((platform, buyer)) = row.text(0)?.split_once('/') {
                found.insert((platform.to_owned(), buyer.to_owned()));
            }
        }
        Ok(Self(found))
    }

    fn of(
        &self,
        tx: &mut dyn Tx,
        platform: &PlatformId,
        buyer: &BuyerId,
        known: Instant,
    ) -> Result<BTreeSet<PromoterId>, StoreError> {
        if self.0.is_empty() || !self.0.contains(&(platform.to_string(), buyer.to_string())) {
            return Ok(BTreeSet::new());
        }
        let now = own_numbers(tx, platform, buyer.as_str())?;
        let fact = Fact::Accounts { platform, buyer: buyer.as_str() };
        let all = Versioned::read(tx, fact, now, true)?;
        promoter_ids(tx, all.as_of(known))
    }
}

/// A category with what was above it when.
#[derive(Debug)]
struct Category {
    id: CategoryId,
    parent: Versioned<Option<i64>>,
}

impl Catalogue {
    /// One that also knows what was said earlier: for questions as of a time in the past.
    pub(crate) fn with_earlier() -> Self {
        Self { dated: Dated::with_earlier(), ..Self::default() }
    }

    /// One in which other rules are in force.
    pub(crate) fn rehearsing(rehearsed: Rehearsed) -> Self {
        Self { rehearsed: Some(rehearsed), ..Self::with_earlier() }
    }

    /// Before an order is judged, and once its mark is taken away: forgets what was read before the last change, which the
    /// order may have been marked for.
    pub(crate) fn keep_up(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        let changes = Some(wake::catalogue_changes(tx)?);
        if self.read_after != changes {
            *self = Self { read_after: changes, ..self.unread() };
        }
        Ok(())
    }

    /// The same catalogue, of which nothing has been read yet.
    fn unread(&mut self) -> Self {
        let kind = if self.dated.earlier { Self::with_earlier() } else { Self::default() };
        Self { rehearsed: self.rehearsed.take(), ..kind }
    }

    /// The programmes of a merchant and its platform.
    pub(crate) fn programmes(
        &mut self,
        tx: &mut dyn Tx,
        platform: &PlatformId,
        merchant: &MerchantId,
    ) -> Result<Rc<[Programme]>, StoreError> {
        match self.programmes.entry((platform.clone(), merchant.clone())) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => {
                let mut read = rules::of_merchant(tx, platform, merchant)?;
                if let Some(rehearsed) = &self.rehearsed {
                    read.iter_mut().filter(|p| p.id == rehearsed.programme).for_each(|p| rehearsed.enact(p));
                }
                Ok(Rc::clone(new.insert(read.into())))
            }
        }
    }

    /// What records of who holds whom need of one programme.
    pub(super) fn record_rules(
        &mut self,
        tx: &mut dyn Tx,
        programme: ProgrammeNum,
    ) -> Result<Option<Rc<RecordRules>>, StoreError> {
        match self.records.entry(programme) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(new) => {
                let rules = rules::of_number(tx, programme)?.map(RecordRules::of).map(Rc::new);
                Ok(new.insert(rules).clone())
            }
        }
    }

    /// One version of a programme's rules.
    pub(crate) fn policy(
        &mut self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
        version: u32,
    ) -> Result<Rc<Policy>, StoreError> {
        match self.policies.entry((programme.clone(), version)) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => {
                let rehearsed = self.rehearsed.as_ref();
                let policy = match rehearsed.filter(|r| r.programme == *programme && r.version == version) {
                    Some(rehearsed) => rehearsed.policy.clone(),
                    None => rules::policy(tx, programme, version)?,
                };
                Ok(Rc::clone(new.insert(Rc::new(policy))))
            }
        }
    }

    /// The plans of a programme, and whether it has rates beside its rules.
    pub(super) fn terms(
        &mut self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
    ) -> Result<Rc<Terms>, StoreError> {
        match self.terms.entry(programme.clone()) {
            Entry::Occupied(known) => Ok(Rc::clone(known.get())),
            Entry::Vacant(new) => Ok(Rc::clone(new.insert(Rc::new(plans::facts::terms(tx, programme)?)))),
        }
    }

    /// The promoters that were known at `known` to be a buyer in person.
    pub(super) fn own_promoters(
        &mut self,
        tx: &mut dyn Tx,
        platform: &PlatformId,
        buyer: &BuyerId,
        known: Instant,
    ) -> Result<BTreeSet<PromoterId>, StoreError> {
        let accounts = match &mut self.accounts {
            Some(read) => read,
            none => none.insert(Accounts::read(tx)?),
        };
        accounts.of(tx, platform, buyer, known)
    }

    /// A product that must be there.
    pub(super) fn product(&mut self, tx: &mut dyn Tx, product: &ProductId) -> Result<Rc<Target>, StoreError> {
        let num = match self.products.get(product) {
            Some(known) => *known,
            None => {
                let row = tx.query_one(
                    "SELECT num FROM targets WHERE kind = 'product' AND id = $1",
                    params![product],
                )?;
                let num = TargetNum(row.num(0)?);
                self.products.insert(product.clone(), num);
                num
            }
        };
        self.dated.target(tx, num)?.ok_or(StoreError::NoRow)
    }

    /// The category of ordered goods and its ancestors, narrowest first: as the catalogue had them when the order was
    /// placed, or when it came in if the goods were not in the catalogue before. Goods that move, and categories that are
    /// put below others, take nothing back from orders.
    pub(crate) fn categories_of(
        &mut self,
        tx: &mut dyn Tx,
        state: &OrderState,
        product: &ProductId,
        known: Instant,
    ) -> Result<Vec<(i64, CategoryId)>, StoreError> {
        let target = self.product(tx, product)?;
        let created = state.created.at.instant();
        let placed = if created < target.since { created.max(state.received) } else { created };
        let frozen = placed.min(known);
        let category = target.category.as_of(frozen).as_ref().map(|(num, _)| *num);
        self.ancestors(tx, category, frozen)
    }

    /// A category and its ancestors, narrowest first, as known at `known`.
    pub(crate) fn ancestors(
        &mut self,
        tx: &mut dyn Tx,
        category: Option<i64>,
        known: Instant,
    ) -> Result<Vec<(i64, CategoryId)>, StoreError> {
        let mut found: Vec<(i64, CategoryId)> = Vec::new();
        let mut next = category;
        while let Some(num) = next {
            // A loop in the tree would be a fault of the catalogue; it must not hang an order.
            if found.iter().any(|(seen, _)| *seen == num) {
                break;
            }
            let category = match self.categories.entry(num) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(read_category(tx, num)?),
            };
            found.push((num, category.id.clone()));
            next = *category.parent.as_of(known);
        }
        Ok(found)
    }

    /// The bans of goods' categories in a programme, beside those of the rules that are asked.
    pub(super) fn bans(
        &mut self,
        tx: &mut dyn Tx,
        categories: &[(i64, CategoryId)],
        programme: ProgrammeNum,
        known: Instant,
    ) -> Result<Vec<BanRule>, StoreError> {
        let mut bans = Vec::new();
        for (num, category) in categories {
            let periods = self.dated.banned(tx, *num, programme)?;
            bans.extend(periods.as_of(known).iter().map(|period| BanRule {
                category: category.clone(),
                effective_from: period.from,
                effective_to: period.to,
                announced_at: None,
            }));
        }
        Ok(bans)
    }

    /// The rates of a programme beside its rules that can concern goods of these categories.
    pub(super) fn rates(
        &mut self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
        product: &ProductId,
        categories: &[CategoryId],
        merchant: &MerchantId,
    ) -> Result<Rc<RecordedRates>, StoreError> {
        let key = (programme.clone(), product.clone(), categories.to_vec());
        if let Some(known) = self.rates.get(&key) {
            return Ok(Rc::clone(known));
        }
        let read = Rc::new(plans::facts::rates(tx, programme, product, categories, merchant)?);
        self.rates.insert(key, Rc::clone(&read));
        Ok(read)
    }

    /// What is known of a buyer's history at a shop for an order placed at `at`. A success that is not here may still
    /// have been, unless the shop vouches for having told of all its orders.
    pub(super) fn history(
        &mut self,
        tx: &mut dyn Tx,
        merchant: &MerchantId,
        first_success: Option<Instant>,
        at: Instant,
        known: Instant,
    ) -> Result<History, StoreError> {
        if let Some(first) = first_success {
            return Ok(History::FirstSuccess(first));
        }
        let known_from = match self.histories.entry(merchant.clone()) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(new) => {
                let sql = "SELECT history_known_ms FROM merchants WHERE id = $1";
                let now = tx.query_one(sql, params![merchant])?.opt_instant(0)?;
                new.insert(Versioned::read(tx, Fact::HistoryKnown(merchant), now, self.dated.earlier)?)
            }
        };
        let complete = known_from.as_of(known).is_some_and(|from| at >= from);
        Ok(if complete { History::None } else { History::Unknown })
    }

    /// Whose a coupon code was at `at`, as known at `known`.
    pub(super) fn coupon(
        &self,
        tx: &mut dyn Tx,
        programme: &ProgrammeId,
        code: &str,
        at: Instant,
        known: Instant,
    ) -> Result<Option<ExclusiveCoupon>, StoreError> {
        let now = plans::facts::coupons(tx, programme, code)?;
        let owners = Versioned::read(tx, Fact::Coupons { programme, code }, now, self.dated.earlier)?;
        Ok(plans::facts::owner_at(owners.as_of(known), code, at))
    }
}

fn read_category(tx: &mut dyn Tx, num: i64) -> Result<Category, StoreError> {
    let row = tx.query_one("SELECT id, parent FROM categories WHERE num = $1", params![num])?;
    let parent = Versioned::read(tx, Fact::Parent(num), row.opt_int(1)?, true)?;
    Ok(Category { id: read("category id", row.text(0)?)?, parent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_anew_is_read_as_before() {
        let rehearsed = Rehearsed {
            programme: ProgrammeId::new("g1").unwrap(),
            version: 2,
            since: Instant(0),
            policy: Policy::default(),
        };
        let unread = Catalogue::rehearsing(rehearsed).unread();
        assert!(unread.dated.earlier && unread.rehearsed.is_some_and(|rules| rules.version == 2));
        assert!(Catalogue::with_earlier().unread().dated.earlier);
        assert!(!Catalogue::default().unread().dated.earlier);
    }
}
