//! What each event does, as the requests that shops, promoters, operators and buyers would make.

mod money;
mod orders;
mod rules;
mod sourcing;

use super::edge::Asked;
use super::stage::{Action, Stage, codes, placement};
use super::story::{Item, Value};
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
            "ship" => self.ship(number, item),
            "complete" => self.complete(number, item),
            "close" => self.step(number, item, "closed"),
            "refund" => self.refund(number, item),
            "ask_refund" => self.refund_step(number, item, "refund_asked"),
            "refuse_refund" => self.refund_step(number, item, "refund_refused"),
            "success" => self.success(number, item),
            "cancel_promotion" => self.dated(item, "products", "cancel-promotion").await,
            "promote" => self.dated(item, "products", "promote").await,
            "delist" => self.dated(item, "products", "delist").await,
            "relist" => self.dated(item, "products", "relist").await,
            "disable" => self.dated(item, "promoters", "disable").await,
            "enable" => self.dated(item, "promoters", "enable").await,
            "verification" => {
                let body = json!({"member": item.flag("member").unwrap_or(true)});
                let path = format!("/v1/promoters/{}/verification", item.subject());
                self.send(item, "PUT", &path, Some(&body)).await;
            }
            "rate" => self.rate(item).await,
            "rules" => self.rules(item).await,
            "ban" => self.ban(item).await,
            "lift_ban" => self.lift_ban(item).await,
            "set_rate" => self.set_rate(item).await,
            "plan" => self.plan(item).await,
            "apply" | "approve" | "reject" => self.application(item).await,
            "coupon" => self.coupon(item).await,
            "contract" => self.contract(item).await,
            "workdays" => self.workdays(item).await,
            "bind" => self.bind(item).await,
            "unbind" => self.unbind(item).await,
            "withdraw" => self.withdraw(item).await,
            "pay_out" => self.pay_out(item).await,
            "arrive" => self.arrive(item).await,
            "recover" => self.recover(item).await,
            "broke_rules" => self.broke_rules(item).await,
            "settle" => self.settle(item).await,
            "sku" => self.sku(item).await,
            "delete_sku" => self.delete_sku(item).await,
            "merchant_facts" => self.merchant_facts(item).await,
            "product_facts" => self.product_facts(item).await,
            "enrol" => self.enrol(item).await,
            "pass" => self.enrolment(item, "approve").await,
            "fail" => self.enrolment(item, "reject").await,
            "leave" => self.enrolment(item, "exit").await,
            "edit" => self.edit(item).await,
            "video_task" => self.video_task(item).await,
            "confirm_task" => self.close_task(item, "confirm").await,
            "cancel_task" => self.close_task(item, "cancel").await,
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
            clock: now.plus(item.number("ahead").unwrap_or_default()),
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
        let at = item.time("reported").or_else(|| item.time("seller_paid"));
        let at = at.unwrap_or_else(|| self.world.now());
        self.schedule(at, Action::Report { event, method: "POST", path: path.to_owned(), body });
    }

    /// From when on a change counts: from `from`, or from the event on.
    fn from(&self, item: &Item) -> i64 {
        item.time("from").unwrap_or_else(|| self.world.now()).millis()
    }

    /// Compares what an event expects of the answer to it; of a refusal nothing more is expected.
    fn compare(&mut self, item: &Item, actual: &[(&str, Json)]) {
        if item.text("refused").is_none() {
            super::checks::compare(self, item, actual, &[]);
        }
    }

    /// A change of state that begins at the event or at `from`.
    async fn dated(&mut self, item: &Item, noun: &str, verb: &str) {
        let body = json!({"at": item.time("from").unwrap_or_else(|| self.world.now()).millis()});
        let path = format!("/v1/{noun}/{}/{verb}", item.subject());
        self.send(item, "POST", &path, Some(&body)).await;
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
