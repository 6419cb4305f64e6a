//! Targets: what links lead to. A product, a shop and a page are rows of one table, with numbers of their own.

use super::feed::Numbers;
use super::next_num;
use crate::earlier::{self, Fact};
use crate::params;
use crate::store::{List, Row, StoreError, Tx, read};
use crate::wake;
use attribution_core::ids::ProductId;
use attribution_core::time::Instant;

/// A target to make or change.
pub(super) struct NewTarget<'a> {
    pub(super) kind: &'static str,
    pub(super) id: &'a str,
    pub(super) merchant: &'a str,
    pub(super) title: &'a str,
    pub(super) destination: &'a str,
    pub(super) price_fen: Option<i64>,
    pub(super) category: Option<i64>,
    pub(super) pass_query: bool,
    pub(super) click_param: &'a str,
    /// Address of its picture.
    pub(super) image_url: Option<&'a str>,
    /// The merchant's page in between, as JSON.
    pub(super) app_page: Option<&'a str>,
}

/// A target as it is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) num: i64,
    pub(super) merchant: String,
    pub(super) category: Option<i64>,
    pub(super) cancelled_from: Option<Instant>,
    pub(super) delisted_from: Option<Instant>,
}

impl Target {
    /// Reads [`COLUMNS`].
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            num: row.int(0)?,
            merchant: row.text(1)?.to_owned(),
            category: row.opt_int(2)?,
            cancelled_from: row.opt_instant(3)?,
            delisted_from: row.opt_instant(4)?,
        })
    }
}

/// Finds a target by its kind and id.
pub(super) fn find(tx: &mut dyn Tx, kind: &str, id: &str) -> Result<Option<Target>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM targets WHERE kind = $1 AND id = $2");
    tx.query_opt(&sql, params![kind, id])?.as_ref().map(Target::read).transpose()
}

/// Finds those of these products that there are, by their ids.
pub(super) fn find_products<'a>(
    tx: &mut dyn Tx,
    ids: &[&'a ProductId],
) -> Result<Vec<(ProductId, Target)>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(List::MOST) {
        let list: List<'a> = some.iter().copied().collect();
        let sql =
            format!("SELECT {COLUMNS}, id FROM targets WHERE kind = 'product' AND id IN ({})", list.marks);
        for row in &tx.query(&sql, &list.values)? {
            found.push((read("product id", row.text(5)?)?, Target::read(row)?));
        }
    }
    Ok(found)
}

const COLUMNS: &str = "num, merchant, category, cancelled_from, delisted_from";

/// Makes a target or changes what edges show of it; its dated state stays. Returns its number.
pub(super) fn put(
    tx: &mut dyn Tx,
    target: &NewTarget<'_>,
    numbers: &mut Numbers,
    now: Instant,
) -> Result<i64, StoreError> {
    let num = match find(tx, target.kind, target.id)? {
        Some(old) => {
            if old.category != target.category {
                earlier::keep(tx, Fact::Category(old.num), &old.category, now)?;
                wake::since(tx, now)?;
            }
            old.num
        }
        None => next_num(tx, "target")?,
    };
    tx.execute(
        "INSERT INTO targets (num, kind, id, merchant, title, destination, price_fen, category, pass_query, \
         click_param, image_url, app_page, created_at, updated_at, change_no, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, $14, $11, $11, $12, $11) \
         ON CONFLICT (num) DO UPDATE SET title = excluded.title, destination = excluded.destination, \
         price_fen = excluded.price_fen, category = excluded.category, pass_query = excluded.pass_query, \
         click_param = excluded.click_param, \
         image_url = excluded.image_url, app_page = excluded.app_page, updated_at = excluded.updated_at, change_no = excluded.change_no, \
         changed_at = excluded.changed_at",
        params![
            num,
            target.kind,
            target.id,
            target.merchant,
            target.title,
            target.destination,
            target.price_fen,
            target.category,
            target.pass_query,
            target.click_param,
            now,
            numbers.next(),
            target.image_url,
            target.app_page
        ],
    )?;
    Ok(num)
}

/// Sets what a merchant says for all its targets: the click parameter and the page in between.
pub(super) fn set_for_merchant(
    tx: &mut dyn Tx,
    merchant: &str,
    click_param: &str,
    app_page: Option<&str>,
    now: Instant,
) -> Result<(), StoreError> {
    let rows = tx.query(
        "SELECT num FROM targets WHERE merchant = $1 \
         AND (click_param <> $2 OR COALESCE(app_page, '') <> COALESCE($3, '')) ORDER BY num",
        params![merchant, click_param, app_page],
    )?;
    let mut numbers = Numbers::take(tx, rows.len())?;
    for row in rows {
        tx.execute(
            "UPDATE targets SET click_param = $2, app_page = $5, updated_at = $3, change_no = $4, changed_at = $3 \
             WHERE num = $1",
            params![row.int(0)?, click_param, now, numbers.next(), app_page],
        )?;
    }
    Ok(())
}
