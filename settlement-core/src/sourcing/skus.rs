//! The market's SKUs: list price and stock, live.

use super::deals;
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::ids::ProductId;
use attribution_core::money::Fen;
use attribution_core::time::Instant;

/// A SKU as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sku {
    pub sku: String,
    /// The market's list price.
    pub price: Fen,
    pub stock: u32,
    /// The lowest deal of 30 days as the platform reports it.
    pub reported_low: Option<Fen>,
}

impl Sku {
    /// The lowest deal of 30 days: the platform's word or our own orders, whichever is lower.
    pub(super) fn low30(
        &self,
        tx: &mut dyn Tx,
        product: &ProductId,
        now: Instant,
    ) -> Result<Option<Fen>, StoreError> {
        let own = deals::low30(tx, product, &self.sku, now)?;
        Ok(self.reported_low.into_iter().chain(own).min())
    }
}

const COLUMNS: &str = "sku, price_fen, stock, low30_fen";

fn read(row: &Row) -> Result<Sku, StoreError> {
    Ok(Sku {
        sku: row.text(0)?.to_owned(),
        price: Fen(row.int(1)?),
        stock: row.num(2)?,
        reported_low: row.opt_int(3)?.map(Fen),
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

/// Keeps a SKU's price and stock; the reported low stays unless a new one is given.
pub(super) fn put(tx: &mut dyn Tx, product: &ProductId, new: &Sku, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO skus (product, sku, price_fen, stock, low30_fen, updated_ms) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (product, sku) DO UPDATE SET price_fen = excluded.price_fen, stock = excluded.stock, \
         low30_fen = COALESCE(excluded.low30_fen, skus.low30_fen), updated_ms = excluded.updated_ms, deleted_ms = NULL",
        params![product, &new.sku, new.price, i64::from(new.stock), new.reported_low, now],
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
