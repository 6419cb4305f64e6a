//! What held when: links, placements, targets and their periods, read once per question.

use super::programmes::read;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::catalogue::{LinkFlags, LinkSeconds};
use attribution_core::fold::ClickTarget;
use attribution_core::ids::{
    CategoryId, PlacementId, PlacementNum, ProgrammeNum, PromoterId, PromoterNum, TargetNum,
};
use attribution_core::time::Period;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A placement as rules see it.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    pub id: PlacementId,
    pub programme: ProgrammeNum,
    pub promoter: PromoterId,
    pub promoter_num: PromoterNum,
    pub disabled: Vec<Period>,
}

/// A target as rules see it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub place: ClickTarget,
    pub category: Option<(i64, CategoryId)>,
    pub cancelled: Vec<Period>,
    pub delisted: Vec<Period>,
}

/// A link's frozen facts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Link {
    pub starts: LinkSeconds,
    pub expires: LinkSeconds,
    pub flags: LinkFlags,
}

/// The catalogue and its history, as far as one question touches it.
#[derive(Debug, Default)]
pub(super) struct Dated {
    placements: HashMap<u32, Option<Placement>>,
    targets: HashMap<u32, Option<Target>>,
    links: HashMap<u64, Option<Link>>,
    bans: HashMap<(i64, u32), Vec<Period>>,
}

pub(super) fn periods(
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

fn read_placement(tx: &mut dyn Tx, num: PlacementNum) -> Result<Option<Placement>, StoreError> {
    let row = tx.query_opt(
        "SELECT p.id, p.programme, p.promoter, o.id FROM placements p JOIN promoters o ON o.num = p.promoter \
         WHERE p.num = $1",
        params![num],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Placement {
        id: read("placement id", row.text(0)?)?,
        programme: ProgrammeNum(row.num(1)?),
        promoter: read("promoter id", row.text(3)?)?,
        promoter_num: PromoterNum(row.num(2)?),
        disabled: periods(tx, "promoter", row.int(2)?, "disabled", 0)?,
    }))
}

fn read_target(tx: &mut dyn Tx, num: TargetNum) -> Result<Option<Target>, StoreError> {
    let row = tx.query_opt(
        "SELECT t.kind, t.id, t.merchant, m.platform, t.category, c.id FROM targets t \
         JOIN merchants m ON m.id = t.merchant LEFT JOIN categories c ON c.num = t.category WHERE t.num = $1",
        params![num],
    )?;
    let Some(row) = row else { return Ok(None) };
    let product = if row.text(0)? == "product" { Some(read("product id", row.text(1)?)?) } else { None };
    let category = match (row.opt_int(4)?, row.opt_text(5)?) {
        (Some(category), Some(id)) => Some((category, read("category id", id)?)),
        _ => None,
    };
    let place = ClickTarget {
        platform: read("platform id", row.text(3)?)?,
        merchant: read("merchant id", row.text(2)?)?,
        product,
    };
    let key = i64::from(num.0);
    Ok(Some(Target {
        place,
        category,
        cancelled: periods(tx, "target", key, "cancelled", 0)?,
        delisted: periods(tx, "target", key, "delisted", 0)?,
    }))
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

impl Dated {
    pub(super) fn placement(
        &mut self,
        tx: &mut dyn Tx,
        num: PlacementNum,
    ) -> Result<Option<&Placement>, StoreError> {
        let found = match self.placements.entry(num.0) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(read_placement(tx, num)?),
        };
        Ok(found.as_ref())
    }

    pub(super) fn target(&mut self, tx: &mut dyn Tx, num: TargetNum) -> Result<Option<&Target>, StoreError> {
        let found = match self.targets.entry(num.0) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(read_target(tx, num)?),
        };
        Ok(found.as_ref())
    }

    pub(super) fn link(&mut self, tx: &mut dyn Tx, code: u64) -> Result<Option<Link>, StoreError> {
        match self.links.entry(code) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(new) => Ok(*new.insert(read_link(tx, code)?)),
        }
    }

    /// When the category was banned in the programme, by the operator's bans.
    pub(super) fn banned(
        &mut self,
        tx: &mut dyn Tx,
        category: i64,
        programme: ProgrammeNum,
    ) -> Result<&[Period], StoreError> {
        match self.bans.entry((category, programme.0)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let mut found = periods(tx, "category", category, "banned", 0)?;
                found.extend(periods(tx, "category", category, "banned", i64::from(programme.0))?);
                Ok(new.insert(found))
            }
        }
    }
}
