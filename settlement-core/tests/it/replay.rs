//! Replay is the identity: whatever happened, in whatever order and however often, every decision, commission and
//! transfer comes out of the events again. And where somebody changed what is stored, it says so.

use crate::on_both;
use crate::order_bench::{Stage, created, hour, refunded, step, visitor};
use crate::support::Bench;
use attribution_core::time::{HOUR_MS, Instant, SECOND_MS};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use settlement_core::params;
use settlement_core::replay::{Kept, Replayed, Selection, replay, replay_behind};
use settlement_core::store::StoreError;

pub(crate) async fn replayed(bench: &Bench) -> Replayed {
    replay(bench.core.store(), Selection::default(), |_| {}).await.unwrap()
}

/// Something that happens; the times of taps and logins may lie in the past.
#[derive(Debug, Clone)]
enum Deed {
    Tap {
        visitor: u8,
        promoter: &'static str,
        product: &'static str,
        hours_ago: i64,
    },
    Login {
        visitor: u8,
        buyer: &'static str,
        hours_ago: i64,
    },
    Event(usize),
    Ban {
        hours_ago: i64,
        for_hours: Option<i64>,
    },
    LiftBan {
        hours_ago: i64,
    },
    BanByRules {
        hours_ago: Option<i64>,
    },
    Suspend {
        promoter: &'static str,
        hours_ago: i64,
    },
    Restore {
        promoter: &'static str,
    },
    Rates {
        bp: u32,
        hours_ago: i64,
    },
    Rules {
        days: u32,
        orders_close: bool,
        hours_ago: i64,
    },
    Accounts {
        promoter: &'static str,
        buyer: Option<&'static str>,
    },
    /// With the agency, since then or, unless said, by default.
    Agency {
        promoter: &'static str,
        hours_ago: Option<i64>,
    },
    Category {
        product: &'static str,
    },
    EdgesDeliver,
    Sweep,
}

/// The feed of three orders of two buyers; each may come at any time, and again.
fn feed() -> Vec<Value> {
    let order = |name: &str, buyer: &str, product: &str, at: i64| {
        vec![
            created(name, buyer, product, hour(at)),
            step("paid", name, hour(at + 1)),
            refunded(name, "r1", 2_500, hour(at + 2)),
            step("completed", name, hour(at + 3)),
            refunded(name, "r2", 1_111, hour(at + 4)),
        ]
    };
    let closed = step("closed", "o3", hour(45));
    [order("o1", "u1", "cup", 30), order("o2", "u1", "tea", 36), order("o3", "u2", "cup", 40), vec![closed]]
        .concat()
}

fn deed() -> impl Strategy<Value = Deed> {
    let promoter = || prop::sample::select(vec!["anna", "bob"]);
    let product = || prop::sample::select(vec!["cup", "tea"]);
    let buyer = || prop::sample::select(vec!["u1", "u2"]);
    let ago = || 0..60i64;
    prop_oneof![
        6 => (1..4u8, promoter(), product(), ago()).prop_map(|(visitor, promoter, product, hours_ago)| {
            Deed::Tap { visitor, promoter, product, hours_ago }
        }),
        4 => (1..4u8, buyer(), ago()).prop_map(|(visitor, buyer, hours_ago)| Deed::Login { visitor, buyer, hours_ago }),
        12 => (0..feed().len()).prop_map(Deed::Event),
        1 => (ago(), prop::option::of(1..60i64)).prop_map(|(hours_ago, for_hours)| Deed::Ban { hours_ago, for_hours }),
        1 => ago().prop_map(|hours_ago| Deed::LiftBan { hours_ago }),
        1 => prop::option::of(ago()).prop_map(|hours_ago| Deed::BanByRules { hours_ago }),
        1 => (promoter(), ago()).prop_map(|(promoter, hours_ago)| Deed::Suspend { promoter, hours_ago }),
        1 => promoter().prop_map(|promoter| Deed::Restore { promoter }),
        1 => (1..3_000u32, ago()).prop_map(|(bp, hours_ago)| Deed::Rates { bp, hours_ago }),
        1 => (1..30u32, any::<bool>(), ago()).prop_map(|(days, orders_close, hours_ago)| {
            Deed::Rules { days, orders_close, hours_ago }
        }),
        1 => (promoter(), prop::option::of(buyer())).prop_map(|(promoter, buyer)| Deed::Accounts { promoter, buyer }),
        1 => (promoter(), prop::option::of(ago())).prop_map(|(promoter, hours_ago)| {
            Deed::Agency { promoter, hours_ago }
        }),
        1 => product().prop_map(|product| Deed::Category { product }),
        2 => Just(Deed::EdgesDeliver),
        3 => Just(Deed::Sweep),
    ]
}

