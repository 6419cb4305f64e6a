//! What held when: links, placements, targets, promoters and their periods, read once and asked as of any time.

use crate::catalogue::contracts::{self, Contract};
use crate::catalogue::periods;
use crate::earlier::{Fact, Versioned};
use crate::params;
use crate::store::{List, StoreError, Tx, read};
use attribution_core::attribute::PromoterState;
use attribution_core::catalogue::{LinkFlags, LinkSeconds};
use attribution_core::fold::ClickTarget;
use attribution_core::ids::{
    AgencyId, CategoryId, PlacementId, PlacementNum, ProgrammeNum, PromoterId, PromoterNum, TargetNum,
};
use attribution_core::time::{Instant, Period};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeSet;
use std::rc::Rc;

/// More entries than this are not kept: a replay passes by every link there is.
const KEPT_MAX: usize = 50_000;

/// A placement as rules see it.
#[derive(Debug)]
pub(super) struct Placement {
    pub id: PlacementId,
    pub programme: ProgrammeNum,
    pub promoter: PromoterId,
    pub promoter_num: PromoterNum,
    pub disabled: Versioned<Vec<Period>>,
}

/// A target as rules see it.
#[derive(Debug)]
pub(super) struct Target {
    pub place: ClickTarget,
    /// Since when the catalogue has it.
    pub since: Instant,
    /// With what it was earlier, whoever asks: what was clicked or ordered stays in its category.
    pub category: Versioned<Option<(i64, CategoryId)>>,
    pub cancelled: Versioned<Vec<Period>>,
    pub delisted: Versioned<Vec<Period>>,
}

/// A link's frozen facts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Link {
    pub starts: LinkSeconds,
    pub expires: LinkSeconds,
    pub flags: LinkFlags,
}

/// A promoter as orders see it.
#[derive(Debug)]
pub(super) struct Promoter {
    disabled: Versioned<Vec<Period>>,
    contracts: Versioned<Vec<Contract>>,
}

impl Promoter {
    /// As known at `known`, for an order of this time.
    pub(super) fn state(&self, order: Instant, known: Instant) -> PromoterState {
        let contracts = self.contracts.as_of(known).iter();
        let in_force = contracts.filter(|c| c.from <= order && c.to.is_none_or(|to| to > order));
        let contract = in_force.max_by_key(|c| c.from);
        let agency = contract.and_then(|c| Some((AgencyId::new(c.agency.as_str()).ok()?, c.from)));
        PromoterState {
            disabled: self.disabled.as_of(known).clone(),
            unnamed_agency: contract.filter(|_| agency.is_none()).map(|c| c.from),
            agency,
        }
    }
}

/// The catalogue and its history, as far as somebody touched it.
#[derive(Debug, Default)]
pub(super) struct Dated {
    /// What was known earlier is read too.
    pub earlier: bool,
    placements: HashMap<u32, Option<Rc<Placement>>>,
    targets: HashMap<u32, Option<Rc<Target>>>,
    links: HashMap<u64, Option<Link>>,
    categories: HashMap<i64, CategoryId>,
    bans: HashMap<(i64, u32), Rc<Versioned<Vec<Period>>>>,
    promoters: HashMap<PromoterId, Option<Rc<Promoter>>>,
}

impl Dated {
    /// One that also knows what was said earlier.
    pub(super) fn with_earlier() -> Self {
        Self { earlier: true, ..Self::default() }
    }

    fn periods(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        num: i64,
        what: &str,
        scope: i64,
    ) -> Result<Versioned<Vec<Period>>, StoreError> {
        let now = periods::known(tx, kind, num, what, scope)?;
        Versioned::read(tx, Fact::Periods { kind, num, what, scope }, now, self.earlier)
    }

    /// When a state of many held.
    fn periods_of(
        &self,
        tx: &mut dyn Tx,
        kind: &str,
        nums: &BTreeSet<i64>,
        what: &str,
    ) -> Result<HashMap<i64, Versioned<Vec<Period>>>, StoreError> {
        let mut list: List<'_> = nums.iter().copied().collect();
        let (of_kind, state) = (list.mark_of(kind), list.mark_of(what));
        let rows = tx.query(
            &format!(
                "SELECT num, from_ms, to_ms FROM periods WHERE kind = {of_kind} AND what = {state} AND scope = 0 \
                 AND num IN ({}) ORDER BY num, from_ms",
                list.marks
            ),
            &list.values,
        )?;
        let mut now: HashMap<i64, Vec<Period>> = HashMap::new();
        for row in &rows {
            let period = Period { from: row.instant(1)?, to: row.opt_instant(2)? };
            now.entry(row.int(0)?).or_default().push(period);
        }
        let mut found = HashMap::with_capacity(nums.len());
        for num in nums {
            let fact = Fact::Periods { kind, num: *num, what, scope: 0 };
            let periods = now.remove(num).unwrap_or_default();
            found.insert(*num, Versioned::read(tx, fact, periods, self.earlier)?);
        }
        Ok(found)
    }

