//! How fast `yinke replay` goes over orders and clicks, in how much memory, and whether its cost grows with them: for a
//! tenth of the lines and for all.
//!
//! `cargo run --release -p settlement-core --example replay_bench -- build|measure FOLDER [LINES] [CLICKS]`, on
//! SQLite. `build` writes clicks, logins and order events in bulk and has the core itself judge the orders, so that what
//! is compared is what the core decided; what is there already is kept. `measure` replays the store of a tenth and of
//! all, and prints lines a second, the peak of the memory and the ratio.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "it talks to a person")]

mod bench_core;

use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{
    OrderId, PlacementNum, PlatformId, ProgrammeNum, PromoterNum, TargetNum, VisitorId,
};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord};
use attribution_core::shipping::Heartbeat;
use attribution_core::time::{DAY_MS, HOUR_MS, Instant as At};
use attribution_core::token::{ClickKeys, MasterKey};
use bench_core::{Api, open};
use serde_json::json;
use settlement_core::orders::sweep::judge_all;
use settlement_core::params;
use settlement_core::replay::{Selection, replay};
use settlement_core::store::{ClickInsert, Store, StoreConfig, StoreError};
use settlement_core::{Clock, Core};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// As in the program that replays for people.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2020-07-20 12:00 in Asia/Shanghai.
const BEGIN: At = At(1_595_217_600_000);
const PRODUCTS: u64 = 1_000;
const PROMOTERS: u64 = 500;
/// Rows written in one transaction while building.
const TOGETHER: u64 = 20_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let what = args.next().expect("build or measure");
    let folder = args.next().expect("a folder");
    let mut number = |other: u64| args.next().map_or(other, |text| text.parse().expect("a number"));
    let (lines, clicks) = (number(1_000_000), number(10_000_000));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut per_line = Vec::new();
    for lines_here in [lines / 10, lines] {
        let path = Path::new(&folder).join(format!("replay-{lines_here}-{}.db", clicks / lines));
        match what.as_str() {
            "build" if path.with_extension("done").exists() => println!("{} is there", path.display()),
            "build" => {
                runtime.block_on(build(&path, lines_here, clicks / lines));
                std::fs::write(path.with_extension("done"), "").unwrap();
            }
            _ => per_line.push(runtime.block_on(measure(&path, lines_here))),
        }
    }
    if let [few, many] = per_line[..] {
        println!("ten times the lines cost {:.2} times as much", many / few * 10.0);
    }
}

/// Replays one store; seconds a line.
async fn measure(path: &Path, lines: u64) -> f64 {
    let config = StoreConfig::Sqlite { path: path.to_owned() };
    // As the command does it.
    let opening = tokio::task::spawn_blocking(move || Store::open_for_looking(&config, Clock::System.now()));
    let store = opening.await.unwrap().unwrap();
    let began = Instant::now();
    let peak = Arc::new(AtomicU64::new(0));
    let most = Arc::clone(&peak);
    let looks = AtomicU64::new(0);
    let look = move |_| {
        // Reading it takes as long as replaying a line.
        if looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(16) {
            most.fetch_max(memory_mib(), Ordering::Relaxed);
        }
    };
    let busy_before = processor_us();
    let done = replay(&store, Selection::default(), look).await.unwrap();
    let took = began.elapsed().as_secs_f64();
    let busy = processor_us() - busy_before;
    assert_eq!((done.lines, done.differing), (lines, 0), "{:?}", done.differences.first());
    store.close();
    println!(
        "{lines} lines, {} decisions, {} transfers, 0 differences in {took:.2} s: {:.0} lines/s, {:.1} us of processor time \
         a line, at most {} MiB of memory",
        done.decisions,
        done.transfers,
        lines as f64 / took,
        busy / lines as f64,
        peak.load(Ordering::Relaxed)
    );
    took / lines as f64
}

