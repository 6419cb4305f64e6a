//! How fast clicks come in, exactly once in effect, against the fastest the same database can do at all:
//! on PostgreSQL a raw binary COPY of the same rows into the same table with its key and index; on SQLite plain appends:
//! the same rows, as many a transaction, with the same settings, into a table with neither key nor index, whose rows
//! SQLite numbers by itself. For SQLite it also says what is left once the order of clicks by visitor, which follows
//! the clicks, is complete too.
//!
//! `cargo xtask bench ingest` runs it beside a PostgreSQL of its own. Rounds are interleaved; the median of the rounds'
//! ratios is what counts.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "it talks to a person")]

mod bench_core;

use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord};
use attribution_core::shipping::Batch;
use attribution_core::time::Instant as At;
use bench_core::open;
use settlement_core::store::StoreConfig;
use settlement_core::{Clock, Core};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const NOW: At = At(1_790_001_000_000);
const BATCHES: [u32; 3] = [30_000, 10_000, 1_000];

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u32>().expect("a number"));
    let (rows, rounds) = (args.next().unwrap_or(300_000), args.next().unwrap_or(5));
    let folder =
        tempfile::tempdir_in(std::env::var("YINKE_BENCH_DIR").unwrap_or_else(|_| ".".to_owned())).unwrap();
    sqlite(folder.path(), rows, rounds);
    match std::env::var("YINKE_TEST_POSTGRES_URL") {
        Ok(url) => postgres(&url, rows, rounds),
        Err(_) => println!("PostgreSQL: not measured, YINKE_TEST_POSTGRES_URL is not set"),
    }
}

/// The clicks of one start of an edge, in batches.
fn batches(epoch: u64, rows: u32, size: u32) -> Vec<Batch> {
    let stream = Stream { edge: EdgeId(1), epoch: Epoch(epoch), worker: WorkerId(0) };
    let mut out = Vec::new();
    let mut batch = Batch::new(stream, 0);
    for n in 0..u64::from(rows) {
        let mut bytes = [0; CLICK_MAX_LEN];
        let len = click(epoch, n).encode(&mut bytes);
        assert!(batch.push(At(NOW.0 - 1_000), &bytes[..len]));
        if batch.len() == size {
            let next = Batch::new(stream, batch.next_sequence());
            out.push(std::mem::replace(&mut batch, next));
        }
    }
    if !batch.is_empty() {
        out.push(batch);
    }
    out
}

/// A click of one of many visitors, most of whom come once or twice.
fn click(epoch: u64, n: u64) -> ClickRecord<'static> {
    let mixed = xxhash_rust::xxh3::xxh3_128_with_seed(&(n / 2).to_le_bytes(), epoch);
    ClickRecord {
        outcome: if n.is_multiple_of(10) { Outcome::Bot } else { Outcome::Attributed },
        reason: Reason::None,
        flags: ClickFlags::NO_FETCH_METADATA,
        code: Code(n * 62),
        visitor: VisitorId(mixed.to_le_bytes()),
        placement: PlacementNum(small(n % 1_000)),
        target: TargetNum(small(n % 5_000)),
        programme: ProgrammeNum(3),
        promoter: PromoterNum(small(n % 700)),
        address_prefix: AddressPrefix([4, 203, 0, 113, 0, 0, 0, 0]),
        address_hash: n,
        agent_hash: n % 97,
        generation: 12_345,
        prior_claim: ClickId::default(),
        sub_id: b"",
    }
}

/// Ships everything, one batch after the other, as one shipper does.
fn ingest(runtime: &tokio::runtime::Runtime, core: &Core, batches: Vec<Batch>) -> Duration {
    let began = Instant::now();
    for batch in batches {
        runtime.block_on(core.ingest(batch, NOW)).unwrap();
    }
    began.elapsed()
}

