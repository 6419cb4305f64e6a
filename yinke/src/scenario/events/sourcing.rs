//! Off-site sales and video tasks: SKUs, what the platform says of merchants and products, enrolments, videos.

use crate::scenario::stage::Stage;
use crate::scenario::story::{Item, Value};
use serde_json::{Value as Json, json};

impl Stage<'_> {
    /// A SKU's product and its own name: `cup/red`, or `red` of the first product.
    pub(in crate::scenario) fn sku_of<'n>(&'n self, name: &'n str) -> (&'n str, &'n str) {
        name.split_once('/').unwrap_or((&self.story.given.first_product, name))
    }

    pub(super) async fn sku(&mut self, item: &Item) {
        let (product, sku) = self.sku_of(item.subject());
        let mut body = json!({"sku": sku, "price_fen": item.number("price"), "stock": item.number("stock")});
        if let Some(low) = item.number("low") {
            body["low30_fen"] = json!(low);
        }
        let path = format!("/v1/products/{product}/skus");
        self.send(item, "PUT", &path, Some(&body)).await;
    }

    pub(super) async fn delete_sku(&mut self, item: &Item) {
        let (product, sku) = self.sku_of(item.subject());
        let (path, body) = (format!("/v1/products/{product}/skus/delete"), json!({"sku": sku}));
        self.send(item, "POST", &path, Some(&body)).await;
    }

    pub(super) async fn merchant_facts(&mut self, item: &Item) {
        let number = |field, enough| json!(item.number(field).unwrap_or(enough));
        let flag = |field| json!(item.flag(field).unwrap_or(true));
        let body = json!({
            "consumer_or_industrial": flag("business"), "level": number("level", 2),
            "dropship_products": number("dropship", 1), "service_tenths": number("service", 35),
            "logistics_tenths": number("logistics", 30), "product_tenths": number("product_score", 20),
            "risk_ok": flag("risk_ok"),
        });
        let path = format!("/v1/merchants/{}/sourcing-facts", item.subject());
        self.send(item, "PUT", &path, Some(&body)).await;
    }

    pub(super) async fn product_facts(&mut self, item: &Item) {
        let flag = |field| json!(item.flag(field).unwrap_or(true));
        let ships = item.text("ships").unwrap_or("hours48");
        let body = json!({
            "consumer_or_industrial": flag("business"), "dropship_free_shipping": flag("dropship"),
            "seven_day_returns": flag("returns"), "growth_score": item.number("growth").unwrap_or(60),
            "ships_within": if ships == "none" { Json::Null } else { json!(ships) },
            "risk_ok": flag("risk_ok"), "group_purchase": item.flag("group_purchase").unwrap_or(false),
        });
        let path = format!("/v1/products/{}/sourcing-facts", item.subject());
        self.send(item, "PUT", &path, Some(&body)).await;
    }

    pub(super) async fn enrol(&mut self, item: &Item) {
        let offers: Vec<Json> = match item.get("skus") {
            Some(Value::Sums(skus)) => {
                skus.iter().map(|(sku, price)| json!({"sku": sku, "channel_price_fen": price})).collect()
            }
            _ => Vec::new(),
        };
        let product = item.text("product").unwrap_or(&self.story.given.first_product);
        let body = json!({"id": item.subject(), "programme": self.programme_of(item), "product": product,
                          "skus": offers});
        self.send(item, "POST", "/v1/enrolments", Some(&body)).await;
    }

    /// Something that is done with an enrolment.
    pub(super) async fn enrolment(&mut self, item: &Item, verb: &str) {
        let mut body = json!({});
        if verb == "reject" {
            body["reason"] = json!(item.text("why").unwrap_or("no reason given"));
        }
        self.send(item, "POST", &format!("/v1/enrolments/{}/{verb}", item.subject()), Some(&body)).await;
    }

    pub(super) async fn edit(&mut self, item: &Item) {
        let edit = match item.number("stock") {
            Some(stock) => json!({"stock": stock}),
            None => json!(item.text("what")),
        };
        let path = format!("/v1/enrolments/{}/edits", item.subject());
        let answer = self.send(item, "POST", &path, Some(&json!({"edit": edit}))).await;
        self.compare(item, &[("verdict", answer["verdict"].clone())]);
    }

    pub(super) async fn video_task(&mut self, item: &Item) {
        let shop = item.text("shop").unwrap_or(&self.story.given.first_merchant);
        let mut body = json!({"id": item.subject(), "programme": self.programme_of(item), "merchant": shop,
                              "talent": item.text("talent"), "price_fen": item.number("price")});
        if let Some(product) = item.text("product") {
            body["product"] = json!(product);
        }
        self.send(item, "POST", "/v1/video-tasks", Some(&body)).await;
    }

    pub(super) async fn close_task(&mut self, item: &Item, verb: &str) {
        let path = format!("/v1/video-tasks/{}/{verb}", item.subject());
        let answer = self.send(item, "POST", &path, Some(&json!({}))).await;
        self.compare(item, &[("fee", answer["fee_fen"].clone()), ("net", answer["net_fen"].clone())]);
    }
}
