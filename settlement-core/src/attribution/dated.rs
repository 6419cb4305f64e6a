//! What held when: links, placements, targets, promoters and their periods, read once and asked as of any time.

use super::programmes::read;
use crate::earlier::{Fact, Versioned};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::attribute::PromoterState;
use attribution_core::catalogue::{LinkFlags, LinkSeconds};
use attribution_core::fold::ClickTarget;
use attribution_core::ids::{
    AgencyId, CategoryId, PlacementId, PlacementNum, ProgrammeNum, PromoterId, PromoterNum, TargetNum,
};
use attribution_core::time::{Instant, Period};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
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

/// A promoter's contract with an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contract {
    from: Instant,
    to: Option<Instant>,
    agency: AgencyId,
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
        PromoterState {
            disabled: self.disabled.as_of(known).clone(),
            agency: in_force.max_by_key(|c| c.from).map(|c| (c.agency.clone(), c.from)),
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
    bans: HashMap<(i64, u32), Rc<Versioned<Vec<Period>>>>,
    promoters: HashMap<PromoterId, Option<Rc<Promoter>>>,
}

/// When a state held, as known now.
///
/// # Errors
/// If the store fails.
pub(crate) fn periods(
    tx: &mut dyn Tx,
    kind: &str,
    num: i64,
    what: &str,
    scope: i64,
) -> Result<Vec<Period>, StoreError> {
    let rows = tx.query(
        "SELECT from_ms, to_ms FROM periods WHERE kind = $1 AND num = $2 AND what = $3 AND scope = $4 \
         ORDER BY from_ms",
        params![kind, num, what, scope],
    )?;
    rows.iter().map(|row| Ok(Period { from: row.instant(0)?, to: row.opt_instant(1)? })).collect()
}

/// A promoter's contracts, as known now.
///
/// # Errors
/// If the store fails.
pub(crate) fn contracts(tx: &mut dyn Tx, promoter: i64) -> Result<Vec<Contract>, StoreError> {
    let rows = tx.query(
        "SELECT from_ms, to_ms, agency FROM agency_contracts WHERE promoter = $1 ORDER BY from_ms",
        params![promoter],
    )?;
    let contract = |row: &Row| {
        Ok(Contract {
            from: row.instant(0)?,
            to: row.opt_instant(1)?,
            agency: read("agency id", row.text(2)?)?,
        })
    };
    rows.iter().map(contract).collect()
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
        let now = periods(tx, kind, num, what, scope)?;
        Versioned::read(tx, Fact::Periods { kind, num, what, scope }, now, self.earlier)
    }

    fn read_placement(&self, tx: &mut dyn Tx, num: u32) -> Result<Option<Placement>, StoreError> {
        let row = tx.query_opt(
            "SELECT p.id, p.programme, p.promoter, o.id FROM placements p JOIN promoters o ON o.num = p.promoter \
             WHERE p.num = $1",
            params![PlacementNum(num)],
        )?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Placement {
            id: read("placement id", row.text(0)?)?,
            programme: ProgrammeNum(row.num(1)?),
            promoter: read("promoter id", row.text(3)?)?,
            promoter_num: PromoterNum(row.num(2)?),
            disabled: self.periods(tx, "promoter", row.int(2)?, "disabled", 0)?,
        }))
    }

    fn read_target(&self, tx: &mut dyn Tx, num: u32) -> Result<Option<Target>, StoreError> {
        let row = tx.query_opt(
            "SELECT t.kind, t.id, t.merchant, m.platform, t.category FROM targets t \
             JOIN merchants m ON m.id = t.merchant WHERE t.num = $1",
            params![TargetNum(num)],
        )?;
        let Some(row) = row else { return Ok(None) };
        let product = if row.text(0)? == "product" { Some(read("product id", row.text(1)?)?) } else { None };
        let key = i64::from(num);
        let category = Versioned::read(tx, Fact::Category(key), row.opt_int(4)?, self.earlier)?;
        let place = ClickTarget {
            platform: read("platform id", row.text(3)?)?,
            merchant: read("merchant id", row.text(2)?)?,
            product,
        };
        Ok(Some(Target {
            place,
            category: category.map(|num| num.map(|num| Ok((num, category_id(tx, num)?))).transpose())?,
            cancelled: self.periods(tx, "target", key, "cancelled", 0)?,
            delisted: self.periods(tx, "target", key, "delisted", 0)?,
        }))
    }

    fn read_promoter(&self, tx: &mut dyn Tx, id: &PromoterId) -> Result<Option<Promoter>, StoreError> {
        let row = tx.query_opt("SELECT num FROM promoters WHERE id = $1", params![id])?;
        let Some(row) = row else { return Ok(None) };
        let num = row.int(0)?;
        let now = contracts(tx, num)?;
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
        let found = self.read_placement(tx, num.0)?.map(Rc::new);
        keep(&mut self.placements, num.0, found.clone());
        Ok(found)
    }

    pub(super) fn target(
        &mut self,
        tx: &mut dyn Tx,
        num: TargetNum,
    ) -> Result<Option<Rc<Target>>, StoreError> {
        if let Some(known) = self.targets.get(&num.0) {
            return Ok(known.clone());
        }
        let found = self.read_target(tx, num.0)?.map(Rc::new);
        keep(&mut self.targets, num.0, found.clone());
        Ok(found)
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
        let found = read_link(tx, code)?;
        keep(&mut self.links, code, found);
        Ok(found)
    }

    /// When the category was banned in the programme, by the operator's bans.
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

fn category_id(tx: &mut dyn Tx, num: i64) -> Result<CategoryId, StoreError> {
    let row = tx.query_one("SELECT id FROM categories WHERE num = $1", params![num])?;
    read("category id", row.text(0)?)
}

fn read_link(tx: &mut dyn Tx, code: u64) -> Result<Option<Link>, StoreError> {
    let row = tx
        .query_opt("SELECT starts, expires, flags FROM links WHERE code = $1", params![code.cast_signed()])?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Link {
        starts: LinkSeconds(row.num(0)?),
        expires: LinkSeconds(row.num(1)?),
        flags: LinkFlags(u8::try_from(row.int(2)?).unwrap_or_default()),
    }))
}
