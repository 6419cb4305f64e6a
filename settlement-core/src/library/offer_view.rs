//! A product as it is shown to somebody who may promote it: with rate, estimate, programme and state.

use super::offers::{Dead, Item, Offer, Offers, Viewer};
use crate::api::{CsvEntry, Cursor, Page, PageLength};
use crate::params;
use crate::store::{List, Row, StoreError, Tx};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// A product and what it offers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct OfferView {
    pub(super) id: String,
    pub(super) num: i64,
    pub(super) merchant: String,
    /// The shop's name.
    pub(super) merchant_name: String,
    pub(super) title: String,
    pub(super) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) price_fen: Option<i64>,
    /// Address of its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_url: Option<String>,
    /// The visitor's own query is appended to the URL.
    pub(super) pass_query: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) category: Option<String>,
    /// The category's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) category_name: Option<String>,
    /// The promotion is cancelled from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cancelled_from: Option<i64>,
    /// The product is delisted from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delisted_from: Option<i64>,
    /// 失效: links to it do not earn now.
    pub(super) invalid: bool,
    /// Why, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Dead>,
    /// The rate that whoever asks would get for a new customer now, in basis points; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_bp: Option<u32>,
    /// The list price at that rate, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commission_fen: Option<i64>,
    /// The programme that gives this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) programme: Option<String>,
    /// The targeted plan that gives it; absent for the general plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<String>,
}

impl CsvEntry for OfferView {
    const FILE: &'static str = "products.csv";
    const HEADINGS: &'static [&'static str] = &[
        "id",
        "title",
        "merchant",
        "merchant_name",
        "category",
        "category_name",
        "price_yuan",
        "rate_percent",
        "commission_yuan",
        "programme",
        "plan",
        "invalid",
        "reason",
        "url",
        "image_url",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let yuan = |fen: Option<i64>| fen.map(|fen| Fen(fen).to_string()).unwrap_or_default();
        vec![
            self.id.clone(),
            self.title.clone(),
            self.merchant.clone(),
            self.merchant_name.clone(),
            text(&self.category),
            text(&self.category_name),
            yuan(self.price_fen),
            self.rate_bp.map(|bp| format!("{}.{:02}", bp / 100, bp % 100)).unwrap_or_default(),
            yuan(self.commission_fen),
            text(&self.programme),
            text(&self.plan),
            self.invalid.to_string(),
            self.reason.map(Dead::name).unwrap_or_default().to_owned(),
            self.url.clone(),
            text(&self.image_url),
        ]
    }
}

/// Products asked for in one statement.
const AT_ONCE: usize = 500;

/// These products in this order, as `viewer` sees them at `now`. Targets that are not products are left out.
///
/// # Errors
/// If the store fails.
pub(super) fn offers(
    tx: &mut dyn Tx,
    viewer: Viewer,
    targets: &[i64],
    now: Instant,
) -> Result<Vec<OfferView>, StoreError> {
    let mut rows: HashMap<i64, Row> = HashMap::with_capacity(targets.len());
    for chunk in targets.chunks(AT_ONCE) {
        let list: List<'_> = chunk.iter().copied().collect();
        let sql = format!(
            "SELECT {}, t.num, t.title, t.destination, m.name, c.id, c.name, t.image_url, t.pass_query FROM targets t \
             JOIN merchants m ON m.id = t.merchant LEFT JOIN categories c ON c.num = t.category \
             WHERE t.kind = 'product' AND t.num IN ({})",
            Item::COLUMNS,
            list.marks
        );
        for row in tx.query(&sql, &list.values)? {
            rows.insert(row.int(7)?, row);
        }
    }
    let rows: Vec<&Row> = targets.iter().filter_map(|num| rows.get(num)).collect();
    let items = rows.iter().map(|row| Item::read(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let found = Offers::new(viewer, now).of(tx, &items)?;
    rows.iter().zip(&items).zip(found).map(|((row, item), offer)| view(row, item, &offer)).collect()
}

/// A page of products: each row begins with a product's number and what the list is in the order of, two numbers. `make`
/// makes the entry of a row and its product.
///
/// # Errors
/// If the store fails.
pub(super) fn page_of<T>(
    tx: &mut dyn Tx,
    viewer: Viewer,
    length: PageLength,
    rows: &[Row],
    now: Instant,
    make: impl Fn(&Row, OfferView) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let shown = rows.get(..length.entries()).unwrap_or(rows);
    let targets = shown.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    let products = offers(tx, viewer, &targets, now)?;
    let items =
        shown.iter().zip(products).map(|(row, product)| make(row, product)).collect::<Result<_, _>>()?;
    let last = shown.last().filter(|_| shown.len() < rows.len());
    let next = last.map(|row| Ok::<_, StoreError>(Cursor::of_numbers(&[row.int(1)?, row.int(2)?])));
    Ok(Page::among(items, next.transpose()?))
}

/// One product by its id, as `viewer` sees it.
///
/// # Errors
/// If the store fails.
pub(super) fn offer(
    tx: &mut dyn Tx,
    viewer: Viewer,
    product: &str,
    now: Instant,
) -> Result<Option<OfferView>, StoreError> {
    let row = tx.query_opt("SELECT num FROM targets WHERE kind = 'product' AND id = $1", params![product])?;
    let Some(row) = row else { return Ok(None) };
    Ok(offers(tx, viewer, &[row.int(0)?], now)?.pop())
}

fn view(row: &Row, item: &Item, offer: &Offer) -> Result<OfferView, StoreError> {
    Ok(OfferView {
        id: item.id.to_string(),
        num: row.int(7)?,
        merchant: item.merchant.to_string(),
        merchant_name: row.text(10)?.to_owned(),
        title: row.text(8)?.to_owned(),
        url: row.text(9)?.to_owned(),
        price_fen: item.price.map(|price| price.0),
        image_url: row.opt_text(13)?.map(str::to_owned),
        pass_query: row.flag(14)?,
        category: row.opt_text(11)?.map(str::to_owned),
        category_name: row.opt_text(12)?.map(str::to_owned),
        cancelled_from: item.cancelled_from.map(Instant::millis),
        delisted_from: item.delisted_from.map(Instant::millis),
        invalid: offer.dead.is_some(),
        reason: offer.dead,
        rate_bp: offer.rate_bp(),
        commission_fen: offer.best.as_ref().and_then(|(_, e)| item.price.map(|_| e.amount.0)),
        programme: offer.best.as_ref().map(|(programme, _)| programme.to_string()),
        plan: offer.plan().map(str::to_owned),
    })
}