async fn call(bench: &Bench, method: &str, path: &str, body: Value) {
    // Some of it is refused, as it must be: what settled stands.
    let (status, answer) = bench.call(method, path, body).await;
    assert!(status.is_success() || status.as_u16() == 409, "{method} {path}: {status} {answer}");
}

impl Deed {
    async fn happens(&self, stage: &Stage<'_>, now: Instant) {
        let bench = stage.bench;
        let ago = |hours: &i64| hour(0).max(now.plus(-hours * 3_600 * SECOND_MS));
        match self {
            Self::Tap { visitor: number, promoter, product, hours_ago } => {
                stage.tap(visitor(*number), promoter, product, ago(hours_ago), now).await;
            }
            Self::Login { visitor: number, buyer, hours_ago } => {
                stage.login(visitor(*number), buyer, ago(hours_ago)).await;
            }
            Self::Event(number) => {
                stage.event(feed()[*number].clone(), now).await;
            }
            Self::Ban { hours_ago, for_hours } => {
                let from = ago(hours_ago);
                let to = for_hours.map(|hours| from.plus(hours * HOUR_MS).millis());
                let body = json!({"category": "home", "effective_from": from.millis(), "effective_to": to});
                call(bench, "POST", "/v1/bans", body).await;
            }
            Self::LiftBan { hours_ago } => {
                let body = json!({"category": "home", "at": ago(hours_ago).millis()});
                call(bench, "POST", "/v1/bans/lift", body).await;
            }
            Self::BanByRules { hours_ago } => {
                let ban = |hours| json!({"category": "home", "effective_from": ago(hours).millis()});
                let bans: Vec<Value> = hours_ago.iter().map(ban).collect();
                let body = json!({"merchant": "m1", "name": "g", "policy": {"bans": bans}});
                call(bench, "PUT", "/v1/programmes/g1", body).await;
            }
            Self::Suspend { promoter, hours_ago } => {
                let path = format!("/v1/promoters/{promoter}/disable");
                call(bench, "POST", &path, json!({"at": ago(hours_ago).millis()})).await;
            }
            Self::Restore { promoter } => {
                call(bench, "POST", &format!("/v1/promoters/{promoter}/enable"), json!({})).await;
            }
            Self::Rates { bp, hours_ago } => {
                let body = json!({"programme": "g1",
                                  "rates": [{"product": "cup", "bp": bp, "from": ago(hours_ago).millis()}]});
                call(bench, "POST", "/v1/rates", body).await;
            }
            Self::Rules { days, orders_close, hours_ago } => {
                let body = json!({"merchant": "m1", "name": "g", "effective_from": ago(hours_ago).millis(),
                                  "policy": {"attribution": {"validity": {"from_last_click": format!("{days}d")},
                                                             "close_on_order": orders_close}}});
                call(bench, "PUT", "/v1/programmes/g1", body).await;
            }
            Self::Accounts { promoter, buyer } => {
                let accounts: Vec<Value> =
                    buyer.iter().map(|buyer| json!({"platform": "p1", "buyer": buyer})).collect();
                let body = json!({"name": promoter, "accounts": accounts});
                call(bench, "PUT", &format!("/v1/promoters/{promoter}"), body).await;
            }
            Self::Agency { promoter, hours_ago } => {
                let from = hours_ago.as_ref().map(|hours| ago(hours).millis());
                let body = json!({"name": promoter, "agency": "stars", "agency_from": from});
                call(bench, "PUT", &format!("/v1/promoters/{promoter}"), body).await;
            }
            Self::Category { product } => {
                let body = json!({"merchant": "m1", "title": product, "price_fen": 10_000, "category": "kitchen",
                                  "url": format!("https://shop.example.cn/{product}")});
                call(bench, "PUT", &format!("/v1/products/{product}"), body).await;
            }
            Self::EdgesDeliver => stage.edge_has_shipped(now).await,
            Self::Sweep => stage.sweep(now).await,
        }
    }
}

