//! Merchants, programmes, products, promoters, placements and bans.

use super::{Column, Item, column};
use crate::import::fields::Fields;
use attribution_core::ids::{
    AgencyId, BuyerId, CategoryId, MerchantId, PlacementId, PlatformId, ProductId, ProgrammeId, PromoterId,
};
use attribution_core::policy::Preset;
use http::Method;
use serde_json::{Map, Value, json};

pub(super) const MERCHANTS: &[Column] = &[
    column("id", true, "The merchant's id; a merchant is one shop"),
    column("platform", true, "The platform that owns it, such as `1688`"),
    column("name", true, "Its name, for people"),
    column("shop_url", false, "Its shop page; links of kind shop lead there"),
    column(
        "hosts",
        false,
        "Hosts its destinations may have, separated by blanks; empty: as they were, of a new merchant any public host",
    ),
    column(
        "click_param",
        false,
        "Query parameter that carries the click token (default: as it was, at first `yk_click`)",
    ),
    column(
        "history_known_from",
        false,
        "For orders placed from here on, all earlier orders of their buyers at the shop are known here (default: as it was)",
    ),
];

pub(super) fn merchant(f: &mut Fields<'_>) -> Option<Item> {
    let (id, platform) = (f.parsed::<MerchantId>("id"), f.parsed::<PlatformId>("platform"));
    let (name, shop_url) = (f.text("name"), f.url_or_none("shop_url"));
    let (hosts, click_param) = (f.list_or_none("hosts"), f.text_or_none("click_param"));
    let history_known_from = f.time_or_none("history_known_from");
    let mut body = Map::new();
    body.insert("platform".into(), platform?.as_str().into());
    body.insert("name".into(), name?.into());
    put(&mut body, "hosts", hosts?);
    put(&mut body, "shop_url", shop_url?);
    put(&mut body, "click_param", click_param?);
    put(&mut body, "history_known_from", history_known_from?);
    Some(put_call("merchants", id?.as_str(), body))
}

pub(super) const PROGRAMMES: &[Column] = &[
    column("id", true, "The programme's id; part of a cookie's name"),
    column("platform", false, "The platform it belongs to; or"),
    column("merchant", false, "the merchant it belongs to: exactly one of the two"),
    column("name", true, "Its name, for people"),
    column(
        "preset",
        true,
        "The rules to start from: `distributor1688`, `youzan_permanent`, `youzan_short`, `youzan_lock`, \
         `offsite1688`, `alliance_credit_ban` or `taobao_live`",
    ),
    column("policy", false, "A JSON object laid over the preset, field by field (rates stand here)"),
    column("effective_from", false, "From when these rules hold (default: now)"),
];

pub(super) fn programme(f: &mut Fields<'_>) -> Option<Item> {
    let id = f.parsed::<ProgrammeId>("id");
    let (platform, merchant) =
        (f.parsed_or_none::<PlatformId>("platform"), f.parsed_or_none::<MerchantId>("merchant"));
    let (name, preset) = (f.text("name"), f.text("preset"));
    let (policy, effective_from) = (f.object("policy"), f.time_or_none("effective_from"));
    if let (Some(platform), Some(merchant)) = (&platform, &merchant)
        && platform.is_some() == merchant.is_some()
    {
        f.fault("merchant", "a programme belongs to a platform or to a merchant: fill exactly one");
        return None;
    }
    let (preset, policy) = (preset?, policy?);
    let Some(known) = Preset::from_name(&preset) else {
        let names: Vec<&str> = Preset::ALL.iter().map(|p| p.name()).collect();
        f.fault("preset", format!("expected one of {}", names.join(", ")));
        return None;
    };
    if let Err(mistakes) = known.policy().checked(&policy) {
        for mistake in mistakes {
            f.fault("policy", mistake.to_string());
        }
        return None;
    }
    let mut body = Map::new();
    put(&mut body, "platform", platform?.map(String::from));
    put(&mut body, "merchant", merchant?.map(String::from));
    body.insert("name".into(), name?.into());
    body.insert("preset".into(), preset.into());
    body.insert("policy".into(), policy);
    put(&mut body, "effective_from", effective_from?);
    Some(put_call("programmes", id?.as_str(), body))
}

pub(super) const PRODUCTS: &[Column] = &[
    column("id", true, "The product's id"),
    column("merchant", true, "Who sells it"),
    column("title", true, "Its name, for people"),
    column("url", true, "Its page: an http(s) URL"),
    column("price_fen", false, "List price in fen"),
    column("category", false, "Its category's id; a new one is made, unless the token is a merchant's"),
    column("image_url", false, "Its picture, for the cards of link previews"),
    column("pass_query", false, "Append the visitor's own query to the destination (default no)"),
];