    /// Reads those of these placements that are not known yet.
    pub(super) fn read_placements(
        &mut self,
        tx: &mut dyn Tx,
        nums: impl Iterator<Item = PlacementNum>,
    ) -> Result<(), StoreError> {
        for nums in unknown(&self.placements, nums.map(|num| num.0)).chunks(List::MOST) {
            let list: List<'_> = nums.iter().map(|num| PlacementNum(*num)).collect();
            let rows = tx.query(
                &format!(
                    "SELECT p.num, p.id, p.programme, p.promoter, o.id FROM placements p \
                     JOIN promoters o ON o.num = p.promoter WHERE p.num IN ({})",
                    list.marks
                ),
                &list.values,
            )?;
            let promoters = rows.iter().map(|row| row.int(3)).collect::<Result<_, _>>()?;
            let disabled = self.periods_of(tx, "promoter", &promoters, "disabled")?;
            let mut found = HashMap::with_capacity(rows.len());
            for row in &rows {
                let placement = Placement {
                    id: read("placement id", row.text(1)?)?,
                    programme: ProgrammeNum(row.num(2)?),
                    promoter: read("promoter id", row.text(4)?)?,
                    promoter_num: PromoterNum(row.num(3)?),
                    disabled: disabled.get(&row.int(3)?).cloned().unwrap_or_default(),
                };
                found.insert(row.num(0)?, Rc::new(placement));
            }
            nums.iter().for_each(|num| keep(&mut self.placements, *num, found.remove(num)));
        }
        Ok(())
    }

    /// Reads those of these targets that are not known yet.
    pub(super) fn read_targets(
        &mut self,
        tx: &mut dyn Tx,
        nums: impl Iterator<Item = TargetNum>,
    ) -> Result<(), StoreError> {
        for nums in unknown(&self.targets, nums.map(|num| num.0)).chunks(List::MOST) {
            let list: List<'_> = nums.iter().map(|num| TargetNum(*num)).collect();
            let rows = tx.query(
                &format!(
                    "SELECT t.num, t.kind, t.id, t.merchant, m.platform, t.category, t.created_at, \
                     (SELECT COUNT(*) FROM earlier_facts e WHERE e.kind = 'category' \
                      AND e.subject = CAST(t.num AS TEXT)) \
                     FROM targets t JOIN merchants m ON m.id = t.merchant WHERE t.num IN ({})",
                    list.marks
                ),
                &list.values,
            )?;
            let keys = nums.iter().map(|num| i64::from(*num)).collect();
            let mut cancelled = self.periods_of(tx, "target", &keys, "cancelled")?;
            let mut delisted = self.periods_of(tx, "target", &keys, "delisted")?;
            let mut found = HashMap::with_capacity(rows.len());
            for row in &rows {
                let key = row.int(0)?;
                let is_product = row.text(1)? == "product";
                let place = ClickTarget {
                    platform: read("platform id", row.text(4)?)?,
                    merchant: read("merchant id", row.text(3)?)?,
                    product: is_product.then(|| read("product id", row.text(2)?)).transpose()?,
                };
                let category = Versioned::read(tx, Fact::Category(key), row.opt_int(5)?, row.flag(7)?)?;
                let category =
                    category.map(|num| num.map(|num| Ok((num, self.category_id(tx, num)?))).transpose())?;
                let target = Target {
                    place,
                    since: row.instant(6)?,
                    category,
                    cancelled: cancelled.remove(&key).unwrap_or_default(),
                    delisted: delisted.remove(&key).unwrap_or_default(),
                };
                found.insert(row.num(0)?, Rc::new(target));
            }
            nums.iter().for_each(|num| keep(&mut self.targets, *num, found.remove(num)));
        }
        Ok(())
    }

