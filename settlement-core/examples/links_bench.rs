//! How long many links take: `POST /v1/links/bulk` in batches, as `yinke link create --from FILE` sends them.
//!
//! `YINKE_TEST_POSTGRES_URL=postgres://... cargo run --release -p settlement-core --example links_bench [LINKS]
//! [BATCH]`. Each link has a QR code of its own, so twice as many rows are written.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "it talks to a person")]

mod bench_core;

use bench_core::{Api, open};
use serde_json::{Value, json};
use settlement_core::Clock;
use settlement_core::store::StoreConfig;
use std::time::{Duration, Instant};

/// Products that the links lead to.
const PRODUCTS: usize = 1_000;
/// The promise, for 100,000 links.
const PROMISE: Duration = Duration::from_secs(10);
/// The longest that somebody waits for a page of them: all are looked at for a state that none has.
const PAGE: Duration = Duration::from_secs(1);

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().expect("a number"));
    let (links, batch) = (args.next().unwrap_or(100_000), args.next().unwrap_or(2_000));
    let folder = tempfile::tempdir_in(".").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sqlite = StoreConfig::Sqlite { path: folder.path().join("links.db") };
    let mut kept = runtime.block_on(make("SQLite", sqlite, links, batch));
    match std::env::var("YINKE_TEST_POSTGRES_URL") {
        Ok(url) => {
            let schema = Some(format!("yk_links_{:016x}", getrandom::u64().unwrap()));
            let postgres = StoreConfig::Postgres { url, schema, connections: 3 };
            kept &= runtime.block_on(make("PostgreSQL", postgres, links, batch));
        }
        Err(_) => println!("PostgreSQL: not measured, YINKE_TEST_POSTGRES_URL is not set"),
    }
    if !kept {
        println!("slower than promised");
        std::process::exit(1);
    }
}

/// Whether it was as quick as promised.
async fn make(store: &str, config: StoreConfig, links: usize, batch: usize) -> bool {
    let core = open(config, Clock::System);
    let api = Api::of(&core).await;
    api.call("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "m1"})).await;
    let programme = json!({"merchant": "m1", "name": "g", "preset": "distributor1688", "effective_from": 0});
    api.call("PUT", "/v1/programmes/g1", programme).await;
    api.call("PUT", "/v1/promoters/lily", json!({"name": "lily"})).await;
    api.call("POST", "/v1/promoters/lily/placements", json!({"id": "l", "programme": "g1"})).await;
    for n in 0..PRODUCTS {
        let product = json!({"merchant": "m1", "title": "p", "category": "c",
                             "url": format!("https://x.example.cn/{n}")});
        api.call("PUT", &format!("/v1/products/s{n}"), product).await;
    }
    let began = Instant::now();
    for first in (0..links).step_by(batch) {
        let last = (first + batch).min(links);
        let wanted: Vec<Value> = (first..last)
            .map(|n| json!({"placement": "l", "product": format!("s{}", n % PRODUCTS)}))
            .collect();
        let made = api.call("POST", "/v1/links/bulk", json!({"links": wanted})).await;
        assert_eq!(made["links"].as_array().unwrap().len(), last - first);
    }
    let took = began.elapsed();
    let page = api.call("GET", "/v1/links?promoter=lily&limit=50", Value::Null).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 50);
    println!("{store}: {links} links with their QR codes, {batch} at a time, in {:.2} s", took.as_secs_f64());
    let began = Instant::now();
    let none = api.call("GET", "/v1/links?promoter=lily&state=expired", Value::Null).await;
    assert!(none["items"].as_array().unwrap().is_empty());
    assert!(none["next_cursor"].is_null(), "a state that no link has is one page");
    let page = began.elapsed();
    println!("{store}: a page of a state that no link has in {:.1} ms", page.as_secs_f64() * 1_000.0);
    core.close();
    took <= PROMISE && page <= PAGE
}