/// `goal` 0: no goal, only to know.
fn report(what: &str, rows: u32, size: u32, goal: f64, pairs: &[(Duration, Duration)]) {
    let rate = |time: Duration| f64::from(rows) / time.as_secs_f64() / 1_000.0;
    let mut ratios: Vec<f64> =
        pairs.iter().map(|(base, ours)| base.as_secs_f64() / ours.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let best = |pick: fn(&(Duration, Duration)) -> Duration| pairs.iter().map(pick).min().unwrap();
    let median = ratios[ratios.len() / 2];
    let verdict = match goal {
        0.0 => String::new(),
        _ if median >= goal => format!(", goal {goal}: reached"),
        _ => format!(", goal {goal}: NOT REACHED"),
    };
    println!(
        "{what}, {size} a transaction: base {:.0} k rows/s, ingest {:.0} k rows/s (best); ratio {median:.2} ({:.2} to {:.2} in {} rounds){verdict}",
        rate(best(|p| p.0)),
        rate(best(|p| p.1)),
        ratios[0],
        ratios[ratios.len() - 1],
        ratios.len(),
    );
}

// === SQLite

fn sqlite(folder: &Path, rows: u32, rounds: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for size in BATCHES {
        let mut pairs = Vec::new();
        let mut pairs_whole = Vec::new();
        for round in 0..rounds {
            let plain = append(&folder.join(format!("plain-{size}-{round}.db")), rows, size);
            let path = folder.join(format!("core-{size}-{round}.db"));
            let core = open(StoreConfig::Sqlite { path: path.clone() }, Clock::System);
            let began = Instant::now();
            let ours = ingest(&runtime, &core, batches(0x0190_0000_0000_0000 + u64::from(round), rows, size));
            wait_for_index(&path);
            let whole = began.elapsed();
            core.close();
            pairs.push((plain, ours));
            pairs_whole.push((plain, whole));
        }
        report("SQLite against plain appends", rows, size, 0.65, &pairs);
        report("  until all is in order by visitor", rows, size, 0.0, &pairs_whole);
    }
}

fn wait_for_index(path: &Path) {
    let db = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT EXISTS (SELECT 1 FROM unindexed_clicks)";
    while db.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap() {
        std::thread::yield_now();
    }
}

/// Appends the same rows, as many a transaction, with the same settings.
fn append(path: &Path, rows: u32, size: u32) -> Duration {
    let db = rusqlite::Connection::open(path).unwrap();
    for (name, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("cache_size", "-65536"),
        ("wal_autocheckpoint", "8192"),
    ] {
        db.pragma_update(None, name, value).unwrap();
    }
    db.execute_batch(
        "CREATE TABLE clicks (click_id BLOB, effective_ms INTEGER, edge_ms INTEGER, ingested_ms INTEGER, \
         outcome INTEGER, visitor BLOB, code INTEGER, placement INTEGER, target INTEGER, payload BLOB) STRICT",
    )
    .unwrap();
    let all = batches(0x0190_0000_0000_0000, rows, size);
    let began = Instant::now();
    let mut insert =
        db.prepare("INSERT INTO clicks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)").unwrap();
    for batch in &all {
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        for frame in batch.frames() {
            let id = ClickId::new(batch.stream(), frame.sequence);
            let record = ClickRecord::decode(frame.payload).unwrap();
            insert
                .execute(rusqlite::params![
                    &id.0[..],
                    frame.at.0,
                    frame.at.0,
                    NOW.0,
                    record.outcome as u8,
                    &record.visitor.0[..],
                    record.code.0.cast_signed(),
                    record.placement.0,
                    record.target.0,
                    frame.payload
                ])
                .unwrap();
        }
        db.execute_batch("COMMIT").unwrap();
    }
    began.elapsed()
}

// === PostgreSQL

fn postgres(url: &str, rows: u32, rounds: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let schema = format!("yk_bench_{}", std::process::id());
    let core = open(
        StoreConfig::Postgres { url: url.to_owned(), schema: Some(schema.clone()), connections: 2 },
        Clock::System,
    );
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client.batch_execute(&format!("SET search_path TO {schema}")).unwrap();
    let mut epoch = 0x0190_0000_0000_0000;
    for size in BATCHES {
        let (mut whole, mut alike) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mut raw = |size: u32| {
                client.batch_execute("TRUNCATE clicks; CHECKPOINT").unwrap();
                epoch += 1;
                copy(&mut client, &batches(epoch, rows, 30_000), size)
            };
            let one = raw(rows);
            let same = raw(size);
            client.batch_execute("TRUNCATE clicks; CHECKPOINT").unwrap();
            epoch += 1;
            let ours = ingest(&runtime, &core, batches(epoch, rows, size));
            let count: i64 = client.query_one("SELECT COUNT(*) FROM clicks", &[]).unwrap().get(0);
            assert_eq!(count, i64::from(rows));
            whole.push((one, ours));
            alike.push((same, ours));
        }
        report(
            "PostgreSQL against one raw COPY of everything",
            rows,
            size,
            if size > 1_000 { 0.85 } else { 0.0 },
            &whole,
        );
        report("PostgreSQL against raw COPYs of as many rows", rows, size, 0.85, &alike);
    }
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
    core.close();
}

/// Copies rows that are encoded beforehand, `size` a transaction.
fn copy(client: &mut postgres::Client, all: &[Batch], size: u32) -> Duration {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut in_part = 0;
    for batch in all {
        for frame in batch.frames() {
            if in_part == 0 {
                parts.push(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec());
            }
            let record = ClickRecord::decode(frame.payload).unwrap();
            let out = parts.last_mut().unwrap();
            let id = ClickId::new(batch.stream(), frame.sequence);
            out.extend_from_slice(&10i16.to_be_bytes());
            field(out, &id.0);
            field(out, &frame.at.0.to_be_bytes());
            field(out, &frame.at.0.to_be_bytes());
            field(out, &NOW.0.to_be_bytes());
            field(out, &(record.outcome as i16).to_be_bytes());
            field(out, &record.visitor.0);
            field(out, &record.code.0.to_be_bytes());
            field(out, &i64::from(record.placement.0).to_be_bytes());
            field(out, &i64::from(record.target.0).to_be_bytes());
            field(out, frame.payload);
            in_part = (in_part + 1) % size;
        }
    }
    for part in &mut parts {
        part.extend_from_slice(&(-1i16).to_be_bytes());
    }
    let began = Instant::now();
    for part in &parts {
        let mut writer = client.copy_in("COPY clicks FROM STDIN (FORMAT binary)").unwrap();
        for chunk in part.chunks(256 << 10) {
            writer.write_all(chunk).unwrap();
        }
        writer.finish().unwrap();
    }
    began.elapsed()
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap()
}
