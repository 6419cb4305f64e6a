//! The clicks of many devices and accounts, read with a few questions instead of some for each.

use super::clicks::{self, BuyerClicks, Seen};
use super::held::Who;
use crate::store::{List, StoreError, Tx, read};
use attribution_core::identity::Join;
use attribution_core::ids::{BuyerId, PlatformId, PromoterId, VisitorId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One of them with what was read about it.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub who: &'a Who,
    pub clicks: BuyerClicks,
    /// The promoters that an account is in person.
    pub own: BTreeSet<PromoterId>,
}

/// Reads all clicks of each of these that may earn: those of a device whoever used it, those of an account on every
/// device that was ever joined to it.
pub(super) fn load<'a>(tx: &mut dyn Tx, who: &'a [Who]) -> Result<Vec<Read<'a>>, StoreError> {
    tx.before_asking_by_visitor()?;
    let mut platforms: BTreeMap<&PlatformId, BTreeSet<&BuyerId>> = BTreeMap::new();
    let mut devices: BTreeSet<VisitorId> = BTreeSet::new();
    for one in who {
        match one {
            Who::Visitor(visitor) => {
                devices.insert(*visitor);
            }
            Who::Buyer(platform, buyer) => {
                platforms.entry(platform).or_default().insert(buyer);
            }
        }
    }
    let mut accounts: HashMap<&PlatformId, Accounts> = HashMap::new();
    for (platform, buyers) in platforms {
        let read = Accounts::read(tx, platform, &buyers)?;
        devices.extend(read.devices.values().flatten());
        accounts.insert(platform, read);
    }
    let seen = of_devices(tx, &devices)?;
    let clicks_of = |visitor: &VisitorId| seen.get(visitor).map_or(&[][..], Vec::as_slice);
    let put_together = |who: &'a Who| match who {
        Who::Visitor(visitor) => {
            let clicks = BuyerClicks::of(clicks_of(visitor).to_vec(), BTreeMap::new(), &[]);
            Read { who, clicks, own: BTreeSet::new() }
        }
        Who::Buyer(platform, buyer) => {
            let account = accounts.get(platform);
            let devices = account.and_then(|read| read.devices.get(buyer)).into_iter().flatten();
            let seen = devices.clone().flat_map(clicks_of).copied().collect();
            let joins = devices.filter_map(|device| {
                account.and_then(|read| read.joins.get(device)).map(|joins| (*device, joins.clone()))
            });
            let own = account.and_then(|read| read.own.get(buyer)).cloned().unwrap_or_default();
            Read { who, clicks: BuyerClicks::of(seen, joins.collect(), &[]), own }
        }
    };
    Ok(who.iter().map(put_together).collect())
}

/// What is known of some accounts of one platform.
#[derive(Debug, Default)]
struct Accounts {
    devices: HashMap<BuyerId, BTreeSet<VisitorId>>,
    /// All logins on these devices, of other accounts too.
    joins: HashMap<VisitorId, Vec<Join>>,
    own: HashMap<BuyerId, BTreeSet<PromoterId>>,
}

impl Accounts {
    fn read(tx: &mut dyn Tx, platform: &PlatformId, buyers: &BTreeSet<&BuyerId>) -> Result<Self, StoreError> {
        let mut found = Self::default();
        let buyers: Vec<&BuyerId> = buyers.iter().copied().collect();
        for some in buyers.chunks(List::MOST) {
            let mut list: List<'_> = some.iter().copied().collect();
            let here = list.mark_of(platform);
            let rows = tx.query(
                &format!(
                    "SELECT DISTINCT visitor, buyer FROM identities WHERE platform = {here} AND buyer IN ({})",
                    list.marks
                ),
                &list.values,
            )?;
            for row in &rows {
                let devices = found.devices.entry(read("buyer id", row.text(1)?)?).or_default();
                devices.insert(VisitorId(row.id16(0)?));
            }
            let rows = tx.query(
                &format!(
                    "SELECT a.buyer, o.id FROM promoter_accounts a JOIN promoters o ON o.num = a.promoter \
                     WHERE a.platform = {here} AND a.buyer IN ({})",
                    list.marks
                ),
                &list.values,
            )?;
            for row in &rows {
                let own = found.own.entry(read("buyer id", row.text(0)?)?).or_default();
                own.insert(read("promoter id", row.text(1)?)?);
            }
        }
        let devices: BTreeSet<VisitorId> = found.devices.values().flatten().copied().collect();
        let devices: Vec<VisitorId> = devices.into_iter().collect();
        for some in devices.chunks(List::MOST) {
            let mut list: List<'_> = some.iter().collect();
            let here = list.mark_of(platform);
            let rows = tx.query(
                &format!(
                    "SELECT {} FROM identities WHERE platform = {here} AND visitor IN ({})",
                    clicks::JOIN,
                    list.marks
                ),
                &list.values,
            )?;
            for row in &rows {
                found.joins.entry(VisitorId(row.id16(0)?)).or_default().push(clicks::join(row)?);
            }
        }
        Ok(found)
    }
}

fn of_devices(
    tx: &mut dyn Tx,
    devices: &BTreeSet<VisitorId>,
) -> Result<HashMap<VisitorId, Vec<Seen>>, StoreError> {
    let mut found: HashMap<VisitorId, Vec<Seen>> = HashMap::new();
    let devices: Vec<VisitorId> = devices.iter().copied().collect();
    for some in devices.chunks(List::MOST) {
        let list: List<'_> = some.iter().collect();
        let sql = format!("SELECT {} FROM earning_clicks WHERE visitor IN ({})", clicks::COLUMNS, list.marks);
        for row in &tx.query(&sql, &list.values)? {
            let seen = clicks::journaled(row, 0)?;
            found.entry(seen.visitor()).or_default().push(seen);
        }
    }
    Ok(found)
}
