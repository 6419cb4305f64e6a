//! A source of order notifications: whose shop, which platform's form, which secrets.

use crate::params;
use crate::shared_secret::SharedSecret;
use crate::store::{Row, StoreError, Tx, read};
use attribution_core::ids::{MerchantId, PlatformId};
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose form the notifications have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SourceKind {
    /// Our own order events, signed by the Standard Webhooks convention.
    Standard,
    /// 有赞 message push.
    Youzan,
    /// Shopify webhooks.
    Shopify,
}

impl SourceKind {
    pub(super) const ALL: [Self; 3] = [Self::Standard, Self::Youzan, Self::Shopify];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Youzan => "youzan",
            Self::Shopify => "shopify",
        }
    }

    /// Bytes of one notification at most. Its signature is over all of them, so a stranger can have so many hashed.
    pub(super) const fn body_max(self) -> usize {
        match self {
            // A thousand events of an order with a few lines.
            Self::Standard => 1 << 20,
            // One trade, with its text escaped once more.
            Self::Youzan => 256 << 10,
            // The whole order, with properties, discounts and taxes of up to five hundred lines.
            Self::Shopify => 2 << 20,
        }
    }
}

/// What a product is called in our catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProductFrom {
    /// By the platform's own number (`item_id`, `product_id`).
    #[default]
    Number,
    /// By the merchant's code (`outer_item_id`, `sku`).
    Code,
}

/// How to read this source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Youzan: the application's `client_id`, which is part of the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    /// Youzan: also take the signature in the body, which says nothing about the message's type, where the header
    /// `Event-Sign` is missing.
    #[serde(default)]
    pub(super) accept_body_sign: bool,
    /// What a product is called in our catalogue.
    #[serde(default)]
    pub(super) product_from: ProductFrom,
    /// What our product ids have in front of that.
    #[serde(default)]
    pub(super) product_prefix: String,
}

/// Whose orders they are, and how to read them.
#[derive(Debug, Clone)]
pub(super) struct Shop {
    pub(super) platform: PlatformId,
    pub(super) merchant: MerchantId,
    /// The query parameter that carries click tokens.
    pub(super) click_param: String,
    pub(super) settings: Settings,
}

/// A source.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) kind: SourceKind,
    pub(super) label: String,
    pub(super) shop: Shop,
    pub(super) created: Instant,
    /// What the sender signs with.
    pub(super) secret: SharedSecret,
}

const COLUMNS: &str = "SELECT s.id, s.kind, s.label, s.settings, s.secret, s.previous_secret, s.previous_until_ms, \
                       s.created_ms, m.platform, s.merchant, m.click_param \
                       FROM intake_sources s JOIN merchants m ON m.id = s.merchant WHERE s.removed_ms IS NULL";

/// Finds one that was not removed.
pub(super) fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<Source>, StoreError> {
    let row = tx.query_opt(&format!("{COLUMNS} AND s.id = $1"), params![id])?;
    row.as_ref().map(of_row).transpose()
}

/// A merchant's, or everybody's (`merchant` empty), behind `after`.
pub(super) fn list(
    tx: &mut dyn Tx,
    merchant: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Source>, StoreError> {
    let sql = format!("{COLUMNS} AND s.id > $1 AND ($2 = '' OR s.merchant = $2) ORDER BY s.id LIMIT $3");
    let rows = tx.query(&sql, params![after, merchant.unwrap_or_default(), limit])?;
    rows.iter().map(of_row).collect()
}

fn of_row(row: &Row) -> Result<Source, StoreError> {
    let corrupt = |what, text: &str| StoreError::Corrupt { what, cause: text.to_owned().into() };
    let kind = row.text(1)?;
    let kind = SourceKind::ALL
        .into_iter()
        .find(|k| k.name() == kind)
        .ok_or_else(|| corrupt("kind of a source", kind))?;
    let settings = serde_json::from_str(row.text(3)?).map_err(StoreError::corrupt("settings of a source"))?;
    Ok(Source {
        id: row.text(0)?.to_owned(),
        kind,
        label: row.text(2)?.to_owned(),
        created: row.instant(7)?,
        secret: SharedSecret::of_row(row, 4)?,
        shop: Shop {
            platform: read("platform id", row.text(8)?)?,
            merchant: read("merchant id", row.text(9)?)?,
            click_param: row.text(10)?.to_owned(),
            settings,
        },
    })
}

/// A source to be kept.
pub(super) struct New<'a> {
    pub(super) id: &'a str,
    pub(super) merchant: &'a MerchantId,
    pub(super) kind: SourceKind,
    pub(super) label: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) secret: &'a str,
}

/// Keeps a new one.
pub(super) fn insert(tx: &mut dyn Tx, new: &New<'_>, now: Instant) -> Result<(), StoreError> {
    let settings =
        serde_json::to_string(new.settings).unwrap_or_else(|_| unreachable!("plain data always serialises"));
    tx.execute(
        "INSERT INTO intake_sources (id, merchant, kind, label, settings, secret, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![new.id, new.merchant, new.kind.name(), new.label, &settings, new.secret, now],
    )?;
    Ok(())
}

/// Gives it a new secret; the one before is good until `until`.
pub(super) fn rotate(tx: &mut dyn Tx, id: &str, secret: &str, until: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE intake_sources SET previous_secret = secret, previous_until_ms = $3, secret = $2 WHERE id = $1",
        params![id, secret, until],
    )?;
    Ok(())
}

/// Takes nothing more from it. What it sent stays.
pub(super) fn remove(tx: &mut dyn Tx, id: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE intake_sources SET removed_ms = $2, secret = '', previous_secret = NULL WHERE id = $1",
        params![id, now],
    )?;
    Ok(())
}