/// A shop under rules with everything in them that a deed can change.
async fn stage(bench: &Bench) -> Stage<'_> {
    bench.set_clock(hour(-1));
    let policy = json!({
        "attribution": {"scope": "shop", "require_converted_link": false, "require_badge": false,
                        "self_purchase": "deny", "validity": {"from_last_click": "10d"}},
        "commission": {"classes": {"days": 60, "count": "elapsed"}},
    });
    let stage = Stage::set(bench, "taobao_live", policy).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 1_000_000})).await;
    stage
}

/// Replays and finds nothing.
async fn nothing_differs(bench: &Bench, after: &str) -> Replayed {
    let done = replayed(bench).await;
    assert_eq!(done.differences, [], "{after}");
    done
}

/// Things that happen, each with the milliseconds since the one before. Taps often come in one instant; what else is
/// recorded, and what settles, has one of its own, as far as a store can tell: of two notifications received in the same
/// millisecond nothing says whether the books were looked at between them.
fn history() -> impl Strategy<Value = Vec<(Deed, i64)>> {
    let pause = prop_oneof![Just(0i64), 1..50i64, 1_000..9_000i64, 600_000..20_000_000i64];
    prop::collection::vec((deed(), pause), 20..60).prop_map(|mut deeds| {
        let mut apart = true;
        for (deed, pause) in &mut deeds {
            let comes_in = matches!(deed, Deed::Tap { .. });
            if apart || !comes_in {
                *pause = (*pause).max(1);
            }
            apart = !comes_in;
        }
        deeds
    })
}

async fn live_through(deeds: &[(Deed, i64)]) -> Result<Replayed, TestCaseError> {
    let bench = Bench::sqlite().await;
    let stage = stage(&bench).await;
    let mut now = hour(46);
    for (deed, millis) in deeds {
        now = now.plus(*millis);
        bench.set_clock(now);
        deed.happens(&stage, now).await;
    }
    let between = replayed(&bench).await;
    prop_assert_eq!(&between.differences, &[], "before the end");
    for hours in [1, 200, 400] {
        now = now.plus(hours * 3_600 * SECOND_MS);
        bench.set_clock(now);
        stage.sweep(now).await;
    }
    stage.audit().await;
    let done = replayed(&bench).await;
    prop_assert_eq!(&done.differences, &[], "at the end");
    prop_assert_eq!(done.waiting, 0);
    Ok(done)
}

#[test]
fn replay_is_the_identity_whatever_happened() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let mut seen = 0;
    let counted = std::cell::Cell::new(0u64);
    TestRunner::new(config)
        .run(&history(), |deeds| {
            let done = runtime.block_on(live_through(&deeds))?;
            counted.set(counted.get() + done.decisions);
            Ok(())
        })
        .unwrap();
    seen += counted.get();
    assert!(seen > 50, "the histories are about something: {seen} decisions");
}

/// A contract with an agency that is dated anew covers less than before: open orders of that time are judged again.
#[tokio::test]
async fn an_order_follows_the_contract_with_an_agency_that_begins_later_after_all() {
    let deeds = [
        Deed::Tap { visitor: 1, promoter: "bob", product: "cup", hours_ago: 21 },
        Deed::Agency { promoter: "bob", hours_ago: Some(18) },
        Deed::Login { visitor: 1, buyer: "u1", hours_ago: 18 },
        Deed::Event(0),
        Deed::Event(1),
        Deed::Sweep,
        Deed::Agency { promoter: "bob", hours_ago: Some(1) },
        Deed::Sweep,
        // For one who has this agency already, without a date, nothing changes.
        Deed::Agency { promoter: "bob", hours_ago: None },
        Deed::Sweep,
    ];
    live_through(&deeds.map(|deed| (deed, 60_000))).await.unwrap();
}

