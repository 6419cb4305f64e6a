//! A shop with promoters, clicks at any time, and order events at any time: the stage of the order stories.

use crate::support::Bench;
use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::policy::Preset;
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord};
use attribution_core::shipping::{Batch, Heartbeat};
use attribution_core::time::{HOUR_MS, Instant};
use attribution_core::token::{ClickKeys, ClickToken, MasterKey, VisitorToken};
use serde_json::{Value, json};
use settlement_core::order_events::OrderEvent;
use settlement_core::orders::intake::{Taken, take};
use settlement_core::orders::sweep::judge_all;
use settlement_core::params;
use settlement_core::store::StoreError;
use std::sync::atomic::{AtomicU64, Ordering};

/// Noon of the first day of every story.
pub(crate) const DAY0: i64 = 1_780_027_200_000;

/// So many hours after the beginning of the story.
pub(crate) fn hour(hours: i64) -> Instant {
    Instant(DAY0 + hours * HOUR_MS)
}

/// The stage.
pub(crate) struct Stage<'a> {
    pub(crate) bench: &'a Bench,
    sequence: AtomicU64,
}

fn stream() -> Stream {
    Stream { edge: EdgeId(1), epoch: Epoch(9), worker: WorkerId(0) }
}

/// A visitor of a story.
pub(crate) fn visitor(number: u8) -> VisitorId {
    VisitorId([number; 16])
}

impl<'a> Stage<'a> {
    /// One shop `m1` with products `cup` and `tea`, promoters `anna` and `bob` at 10 % under the given rules.
    pub(crate) async fn set(bench: &'a Bench, preset: &str, mut policy: Value) -> Self {
        let merchant = json!({"platform": "p1", "name": "山里茶行", "hosts": ["shop.example.cn"],
                              "shop_url": "https://shop.example.cn/", "history_known_from": 0});
        bench.ok("PUT", "/v1/merchants/m1", merchant).await;
        if policy["commission"]["rates"].is_null() {
            policy["commission"]["rates"] = json!([{"bp": 1000, "effective": {"from": 0}}]);
        }
        let programme =
            json!({"merchant": "m1", "name": "g", "preset": preset, "policy": policy, "effective_from": 0});
        bench.ok("PUT", "/v1/programmes/g1", programme).await;
        for product in ["cup", "tea"] {
            let body = json!({"merchant": "m1", "title": product, "price_fen": 10_000,
                              "url": format!("https://shop.example.cn/{product}"), "category": "home"});
            bench.ok("PUT", &format!("/v1/products/{product}"), body).await;
        }
        let pays = Preset::from_name(preset).unwrap().policy().commission.pays_promoters();
        for promoter in ["anna", "bob"] {
            bench.ok("PUT", &format!("/v1/promoters/{promoter}"), json!({"name": promoter})).await;
            if !pays {
                continue;
            }
            let placement = json!({"id": format!("{promoter}-1"), "programme": "g1"});
            bench.ok("POST", &format!("/v1/promoters/{promoter}/placements"), placement).await;
        }
        let stage = Self { bench, sequence: AtomicU64::new(0) };
        stage.edge_has_shipped(hour(0)).await;
        stage
    }

    /// The edge has delivered everything before `through`.
    pub(crate) async fn edge_has_shipped(&self, through: Instant) {
        let heartbeat = Heartbeat {
            edge: EdgeId(1),
            at: through,
            history: None,
            applied: 0,
            shipped_through: through,
            streams: Vec::new(),
        };
        self.bench.core.heartbeat(heartbeat, through).await.unwrap();
    }

    async fn num(&self, sql: &'static str, id: String) -> u32 {
        self.bench.core.store().read(move |tx| tx.query_one(sql, params![&id])?.num(0)).await.unwrap()
    }