    /// Reads those of these links that are not known yet.
    pub(super) fn read_links(
        &mut self,
        tx: &mut dyn Tx,
        codes: impl Iterator<Item = u64>,
    ) -> Result<(), StoreError> {
        for codes in unknown(&self.links, codes).chunks(List::MOST) {
            let list: List<'_> = codes.iter().map(|code| code.cast_signed()).collect();
            let rows = tx.query(
                &format!("SELECT code, starts, expires, flags FROM links WHERE code IN ({})", list.marks),
                &list.values,
            )?;
            let mut found = HashMap::with_capacity(rows.len());
            for row in &rows {
                let link = Link {
                    starts: LinkSeconds(row.num(1)?),
                    expires: LinkSeconds(row.num(2)?),
                    flags: row.link_flags(3)?,
                };
                found.insert(row.int(0)?.cast_unsigned(), link);
            }
            codes.iter().for_each(|code| keep(&mut self.links, *code, found.remove(code)));
        }
        Ok(())
    }

    fn category_id(&mut self, tx: &mut dyn Tx, num: i64) -> Result<CategoryId, StoreError> {
        if let Some(known) = self.categories.get(&num) {
            return Ok(known.clone());
        }
        let row = tx.query_one("SELECT id FROM categories WHERE num = $1", params![num])?;
        let id: CategoryId = read("category id", row.text(0)?)?;
        keep(&mut self.categories, num, id.clone());
        Ok(id)
    }

    fn read_promoter(&self, tx: &mut dyn Tx, id: &PromoterId) -> Result<Option<Promoter>, StoreError> {
        let row = tx.query_opt("SELECT num FROM promoters WHERE id = $1", params![id])?;
        let Some(row) = row else { return Ok(None) };
        let num = row.int(0)?;
        let now = contracts::of(tx, num)?;
        Ok(Some(Promoter {
            disabled: self.periods(tx, "promoter", num, "disabled", 0)?,
            contracts: Versioned::read(tx, Fact::Contracts(num), now, self.earlier)?,
        }))
    }

    pub(super) fn placement(
        &mut self,
        tx: &mut dyn Tx,
        num: PlacementNum,
    ) -> Result<Option<Rc<Placement>>, StoreError> {
        if let Some(known) = self.placements.get(&num.0) {
            return Ok(known.clone());
        }
        self.read_placements(tx, std::iter::once(num))?;
        Ok(self.placements.get(&num.0).cloned().flatten())
    }

    pub(super) fn target(
        &mut self,
        tx: &mut dyn Tx,
        num: TargetNum,
    ) -> Result<Option<Rc<Target>>, StoreError> {
        if let Some(known) = self.targets.get(&num.0) {
            return Ok(known.clone());
        }
        self.read_targets(tx, std::iter::once(num))?;
        Ok(self.targets.get(&num.0).cloned().flatten())
    }

    pub(super) fn promoter(
        &mut self,
        tx: &mut dyn Tx,
        id: &PromoterId,
    ) -> Result<Option<Rc<Promoter>>, StoreError> {
        if let Some(known) = self.promoters.get(id) {
            return Ok(known.clone());
        }
        let found = self.read_promoter(tx, id)?.map(Rc::new);
        keep(&mut self.promoters, id.clone(), found.clone());
        Ok(found)
    }

    pub(super) fn link(&mut self, tx: &mut dyn Tx, code: u64) -> Result<Option<Link>, StoreError> {
        if let Some(known) = self.links.get(&code) {
            return Ok(*known);
        }
        self.read_links(tx, std::iter::once(code))?;
        Ok(self.links.get(&code).copied().flatten())
    }

    /// When the category was banned in the programme, by operators and by what its rules ever said.
    pub(super) fn banned(
        &mut self,
        tx: &mut dyn Tx,
        category: i64,
        programme: ProgrammeNum,
    ) -> Result<Rc<Versioned<Vec<Period>>>, StoreError> {
        if let Some(known) = self.bans.get(&(category, programme.0)) {
            return Ok(Rc::clone(known));
        }
        let everywhere = self.periods(tx, "category", category, "banned", 0)?;
        let here = self.periods(tx, "category", category, "banned", i64::from(programme.0))?;
        let both = Rc::new(everywhere.with(&here, |a, b| [a.as_slice(), b.as_slice()].concat()));
        keep(&mut self.bans, (category, programme.0), Rc::clone(&both));
        Ok(both)
    }
}

fn keep<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= KEPT_MAX {
        map.clear();
    }
    map.insert(key, value);
}

/// Those of `wanted` that nobody has asked for yet, each once.
fn unknown<K: std::hash::Hash + Ord + Copy, V>(
    known: &HashMap<K, V>,
    wanted: impl Iterator<Item = K>,
) -> Vec<K> {
    let wanted: BTreeSet<K> = wanted.filter(|key| !known.contains_key(key)).collect();
    wanted.into_iter().collect()
}
