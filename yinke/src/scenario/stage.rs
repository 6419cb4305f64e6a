//! Tells a story: sets the clock, does what happens, lets time do the rest, and compares.

use super::checks;
use super::edge::{Delivery, Edges};
use super::fault::Place;
use super::story::{Item, Story};
use super::world::{Database, PLATFORM, World, WorldError};
use attribution_core::time::{Instant, SECOND_MS};
use serde_json::{Value as Json, json};
use settlement_core::replay::{Selection, replay};
use std::collections::BTreeMap;

/// Something that was not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Where the expectation stands.
    pub(super) at: Place,
    /// When it was looked at.
    pub(super) when: Instant,
    /// What was looked at.
    pub(super) what: String,
    /// What it should have been.
    pub(super) expected: String,
    /// What it was.
    pub(super) actual: String,
    /// What the core says to it.
    pub(super) explanation: Vec<String>,
}

/// What a story came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// Everything that was not as expected.
    pub(super) failures: Vec<Failure>,
    /// How many expectations were looked at.
    pub(super) looked: usize,
}

/// Something that is to happen.
pub(super) enum Action {
    /// The event with this number.
    Event(usize),
    /// A click reaches the core.
    Deliver(Delivery),
    /// A report reaches the core; it belongs to the event with this number.
    Report { event: usize, method: &'static str, path: String, body: Json },
}

/// Scheduled actions come before the file's events of the same instant.
const FILE: usize = 1 << 32;

/// A story being told.
pub(super) struct Stage<'s> {
    pub(super) story: &'s Story,
    pub(super) world: World,
    pub(super) edges: Edges,
    /// Link names with their code and their QR code.
    pub(super) links: BTreeMap<String, (String, String)>,
    /// Clicks by name with their tokens.
    pub(super) tokens: BTreeMap<String, String>,
    /// Orders with the lines they were placed with.
    pub(super) orders: BTreeMap<String, Vec<(String, i64)>>,
    /// Orders with the shop they were placed at.
    pub(super) shops: BTreeMap<String, String>,
    /// The buyer who was named last.
    pub(super) buyer: String,
    /// Rates in force, by programme, for `rate` events.
    pub(super) rates: BTreeMap<String, Vec<Json>>,
    /// An order was placed at this instant. What the edges had by then they will have said when its second is over.
    pub(super) placed: bool,
    pub(super) serial: usize,
    pub(super) queue: BTreeMap<(Instant, usize), Action>,
    pub(super) told: Told,
}

/// Tells a story on a fresh store.
pub(super) async fn tell(story: &Story, database: &Database) -> Result<Told, WorldError> {
    let world = World::open(database, story.begin).await?;
    let queue = story.events.iter().enumerate().map(|(n, e)| ((e.when, FILE + n), Action::Event(n)));
    let mut stage = Stage {
        story,
        edges: Edges::new()?,
        world,
        links: BTreeMap::new(),
        tokens: BTreeMap::new(),
        orders: BTreeMap::new(),
        shops: BTreeMap::new(),
        buyer: "U".to_owned(),
        rates: BTreeMap::new(),
        placed: false,
        serial: 0,
        queue: queue.collect(),
        told: Told::default(),
    };
    let result = stage.run().await;
    let told = std::mem::take(&mut stage.told);
    stage.world.close().await?;
    result.map(|()| told)
}