    async fn record(&self, who: VisitorId, promoter: &str, product: &str) -> ClickRecord<'static> {
        let placement = format!("{promoter}-1");
        ClickRecord {
            outcome: Outcome::Attributed,
            reason: Reason::None,
            flags: ClickFlags::default(),
            code: Code(62),
            visitor: who,
            placement: PlacementNum(self.num("SELECT num FROM placements WHERE id = $1", placement).await),
            target: TargetNum(self.num("SELECT num FROM targets WHERE id = $1", product.to_owned()).await),
            programme: ProgrammeNum(
                self.num("SELECT num FROM programmes WHERE id = $1", "g1".to_owned()).await,
            ),
            promoter: PromoterNum(
                self.num("SELECT num FROM promoters WHERE id = $1", promoter.to_owned()).await,
            ),
            address_prefix: AddressPrefix::default(),
            address_hash: 0,
            agent_hash: 0,
            generation: 0,
            prior_claim: ClickId::default(),
            sub_id: b"",
        }
    }

    /// A tap at `at` that reaches the core at `ingested`; returns its click token.
    pub(crate) async fn tap(
        &self,
        who: VisitorId,
        promoter: &str,
        product: &str,
        at: Instant,
        ingested: Instant,
    ) -> String {
        let (token, batch) = self.tapped(who, promoter, product, at).await;
        self.bench.core.ingest(batch, ingested).await.unwrap();
        token
    }

    /// A tap whose frame is still at the edge: its token, and the batch that will bring it.
    pub(crate) async fn tapped(
        &self,
        who: VisitorId,
        promoter: &str,
        product: &str,
        at: Instant,
    ) -> (String, Batch) {
        self.framed(self.record(who, promoter, product).await, at)
    }

    /// A tap with the promoter's own label, taken in at once.
    pub(crate) async fn labelled(
        &self,
        who: VisitorId,
        (promoter, product, label): (&str, &str, &'static str),
        at: Instant,
    ) {
        let record = self.record(who, promoter, product).await;
        let (_, batch) = self.framed(ClickRecord { sub_id: label.as_bytes(), ..record }, at);
        self.bench.core.ingest(batch, at).await.unwrap();
    }

    fn framed(&self, record: ClickRecord<'_>, at: Instant) -> (String, Batch) {
        let who = record.visitor;
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; CLICK_MAX_LEN];
        let len = record.encode(&mut bytes);
        let mut batch = Batch::new(stream(), sequence);
        assert!(batch.push(at, &bytes[..len]));
        let token = ClickToken {
            click: ClickId::new(stream(), sequence),
            visitor: who,
            programme: record.programme,
            promoter: record.promoter,
            placement: record.placement,
            target: record.target,
            code: record.code,
            clicked: at,
            unjournaled: false,
        };
        let mut text = Vec::new();
        token.sign(&ClickKeys::edge_key(&MasterKey::new(1, [7; 32]), EdgeId(1)), &mut text);
        (String::from_utf8(text).unwrap(), batch)
    }

    /// The visitor logs in as the buyer.
    pub(crate) async fn login(&self, who: VisitorId, buyer: &str, at: Instant) {
        let token = VisitorToken {
            visitor: who,
            issued: Instant(0),
            expires: Instant(9_000_000_000_000),
            audience: 7,
        };
        let mut text = Vec::new();
        token.sign(&crate::support::keys().browser, &mut text);
        let token = String::from_utf8(text).unwrap();
        let body = json!({"platform": "p1", "buyer": buyer, "visitor_token": token, "at": at.millis()});
        self.bench.ok("POST", "/v1/identities", body).await;
    }

    /// An order event reaches the core at `now`.
    pub(crate) async fn event(&self, event: Value, now: Instant) -> Taken {
        let event = OrderEvent::read(&event).unwrap();
        let key = event.key();
        let keys = self.bench.core.keys().click.clone();
        let taken = self
            .bench
            .core
            .store()
            .write(move |tx| take(tx, &keys, &event, None, now))
            .await
            .map_err(|e: StoreError| e)
            .unwrap();
        if matches!(taken, Taken::Applied { .. }) {
            judge_all(self.bench.core.store(), vec![(key.platform, key.order)], "order event", now)
                .await
                .unwrap();
        }
        taken
    }

    pub(crate) async fn sweep(&self, now: Instant) {
        let swept = self.bench.core.sweep(now).await.unwrap();
        assert_eq!(swept.failed, 0);
    }

    /// The explanation of the first line of an order.
    pub(crate) async fn line(&self, order: &str) -> Value {
        self.bench.ok("GET", &format!("/v1/orders/{order}/attribution"), Value::Null).await["lines"][0]
            .clone()
    }

    /// What the order's line says in short: promoter, state, commission.
    pub(crate) async fn short(&self, order: &str) -> (String, String, i64) {
        let line = self.line(order).await;
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        (text("promoter"), text("state"), line["commission_fen"].as_i64().unwrap())
    }

    /// All balances and pending sums, for comparing books.
    pub(crate) async fn books(&self) -> Vec<(String, i64)> {
        let rows = self
            .bench
            .core
            .store()
            .read(|tx| {
                tx.query(
                    "SELECT layer, account, owner, programme, CAST(SUM(amount_fen) AS BIGINT) FROM ledger_entries \
                     GROUP BY layer, account, owner, programme HAVING SUM(amount_fen) <> 0 \
                     ORDER BY layer, account, owner, programme",
                    &[],
                )
            })
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                let name: Vec<&str> = (0..4).map(|column| row.text(column).unwrap()).collect();
                (name.join(" "), row.int(4).unwrap())
            })
            .collect()
    }

    /// The books balance.
    pub(crate) async fn audit(&self) {
        let audit = self.bench.ok("GET", "/v1/audit/ledger", Value::Null).await;
        assert_eq!((&audit["imbalance_fen"], &audit["balanced"]), (&json!(0), &json!(true)), "{audit}");
    }
}

/// `created` of an order with one line of ¥100.00.
pub(crate) fn created(order: &str, buyer: &str, product: &str, at: Instant) -> Value {
    json!({"type": "created", "platform": "p1", "order": order, "at": at.millis(), "merchant": "m1", "buyer": buyer,
           "lines": [{"line": "1", "product": product, "amount_fen": 10_000}]})
}

/// `paid`, `shipped`, `completed` or `closed`.
pub(crate) fn step(kind: &str, order: &str, at: Instant) -> Value {
    json!({"type": kind, "platform": "p1", "order": order, "at": at.millis()})
}

/// A refund on the one line.
pub(crate) fn refunded(order: &str, refund: &str, fen: i64, at: Instant) -> Value {
    json!({"type": "refunded", "platform": "p1", "order": order, "refund_id": refund, "at": at.millis(),
           "lines": [{"line": "1", "amount_fen": fen}]})
}