/// A contract that somebody gets counts from the beginning unless it is dated.
#[tokio::test]
async fn an_order_follows_the_agency_that_its_promoter_had_all_along() {
    let deeds = [
        Deed::Tap { visitor: 1, promoter: "bob", product: "cup", hours_ago: 21 },
        Deed::Login { visitor: 1, buyer: "u1", hours_ago: 18 },
        Deed::Event(0),
        Deed::Event(1),
        Deed::Sweep,
        Deed::Agency { promoter: "bob", hours_ago: None },
        Deed::Sweep,
    ];
    live_through(&deeds.map(|deed| (deed, 60_000))).await.unwrap();
}

/// Two orders, one of them superseded by a late click, settled, and refunded afterwards.
async fn settled_and_refunded(bench: &Bench) {
    let stage = stage(bench).await;
    let at = |hours: i64| {
        bench.set_clock(hour(hours));
        hour(hours)
    };
    stage.login(visitor(1), "u1", at(1)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), at(2)).await;
    stage.event(created("o1", "u1", "cup", hour(3)), at(3)).await;
    stage.event(step("paid", "o1", hour(4)), at(4)).await;
    // Bob's click was made before the order and arrives after it.
    stage.tap(visitor(1), "bob", "cup", hour(2), at(5)).await;
    stage.sweep(at(6)).await;
    stage.event(step("completed", "o1", hour(7)), at(7)).await;
    stage.edge_has_shipped(at(8)).await;
    stage.sweep(at(400)).await;
    stage.event(refunded("o1", "r1", 2_000, hour(401)), at(401)).await;
    stage.event(created("o2", "u1", "tea", hour(402)), at(402)).await;
    stage.sweep(at(403)).await;
}

on_both!(superseded_decisions_and_refunds_after_the_settlement_come_out_again, async |bench: &Bench| {
    settled_and_refunded(bench).await;
    let done = nothing_differs(bench, "a life from click to refund").await;
    assert_eq!((done.orders, done.lines), (2, 2), "{done:?}");
    assert!(done.decisions >= 3 && done.transfers >= 3, "{done:?}");
    let only = Selection { order: Some("o2".parse().unwrap()), ..Selection::default() };
    // The buyer's other order, which made an old customer of them, is known though it is not selected.
    let early = Selection { until: Some(hour(100)), ..Selection::default() };
    let late = Selection { since: Some(hour(100)), ..Selection::default() };
    for selection in [only, early, late] {
        let one = replay(bench.core.store(), selection, |_| {}).await.unwrap();
        assert_eq!((one.orders, one.differences), (1, Vec::new()));
    }
    let nobody = Selection { order: Some("o9".parse().unwrap()), ..Selection::default() };
    assert_eq!(
        replay(bench.core.store(), nobody, |_| {}).await.unwrap_err().to_string(),
        "there is no order o9"
    );
});

