//! A platform's statement against the books.

use super::compare;
use crate::scenario::stage::Stage;
use crate::scenario::story::Item;
use crate::scenario::world::PLATFORM;
use serde_json::{Map, Value as Json, json};

pub(super) async fn reconcile(stage: &mut Stage<'_>, item: &Item) {
    let from = item.time("from").map_or(0, |at| at.millis());
    // Up to and with the present second.
    let to = item.time("to").map_or_else(|| stage.world.now().millis() + 1_000, |at| at.millis());
    let path = format!(
        "/v1/reconciliations?platform={PLATFORM}&programme={}&from={from}&to={to}&states={}",
        item.subject(),
        item.text("states").unwrap_or("taobao")
    );
    let (status, answer) = stage.world.hand_in(&path, item.text("statement").unwrap_or_default()).await;
    let refused = answer["detail"].as_str().filter(|_| status != 200).unwrap_or_default();
    let actual = [
        ("agree", answer["agree"].clone()),
        ("found", answer["found"].clone()),
        ("differences", by_line(&answer["differences"])),
    ];
    compare(stage, item, &actual, &[refused.to_owned()]);
    match item.text("unreadable") {
        Some(part) => {
            let actual = if refused.contains(part) { part } else { refused };
            let at = item.place("unreadable");
            stage.equal(at, "reconcile: unreadable", &json!(part), &json!(actual), Vec::new());
        }
        None => {
            let at = item.place("statement");
            stage.equal(at, "reconcile: statement refused", &json!(""), &json!(refused), Vec::new());
        }
    }
}

/// Lines with what differs: `o1` for the first one of an order, `o1/2` for its second.
fn by_line(differences: &Json) -> Json {
    let mut lines: Map<String, Json> = Map::new();
    for difference in differences.as_array().into_iter().flatten() {
        let text = |field: &str| difference[field].as_str().unwrap_or_default();
        let name = match text("line") {
            "1" => text("order").to_owned(),
            line => format!("{}/{line}", text("order")),
        };
        let kind = text("kind");
        let all = match lines.get(&name).and_then(Json::as_str) {
            Some(before) => format!("{before} {kind}"),
            None => kind.to_owned(),
        };
        lines.insert(name, json!(all));
    }
    Json::Object(lines)
}
