//! What merchants, payees and the platform have, and what was paid out and asked back.

use super::{compare, or_none};
use crate::scenario::stage::Stage;
use crate::scenario::story::Item;
use crate::scenario::world::{PLATFORM, WorldError};
use serde_json::{Value as Json, json};
use settlement_core::params;
use std::collections::BTreeMap;

pub(super) async fn merchant(stage: &mut Stage<'_>, item: &Item) {
    let (_, answer) =
        stage.world.call("GET", &format!("/v1/merchants/{}/balance", item.subject()), None).await;
    let actual = [("balance", answer["balance_fen"].clone()), ("expected", answer["expected_fen"].clone())];
    compare(stage, item, &actual, &[]);
}

/// Sums over an owner's entries, by layer and account.
async fn sums(
    stage: &Stage<'_>,
    owner: String,
    programme: &str,
) -> Result<BTreeMap<(String, String), i64>, WorldError> {
    let programme = programme.to_owned();
    let rows = stage
        .world
        .core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT layer, account, CAST(SUM(amount_fen) AS BIGINT) FROM ledger_entries WHERE owner = $1 \
                 AND ($2 = '' OR programme = $2) GROUP BY layer, account",
                params![&owner, &programme],
            )
        })
        .await?;
    let mut sums = BTreeMap::new();
    for row in &rows {
        sums.insert((row.text(0)?.to_owned(), row.text(1)?.to_owned()), row.int(2)?);
    }
    Ok(sums)
}

pub(super) async fn balance(stage: &mut Stage<'_>, item: &Item) -> Result<(), WorldError> {
    let payee = stage.payee(item.subject());
    let programme = item.text("programme").unwrap_or_default();
    let sums = sums(stage, payee, programme).await?;
    let sum = |layer: &str, account: &str| {
        json!(sums.get(&(layer.to_owned(), account.to_owned())).copied().unwrap_or_default())
    };
    let paid: i64 = payouts(stage, item)
        .await
        .iter()
        .filter(|payout| {
            payout["state"] == "paid" && (programme.is_empty() || payout["programme"] == programme)
        })
        .filter_map(|payout| payout["paid_fen"].as_i64())
        .sum();
    let actual = [
        ("expected", sum("pending", "earned")),
        ("earned", sum("posted", "earned")),
        ("available", sum("posted", "available")),
        ("clearing", sum("posted", "clearing")),
        ("paid", json!(paid)),
    ];
    compare(stage, item, &actual, &[]);
    Ok(())
}

pub(super) async fn platform(stage: &mut Stage<'_>, item: &Item) -> Result<(), WorldError> {
    let sums = sums(stage, PLATFORM.to_owned(), "").await?;
    let sum = |layer: &str| {
        json!(sums.get(&(layer.to_owned(), "platform".to_owned())).copied().unwrap_or_default())
    };
    compare(stage, item, &[("platform", sum("posted")), ("expected", sum("pending"))], &[]);
    Ok(())
}

/// A payee's payouts, oldest first.
async fn payouts(stage: &Stage<'_>, item: &Item) -> Vec<Json> {
    let path = format!("/v1/payouts?limit=500&payee={}", stage.payee(item.subject()));
    let (_, page) = stage.world.call("GET", &path, None).await;
    let newest_first = page["items"].as_array().cloned().unwrap_or_default();
    newest_first.into_iter().rev().collect()
}

/// A day as a check's time is written.
fn midnight(day: &Json) -> Json {
    day.as_str().map_or(Json::Null, |day| json!(format!("{day} 00:00:00")))
}

pub(super) async fn payout(stage: &mut Stage<'_>, item: &Item) {
    let all = payouts(stage, item).await;
    let nth = item.number("nth").and_then(|nth| usize::try_from(nth - 1).ok());
    let payout = nth.map_or_else(|| all.last(), |nth| all.get(nth)).cloned().unwrap_or_default();
    let actual = [
        ("count", json!(all.len())),
        ("day", midnight(&payout["day"])),
        ("attempt", payout["attempt"].clone()),
        ("state", payout["state"].clone()),
        ("reason", or_none(&payout["reason"])),
        ("amount", payout["amount_fen"].clone()),
        ("paid", payout["paid_fen"].clone()),
        ("collected", payout["collected_fen"].clone()),
    ];
    compare(stage, item, &actual, &[]);
    stage.compare_account(item, &payout["account"]);
}

pub(super) async fn payout_run(stage: &mut Stage<'_>, item: &Item) {
    let path = format!("/v1/payout-runs?programme={}", item.subject());
    let (_, runs) = stage.world.call("GET", &path, None).await;
    let runs = &runs["items"];
    let run = &runs[0];
    let actual = [
        ("count", json!(runs.as_array().map_or(0, Vec::len))),
        ("day", midnight(&run["day"])),
        ("attempt", run["attempt"].clone()),
        ("payees", run["payees"].clone()),
        ("served", run["served"].clone()),
        ("failed", run["failed"].clone()),
        ("amount", run["amount_fen"].clone()),
        ("calendar", run["calendar"].clone()),
    ];
    compare(stage, item, &actual, &[]);
}

pub(super) async fn statement(stage: &mut Stage<'_>, item: &Item) {
    let payee = stage.payee(item.subject());
    let (noun, id) = payee.split_once('/').unwrap_or_default();
    let nouns = if noun == "promoter" { "promoters" } else { "agencies" };
    let month = item.text("month").map_or_else(String::new, |month| format!("?month={month}"));
    let (_, answer) = stage.world.call("GET", &format!("/v1/{nouns}/{id}/statements{month}"), None).await;
    let programme = stage.programme_of(item);
    let nothing = json!({"opening_fen": 0, "settled_fen": 0, "taken_back_fen": 0, "collected_fen": 0, "paid_fen": 0,
                         "other_fen": 0, "closing_fen": 0, "movements": []});
    let mut of = answer["statements"].as_array().into_iter().flatten();
    let statement = of.find(|statement| statement["programme"] == programme.as_str()).unwrap_or(&nothing);
    let mut actual: Vec<(&str, Json)> =
        ["opening", "settled", "taken_back", "collected", "paid", "other", "closing"]
            .map(|field| (field, statement[format!("{field}_fen")].clone()))
            .into();
    actual.push(("movements", json!(statement["movements"].as_array().map_or(0, Vec::len))));
    actual.push(("closed", answer["closed"].clone()));
    compare(stage, item, &actual, &[]);
}

pub(super) async fn refund_record(stage: &mut Stage<'_>, item: &Item) {
    let count = stage.refund_records(item).await.len();
    let record = stage.refund_record(item).await;
    let actual = [
        ("count", json!(count)),
        ("route", record["route"].clone()),
        ("rule", or_none(&record["rule"])),
        ("state", record["state"].clone()),
        ("due", record["due_fen"].clone()),
        ("recovered", record["recovered_fen"].clone()),
        ("compensated", json!(record["compensated_fen"].as_i64().unwrap_or_default())),
        ("created", record["created_at"].clone()),
        ("refunded", record["source_refund_at"].clone()),
    ];
    compare(stage, item, &actual, &[]);
}
