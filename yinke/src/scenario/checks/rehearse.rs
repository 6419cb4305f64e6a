//! Changed rules over the story's orders so far.

use super::compare;
use crate::scenario::stage::Stage;
use crate::scenario::story::Item;
use serde_json::{Map, Value as Json, json};

pub(super) async fn rehearse(stage: &mut Stage<'_>, item: &Item) {
    let mut body = json!({"programme": stage.programme_of(item), "policy": item.any("rehearse"),
                          "since": item.time("since").map_or(0, |at| at.millis())});
    if let Some(until) = item.time("until") {
        body["until"] = json!(until.millis());
    }
    if let Some(shop) = item.text("shop") {
        body["merchant"] = json!(shop);
    }
    let (_, answer) = stage.world.call("POST", "/v1/rehearsals", Some(&body)).await;
    let wrong = answer["detail"].as_str().unwrap_or_default();
    let actual = [
        ("gains", gains(item, &answer["holders"])),
        ("lines", answer["lines"].clone()),
        ("changed", answer["changed"].clone()),
        ("before", answer["commission_before_fen"].clone()),
        ("after", answer["commission_after_fen"].clone()),
    ];
    compare(stage, item, &actual, &[wrong.to_owned()]);
    let at = item.place("mistakes");
    if item.texts("mistakes").is_empty() {
        stage.equal(at, "rehearse: mistakes", &json!(""), &json!(wrong), Vec::new());
    }
    for part in item.texts("mistakes") {
        let actual = if wrong.contains(part.as_str()) { part } else { wrong };
        stage.equal(at, "rehearse: mistakes", &json!(part), &json!(actual), Vec::new());
    }
}

/// Everybody who was asked for, with their gain: the answer leaves those out whose sum stays as it is.
fn gains(item: &Item, holders: &Json) -> Json {
    let asked = item.sums("gains").into_iter().flatten().map(|(name, _)| (name.clone(), json!(0)));
    let mut gains: Map<String, Json> = asked.collect();
    for shares in holders.as_array().into_iter().flatten() {
        let name = match shares["holder"].as_str().and_then(|holder| holder.split_once('/')) {
            Some(("platform", _)) => "platform",
            Some((_, id)) => id,
            None => continue,
        };
        gains.insert(name.to_owned(), shares["gain_fen"].clone());
    }
    Json::Object(gains)
}
