//! The tables behind the feed, each read as the rows that edges know.

use super::app_page;
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::catalogue::{
    BanRow, Change, LinkRow, LinkSeconds, NumberedChange, PlacementRow, ProgrammeRow, PromoterRow,
    TargetKind, TargetRow,
};
use attribution_core::code::{Alias, Code};
use attribution_core::ids::{CategoryNum, PlacementNum, ProgrammeNum, PromoterNum, TargetNum};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;

/// Reads one table's changes above a number, at most so many, in order.
type Source = fn(&mut dyn Tx, i64, i64) -> Result<Vec<NumberedChange>, StoreError>;

/// All tables of the feed. The order does not matter: the numbers do.
pub(super) const SOURCES: [Source; 7] = [programmes, promoters, placements, targets, links, aliases, bans];

/// Columns 0 and 1 of every query: the number and the time of the change.
fn read(
    tx: &mut dyn Tx,
    sql: &str,
    after: i64,
    limit: i64,
    change: impl Fn(&Row) -> Result<Change, StoreError>,
) -> Result<Vec<NumberedChange>, StoreError> {
    let rows = tx.query(sql, params![after, limit])?;
    rows.iter()
        .map(|row| Ok(NumberedChange { number: row.count(0)?, at: row.instant(1)?, change: change(row)? }))
        .collect()
}

fn programmes(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, edge_row FROM programmes \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        let programme: ProgrammeRow =
            serde_json::from_str(row.text(2)?).map_err(StoreError::corrupt("programme row"))?;
        Ok(Change::Programme(programme))
    })
}

fn promoters(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, num, disabled_from FROM promoters \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        Ok(Change::Promoter(PromoterRow {
            num: PromoterNum(row.num(2)?),
            disabled_from: row.opt_instant(3)?,
        }))
    })
}

fn placements(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, num, promoter, programme FROM placements \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        Ok(Change::Placement(PlacementRow {
            num: PlacementNum(row.num(2)?),
            promoter: PromoterNum(row.num(3)?),
            programme: ProgrammeNum(row.num(4)?),
        }))
    })
}

fn targets(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, num, kind, destination, title, category, cancelled_from, \
               delisted_from, pass_query, click_param, price_fen, image_url, app_page FROM targets \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        Ok(Change::Target(TargetRow {
            num: TargetNum(row.num(2)?),
            kind: match row.text(3)? {
                "product" => TargetKind::Product,
                "shop" => TargetKind::Shop,
                _ => TargetKind::Page,
            },
            destination: row.text(4)?.to_owned(),
            title: row.text(5)?.to_owned(),
            category: row.opt_num(6)?.map(CategoryNum),
            cancelled_from: row.opt_instant(7)?,
            delisted_from: row.opt_instant(8)?,
            pass_query: row.flag(9)?,
            click_param: row.text(10)?.to_owned(),
            price_fen: row.opt_int(11)?,
            picture: row.opt_text(12)?.map(str::to_owned),
            app_page: app_page::stored(row.opt_text(13)?)?.map(Box::new),
        }))
    })
}

fn links(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, code, placement, target, starts, expires, flags FROM links \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        Ok(Change::Link(LinkRow {
            code: Code(row.count(2)?),
            placement: PlacementNum(row.num(3)?),
            target: TargetNum(row.num(4)?),
            starts: LinkSeconds(row.num(5)?),
            expires: LinkSeconds(row.num(6)?),
            flags: row.link_flags(7)?,
        }))
    })
}

fn aliases(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, alias, code FROM aliases \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        let text: StrDeserializer<'_, serde::de::value::Error> = row.text(2)?.into_deserializer();
        let alias = Alias::deserialize(text).map_err(StoreError::corrupt("alias"))?;
        Ok(Change::Alias { alias, code: Code(row.count(3)?) })
    })
}

fn bans(tx: &mut dyn Tx, after: i64, limit: i64) -> Result<Vec<NumberedChange>, StoreError> {
    let sql = "SELECT change_no, changed_at, category, programme, effective_from, effective_to FROM bans \
               WHERE change_no > $1 ORDER BY change_no LIMIT $2";
    read(tx, sql, after, limit, |row| {
        let programme = row.num(3)?;
        Ok(Change::Ban(BanRow {
            category: CategoryNum(row.num(2)?),
            programme: (programme != 0).then_some(ProgrammeNum(programme)),
            effective_from: row.instant(4)?,
            effective_to: row.opt_instant(5)?,
        }))
    })
}
