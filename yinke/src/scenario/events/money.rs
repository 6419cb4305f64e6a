//! Money comes in, is paid out, comes back and is asked for.

use super::split;
use crate::scenario::stage::Stage;
use crate::scenario::story::Item;
use crate::scenario::world::PLATFORM;
use serde_json::{Value as Json, json};
use settlement_core::payout_accounts::hidden;

impl Stage<'_> {
    pub(super) async fn top_up(&mut self, number: usize, item: &Item) {
        let reference = item.text("reference").map_or_else(|| format!("event {number}"), str::to_owned);
        let body = json!({"reference": reference, "amount_fen": item.number("amount")});
        self.send(item, "POST", &format!("/v1/merchants/{}/top-ups", item.subject()), Some(&body)).await;
    }

    pub(super) async fn resolve(&mut self, item: &Item) {
        let (order, line) = split(item.subject());
        let (line, reason) = (line.unwrap_or("1"), item.text("reason").unwrap_or_default());
        let (_, explained) = self.world.call("GET", &format!("/v1/orders/{order}/attribution"), None).await;
        let meant = |review: &&Json| {
            review["line"] == line && review["reason"] == reason && review["resolved_at"].is_null()
        };
        let open = explained["reviews"].as_array().into_iter().flatten().find(meant);
        let body = json!({"platform": PLATFORM, "order": order, "line": line, "reason": reason,
                          "found": open.map_or(&json!(""), |review| &review["found"]),
                          "resolution": item.text("note").unwrap_or("decided"),
                          "release": item.flag("release").unwrap_or(false)});
        self.send(item, "POST", "/v1/reviews/resolve", Some(&body)).await;
    }

    /// The merchant settles a line by hand.
    pub(super) async fn settle(&mut self, item: &Item) {
        let (order, line) = split(item.subject());
        let shop = self.shops.get(order).cloned().unwrap_or_default();
        let body = json!({"lines": [{"platform": PLATFORM, "order": order, "line": line.unwrap_or("1")}]});
        let path = format!("/v1/merchants/{shop}/settlements");
        let (_, answer) = self.world.call("POST", &path, Some(&body)).await;
        let outcome = answer["lines"][0]["outcome"].as_str().or_else(|| answer["code"].as_str());
        let actual = json!(outcome.unwrap_or_default());
        let expected = json!(item.text("refused").unwrap_or("settled"));
        self.equal(
            item.place("refused"),
            &format!("settle {}", item.subject()),
            &expected,
            &actual,
            Vec::new(),
        );
    }

    /// `promoters/a` or `agencies/jigou`, as the API's paths have it.
    fn payee_path(&self, name: &str) -> String {
        let noun = if self.story.given.promoters.contains_key(name) { "promoters" } else { "agencies" };
        format!("{noun}/{name}")
    }

    /// `promoter/a` or `agency/jigou`, as the API names payees.
    pub(in crate::scenario) fn payee(&self, name: &str) -> String {
        let noun = if self.story.given.promoters.contains_key(name) { "promoter" } else { "agency" };
        format!("{noun}/{name}")
    }

    pub(super) async fn bind(&mut self, item: &Item) {
        let path = format!("/v1/{}/payout-account", self.payee_path(item.subject()));
        let own = if path.starts_with("/v1/promoters") { "alipay" } else { "company_alipay" };
        let body = json!({"kind": item.text("kind").unwrap_or(own), "account": item.text("account"),
                          "holder": item.subject(), "from": self.from(item),
                          "verified": item.flag("verified").unwrap_or(true)});
        self.send(item, "PUT", &path, Some(&body)).await;
    }

    pub(super) async fn unbind(&mut self, item: &Item) {
        let path = format!("/v1/promoters/{}/payout-account/unbind", item.subject());
        let body = json!({"at": self.from(item)});
        self.send(item, "POST", &path, Some(&body)).await;
    }

    pub(super) async fn withdraw(&mut self, item: &Item) {
        let path = format!("/v1/{}/withdrawals", self.payee_path(item.subject()));
        let mut body = json!({"programme": self.programme_of(item)});
        if let Some(amount) = item.number("amount") {
            body["amount_fen"] = json!(amount);
        }
        let answer = self.send(item, "POST", &path, Some(&body)).await;
        let actual = [
            ("paid", answer["paid_fen"].clone()),
            ("collected", answer["collected_fen"].clone()),
            ("left", answer["available_fen"].clone()),
        ];
        self.compare(item, &actual);
        self.compare_account(item, &answer["account"]);
    }

    /// The API shows a part of an account only.
    pub(in crate::scenario) fn compare_account(&mut self, item: &Item, shown: &Json) {
        if let Some(expected) = item.text("account") {
            let what = format!("{} {}: account", item.name(), item.subject());
            self.equal(item.place("account"), &what, &json!(hidden(expected)), shown, Vec::new());
        }
    }

    pub(super) async fn pay_out(&mut self, item: &Item) {
        self.send(item, "POST", "/v1/payout-runs", Some(&json!({"programme": item.subject()}))).await;
    }

    pub(super) async fn arrive(&mut self, item: &Item) {
        let (_, page) =
            self.world.call("GET", &format!("/v1/payouts?payee={}", self.payee(item.subject())), None).await;
        // The newest stands first.
        let mut payouts = page["items"].as_array().into_iter().flatten();
        let id = payouts.find(|payout| payout["state"] == "clearing").map(|payout| &payout["id"]);
        let Some(id) = id.cloned() else {
            let what = format!("arrive {}", item.subject());
            self.equal(item.at, &what, &json!("a payout on its way"), &json!("none"), Vec::new());
            return;
        };
        let paid = item.flag("returned") != Some(true);
        let body = json!({"payouts": [{"id": id, "paid": paid, "reason": item.text("why")}]});
        self.send(item, "POST", "/v1/payouts/arrivals", Some(&body)).await;
    }

    pub(super) async fn recover(&mut self, item: &Item) {
        self.serial += 1;
        let record = self.refund_record(item).await;
        let missing = record["due_fen"].as_i64().unwrap_or(0) - record["recovered_fen"].as_i64().unwrap_or(0);
        let own = format!("recovery {}", self.serial);
        let body = json!({"platform": PLATFORM, "order": split(item.subject()).0, "line": record["line"],
                          "refund": record["refund"], "reference": item.text("reference").unwrap_or(&own),
                          "amount_fen": item.number("amount").unwrap_or(missing),
                          "paid_in": item.flag("paid_in").unwrap_or(false)});
        let answer = self.send(item, "POST", "/v1/disputes/recoveries", Some(&body)).await;
        self.compare(item, &[("state", answer["state"].clone())]);
    }

    pub(super) async fn broke_rules(&mut self, item: &Item) {
        let body = json!({"platform": PLATFORM, "order": split(item.subject()).0});
        let answer = self.send(item, "POST", "/v1/disputes/broken-rules", Some(&body)).await;
        self.compare(item, &[("records", answer["records"].clone())]);
    }

    /// The refund records of an order's shop and line.
    pub(in crate::scenario) async fn refund_records(&self, item: &Item) -> Vec<Json> {
        let (order, line) = split(item.subject());
        let mut records = Vec::new();
        for merchant in self.story.given.merchants.keys() {
            let path = format!("/v1/disputes?limit=500&merchant={merchant}&order={order}");
            let (_, answer) = self.world.call("GET", &path, None).await;
            records.extend(answer["items"].as_array().into_iter().flatten().cloned());
        }
        records.retain(|record| line.is_none_or(|line| record["line"] == line));
        records
    }

    /// The record that an event or check means: that of the refund it names, or the last one.
    pub(in crate::scenario) async fn refund_record(&self, item: &Item) -> Json {
        let records = self.refund_records(item).await;
        let wanted = item.text("refund");
        let mut fitting = records.into_iter().filter(|r| wanted.is_none_or(|id| r["refund"] == id));
        fitting.next().unwrap_or_default()
    }
}