pub(super) fn product(f: &mut Fields<'_>) -> Option<Item> {
    let (id, merchant) = (f.parsed::<ProductId>("id"), f.parsed::<MerchantId>("merchant"));
    let (title, url) = (f.text("title"), f.url("url"));
    let (price, category) = (f.count_or_none("price_fen"), f.parsed_or_none::<CategoryId>("category"));
    let (image_url, pass_query) = (f.url_or_none("image_url"), f.flag_or_none("pass_query"));
    let id = id?;
    let mut body = Map::new();
    body.insert("id".into(), id.as_str().into());
    body.insert("merchant".into(), merchant?.as_str().into());
    body.insert("title".into(), title?.into());
    body.insert("url".into(), url?.into());
    put(&mut body, "price_fen", price?);
    put(&mut body, "category", category?.map(String::from));
    put(&mut body, "image_url", image_url?);
    put(&mut body, "pass_query", pass_query?);
    Some(Item::Bulk { body: Value::Object(body), key: Some(id.into()) })
}

pub(super) const PROMOTERS: &[Column] = &[
    column("id", true, "The promoter's id"),
    column("name", true, "Their name, for people"),
    column("agency", false, "Their agency's id"),
    column(
        "platform",
        false,
        "Platform of the promoter's own buyer account, which self-purchase is judged by",
    ),
    column("buyer", false, "That account; fill both or neither"),
];

pub(super) fn promoter(f: &mut Fields<'_>) -> Option<Item> {
    let (id, name, agency) =
        (f.parsed::<PromoterId>("id"), f.text("name"), f.parsed_or_none::<AgencyId>("agency"));
    let (platform, buyer) =
        (f.parsed_or_none::<PlatformId>("platform"), f.parsed_or_none::<BuyerId>("buyer"));
    let (platform, buyer) = (platform?, buyer?);
    let mut body = Map::new();
    body.insert("name".into(), name?.into());
    put(&mut body, "agency", agency?.map(String::from));
    match (platform, buyer) {
        (Some(platform), Some(buyer)) => {
            body.insert("accounts".into(), json!([{ "platform": platform, "buyer": buyer }]));
        }
        (None, None) => {}
        _ => {
            f.fault("buyer", "fill both platform and buyer, or neither");
            return None;
        }
    }
    Some(put_call("promoters", id?.as_str(), body))
}

pub(super) const PLACEMENTS: &[Column] = &[
    column("id", true, "The placement's id"),
    column("promoter", true, "Whose it is"),
    column("programme", true, "Under which programme"),
    column("name", false, "Where it is, for people, such as `WeChat group`"),
];

pub(super) fn placement(f: &mut Fields<'_>) -> Option<Item> {
    let (id, promoter) = (f.parsed::<PlacementId>("id"), f.parsed::<PromoterId>("promoter"));
    let (programme, name) = (f.parsed::<ProgrammeId>("programme"), f.text_or_none("name"));
    let id = id?;
    let mut body = Map::new();
    body.insert("id".into(), id.as_str().into());
    body.insert("programme".into(), programme?.as_str().into());
    put(&mut body, "name", name?);
    Some(Item::Call {
        method: Method::POST,
        path: format!("/v1/promoters/{}/placements", promoter?),
        body: Value::Object(body),
        key: id.to_string(),
    })
}

pub(super) const BANS: &[Column] = &[
    column("category", true, "The category that may not be promoted"),
    column("programme", false, "Only in this programme (default: in all)"),
    column("effective_from", true, "From here on; may lie in the past"),
    column("effective_to", false, "Up to here (default: for good)"),
    column("announced_at", false, "When it was announced (default: now)"),
    column("note", false, "Why, for people"),
];

pub(super) fn ban(f: &mut Fields<'_>) -> Option<Item> {
    let (category, programme) =
        (f.parsed::<CategoryId>("category"), f.parsed_or_none::<ProgrammeId>("programme"));
    let (from, to) = (f.time("effective_from"), f.time_or_none("effective_to"));
    let (announced, note) = (f.time_or_none("announced_at"), f.text_or_none("note"));
    let (category, programme) = (category?, programme?);
    let key = format!("{category} {}", programme.as_ref().map_or("*", ProgrammeId::as_str));
    let mut body = Map::new();
    body.insert("category".into(), category.as_str().into());
    put(&mut body, "programme", programme.map(String::from));
    body.insert("effective_from".into(), from?.into());
    put(&mut body, "effective_to", to?);
    put(&mut body, "announced_at", announced?);
    put(&mut body, "note", note?);
    Some(Item::Call { method: Method::POST, path: "/v1/bans".to_owned(), body: Value::Object(body), key })
}

fn put_call(noun: &str, id: &str, body: Map<String, Value>) -> Item {
    Item::Call {
        method: Method::PUT,
        path: format!("/v1/{noun}/{id}"),
        body: Value::Object(body),
        key: id.to_owned(),
    }
}

/// Inserts what is there; an absent field is left to the core's default.
pub(super) fn put(body: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value.into());
    }
}
