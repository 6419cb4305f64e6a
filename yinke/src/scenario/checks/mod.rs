//! Compares what must be so with what the core answers.

mod money;
mod reconcile;
mod rehearse;
mod sourcing;

use super::events::split;
use super::fault::Place;
use super::stage::Stage;
use super::story::{Item, Value};
use super::world::WorldError;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Looks at one check now.
pub(super) async fn check(stage: &mut Stage<'_>, item: &Item) -> Result<(), WorldError> {
    match item.name() {
        "order" => order(stage, item).await,
        "merchant" => money::merchant(stage, item).await,
        "balance" => return money::balance(stage, item).await,
        "platform" => return money::platform(stage, item).await,
        "payout" => money::payout(stage, item).await,
        "payout_run" => money::payout_run(stage, item).await,
        "statement" => money::statement(stage, item).await,
        "enrolment" => sourcing::enrolment(stage, item).await,
        "sku_low" => sourcing::sku_low(stage, item).await,
        "task" => sourcing::task(stage, item).await,
        "refund_record" => money::refund_record(stage, item).await,
        "relation" => relation(stage, item).await,
        "report" => report(stage, item).await,
        "reviews" => reviews(stage, item).await,
        "reconcile" => reconcile::reconcile(stage, item).await,
        "rehearse" => rehearse::rehearse(stage, item).await,
        "search" => search(stage, item).await,
        "imbalance" => {
            let (_, audit) = stage.world.call("GET", "/v1/audit/ledger", None).await;
            compare(stage, item, &[("imbalance", audit["imbalance_fen"].clone())], &[]);
        }
        _ => get(stage, item).await,
    }
    Ok(())
}

/// Compares every field that the check has with what there is.
pub(super) fn compare(stage: &mut Stage<'_>, item: &Item, actual: &[(&str, Json)], explanation: &[String]) {
    let what = match item.get(item.name()) {
        Some(Value::Text(subject)) => format!("{} {subject}", item.name()),
        _ => item.name().to_owned(),
    };
    for (field, actual) in actual {
        let Some(value) = item.get(field) else { continue };
        let expected = match value {
            Value::Time(at) => json!(at.to_string()),
            Value::Day(at) => json!(day(&at.to_string())),
            Value::Number(number) => json!(number),
            Value::Flag(flag) => json!(flag),
            Value::Text(text) => json!(text),
            Value::Texts(texts) => json!(texts),
            Value::Words(words) => json!(words),
            Value::Sums(sums) => json!(sums),
            Value::Lines(_) | Value::Any(_) => continue,
        };
        let actual = match (value, actual) {
            (Value::Text(none), Json::Null) if none == "none" => json!("none"),
            (Value::Time(_), Json::Number(_)) => json!(instant(actual)),
            (Value::Day(_), Json::Number(_)) => json!(day(&instant(actual))),
            (Value::Day(_), Json::String(text)) => json!(day(text)),
            // Names that the check does not give are not looked at.
            (Value::Words(words), Json::Object(all)) => json!(only(all, words)),
            (Value::Sums(sums), Json::Object(all)) => json!(only(all, sums)),
            _ => actual.clone(),
        };
        let what = if *field == item.name() { what.clone() } else { format!("{what}: {field}") };
        stage.equal(item.place(field), &what, &expected, &actual, explanation.to_vec());
    }
}

fn only<T>(all: &Map<String, Json>, wanted: &BTreeMap<String, T>) -> Map<String, Json> {
    wanted.keys().filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect()
}

fn instant(millis: &Json) -> String {
    millis.as_i64().map_or_else(String::new, |at| attribution_core::time::Instant(at).to_string())
}