/// The memory of this process, in MiB, but for what is mapped from files: that is the system's to take back.
fn memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Processor time of this process so far, in microseconds; the system counts hundredths of a second.
fn processor_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the name, which may have anything in it; user and system time are the 14th and 15th field of all.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() * 10_000.0).sum()
}

/// As many orders of one line as lines, each of a buyer of its own with so many clicks before it.
async fn build(path: &Path, lines: u64, clicks_each: u64) {
    let began = Instant::now();
    let clock = Clock::manual(BEGIN.plus(-DAY_MS));
    let core = open(StoreConfig::Sqlite { path: path.to_owned() }, clock.clone());
    catalogue(&core).await;
    let set = |at: At| match &clock {
        Clock::Manual(hands) => hands.store(at.millis(), Ordering::SeqCst),
        Clock::System => {}
    };
    let stream = Stream { edge: EdgeId(1), epoch: Epoch(9), worker: WorkerId(0) };
    let mut buyer = 0;
    while buyer < lines {
        let some = (lines - buyer).min(TOGETHER / clicks_each.max(1));
        core.store()
            .write(move |tx| {
                for number in buyer..buyer + some {
                    write_buyer(tx, stream, number, clicks_each)?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        buyer += some;
    }
    println!(
        "{lines} buyers with {clicks_each} clicks each written after {:.0} s",
        began.elapsed().as_secs_f64()
    );
    let heartbeat = Heartbeat {
        edge: EdgeId(1),
        at: BEGIN.plus(90 * DAY_MS),
        history: None,
        applied: 0,
        shipped_through: BEGIN.plus(90 * DAY_MS),
        streams: Vec::new(),
    };
    core.heartbeat(heartbeat, BEGIN.plus(90 * DAY_MS)).await.unwrap();
    // Long after the grace: the first judgement is final. Nobody is settled, for the merchant has no money.
    let now = BEGIN.plus(60 * DAY_MS);
    set(now);
    let platform = PlatformId::new("p1").unwrap();
    let names: Vec<_> =
        (0..lines).map(|number| (platform.clone(), OrderId::new(format!("o{number:08}")).unwrap())).collect();
    for chunk in names.chunks(10_000) {
        judge_all(core.store(), chunk.to_vec(), "bench", now).await.unwrap();
    }
    println!("judged by the core after {:.0} s", began.elapsed().as_secs_f64());
    // What a core does when nobody wants anything of it.
    while unmerged(&core).await {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("clicks merged by visitor after {:.0} s", began.elapsed().as_secs_f64());
    core.close();
}

/// Whether there are clicks outside the order by visitor, or runs of it that would merge.
async fn unmerged(core: &Core) -> bool {
    let sql = "SELECT (SELECT COUNT(*) FROM unindexed_clicks WHERE clicks > 0) + (SELECT COUNT(*) FROM visitor_runs WHERE \
               merges_into IS NOT NULL) + (SELECT COUNT(*) FROM (SELECT level FROM visitor_runs \
               WHERE level > 0 OR clicks >= 50000 GROUP BY level HAVING COUNT(*) > 1))";
    core.store().read(move |tx| tx.query_one(sql, &[])?.count(0)).await.unwrap() > 0
}

/// One buyer: a login, clicks over the fortnight before the order, the order, paid and completed.
fn write_buyer(
    tx: &mut dyn settlement_core::store::Tx,
    stream: Stream,
    number: u64,
    clicks: u64,
) -> Result<(), StoreError> {
    let mut visitor = [0u8; 16];
    // Spread as random ids are.
    visitor[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    visitor[8..].copy_from_slice(&(number + 1).to_be_bytes());
    let (buyer, order) = (format!("u{number:08}"), format!("o{number:08}"));
    let placed = BEGIN.plus(20 * DAY_MS + i64::try_from(number % 1_000).unwrap_or_default());
    tx.execute(
        "INSERT INTO identities (visitor, at_ms, platform, buyer, source, recorded_at) \
         VALUES ($1, $2, 'p1', $3, 'visitor_token', $2)",
        params![&visitor, BEGIN, &buyer],
    )?;
    for click in 0..clicks {
        let mix = number.wrapping_mul(31).wrapping_add(click.wrapping_mul(17));
        let (promoter, product) = (mix % PROMOTERS, (number + click) % PRODUCTS);
        let at = placed.plus(-HOUR_MS * i64::try_from(click * 30 + 1).unwrap_or_default());
        let small = |n: u64| u32::try_from(n + 1).unwrap_or_default();
        let record = ClickRecord {
            outcome: Outcome::Attributed,
            reason: Reason::None,
            flags: ClickFlags::default(),
            code: Code(1_000 + product),
            visitor: VisitorId(visitor),
            placement: PlacementNum(small(promoter)),
            target: TargetNum(small(product)),
            programme: ProgrammeNum(1),
            promoter: PromoterNum(small(promoter)),
            address_prefix: AddressPrefix::default(),
            address_hash: 0,
            agent_hash: 0,
            generation: 0,
            prior_claim: ClickId::default(),
            sub_id: b"",
        };
        let mut bytes = [0; CLICK_MAX_LEN];
        let len = record.encode(&mut bytes);
        // Clicks come in the order of time, not buyer by buyer.
        let sequence = click << 32 | number;
        tx.insert_clicks(&[ClickInsert {
            click: ClickId::new(stream, sequence),
            effective: at,
            edge: at,
            ingested: at.plus(900),
            outcome: Outcome::Attributed as u8,
            visitor: VisitorId(visitor),
            code: record.code.0,
            placement: record.placement.0,
            target: record.target.0,
            payload: &bytes[..len],
        }])?;
    }
    let product = format!("product-{:04}", number % PRODUCTS);
    let created = json!({"type": "created", "platform": "p1", "order": order, "at": placed.millis(), "merchant": "m1",
                         "buyer": buyer, "lines": [{"line": "1", "product": product, "amount_fen": 9_900}]});
    let step = |kind: &str, minutes: i64| json!({"type": kind, "platform": "p1", "order": order, "at": placed.plus(minutes * 60_000).millis()});
    for event in [created, step("paid", 5), step("completed", 10_000)] {
        let event = settlement_core::order_events::OrderEvent::read(&event).unwrap();
        let keys = ClickKeys::new(vec![MasterKey::new(1, [7; 32])]);
        let now = event.at().plus(1_000);
        settlement_core::orders::intake::take(tx, &keys, &event, None, now)?;
    }
    Ok(())
}

async fn catalogue(core: &Core) {
    let api = Api::of(core).await;
    api.call("PUT", "/v1/platforms/p1", json!({"name": "p1"})).await;
    api.call("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "m1"})).await;
    let programme = json!({"merchant": "m1", "name": "g1", "preset": "distributor1688", "effective_from": 0,
                           "policy": {"attribution": {"scope": "shop", "require_converted_link": false},
                                      "commission": {"rates": [{"bp": 1000, "effective": {"from": 0}}]}}});
    api.call("PUT", "/v1/programmes/g1", programme).await;
    for product in 0..PRODUCTS {
        let body = json!({"merchant": "m1", "title": "x", "price_fen": 9_900, "category": format!("c{}", product % 20),
                          "url": format!("https://m1.example.cn/{product}")});
        api.call("PUT", &format!("/v1/products/product-{product:04}"), body).await;
    }
    for promoter in 0..PROMOTERS {
        api.call("PUT", &format!("/v1/promoters/promoter-{promoter:03}"), json!({"name": "x"})).await;
        let body = json!({"id": format!("placement-{promoter:03}"), "programme": "g1"});
        api.call("POST", &format!("/v1/promoters/promoter-{promoter:03}/placements"), body).await;
    }
}