on_both!(a_cart_with_cashback_that_was_another_promoters_meanwhile_comes_out_again, async |bench: &Bench| {
    bench.set_clock(hour(-1));
    let policy = json!({"attribution": {"require_badge": false}, "commission": {"cashback": [{"from_orders": 1, "amount": 801}]}});
    let stage = Stage::set(bench, "youzan_permanent", policy).await;
    let at = |hours: i64| {
        bench.set_clock(hour(hours));
        hour(hours)
    };
    stage.login(visitor(1), "u1", at(1)).await;
    stage.tap(visitor(1), "anna", "cup", hour(1), at(2)).await;
    stage.tap(visitor(1), "bob", "cup", hour(2), at(3)).await;
    let mut cart = created("o1", "u1", "cup", hour(4));
    let line = |number: &str, fen: i64| json!({"line": number, "product": "cup", "amount_fen": fen});
    cart["lines"] = json!([line("1", 1_000), line("2", 8_000)]);
    stage.event(cart, at(4)).await;
    stage.event(step("paid", "o1", hour(5)), at(5)).await;
    stage.edge_has_shipped(at(6)).await;
    stage.sweep(at(100)).await;
    let since = json!({"at": hour(0).millis()});
    bench.ok("POST", "/v1/promoters/bob/disable", since.clone()).await;
    stage.sweep(at(101)).await;
    bench.ok("POST", "/v1/promoters/bob/enable", since).await;
    stage.sweep(at(102)).await;
    stage.event(step("completed", "o1", hour(103)), at(103)).await;
    bench.ok("POST", "/v1/merchants/m1/top-ups", json!({"reference": "t", "amount_fen": 10_000})).await;
    stage.sweep(at(104)).await;
    // 89 of the 801 come off the first line.
    assert_eq!(stage.short("o1").await, ("bob".to_owned(), "settled".to_owned(), 91));
    let done = nothing_differs(bench, "a cart that was somebody else's meanwhile").await;
    assert_eq!((done.lines, done.decisions), (2, 6));
});

on_both!(what_somebody_changed_is_named, async |bench: &Bench| {
    settled_and_refunded(bench).await;
    nothing_differs(bench, "before").await;
    // What is changed, and the field that must be named for it.
    let changes = [
        (
            "UPDATE order_decisions SET attribution = REPLACE(attribution, '\"rate\":1000', '\"rate\":1001')",
            "rate",
        ),
        (
            "UPDATE order_lines SET commission_fen = commission_fen + 1 WHERE order_id = 'o1'",
            "commission_fen",
        ),
        ("UPDATE order_lines SET promoter = 'anna' WHERE order_id = 'o1'", "promoter"),
        (
            "UPDATE ledger_entries SET amount_fen = amount_fen * 2 WHERE layer = 'posted' AND transfer LIKE 'p1/o1/%'",
            "transfer p1/o1/1/",
        ),
        ("DELETE FROM clicks", "candidates"),
    ];
    for (sql, named) in changes {
        bench.core.store().write(move |tx| tx.execute(sql, params![])).await.unwrap();
        let done = replayed(bench).await;
        let fields: Vec<&str> = done.differences.iter().map(|d| d.field.as_str()).collect();
        assert!(fields.iter().any(|field| field.contains(named)), "{sql}: {fields:?}");
        assert_eq!(done.differing, done.differences.len() as u64);
    }
});

/// Clicks of SQLite that are in the order by visitor, and clicks that wait for it.
async fn indexed_and_waiting(bench: &Bench) -> (i64, i64) {
    let sql = "SELECT (SELECT COUNT(*) FROM visitor_clicks), (SELECT COUNT(*) FROM clicks c JOIN unindexed_clicks u \
               ON c.click_id BETWEEN u.first AND u.last)";
    let both = bench.core.store().read(move |tx| {
        let row = tx.query_one(sql, &[])?;
        Ok::<_, StoreError>((row.int(0)?, row.int(1)?))
    });
    both.await.unwrap()
}