/// The day of a time.
fn day(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn or_none(value: &Json) -> Json {
    if value.is_null() { json!("none") } else { value.clone() }
}

async fn order(stage: &mut Stage<'_>, item: &Item) {
    let (order, wanted) = split(item.subject());
    let (status, answer) = stage.world.call("GET", &format!("/v1/orders/{order}/attribution"), None).await;
    let line = answer["lines"].as_array().into_iter().flatten().find(|line| {
        let number = line["line"].as_str().unwrap_or_default();
        wanted.is_none_or(|wanted| wanted == number)
    });
    let Some(line) = line else {
        let actual = json!(format!("not there (status {status})"));
        stage.equal(item.at, &format!("order {}", item.subject()), &json!("there"), &actual, Vec::new());
        return;
    };
    let (mut explanation, mut steps) = (Vec::new(), Vec::new());
    for language in ["zh", "en"] {
        let told = &line["decision"]["explanation"][language];
        explanation.extend(told["sentence"].as_str().map(str::to_owned));
        steps.extend(told["steps"].as_array().into_iter().flatten().filter_map(Json::as_str));
        steps.extend(line["bill"][language].as_array().into_iter().flatten().filter_map(Json::as_str));
    }
    compare(stage, item, &facts(&answer, line), &explanation);
    for part in item.texts("says") {
        let mut sentences = explanation.iter().map(String::as_str).chain(steps.iter().copied());
        let said = sentences.any(|sentence| sentence.contains(part.as_str()));
        let what = format!("order {}: says", item.subject());
        let actual = if said { json!(part) } else { json!(explanation.join(" / ")) };
        stage.equal(item.place("says"), &what, &json!(part), &actual, Vec::new());
    }
}

/// What there is to compare of a line of an order.
fn facts(answer: &Json, line: &Json) -> Vec<(&'static str, Json)> {
    let decision = &line["decision"];
    let attribution = &decision["attribution"];
    let award = &attribution["outcome"]["award"];
    let plan = match &award["plan"] {
        Json::Object(plan) => plan.get("targeted").cloned().unwrap_or_default(),
        plan => plan.clone(),
    };
    let mut shares = Map::new();
    for share in award["amounts"]["shares"].as_array().into_iter().flatten() {
        shares.insert(share["party"].as_str().unwrap_or_default().to_owned(), share["amount"].clone());
    }
    let open = |review: &&Json| review["resolved_at"].is_null();
    let mut codes: Vec<&str> = answer["reviews"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(open)
        .filter_map(|r| r["reason"].as_str())
        .collect();
    codes.sort_unstable();
    let superseded = line["superseded"].as_array().map_or(0, Vec::len);
    vec![
        ("winner", or_none(&award["promoter"])),
        ("reason", or_none(&attribution["outcome"]["no_commission"]["code"])),
        ("owner", or_none(&attribution["relation"]["promoter"])),
        ("via", or_none(&award["via"]["by"])),
        ("class", or_none(&award["class"])),
        ("rate", or_none(&award["terms"]["rate"])),
        ("plan", or_none(&plan)),
        ("base", line["base_fen"].clone()),
        ("commission", line["commission_fen"].clone()),
        ("promoter", line["promoter_fen"].clone()),
        ("shares", Json::Object(shares)),
        ("state", line["state"].clone()),
        ("refunded", line["refunded_fen"].clone()),
        ("losers", losers(attribution)),
        ("clicks", json!(attribution["candidates"].as_array().map_or(0, Vec::len))),
        ("flags", attribution["flags"].clone()),
        ("provisional", line["provisional"].clone()),
        ("final_at", line["final_at"].clone()),
        ("settled_at", line["settled_at"].clone()),
        ("decisions", json!(if decision.is_null() { 0 } else { superseded + 1 })),
        ("version", line["programme_version"].clone()),
        ("programme", or_none(&line["programme"])),
        ("review", line["review"].clone()),
        ("reviews", json!(codes)),
    ]
}

/// The verdict on each promoter's last click, the winner's own included.
fn losers(attribution: &Json) -> Json {
    let mut verdicts = Map::new();
    for candidate in attribution["candidates"].as_array().into_iter().flatten() {
        let verdict = &candidate["verdict"];
        let promoter = candidate["promoter"].as_str().unwrap_or_default().to_owned();
        // Why a click never entered the chain says more than that it did not.
        let reason = &verdict["reason"];
        let reason = reason.as_str().or_else(|| reason["code"].as_str()).map(|reason| json!(reason));
        verdicts.insert(promoter, reason.unwrap_or_else(|| verdict["code"].clone()));
    }
    Json::Object(verdicts)
}

async fn relation(stage: &mut Stage<'_>, item: &Item) {
    let given = &stage.story.given;
    let shop = item.text("shop").unwrap_or(&given.first_merchant);
    let product = item.text("product").unwrap_or(&given.first_product);
    let at = item.time("at").unwrap_or_else(|| stage.world.now()).millis();
    let path = format!("/v1/relations?buyer={}&merchant={shop}&product={product}&at={at}", item.subject());
    let (_, answer) = stage.world.call("GET", &path, None).await;
    let entry = &answer["relations"][0];
    let earlier: Vec<&Json> =
        entry["earlier"].as_array().into_iter().flatten().map(|relation| &relation["promoter"]).collect();
    let actual = [("promoter", or_none(&entry["relation"]["promoter"])), ("earlier", json!(earlier))];
    compare(stage, item, &actual, &[]);
}

async fn report(stage: &mut Stage<'_>, item: &Item) {
    let mut path = format!("/v1/promoters/{}/report?", item.subject());
    for field in ["from", "to"] {
        if let Some(at) = item.time(field) {
            path.push_str(&format!("{field}={}&", at.millis()));
        }
    }
    let (_, answer) = stage.world.call("GET", path.trim_end_matches(['&', '?']), None).await;
    let total = &answer["total"];
    let actual = [
        ("clicks", total["clicks"].clone()),
        ("orders", total["orders"].clone()),
        ("expected", total["expected_fen"].clone()),
        ("settled", total["settled_fen"].clone()),
    ];
    compare(stage, item, &actual, &[]);
}

async fn reviews(stage: &mut Stage<'_>, item: &Item) {
    let (_, answer) = stage.world.call("GET", "/v1/reviews", None).await;
    let mut codes: Vec<&str> =
        answer["items"].as_array().into_iter().flatten().filter_map(|item| item["reason"].as_str()).collect();
    codes.sort_unstable();
    compare(stage, item, &[("reviews", json!(codes))], &[]);
}

async fn search(stage: &mut Stage<'_>, item: &Item) {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(item.words("search").into_iter().flatten());
    let path = format!("/v1/products?{}", query.finish());
    let (status, answer) = stage.world.call("GET", &path, None).await;
    let hits: Vec<&Json> = answer["items"].as_array().into_iter().flatten().map(|item| &item["id"]).collect();
    let explanation = if status == 200 { Vec::new() } else { vec![answer.to_string()] };
    compare(stage, item, &[("hits", json!(hits))], &explanation);
}

async fn get(stage: &mut Stage<'_>, item: &Item) {
    let (status, answer) = stage.world.call("GET", item.subject(), None).await;
    let what = format!("get {}", item.subject());
    let expected = item.number("status").unwrap_or(200);
    stage.equal(item.place("status"), &what, &json!(expected), &json!(status), vec![answer.to_string()]);
    if let Some(expected) = item.any("answer") {
        compare_answer(stage, item.place("answer"), &what, expected, &answer);
    }
}

/// Compares the fields of `expected`, at any depth; a list must begin like the expected one.
pub(super) fn compare_answer(stage: &mut Stage<'_>, at: Place, what: &str, expected: &Json, actual: &Json) {
    match (expected, actual) {
        (Json::Object(fields), _) => {
            for (name, expected) in fields {
                compare_answer(stage, at, &format!("{what}: {name}"), expected, &actual[name.as_str()]);
            }
        }
        (Json::Array(items), Json::Array(_)) if !items.is_empty() => {
            for (position, expected) in items.iter().enumerate() {
                compare_answer(stage, at, &format!("{what}[{position}]"), expected, &actual[position]);
            }
        }
        _ => stage.equal(at, what, expected, actual, Vec::new()),
    }
}
