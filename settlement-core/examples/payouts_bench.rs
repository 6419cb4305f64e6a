//! How long a monthly payout run takes, and whether its cost grows with the lines: for a tenth of the lines and for all.
//!
//! `YINKE_TEST_POSTGRES_URL=postgres://... cargo run --release -p settlement-core --example payouts_bench [LINES]
//! [LINES PER PAYEE]`. The settled lines are written straight into the ledger, as settling them leaves it; then the
//! payout day comes, with the payments sent to the accounts bound by then. The books are audited afterwards.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "it talks to a person")]

mod bench_core;

use attribution_core::time::Instant as At;
use bench_core::{Api, open};
use serde_json::json;
use settlement_core::Clock;
use settlement_core::store::{StoreConfig, StoreError};
use std::time::{Duration, Instant};

/// 2020-07-20 12:00 and 2020-09-15 00:00 in Asia/Shanghai: a month's success and its payout day.
const SUCCESS: i64 = 1_595_217_600_000;
const PAYOUT_DAY: At = At(1_600_099_200_000);
/// What each line pays.
const FEN: i64 = 100;

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<i64>().expect("a number"));
    let (lines, per_payee) = (args.next().unwrap_or(1_000_000), args.next().unwrap_or(100));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder =
        tempfile::tempdir_in(std::env::var("YINKE_BENCH_DIR").unwrap_or_else(|_| ".".to_owned())).unwrap();
    let mut n = 0;
    runtime.block_on(both_sizes("SQLite", lines, per_payee, || {
        n += 1;
        StoreConfig::Sqlite { path: folder.path().join(format!("{n}.db")) }
    }));
    match std::env::var("YINKE_TEST_POSTGRES_URL") {
        Ok(url) => runtime.block_on(both_sizes("PostgreSQL", lines, per_payee, || {
            let schema = format!("yk_payouts_{:016x}", getrandom::u64().unwrap());
            StoreConfig::Postgres { url: url.clone(), schema: Some(schema), connections: 3 }
        })),
        Err(_) => println!("PostgreSQL: not measured, YINKE_TEST_POSTGRES_URL is not set"),
    }
}

async fn both_sizes(what: &str, lines: i64, per_payee: i64, mut store: impl FnMut() -> StoreConfig) {
    let mut seconds = Vec::new();
    for lines in [lines / 10, lines] {
        let payees = lines / per_payee;
        let took = pay(store(), lines, payees).await.as_secs_f64();
        println!("{what}: {lines} settled lines of {payees} payees paid out in {took:.2} s");
        seconds.push(took);
    }
    println!("{what}: ten times the lines cost {:.2} times as much", seconds[1] / seconds[0]);
}

/// Sets the month up and runs its payout day.
async fn pay(store: StoreConfig, lines: i64, payees: i64) -> Duration {
    let core = open(store, Clock::System);
    let api = Api::of(&core).await;
    api.call("PUT", "/v1/platforms/p1", json!({"name": "p1"})).await;
    api.call("PUT", "/v1/merchants/m1", json!({"platform": "p1", "name": "m1"})).await;
    let programme = json!({"merchant": "m1", "name": "g1", "preset": "distributor1688", "effective_from": 0,
                           "policy": {"settlement": {"destination": "bound_at_payout"},
                                      "commission": {"rates": [{"bp": 1000, "effective": {"from": 0}}]}}});
    api.call("PUT", "/v1/programmes/g1", programme).await;
    let sql = month(lines, payees);
    core.store()
        .write(move |tx| {
            for statement in &sql {
                tx.execute(statement, &[])?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let began = Instant::now();
    let paid = core.pay_out(PAYOUT_DAY).await.unwrap();
    let took = began.elapsed();
    assert_eq!((i64::from(paid.payees), paid.failed), (payees, 0));
    let sent = core
        .store()
        .read(|tx| {
            tx.query_one("SELECT entries, amount_fen FROM payout_runs WHERE finished_ms IS NOT NULL", &[])
        })
        .await
        .unwrap();
    assert_eq!((sent.int(0).unwrap(), sent.int(1).unwrap()), (lines, lines * FEN));
    let audit = core.audit_ledger().await.unwrap();
    assert_eq!((audit.imbalance_fen, audit.unbalanced_transfers, audit.wrong_balances), (0, 0, 0));
    assert_eq!(core.pay_out(PAYOUT_DAY).await.unwrap().payees, 0, "a second run finds nothing");
    took
}

/// What settling so many lines leaves behind.
fn month(lines: i64, payees: i64) -> Vec<String> {
    let count = |n: i64| {
        format!("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})", n - 1)
    };
    let (line, payee) = (count(lines), count(payees));
    let each = lines / payees;
    let amount = each * FEN;
    vec![
        format!(
            "{line} INSERT INTO ledger_transfers (id, state, reason, platform, order_id, line_id, at_ms, recorded_ms) \
             SELECT 't' || i, 'posted', 'settled', 'p1', 'o' || i, '1', {SUCCESS}, {SUCCESS} FROM n"
        ),
        format!(
            "{line} INSERT INTO ledger_entries (transfer, position, layer, account, owner, programme, amount_fen) \
             SELECT 't' || i, 0, 'posted', 'merchant', 'm1', '', -{FEN} FROM n"
        ),
        format!(
            "{line} INSERT INTO ledger_entries (transfer, position, layer, account, owner, programme, amount_fen) \
             SELECT 't' || i, 1, 'posted', 'earned', 'promoter/p' || (i % {payees}), 'g1', {FEN} FROM n"
        ),
        format!(
            "{line} INSERT INTO payout_entries (transfer, programme, payee, version, month, number, amount_fen, collected) \
             SELECT 't' || i, 'g1', 'promoter/p' || (i % {payees}), 1, '2020-07', i / {payees} + 1, {FEN}, 0 FROM n"
        ),
        format!(
            "INSERT INTO ledger_balances (account, owner, programme, balance_fen) \
             VALUES ('merchant', 'm1', '', -{})",
            lines * FEN
        ),
        format!(
            "{payee} INSERT INTO ledger_balances (account, owner, programme, balance_fen) \
             SELECT 'earned', 'promoter/p' || i, 'g1', {amount} FROM n"
        ),
        format!(
            "{payee} INSERT INTO payout_buckets (programme, payee, version, month, entries, amount_fen, part_fen, \
             paid_entries, paid_fen, paid_part_fen) \
             SELECT 'g1', 'promoter/p' || i, 1, '2020-07', {each}, {amount}, 0, 0, 0, 0 FROM n"
        ),
        format!(
            "{payee} INSERT INTO payout_accounts (payee, from_ms, kind, account, holder, verified_ms, recorded_ms) \
             SELECT 'promoter/p' || i, 0, 'alipay', 'p' || i || '@example.cn', 'p' || i, 0, 0 FROM n"
        ),
    ]
}
