//! What happens to orders, as a platform reports it.

use super::split;
use crate::scenario::stage::Stage;
use crate::scenario::story::{Item, Line};
use crate::scenario::world::PLATFORM;
use serde_json::{Value as Json, json};

impl Stage<'_> {
    fn order_event(&mut self, number: usize, item: &Item, event: &Json) {
        self.order_events(number, item, &[event]);
    }

    /// What happened at one instant is reported at once.
    fn order_events(&mut self, number: usize, item: &Item, events: &[&Json]) {
        self.report(number, item, "/v1/orders/events", json!({"events": events}));
    }

    pub(super) fn place(&mut self, number: usize, item: &Item) {
        let story = self.story;
        let given = &story.given;
        let order = item.subject().to_owned();
        let buyer = item.text("by").map_or_else(|| self.buyer.clone(), str::to_owned);
        self.buyer.clone_from(&buyer);
        let single = [Line {
            line: "1".to_owned(),
            product: item.text("product").map(str::to_owned),
            sku: item.text("sku").map(str::to_owned),
            amount: item.number("amount"),
            quantity: item.number("quantity").unwrap_or(1),
        }];
        let lines = if item.lines("lines").is_empty() { &single[..] } else { item.lines("lines") };
        let mut shop = item.text("shop").unwrap_or_default();
        let mut bodies = Vec::new();
        let mut amounts = Vec::new();
        for line in lines {
            let product = line.product.as_deref().unwrap_or(&given.first_product);
            let known = given.products.get(product);
            if shop.is_empty() {
                shop = known.map_or("", |product| product.shop.as_str());
            }
            let price = known.map_or(0, |product| product.price).saturating_mul(line.quantity);
            let amount = line.amount.unwrap_or(price);
            amounts.push((line.line.clone(), amount));
            let mut body = json!({"line": line.line, "product": product, "amount_fen": amount,
                                  "quantity": line.quantity});
            if let Some(sku) = &line.sku {
                body["sku"] = json!(sku);
            }
            bodies.push(body);
        }
        self.placed = true;
        self.orders.insert(order.clone(), amounts);
        self.shops.insert(order.clone(), shop.to_owned());
        let at = self.world.now().millis();
        // Names for now: a click may come between the order and its report.
        let tokens = item.texts("tokens");
        let mut event = json!({"type": "created", "platform": PLATFORM, "order": order, "at": at,
                               "merchant": shop, "buyer": buyer, "lines": bodies, "click_tokens": tokens,
                               "payment_method": item.text("method").unwrap_or("alipay")});
        if let Some(coupon) = item.text("coupon") {
            event["coupon"] = json!(coupon);
        }
        if item.text("channel").is_some() || item.text("distributor").is_some() {
            event["declared"] =
                json!({"channel": item.text("channel"), "distributor": item.text("distributor")});
        }
        if let Some(updated) = item.time("updated") {
            event["updated_at"] = json!(updated.millis());
        }
        let paid = json!({"type": "paid", "platform": PLATFORM, "order": order, "at": at});
        let both = [&event, &paid];
        self.order_events(number, item, if item.name() == "buy" { &both } else { &both[..1] });
    }

    pub(super) fn pay(&mut self, number: usize, item: &Item) {
        let mut event = self.step_of(item, "paid");
        if let Some(method) = item.text("method") {
            event["payment_method"] = json!(method);
        }
        if let Some(lines) = self.amounts(item, None) {
            event["lines"] = lines;
        }
        self.order_event(number, item, &event);
    }

    pub(super) fn step(&mut self, number: usize, item: &Item, kind: &str) {
        let event = self.step_of(item, kind);
        self.order_event(number, item, &event);
    }

    pub(super) fn ship(&mut self, number: usize, item: &Item) {
        let mut event = self.step_of(item, "shipped");
        event["parcel"] = json!(self.own_number(item, "parcel", "p"));
        if let Some(more) = item.flag("more") {
            event["more_to_come"] = json!(more);
        }
        self.order_event(number, item, &event);
    }

    /// The number that an event's `field` gives, or one of its own.
    fn own_number(&mut self, item: &Item, field: &str, letter: &str) -> String {
        let (order, _) = split(item.subject());
        self.serial += 1;
        item.text(field).map_or_else(|| format!("{order}-{letter}{}", self.serial), str::to_owned)
    }

    pub(super) fn complete(&mut self, number: usize, item: &Item) {
        let mut event = self.step_of(item, "completed");
        if let Some(at) = item.time("seller_paid") {
            event["seller_paid_at"] = json!(at.millis());
        }
        self.order_event(number, item, &event);
    }

    fn step_of(&self, item: &Item, kind: &str) -> Json {
        let (order, _) = split(item.subject());
        json!({"type": kind, "platform": PLATFORM, "order": order, "at": self.world.now().millis()})
    }

    pub(super) fn refund(&mut self, number: usize, item: &Item) {
        let mut event = self.step_of(item, "refunded");
        let (order, line) = split(item.subject());
        let whole = self.orders.get(order).and_then(|lines| {
            lines.iter().find(|(known, _)| line.is_none_or(|line| line == known)).map(|(_, amount)| *amount)
        });
        event["refund_id"] = json!(self.own_number(item, "id", "r"));
        event["lines"] = self.amounts(item, whole).unwrap_or_default();
        if let Some(at) = item.time("initiated") {
            event["initiated_at"] = json!(at.millis());
        }
        if let Some(part) = item.text("credit") {
            event["credit_part"] = json!(part);
        }
        if let Some(special) = item.flag("special") {
            event["special"] = json!(special);
        }
        self.order_event(number, item, &event);
    }

    pub(super) fn refund_step(&mut self, number: usize, item: &Item, kind: &str) {
        let mut event = self.step_of(item, kind);
        let (order, _) = split(item.subject());
        event["refund_id"] = json!(item.text("id").map_or_else(|| format!("{order}-r"), str::to_owned));
        self.order_event(number, item, &event);
    }

    /// Amounts by line: those given, or one for the line named (or the first one).
    fn amounts(&self, item: &Item, whole: Option<i64>) -> Option<Json> {
        let (order, line) = split(item.subject());
        let given: Vec<Json> = item
            .lines("lines")
            .iter()
            .map(|line| json!({"line": line.line, "amount_fen": line.amount.unwrap_or_default()}))
            .collect();
        if !given.is_empty() {
            return Some(Json::Array(given));
        }
        let amount = item.number("amount").or(whole)?;
        let first = self.orders.get(order).and_then(|lines| lines.first()).map(|(line, _)| line.as_str());
        Some(json!([{"line": line.or(first).unwrap_or("1"), "amount_fen": amount}]))
    }

    pub(super) fn success(&mut self, number: usize, item: &Item) {
        let given = &self.story.given;
        let shop = item.text("shop").unwrap_or(&given.first_merchant);
        let product =
            given.products.iter().find(|(_, product)| product.shop == shop).map(|(id, _)| id.clone());
        self.serial += 1;
        let order = item.text("order").map_or_else(|| format!("earlier-{}", self.serial), str::to_owned);
        let at = self.world.now().millis();
        let created = json!({"type": "created", "platform": PLATFORM, "order": order, "at": at,
            "merchant": shop, "buyer": item.subject(), "payment_method": "alipay",
            "lines": [{"line": "1", "product": product, "amount_fen": 10_000}]});
        self.orders.insert(order.clone(), vec![("1".to_owned(), 10_000)]);
        let step = |kind: &str| json!({"type": kind, "platform": PLATFORM, "order": order, "at": at});
        self.order_events(number, item, &[&created, &step("paid"), &step("completed")]);
    }
}
