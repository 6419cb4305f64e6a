//! What each event does, as the requests that shops, promoters, operators and buyers would make.

use super::edge::Asked;
use super::stage::{Action, Stage, codes, placement};
use super::story::{Item, Line, Value};
use super::world::{PLATFORM, WorldError};
use attribution_core::decide::ClaimAction;
use attribution_core::time::Instant;
use serde_json::{Value as Json, json};

impl Stage<'_> {
    /// Lets one event happen now.
    pub(super) async fn happen(&mut self, number: usize, item: &Item) -> Result<(), WorldError> {
        match item.name() {
            "share" => self.share(item).await,
            "click" => return self.click(item).await,
            "login" => self.login(number, item),
            "order" | "buy" => self.place(number, item),
            "pay" => self.pay(number, item),
            "ship" => self.step(number, item, "shipped"),
            "complete" => self.step(number, item, "completed"),
            "close" => self.step(number, item, "closed"),
            "refund" => self.refund(number, item),
            "success" => self.success(number, item),
            "cancel_promotion" => self.dated(item, "products", "cancel-promotion").await,
            "promote" => self.dated(item, "products", "promote").await,
            "delist" => self.dated(item, "products", "delist").await,
            "relist" => self.dated(item, "products", "relist").await,
            "disable" => self.dated(item, "promoters", "disable").await,
            "enable" => self.dated(item, "promoters", "enable").await,
            "rate" => self.rate(item).await,
            "rules" => self.rules(item).await,
            "ban" => self.ban(item).await,
            "top_up" => self.top_up(number, item).await,
            "resolve" => self.resolve(item).await,
            "call" => self.call(item).await,
            // `wait` and `expect` do nothing themselves.
            _ => {}
        }
        Ok(())
    }

    async fn share(&mut self, item: &Item) {
        let name = item.subject();
        let promoter = name.split('/').next().unwrap_or_default();
        let programme = self.story.programmes.first().map_or("", |programme| programme.id.as_str());
        let mut body = self.link_target(name);
        let own = placement(promoter, programme);
        let has_one = self.story.given.promoters.get(promoter).is_some_and(|promoter| promoter.placement);
        match item.text("placement") {
            Some(placement) => body["placement"] = json!(placement),
            None if has_one => body["placement"] = json!(own),
            None => {}
        }
        body["badge"] = json!(item.flag("badge").unwrap_or(true));
        body["converted"] = json!(item.flag("converted").unwrap_or(true));
        for (field, key) in [("starts", "starts"), ("expires", "expires")] {
            if let Some(at) = item.time(field) {
                body[key] = json!(at.millis());
            }
        }
        let made = self.send(item, "POST", "/v1/links", Some(&body)).await;
        if made["code"].is_string() && made["short_url"].is_string() {
            self.links.insert(item.text("as").unwrap_or(name).to_owned(), codes(&made));
        }
    }

    async fn click(&mut self, item: &Item) -> Result<(), WorldError> {
        let now = self.world.now();
        let buyer = item.text("by").map(str::to_owned);
        let device = item.text("on").or(buyer.as_deref()).unwrap_or("device").to_owned();
        if let Some(buyer) = buyer {
            if self.edges.buyer_on(&device) != Some(&buyer) {
                self.join(item, &device, &buyer, now).await;
            }
            self.buyer = buyer;
        }
        let known = self.links.get(item.subject()).cloned().unwrap_or_default();
        let code = if item.flag("qr") == Some(true) { known.1 } else { known.0 };
        let headers = item.words("headers");
        let asked = Asked {
            code: &code,
            device: &device,
            head: item.flag("head") == Some(true),
            agent: item.text("agent"),
            headers: headers.into_iter().flatten().map(|(n, v)| (n.as_str(), v.as_str())).collect(),
            late: item.time("arrives").is_some_and(|at| at > now),
            held: item.flag("held") == Some(true),
        };
        let tap = self.edges.tap(&self.world, &asked).await?;
        self.compare_tap(item, &tap.tapped);
        if let (Some(name), Some(token)) = (item.text("as"), tap.token) {
            self.tokens.insert(name.to_owned(), token);
        }
        let Some(delivery) = tap.delivery.filter(|_| item.flag("lost") != Some(true)) else { return Ok(()) };
        let arrives = item.time("arrives").unwrap_or(now);
        for _ in 0..item.number("times").unwrap_or(1) {
            if arrives > now {
                self.schedule(arrives, Action::Deliver(delivery.clone()));
            } else {
                self.edges.deliver(&self.world, delivery.clone()).await?;
            }
        }
        if let Some(again) = item.time("again") {
            self.schedule(again, Action::Deliver(delivery));
        }
        Ok(())
    }

    fn compare_tap(&mut self, item: &Item, tapped: &redirector::tap::Tapped) {
        let what = |part: &str| format!("{part} of click {}", item.subject());
        let compare = |stage: &mut Self, field: &str, actual: Json| {
            let expected = match item.get(field) {
                Some(Value::Text(text)) => json!(text),
                Some(Value::Number(number)) => json!(number),
                _ => return,
            };
            stage.equal(item.place(field), &what(field), &expected, &actual, Vec::new());
        };
        let recorded = tapped.recorded.as_ref();
        compare(self, "outcome", json!(tapped.outcome.name()));
        compare(self, "status", json!(tapped.status));
        compare(self, "page", json!(tapped.page.as_deref().unwrap_or("none")));
        let reason = recorded.map(|recorded| format!("{:?}", recorded.record.reason));
        compare(self, "reason", json!(snake(&reason.unwrap_or_default())));
        let claim = match recorded.map(|recorded| recorded.claim) {
            Some(ClaimAction::Write { .. }) => "written",
            Some(ClaimAction::Keep) => "kept",
            Some(ClaimAction::None) | None => "none",
        };
        compare(self, "claim", json!(claim));
    }

    async fn join(&mut self, item: &Item, device: &str, buyer: &str, at: Instant) {
        let token = self.edges.log_in(device, buyer, at);
        let body = json!({"platform": PLATFORM, "buyer": buyer, "visitor_token": token, "at": at.millis()});
        let (status, answer) = self.world.call("POST", "/v1/identities", Some(&body)).await;
        if !(200..300).contains(&status) {
            self.equal(item.at, &format!("login of {buyer}"), &json!("taken in"), &answer, Vec::new());
        }
    }

    fn login(&mut self, number: usize, item: &Item) {
        let now = self.world.now();
        let buyer = item.subject();
        let token = self.edges.log_in(item.text("on").unwrap_or(buyer), buyer, now);
        self.buyer = buyer.to_owned();
        let body = json!({"platform": PLATFORM, "buyer": buyer, "visitor_token": token, "at": now.millis()});
        self.report(number, item, "/v1/identities", body);
    }

    /// Sends a report when the core is to hear of it.
    fn report(&mut self, event: usize, item: &Item, path: &str, body: Json) {
        let at = item.time("reported").unwrap_or_else(|| self.world.now());
        self.schedule(at, Action::Report { event, method: "POST", path: path.to_owned(), body });
    }

    fn order_event(&mut self, number: usize, item: &Item, event: &Json) {
        self.report(number, item, "/v1/orders/events", json!({"events": [event]}));
    }

    fn place(&mut self, number: usize, item: &Item) {
        let story = self.story;
        let given = &story.given;
        let order = item.subject().to_owned();
        let buyer = item.text("by").map_or_else(|| self.buyer.clone(), str::to_owned);
        self.buyer.clone_from(&buyer);
        let single = [Line {
            line: "1".to_owned(),
            product: item.text("product").map(str::to_owned),
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
            bodies.push(json!({"line": line.line, "product": product, "amount_fen": amount,
                               "quantity": line.quantity}));
        }
        self.orders.insert(order.clone(), amounts);
        let at = self.world.now().millis();
        let tokens: Vec<&String> =
            item.texts("tokens").iter().filter_map(|name| self.tokens.get(name)).collect();
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
        self.order_event(number, item, &event);
        if item.name() == "buy" {
            let paid = json!({"type": "paid", "platform": PLATFORM, "order": order, "at": at});
            self.order_event(number, item, &paid);
        }
    }

    fn pay(&mut self, number: usize, item: &Item) {
        let mut event = self.step_of(item, "paid");
        if let Some(method) = item.text("method") {
            event["payment_method"] = json!(method);
        }
        if let Some(lines) = self.amounts(item, None) {
            event["lines"] = lines;
        }
        self.order_event(number, item, &event);
    }

    fn step(&mut self, number: usize, item: &Item, kind: &str) {
        let event = self.step_of(item, kind);
        self.order_event(number, item, &event);
    }

    fn step_of(&self, item: &Item, kind: &str) -> Json {
        let (order, _) = split(item.subject());
        json!({"type": kind, "platform": PLATFORM, "order": order, "at": self.world.now().millis()})
    }

    fn refund(&mut self, number: usize, item: &Item) {
        let mut event = self.step_of(item, "refunded");
        let (order, line) = split(item.subject());
        let whole = self.orders.get(order).and_then(|lines| {
            lines.iter().find(|(known, _)| line.is_none_or(|line| line == known)).map(|(_, amount)| *amount)
        });
        self.serial += 1;
        event["refund_id"] =
            json!(item.text("id").map_or_else(|| format!("{order}-r{}", self.serial), str::to_owned));
        event["lines"] = self.amounts(item, whole).unwrap_or_default();
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

    fn success(&mut self, number: usize, item: &Item) {
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
        self.order_event(number, item, &created);
        for kind in ["paid", "completed"] {
            self.order_event(
                number,
                item,
                &json!({"type": kind, "platform": PLATFORM, "order": order, "at": at}),
            );
        }
    }

    /// A change of state that begins at the event or at `from`.
    async fn dated(&mut self, item: &Item, noun: &str, verb: &str) {
        let body = json!({"at": item.time("from").unwrap_or_else(|| self.world.now()).millis()});
        let path = format!("/v1/{noun}/{}/{verb}", item.subject());
        self.send(item, "POST", &path, Some(&body)).await;
    }

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

    async fn rate(&mut self, item: &Item) {
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
        let rates = self.rates.entry(id.cloned().unwrap_or_default()).or_default();
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
    }

    async fn rules(&mut self, item: &Item) {
        let policy = item.any("rules").cloned().unwrap_or_default();
        self.new_version(item, &policy).await;
    }

    async fn ban(&mut self, item: &Item) {
        let now = self.world.now();
        let at = |name: &str| item.time(name).unwrap_or(now).millis();
        let mut body = json!({"category": item.subject(), "effective_from": at("from"), "announced_at": at("announced")});
        if let Some(programme) = item.text("programme") {
            body["programme"] = json!(programme);
        }
        self.send(item, "POST", "/v1/bans", Some(&body)).await;
    }

    async fn top_up(&mut self, number: usize, item: &Item) {
        let reference = item.text("reference").map_or_else(|| format!("event {number}"), str::to_owned);
        let body = json!({"reference": reference, "amount_fen": item.number("amount")});
        self.send(item, "POST", &format!("/v1/merchants/{}/top-ups", item.subject()), Some(&body)).await;
    }

    async fn resolve(&mut self, item: &Item) {
        let (order, line) = split(item.subject());
        let body = json!({"platform": PLATFORM, "order": order, "line": line.unwrap_or("1"),
                          "reason": item.text("reason"), "resolution": item.text("note").unwrap_or("decided"),
                          "release": item.flag("release").unwrap_or(false)});
        self.send(item, "POST", "/v1/reviews/resolve", Some(&body)).await;
    }

    async fn call(&mut self, item: &Item) {
        let (method, path) = item.subject().split_once(' ').unwrap_or(("GET", item.subject()));
        if item.number("status").is_none() && item.get("answer").is_none() {
            self.send(item, method, path, item.any("body")).await;
            return;
        }
        let (status, answer) = self.world.call(method, path, item.any("body")).await;
        let what = format!("call {}", item.subject());
        if let Some(expected) = item.number("status") {
            self.equal(
                item.place("status"),
                &what,
                &json!(expected),
                &json!(status),
                vec![answer.to_string()],
            );
        }
        if let Some(expected) = item.any("answer") {
            super::checks::compare_answer(self, item.place("answer"), &what, expected, &answer);
        }
    }
}

/// An order's number and, behind a slash, its line.
pub(super) fn split(subject: &str) -> (&str, Option<&str>) {
    subject.split_once('/').map_or((subject, None), |(order, line)| (order, Some(line)))
}

/// `ClaimKept` as `claim_kept`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (position, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && position > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
