//! How enrolments, SKUs and video tasks stand.

use super::{compare, or_none};
use crate::scenario::stage::Stage;
use crate::scenario::story::Item;
use serde_json::{Map, Value as Json, json};

/// The codes of a list of reasons, sorted.
fn codes(reasons: &Json) -> Vec<String> {
    let mut codes: Vec<String> = reasons
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|reason| reason["code"].as_str().map(str::to_owned))
        .collect();
    codes.sort_unstable();
    codes
}

pub(super) async fn enrolment(stage: &mut Stage<'_>, item: &Item) {
    let (_, answer) = stage.world.call("GET", &format!("/v1/enrolments/{}", item.subject()), None).await;
    let (mut skus, mut stocks) = (Map::new(), Map::new());
    let mut warned = Vec::new();
    for sku in answer["skus"].as_array().into_iter().flatten() {
        let name = sku["sku"].as_str().unwrap_or_default().to_owned();
        let why = codes(&sku["refusals"]).join(" ");
        if !sku["warning"].is_null() {
            warned.push(name.clone());
        }
        let verdict = match (why.is_empty(), &sku["needs_review"]) {
            (false, _) => why,
            (true, Json::Bool(true)) => "review".to_owned(),
            (true, _) => "accepted".to_owned(),
        };
        stocks.insert(name.clone(), sku["channel_stock"].clone());
        skus.insert(name, json!(verdict));
    }
    let day = |name: &str| {
        answer["audit"][name].as_str().map_or(Json::Null, |day| json!(format!("{day} 00:00:00")))
    };
    let actual = [
        ("state", answer["state"].clone()),
        ("refusals", json!(codes(&answer["refusals"]))),
        ("skus", Json::Object(skus)),
        ("stock", Json::Object(stocks)),
        ("low_stock", json!(warned)),
        ("usual", day("usual_day")),
        ("latest", day("latest_day")),
        ("workday", answer["audit"]["workday"].clone()),
        ("overdue", answer["audit"]["overdue"].clone()),
        ("reason", or_none(&answer["reason"])),
    ];
    let said: Vec<String> = answer["refusals"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|reason| [reason["zh"].as_str(), reason["en"].as_str()])
        .flatten()
        .map(str::to_owned)
        .collect();
    compare(stage, item, &actual, &said);
}

pub(super) async fn sku_low(stage: &mut Stage<'_>, item: &Item) {
    let (product, name) = stage.sku_of(item.subject());
    let (_, answer) = stage.world.call("GET", &format!("/v1/products/{product}/skus"), None).await;
    let found = answer.as_array().into_iter().flatten().find(|sku| sku["sku"] == name);
    let sku = found.cloned().unwrap_or_default();
    let actual = [
        ("low", json!(sku["low30_fen"].as_i64().unwrap_or_default())),
        ("price", sku["price_fen"].clone()),
        ("stock", sku["stock"].clone()),
        ("enrolment", or_none(&sku["enrolment"])),
    ];
    compare(stage, item, &actual, &[]);
}

pub(super) async fn task(stage: &mut Stage<'_>, item: &Item) {
    let (_, answer) = stage.world.call("GET", &format!("/v1/video-tasks/{}", item.subject()), None).await;
    let actual = [
        ("state", answer["state"].clone()),
        ("fee", answer["fee_fen"].clone()),
        ("net", answer["net_fen"].clone()),
        ("agency", or_none(&answer["agency"])),
    ];
    compare(stage, item, &actual, &[]);
}
