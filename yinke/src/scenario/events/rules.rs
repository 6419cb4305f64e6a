//! Rules, rates, plans, coupons and contracts change.

use crate::scenario::stage::Stage;
use crate::scenario::story::Item;
use crate::scenario::world::PLATFORM;
use serde_json::{Value as Json, json};

impl Stage<'_> {
    /// A new version of a programme's rules.
    async fn new_version(&mut self, item: &Item, policy: &Json) {
        let wanted = item.text("programme");
        let programmes = &self.story.programmes;
        let Some(programme) = programmes.iter().find(|p| wanted.is_none_or(|id| id == p.id)) else { return };
        let mut body = json!({"name": programme.id, "policy": policy,
                              "effective_from": item.time("from").unwrap_or_else(|| self.world.now()).millis()});
        match &programme.owner {
            Some(merchant) => body["merchant"] = json!(merchant),
            None => body["platform"] = json!(PLATFORM),
        }
        self.send(item, "PUT", &format!("/v1/programmes/{}", programme.id), Some(&body)).await;
    }

    pub(super) async fn rate(&mut self, item: &Item) {
        let from = item.time("from").unwrap_or_else(|| self.world.now()).millis();
        let mut rate = json!({"bp": item.number("rate"), "effective": {"from": from}});
        if let Some(class) = item.text("class") {
            rate["class"] = json!(class);
        }
        if let Some(product) = item.text("product") {
            rate["subject"] = json!({"product": product});
        }
        let programmes = &self.story.programmes;
        let wanted = item.text("programme");
        let id = programmes.iter().map(|p| &p.id).find(|id| wanted.is_none_or(|wanted| wanted == *id));
        let id = id.cloned().unwrap_or_default();
        let mut rates = self.rates.get(&id).cloned().unwrap_or_default();
        for old in rates.iter_mut() {
            let same = |field: &str| old[field] == rate[field];
            if same("class") && same("subject") && same("plan") && old["effective"]["to"].is_null() {
                old["effective"]["to"] = json!(from);
            }
        }
        // A rate that would end before it begins was never in force.
        rates.retain(|rate| {
            let effective = &rate["effective"];
            effective["to"].as_i64().is_none_or(|to| effective["from"].as_i64().is_some_and(|from| from < to))
        });
        rates.push(rate);
        let policy = json!({"commission": {"rates": rates}});
        self.new_version(item, &policy).await;
        // What was refused is not there for the next change to build on.
        if item.text("refused").is_none() {
            self.rates.insert(id, rates);
        }
    }

    pub(super) async fn rules(&mut self, item: &Item) {
        let policy = item.any("rules").cloned().unwrap_or_default();
        self.new_version(item, &policy).await;
    }

    pub(super) async fn ban(&mut self, item: &Item) {
        let now = self.world.now();
        let at = |name: &str| item.time(name).unwrap_or(now).millis();
        let mut body = json!({"category": item.subject(), "effective_from": at("from"), "announced_at": at("announced")});
        if let Some(to) = item.time("to") {
            body["effective_to"] = json!(to.millis());
        }
        if let Some(programme) = item.text("programme") {
            body["programme"] = json!(programme);
        }
        self.send(item, "POST", "/v1/bans", Some(&body)).await;
    }

    pub(super) async fn lift_ban(&mut self, item: &Item) {
        let body =
            json!({"category": item.subject(), "programme": item.text("programme"), "at": self.from(item)});
        self.send(item, "POST", "/v1/bans/lift", Some(&body)).await;
    }

    /// Which programme an event means.
    pub(in crate::scenario) fn programme_of(&self, item: &Item) -> String {
        let first = self.story.programmes.first().map(|programme| programme.id.as_str());
        item.text("programme").or(first).unwrap_or_default().to_owned()
    }

    pub(super) async fn set_rate(&mut self, item: &Item) {
        let mut rate = json!({"bp": item.subject().parse::<i64>().ok(), "from": self.from(item)});
        for field in ["class", "product", "category", "shop"] {
            if let Some(text) = item.text(field) {
                rate[field] = json!(text);
            }
        }
        if let Some(to) = item.time("to") {
            rate["to"] = json!(to.millis());
        }
        let mut body = json!({"programme": self.programme_of(item), "rates": [rate]});
        if let Some(plan) = item.text("plan") {
            body["plan"] = json!(plan);
        }
        self.send(item, "POST", "/v1/rates", Some(&body)).await;
    }

    pub(super) async fn plan(&mut self, item: &Item) {
        let mut rate = json!({"bp": item.number("rate")});
        if let Some(product) = item.text("product") {
            rate["product"] = json!(product);
        }
        let mut body = json!({"id": item.subject(), "name": item.subject(), "programme": self.programme_of(item),
                              "approval": item.text("approval").unwrap_or("manual"), "rates": [rate]});
        for (field, key) in [("created", "created_at"), ("closes", "closes_at")] {
            if let Some(at) = item.time(field) {
                body[key] = json!(at.millis());
            }
        }
        self.send(item, "POST", "/v1/plans", Some(&body)).await;
    }

    /// An application, or the answer to one.
    pub(super) async fn application(&mut self, item: &Item) {
        let path = format!("/v1/plans/{}/{}", item.text("plan").unwrap_or_default(), item.name());
        let answer = self.send(item, "POST", &path, Some(&json!({"promoter": item.subject()}))).await;
        self.compare(item, &[("state", answer["state"].clone())]);
    }

    pub(super) async fn coupon(&mut self, item: &Item) {
        let mut body = json!({"programme": self.programme_of(item), "code": item.subject(),
                              "promoter": item.text("promoter"), "from": self.from(item)});
        if let Some(to) = item.time("to") {
            body["to"] = json!(to.millis());
        }
        self.send(item, "POST", "/v1/coupons", Some(&body)).await;
    }

    pub(super) async fn contract(&mut self, item: &Item) {
        let agency = item.text("agency").filter(|agency| *agency != "none");
        let body = json!({"name": item.subject(), "agency": agency, "agency_from": self.from(item)});
        self.send(item, "PUT", &format!("/v1/promoters/{}", item.subject()), Some(&body)).await;
    }

    pub(super) async fn workdays(&mut self, item: &Item) {
        let days: serde_json::Map<String, Json> = item
            .words("workdays")
            .into_iter()
            .flatten()
            .map(|(day, works)| {
                (day.clone(), works.parse::<bool>().map_or_else(|_| json!(works), Json::Bool))
            })
            .collect();
        let mut body = json!({"days": days});
        if let Some(year) = item.number("through") {
            body["complete_through"] = json!(year);
        }
        self.send(item, "PUT", "/v1/calendar", Some(&body)).await;
    }
}