impl Stage<'_> {
    async fn run(&mut self) -> Result<(), WorldError> {
        self.set_up().await?;
        while let Some(((at, _), action)) = self.queue.pop_first() {
            self.go_on_to(at).await?;
            match action {
                Action::Event(number) => {
                    let event = &self.story.events[number];
                    self.happen(number, &event.item).await?;
                    for check in &event.checks {
                        self.settle_down().await?;
                        checks::check(self, check).await?;
                    }
                }
                Action::Deliver(delivery) => self.edges.deliver(&self.world, delivery).await?,
                Action::Report { event, method, path, mut body } => {
                    let item = &self.story.events[event].item;
                    self.fill_tokens(&mut body);
                    self.send(item, method, &path, Some(&body)).await;
                }
            }
        }
        self.settle_down().await?;
        for check in &self.story.checks {
            checks::check(self, check).await?;
        }
        // The books balance at the end of every story.
        let (_, audit) = self.world.call("GET", "/v1/audit/ledger", None).await;
        let at = self.story.events.last().map_or(Place::default(), |event| event.item.at);
        self.equal(at, "ledger imbalance", &json!(0), &audit["imbalance_fen"], Vec::new());
        // And everything in them comes out of the events again.
        let (differing, what) = match replay(self.world.core.store(), Selection::default(), |_| {}).await {
            Ok(done) => {
                let named = done.differences.iter().map(|d| {
                    format!(
                        "{}/{} {}: stored {}, recomputed {}",
                        d.order, d.line, d.field, d.stored, d.recomputed
                    )
                });
                (json!(done.differing), named.collect())
            }
            Err(error) => (json!(error.to_string()), Vec::new()),
        };
        self.equal(at, "differences in a replay", &json!(0), &differing, what);
        Ok(())
    }

    /// Lets time go by until `at`; what becomes due on the way is done when it is due.
    pub(super) async fn go_on_to(&mut self, at: Instant) -> Result<(), WorldError> {
        if at > self.world.now() {
            self.settle_down().await?;
            let second_over = self.world.now().floor().plus(SECOND_MS);
            if std::mem::take(&mut self.placed) && second_over < at {
                self.world.set(second_over);
                self.settle_down().await?;
            }
        }
        while let Some(due) = self.world.core.next_due(self.world.now()).await?.filter(|due| *due < at) {
            self.world.set(due);
            self.settle_down().await?;
        }
        if at > self.world.now() {
            self.world.set(at);
            self.settle_down().await?;
        }
        Ok(())
    }

    /// Does everything that is due now.
    pub(super) async fn settle_down(&self) -> Result<(), WorldError> {
        self.edges.report(&self.world).await?;
        let now = self.world.now();
        self.world.core.maintain(now).await?;
        self.world.core.sweep(now).await?;
        Ok(())
    }

    /// Lets something happen later, or now.
    pub(super) fn schedule(&mut self, at: Instant, action: Action) {
        self.serial += 1;
        self.queue.insert((at.max(self.world.now()), self.serial), action);
    }

    /// Sends a request that belongs to an event: it must be taken in, or refused as the event says.
    pub(super) async fn send(&mut self, item: &Item, method: &str, path: &str, body: Option<&Json>) -> Json {
        let (status, answer) = self.world.call(method, path, body).await;
        // Of several events that are reported together the first that is refused says why.
        let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
        let refused = results.iter().find(|result| !result["code"].is_null());
        let result = refused.or_else(|| results.first()).cloned().unwrap_or_default();
        let taken = (200..300).contains(&status);
        // A link has a code too; only a refusal's says why. An event of a batch is refused by itself.
        let code = answer["code"].as_str().filter(|_| !taken).or_else(|| result["code"].as_str());
        let actual = code.map_or_else(
            || if taken { "taken in".to_owned() } else { format!("status {status}") },
            str::to_owned,
        );
        let expected = item.text("refused").unwrap_or("taken in");
        let detail = answer["detail"].as_str().or_else(|| result["detail"].as_str()).map(str::to_owned);
        let what = format!("{} {}", item.name(), item.subject());
        let at = item.place("refused");
        self.equal(at, what.trim(), &json!(expected), &json!(actual), detail.into_iter().collect());
        answer
    }

    /// Puts the clicks' tokens where an order names its clicks.
    fn fill_tokens(&self, body: &mut Json) {
        let Some(names) = body.pointer_mut("/events/0/click_tokens").and_then(Json::as_array_mut) else {
            return;
        };
        let tokens =
            names.iter().filter_map(|name| self.tokens.get(name.as_str()?)).map(|token| json!(token));
        *names = tokens.collect();
    }

    /// Notes whether something is as expected.
    pub(super) fn equal(
        &mut self,
        at: Place,
        what: &str,
        expected: &Json,
        actual: &Json,
        explanation: Vec<String>,
    ) {
        self.told.looked += 1;
        if expected != actual {
            self.told.failures.push(Failure {
                at,
                when: self.world.now(),
                what: what.to_owned(),
                expected: shown(expected),
                actual: shown(actual),
                explanation,
            });
        }
    }

    /// Puts everything there that the story begins with.
    async fn set_up(&mut self) -> Result<(), WorldError> {
        let (world, given) = (&self.world, &self.story.given);
        world.set_up("PUT", &format!("/v1/platforms/{PLATFORM}"), &json!({"name": PLATFORM})).await?;
        for (id, merchant) in &given.merchants {
            let body = json!({"platform": PLATFORM, "name": merchant.title,
                              "history_known_from": merchant.history_known_from,
                              "shop_url": format!("https://{}.example.cn/", id.to_lowercase())});
            world.set_up("PUT", &format!("/v1/merchants/{id}"), &body).await?;
            if merchant.balance > 0 {
                let body = json!({"reference": "given", "amount_fen": merchant.balance});
                world.set_up("POST", &format!("/v1/merchants/{id}/top-ups"), &body).await?;
            }
        }
        for (id, (title, parent)) in &given.categories {
            let body = json!({"name": title, "parent": parent});
            world.set_up("PUT", &format!("/v1/categories/{id}"), &body).await?;
        }
        for (id, product) in &given.products {
            let body = json!({"merchant": product.shop, "title": product.title, "price_fen": product.price,
                              "category": product.category,
                              "url": format!("https://{}.example.cn/{id}", product.shop.to_lowercase())});
            world.set_up("PUT", &format!("/v1/products/{id}"), &body).await?;
        }
        for programme in &self.story.programmes {
            let mut body = json!({"name": programme.id, "preset": programme.preset.name(),
                                  "policy": programme.policy, "effective_from": programme.from.millis()});
            match &programme.owner {
                Some(merchant) => body["merchant"] = json!(merchant),
                None => body["platform"] = json!(PLATFORM),
            }
            world.set_up("PUT", &format!("/v1/programmes/{}", programme.id), &body).await?;
            let rates = programme.policy["commission"]["rates"].as_array().cloned().unwrap_or_default();
            self.rates.insert(programme.id.clone(), rates);
        }
        for (id, promoter) in &given.promoters {
            let accounts: Vec<Json> =
                promoter.accounts.iter().map(|buyer| json!({"platform": PLATFORM, "buyer": buyer})).collect();
            let body = json!({"name": id, "agency": promoter.agency, "accounts": accounts});
            world.set_up("PUT", &format!("/v1/promoters/{id}"), &body).await?;
            let paying = self.story.programmes.iter().filter(|of| of.pays_promoters());
            for programme in paying.filter(|_| promoter.placement) {
                let body = json!({"id": placement(id, &programme.id), "programme": programme.id});
                world.set_up("POST", &format!("/v1/promoters/{id}/placements"), &body).await?;
            }
        }
        self.share_clicked().await
    }

    /// Links that are clicked and never shared are shared at the beginning.
    async fn share_clicked(&mut self) -> Result<(), WorldError> {
        let items = self.story.events.iter().map(|event| &event.item);
        let shared: Vec<&str> = items
            .clone()
            .filter(|item| item.name() == "share")
            .flat_map(|item| [Some(item.subject()), item.text("as")])
            .flatten()
            .collect();
        let clicked = items.filter(|item| item.name() == "click" && !shared.contains(&item.subject()));
        for item in clicked {
            let name = item.subject().to_owned();
            if self.links.contains_key(&name) {
                continue;
            }
            let Some(programme) = self.story.programmes.first() else { continue };
            let promoter = name.split('/').next().unwrap_or_default();
            let mut body = self.link_target(&name);
            body["placement"] = json!(placement(promoter, &programme.id));
            body["badge"] = json!(true);
            let made = self.world.set_up("POST", "/v1/links", &body).await?;
            self.links.insert(name, codes(&made));
        }
        Ok(())
    }

    /// What a link leads to: `a`, `a/cup` or `a/S`.
    pub(super) fn link_target(&self, name: &str) -> Json {
        let given = &self.story.given;
        let target = name.split_once('/').map_or(given.first_product.as_str(), |(_, target)| target);
        if given.products.contains_key(target) { json!({"product": target}) } else { json!({"shop": target}) }
    }
}

/// The placement a promoter has in a programme.
pub(super) fn placement(promoter: &str, programme: &str) -> String {
    format!("{promoter}.{programme}")
}

/// The codes of a made link and of its QR.
pub(super) fn codes(made: &Json) -> (String, String) {
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("qr_code"))
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}