#[tokio::test]
async fn clicks_that_wait_for_their_index_earn_and_are_replayed() {
    let bench = Bench::sqlite().await;
    let script = |sql: &'static str| bench.core.store().write(move |tx| tx.script(sql));
    // A run that says it has no clicks is never worked off.
    script(
        "CREATE TRIGGER wait_new AFTER INSERT ON unindexed_clicks WHEN NEW.clicks > 0 \
         BEGIN UPDATE unindexed_clicks SET clicks = 0; END; \
         CREATE TRIGGER wait_on AFTER UPDATE ON unindexed_clicks WHEN NEW.clicks > 0 \
         BEGIN UPDATE unindexed_clicks SET clicks = 0; END",
    )
    .await
    .unwrap();
    settled_and_refunded(&bench).await;
    assert_eq!(indexed_and_waiting(&bench).await, (0, 2));
    let owner = "SELECT promoter, commission_fen FROM order_lines WHERE order_id = 'o1'";
    let owner = bench.core.store().read(move |tx| {
        let row = tx.query_one(owner, &[])?;
        Ok::<_, StoreError>((row.text(0)?.to_owned(), row.int(1)?))
    });
    assert_eq!(owner.await.unwrap(), ("bob".to_owned(), 800));
    let waiting = nothing_differs(&bench, "while the clicks wait").await;

    script("DROP TRIGGER wait_new; DROP TRIGGER wait_on; UPDATE unindexed_clicks SET clicks = 1")
        .await
        .unwrap();
    while indexed_and_waiting(&bench).await != (2, 0) {
        tokio::task::yield_now().await;
    }
    let indexed = nothing_differs(&bench, "when they are in order").await;
    assert_eq!((waiting.decisions, waiting.transfers), (indexed.decisions, indexed.transfers));
}

on_both!(an_interrupted_replay_goes_on_behind_what_it_has_seen, async |bench: &Bench| {
    let stage = stage(bench).await;
    for n in 1..=4 {
        stage.event(created(&format!("o{n}"), &format!("u{n}"), "cup", hour(3)), hour(3)).await;
    }
    stage.sweep(hour(5)).await;
    let whole = nothing_differs(bench, "four orders").await;
    assert_eq!(whole.lines, 4);
    // What the first run saw is not looked at again, and is in the sum.
    let tampered =
        "UPDATE order_lines SET commission_fen = commission_fen + 1 WHERE order_id IN ('o2', 'o4')";
    bench.core.store().write(move |tx| tx.execute(tampered, &[])).await.unwrap();
    let half = Replayed { orders: 2, lines: 2, decisions: 2, ..Replayed::default() };
    let kept = json!({"last": ["p1", "o2"], "so_far": half});
    let kept: Kept = serde_json::from_value(kept).unwrap();
    let last = std::sync::Arc::new(std::sync::Mutex::new(None));
    let noted = std::sync::Arc::clone(&last);
    let keep = move |kept: &Kept| *noted.lock().unwrap() = Some(kept.clone());
    let rest = replay_behind(bench.core.store(), Selection::default(), kept, |_| {}, keep).await.unwrap();
    let orders: Vec<&str> = rest.differences.iter().map(|of| of.order.as_str()).collect();
    assert_eq!((orders, rest.lines, rest.orders), (vec!["o4"], 4, 4), "{rest:?}");
    // A run that goes on from its end has nothing left to do.
    let end = last.lock().unwrap().take().unwrap();
    let again = replay_behind(bench.core.store(), Selection::default(), end, |_| {}, |_| {}).await.unwrap();
    assert_eq!(again, rest);
    let elsewhere: Kept =
        serde_json::from_value(json!({"last": ["p9", "o2"], "so_far": Replayed::default()})).unwrap();
    let refused = replay_behind(bench.core.store(), Selection::default(), elsewhere, |_| {}, |_| {}).await;
    assert!(refused.unwrap_err().to_string().contains("p9"));
});

#[tokio::test]
async fn what_a_sweep_notes_before_an_order_is_judged_is_not_known_to_the_judgement() {
    let bench = Bench::sqlite().await;
    let stage = stage(&bench).await;
    // Stands for a sweep between the order's arrival and its judgement, which has the time of the arrival.
    let swept = "CREATE TRIGGER swept AFTER INSERT ON orders BEGIN UPDATE orders SET caught_up_ms = NEW.received_ms + 59 \
                 WHERE platform = NEW.platform AND order_id = NEW.order_id; END";
    bench.core.store().write(move |tx| tx.script(swept)).await.unwrap();
    // Late enough for the grace to be over, and not the hold for edges that have not delivered.
    bench.set_clock(hour(100));
    stage.event(created("o1", "u1", "cup", hour(3)), hour(100)).await;
    assert_eq!(nothing_differs(&bench, "judged").await.decisions, 1);
    stage.sweep(hour(101)).await;
    nothing_differs(&bench, "looked at again").await;
}
