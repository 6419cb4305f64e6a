//! Promo links.

use super::catalogue::put;
use super::{Column, Item, column};
use crate::import::fields::Fields;
use attribution_core::ids::{MerchantId, PlacementId, ProductId};
use serde_json::{Map, Value, json};

pub(super) const LINKS: &[Column] = &[
    column("placement", true, "Whose link, under which programme"),
    column("product", false, "It leads to this product; or"),
    column("shop", false, "to this merchant's shop; or"),
    column("url", false, "to this page of `merchant`: exactly one of the three"),
    column("merchant", false, "Whose page `url` is"),
    column("shared_at", false, "When it was shared (default: now); the policy freezes its expiry from here"),
    column("badge", false, "Shared while the salesperson's badge (小黄人) was shown (default no)"),
    column("converted", false, "Converted through the alliance (default yes)"),
    column("starts_at", false, "It works from here on (default: at once)"),
    column("expires_at", false, "It stops here at the latest; the rules may end it sooner"),
    column("alias", false, "A custom short name beside the generated code"),
];

pub(super) fn link(f: &mut Fields<'_>) -> Option<Item> {
    let placement = f.parsed::<PlacementId>("placement");
    let product = f.parsed_or_none::<ProductId>("product");
    let shop = f.parsed_or_none::<MerchantId>("shop");
    let (url, merchant) = (f.url_or_none("url"), f.parsed_or_none::<MerchantId>("merchant"));
    let (shared_at, starts_at) = (f.time_or_none("shared_at"), f.time_or_none("starts_at"));
    let expires_at = f.time_or_none("expires_at");
    let (badge, converted) = (f.flag_or_none("badge"), f.flag_or_none("converted"));
    let alias = f.text_or_none("alias");
    let (product, shop, url, merchant) = (product?, shop?, url?, merchant?);
    if [product.is_some(), shop.is_some(), url.is_some()].into_iter().filter(|given| *given).count() != 1 {
        f.fault("product", "a link leads to a product, a shop or a url: fill exactly one");
        return None;
    }
    if url.is_some() != merchant.is_some() {
        f.fault("merchant", "fill it with url, and only then");
        return None;
    }
    let mut body = Map::new();
    body.insert("placement".into(), placement?.as_str().into());
    put(&mut body, "product", product.map(String::from));
    put(&mut body, "shop", shop.map(String::from));
    if let (Some(url), Some(merchant)) = (url, merchant) {
        body.insert("page".into(), json!({ "url": url, "merchant": merchant }));
    }
    put(&mut body, "shared_at", shared_at?);
    put(&mut body, "starts", starts_at?);
    put(&mut body, "expires", expires_at?);
    put(&mut body, "badge", badge?);
    put(&mut body, "converted", converted?);
    put(&mut body, "alias", alias?);
    Some(Item::Bulk { body: Value::Object(body), key: None })
}
