//! The seam keeps the same promises on both databases.

use crate::on_both;
use crate::support::Bench;
use attribution_core::time::Instant;
use settlement_core::params;
use settlement_core::store::{OpenStoreError, Param, Store, StoreConfig, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

on_both!(values_come_back_as_they_went_in, async |bench: &Bench| {
    let store = bench.core.store();
    store
        .write(|tx| {
            tx.script("CREATE TABLE t (a BIGINT, b TEXT, c TEXT)")?;
            // `$2` before `$1`, and `$1` twice: parameters are named, not counted.
            tx.execute("INSERT INTO t (b, a, c) VALUES ($2, $1, $2)", params![i64::MIN, "引客"])?;
            tx.execute("INSERT INTO t (a, b) VALUES ($1, $2)", params![None::<i64>, None::<&str>])?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let rows = store.read(|tx| tx.query("SELECT a, b, c FROM t ORDER BY a IS NULL, a", &[])).await.unwrap();
    assert_eq!((rows[0].int(0).unwrap(), rows[0].text(1).unwrap()), (i64::MIN, "引客"));
    assert_eq!(rows[0].text(2).unwrap(), "引客");
    assert_eq!((rows[1].opt_int(0).unwrap(), rows[1].opt_text(1).unwrap()), (None, None));
    assert!(matches!(rows[1].int(0), Err(StoreError::Column { column: 0, .. })));
});

on_both!(an_error_rolls_back, async |bench: &Bench| {
    let store = bench.core.store();
    let failed = store
        .write(|tx| {
            tx.execute("UPDATE counters SET value = 99 WHERE name = 'target'", &[])?;
            Err::<(), _>(StoreError::NoRow)
        })
        .await;
    assert!(matches!(failed, Err(StoreError::NoRow)));
    let value =
        store.read(|tx| tx.query_one("SELECT value FROM counters WHERE name = 'target'", &[])?.int(0)).await;
    assert_eq!(value.unwrap(), 0);
});

on_both!(a_panic_rolls_back_and_the_thread_goes_on, async |bench: &Bench| {
    let store = bench.core.store();
    let failed = store
        .write(|tx| -> Result<(), StoreError> {
            tx.execute("UPDATE counters SET value = 99 WHERE name = 'target'", &[])?;
            panic!("a bug")
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Panicked)));
    let value =
        store.write(|tx| tx.query_one("SELECT value FROM counters WHERE name = 'target'", &[])?.int(0)).await;
    assert_eq!(value.unwrap(), 0);
});

on_both!(text_that_one_database_cannot_hold_is_refused_by_both, async |bench: &Bench| {
    let store = bench.core.store();
    let read = store.read(|tx| tx.query("SELECT value FROM counters WHERE name = $1", params!["a\0"])).await;
    assert!(matches!(read, Err(StoreError::Nul)), "{read:?}");
    let write = store.write(|tx| tx.execute("UPDATE counters SET name = $1", params!["\0"])).await;
    assert!(matches!(write, Err(StoreError::Nul)), "{write:?}");
});

on_both!(reads_cannot_write, async |bench: &Bench| {
    let refused = bench.core.store().read(|tx| tx.execute("UPDATE counters SET value = 9", &[])).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
});

on_both!(the_same_key_twice_is_told_apart, async |bench: &Bench| {
    let refused = bench
        .core
        .store()
        .write(|tx| tx.execute("INSERT INTO counters (name, value) VALUES ('target', 1)", &[]))
        .await;
    assert!(matches!(refused, Err(StoreError::Unique { .. })), "{refused:?}");
});

on_both!(many_rows_come_in_at_once_or_not_at_all, async |bench: &Bench| {
    /// More than goes over the connection in one piece.
    const ROWS: i64 = 20_000;
    const COLUMNS: [&str; 3] = ["a", "b", "c"];
    let store = bench.core.store();
    store.write(|tx| tx.script("CREATE TABLE many (a BIGINT PRIMARY KEY, b TEXT, c TEXT)")).await.unwrap();
    let insert = |first: i64| {
        store.write(move |tx| {
            let values: Vec<Param<'_>> = (first..first + ROWS)
                .flat_map(|n| [Param::Int(n), Param::Text("引客"), Param::Null])
                .collect();
            tx.insert_rows("many", &COLUMNS, &values)
        })
    };
    insert(i64::MIN).await.unwrap();
    // All but its last row are there already.
    let failed = insert(i64::MIN + 1).await;
    assert!(matches!(failed, Err(StoreError::Unique { .. })), "{failed:?}");
    let nul = store.write(|tx| tx.insert_rows("many", &["a", "b"], params![1, "a\0"])).await;
    assert!(matches!(nul, Err(StoreError::Nul)), "{nul:?}");
    let row = store
        .read(|tx| tx.query_one("SELECT COUNT(*), MIN(a), MIN(b), MAX(b), COUNT(c) FROM many", &[]))
        .await
        .unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap(), row.int(4).unwrap()), (ROWS, i64::MIN, 0));
    assert_eq!((row.text(2).unwrap(), row.text(3).unwrap()), ("引客", "引客"));
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_table_that_has_grown_manyfold_is_measured_before_postgresql_would() {
    const WITHIN: Duration = Duration::from_secs(20);
    let bench = Bench::postgres().await;
    let store = bench.core.store();
    store
        .write(|tx| {
            // PostgreSQL's own measuring would hide ours.
            tx.script("CREATE TABLE grown (a BIGINT) WITH (autovacuum_enabled = false)")?;
            let values: Vec<Param<'_>> = (0..10_000).map(Param::Int).collect();
            tx.insert_rows("grown", &["a"], &values)
        })
        .await
        .unwrap();
    let measured = async || {
        let rows = "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = CAST('grown' AS regclass)";
        store.read(|tx| tx.query_one(rows, &[])?.int(0)).await.unwrap()
    };
    let all = async {
        while measured().await != 10_000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, all).await.expect("nobody has measured it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_connection_to_postgresql_keeps_only_so_many_statements_prepared() {
    const TEXTS: i64 = 2_000;
    let bench = Bench::postgres().await;
    // One transaction is one connection. The server itself says what is prepared on it.
    let (prepared, daily) = bench
        .core
        .store()
        .read(|tx| {
            let daily = "SELECT CAST($1 AS BIGINT) + 0";
            tx.query_one(daily, params![1])?;
            let since = tx.query_one("SELECT CAST(clock_timestamp() AS TEXT)", &[])?.text(0)?.to_owned();
            for n in 1..=TEXTS {
                let row = tx.query_one(&format!("SELECT CAST($1 AS BIGINT) + {n}"), params![n])?;
                assert_eq!(row.int(0)?, 2 * n);
                assert_eq!(tx.query_one(daily, params![n])?.int(0)?, n);
            }
            let row = tx.query_one(
                "SELECT COUNT(*), COUNT(*) FILTER (WHERE statement = $1 \
                 AND prepare_time < CAST(CAST($2 AS TEXT) AS TIMESTAMPTZ)) FROM pg_prepared_statements",
                params![daily, since.as_str()],
            )?;
            Ok::<_, StoreError>((row.int(0)?, row.int(1)?))
        })
        .await
        .unwrap();
    assert!(prepared <= 600, "{prepared} statements are prepared on one connection");
    assert_eq!(daily, 1, "what is asked for all the time was prepared once");
}

async fn counted(bench: &Bench, name: &'static str) -> i64 {
    let sql = "SELECT value FROM counters WHERE name = $1";
    bench.core.store().read(move |tx| tx.query_one(sql, params![name])?.int(0)).await.unwrap()
}

on_both!(rivals_lose_no_update, async |bench: &Bench| {
    let runs = Arc::new(AtomicU32::new(0));
    let rivals: Vec<_> = (0..8)
        .map(|rival| {
            let (store, runs) = (bench.core.store().clone(), Arc::clone(&runs));
            tokio::spawn(async move {
                for _ in 0..3 {
                    let runs = Arc::clone(&runs);
                    // Rows are taken in opposite orders: PostgreSQL must find and retry the deadlocks.
                    let rows = if rival % 2 == 0 { ["target", "promoter"] } else { ["promoter", "target"] };
                    store
                        .write(move |tx| {
                            runs.fetch_add(1, Ordering::Relaxed);
                            for row in rows {
                                let sql = "UPDATE counters SET value = value + 1 WHERE name = $1";
                                tx.execute(sql, params![row])?;
                            }
                            Ok::<_, StoreError>(())
                        })
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for rival in rivals {
        rival.await.unwrap();
    }
    assert_eq!(counted(bench, "promoter").await, 24);
    assert!(runs.load(Ordering::Relaxed) >= 24);
});

on_both!(a_lock_makes_check_and_write_one_step, async |bench: &Bench| {
    let rivals: Vec<_> = (0..12)
        .map(|_| {
            let store = bench.core.store().clone();
            tokio::spawn(async move {
                store
                    .write(|tx| {
                        tx.lock("the test's scope")?;
                        let sql = "SELECT value FROM counters WHERE name = 'category'";
                        let seen = tx.query_one(sql, &[])?.int(0)?;
                        let sql = "UPDATE counters SET value = $1 WHERE name = 'category'";
                        tx.execute(sql, params![seen + 1])
                    })
                    .await
                    .unwrap();
            })
        })
        .collect();
    for rival in rivals {
        rival.await.unwrap();
    }
    assert_eq!(counted(bench, "category").await, 12);
});

on_both!(opening_again_changes_nothing_and_a_newer_database_is_refused, async |bench: &Bench| {
    bench.open_again().close();
    let sql =
        "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (999999, 'x', 0, 0)";
    bench.core.store().write(|tx| tx.execute(sql, &[])).await.unwrap();
    let Err(refused) = Store::open(&bench.config.store, Instant(0)) else {
        panic!("a newer database was opened")
    };
    let text = std::error::Error::source(&refused).unwrap().to_string();
    assert!(text.contains("999999"), "{text}");
});

on_both!(a_closed_store_says_so, async |bench: &Bench| {
    bench.core.close();
    assert!(matches!(bench.core.ready().await, Err(StoreError::Closed)));
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: cargo xtask test starts it"]
async fn a_database_that_sorts_by_a_language_is_refused() {
    let server =
        std::env::var("YINKE_TEST_POSTGRES_URL").expect("YINKE_TEST_POSTGRES_URL names the test server");
    let name = format!("yk_english_{}", std::process::id());
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    let opened = tokio::task::spawn_blocking(move || {
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        client
            .batch_execute(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
            ))
            .unwrap();
        let config = StoreConfig::Postgres { url: url.to_string(), schema: None, connections: 1 };
        let opened = Store::open(&config, Instant(0)).map(|store| store.close());
        client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
        opened
    });
    let refused = opened.await.unwrap().unwrap_err();
    assert!(matches!(refused, OpenStoreError::Connect(StoreError::Collation)), "{refused:?}");
}
