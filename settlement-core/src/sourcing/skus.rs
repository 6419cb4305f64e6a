//! The market's SKUs: list price and stock, live.

use crate::orders::deals;
use crate::params;
use crate::store::{List, Row, StoreError, Tx};
use attribution_core::ids::ProductId;
use attribution_core::money::Fen;
use attribution_core::sourcing::low_window;
use attribution_core::time::Instant;
use std::collections::{BTreeSet, HashMap};

/// A SKU as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sku {
    pub sku: String,
    /// The market's list price.
    pub price: Fen,
    pub stock: u32,
    /// The lowest deal of 30 days as the platform reported it.
    pub reported_low: Option<ReportedLow>,
}

/// What the platform said. The deal it knew of was made before that, so 30 days later it is out of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReportedLow {
    pub low: Fen,
    pub at: Instant,
}

/// What is in stock of products' SKUs, by product and SKU.
pub(super) type Stocks = HashMap<(String, String), u32>;

impl Sku {
    /// The lowest deal of 30 days: the platform's word or our own orders, whichever is lower.
    pub(super) fn low30(
        &self,
        tx: &mut dyn Tx,
        product: &ProductId,
        now: Instant,
    ) -> Result<Option<Fen>, StoreError> {
        let own = deals::low30(tx, product, &self.sku, now)?;
        let window = low_window(now);
        let told = self.reported_low.filter(|told| told.at >= window.from).map(|told| told.low);
        Ok(told.into_iter().chain(own).min())
    }
}

const COLUMNS: &str = "sku, price_fen, stock, low30_fen, COALESCE(low30_ms, updated_ms)";

fn read(row: &Row) -> Result<Sku, StoreError> {
    let at = row.instant(4)?;
    Ok(Sku {
        sku: row.text(0)?.to_owned(),
        price: Fen(row.int(1)?),
        stock: row.num(2)?,
        reported_low: row.opt_int(3)?.map(|low| ReportedLow { low: Fen(low), at }),
    })
}

/// One SKU that is not deleted.
pub(super) fn find(tx: &mut dyn Tx, product: &ProductId, sku: &str) -> Result<Option<Sku>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM skus WHERE product = $1 AND sku = $2 AND deleted_ms IS NULL");
    tx.query_opt(&sql, params![product, sku])?.as_ref().map(read).transpose()
}

/// A product's SKUs.
pub(super) fn of_product(tx: &mut dyn Tx, product: &ProductId) -> Result<Vec<Sku>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM skus WHERE product = $1 AND deleted_ms IS NULL ORDER BY sku");
    tx.query(&sql, params![product])?.iter().map(read).collect()
}

/// What is in stock of these products' SKUs.
pub(super) fn stocks(tx: &mut dyn Tx, products: &BTreeSet<&ProductId>) -> Result<Stocks, StoreError> {
    let products: Vec<&ProductId> = products.iter().copied().collect();
    let mut stocks = Stocks::new();
    for some in products.chunks(List::MOST) {
        let list: List<'_> = some.iter().copied().collect();
        let sql = format!(
            "SELECT product, sku, stock FROM skus WHERE deleted_ms IS NULL AND product IN ({})",
            list.marks
        );
        for row in tx.query(&sql, &list.values)? {
            stocks.insert((row.text(0)?.to_owned(), row.text(1)?.to_owned()), row.num(2)?);
        }
    }
    Ok(stocks)
}

/// Keeps a SKU's price and stock; the reported low stays unless a new one is given.
pub(super) fn put(tx: &mut dyn Tx, product: &ProductId, new: &Sku, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO skus (product, sku, price_fen, stock, low30_fen, low30_ms, updated_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (product, sku) DO UPDATE SET price_fen = excluded.price_fen, stock = excluded.stock, \
         low30_fen = COALESCE(excluded.low30_fen, skus.low30_fen), \
         low30_ms = COALESCE(excluded.low30_ms, skus.low30_ms), updated_ms = excluded.updated_ms, deleted_ms = NULL",
        params![
            product,
            &new.sku,
            new.price,
            i64::from(new.stock),
            new.reported_low.map(|told| told.low),
            new.reported_low.map(|told| told.at),
            now
        ],
    )?;
    Ok(())
}

/// A SKU is no longer sold.
pub(super) fn delete(
    tx: &mut dyn Tx,
    product: &ProductId,
    sku: &str,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE skus SET deleted_ms = $3 WHERE product = $1 AND sku = $2",
        params![product, sku, now],
    )?;
    Ok(())
}
