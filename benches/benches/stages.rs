//! What each stage of a click costs by itself: `cargo bench -p benches`.
//!
//! Look-ups are chained (each code depends on the last answer), because that is what one request waits for; a loop of
//! independent look-ups would hide the memory's latency.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use attribution_core::catalogue::{Change, LinkRow, ProgrammeRow, PromoterRow, TargetRow};
use attribution_core::click::{ClickId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::decide::{RequestFacts, Resolved, decide};
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord};
use attribution_core::time::{DAY_MS, Instant};
use attribution_core::token::{ClaimToken, ClickToken, VisitorToken};
use benches::keys;
use benches::synthetic::{self, CHECK_KEY, Popularity};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use journal::{Journal, Opened, Options};
use redirector::probes::{AgentSearch, Counting, resolve};
use redirector::table::Table;
use std::hint::black_box;

const NOW: Instant = Instant(1_770_000_000_000);
const SMALL_ROWS: u64 = synthetic::head(0);

fn codes(c: &mut Criterion) {
    let texts = synthetic::draw(1_000_000, Popularity::Uniform, 4_096, 1);
    let mut at = 0;
    c.bench_function("code/parse and check", |b| {
        b.iter(|| {
            at = (at + 1) % texts.len();
            Code::parse(black_box(&texts[at]), CHECK_KEY)
        });
    });
}

fn table(links: u64) -> Table {
    let table = Table::new(false);
    let small: Vec<_> = (1..=SMALL_ROWS).map(|number| synthetic::change(number).unwrap()).collect();
    table.apply(attribution_core::history::HistoryId::new(1).unwrap(), &small);
    let rows: Vec<LinkRow> = (SMALL_ROWS + 1..=synthetic::head(links))
        .map(|number| match synthetic::change(number).unwrap().change {
            Change::Link(row) => row,
            other => panic!("{other:?} among the links"),
        })
        .collect();
    table.load_links(&rows);
    table
}

fn lookups(c: &mut Criterion) {
    for links in [1_000, 1_000_000] {
        let table = table(links);
        let texts = synthetic::draw(links, Popularity::Uniform, 1 << 18, 1);
        let codes: Vec<Code> = texts.iter().map(|text| Code::parse(text, CHECK_KEY).unwrap()).collect();
        let mut at = 0;
        c.bench_function(&format!("table/{links} links, chained"), |b| {
            b.iter(|| {
                let found = resolve(&table, codes[at]).unwrap();
                at = (at + found) % codes.len();
                found
            });
        });
        let unknown = synthetic::draw(links, Popularity::Unknown, 4_096, 1);
        let unknown: Vec<Code> = unknown.iter().map(|text| Code::parse(text, CHECK_KEY).unwrap()).collect();
        c.bench_function(&format!("table/{links} links, unknown code"), |b| {
            b.iter(|| {
                at = (at + 1) % unknown.len();
                resolve(&table, black_box(unknown[at]))
            });
        });
    }
}

fn decisions(c: &mut Criterion) {
    let (mut link, mut target, mut promoter, mut programme) = (None, None, None, None);
    for number in 1..=synthetic::head(1) {
        match synthetic::change(number).unwrap().change {
            Change::Link(row) => link = Some(row),
            Change::Target(row) => target = Some(row),
            Change::Promoter(row) => promoter = Some(row),
            Change::Programme(row) => programme = Some(row),
            _ => {}
        }
    }
    let rows: (LinkRow, TargetRow, PromoterRow, ProgrammeRow) =
        (link.unwrap(), target.unwrap(), promoter.unwrap(), programme.unwrap());
    let resolved =
        Resolved { link: &rows.0, target: &rows.1, promoter: &rows.2, programme: &rows.3, bans: &[] };
    let facts = RequestFacts::default();
    c.bench_function("decide/a person's tap", |b| {
        b.iter(|| decide(black_box(&resolved), black_box(&facts), None, false, NOW));
    });
}

fn click(sequence: u64) -> ClickId {
    ClickId::new(Stream { edge: keys::EDGE, epoch: Epoch(1), worker: WorkerId(0) }, sequence)
}

fn signatures(c: &mut Criterion) {
    let keys = keys::edge();
    let visitor = VisitorId(*b"visitor-visitor!");
    let mut out = Vec::with_capacity(1_024);
    let visitor_token = VisitorToken { visitor, issued: NOW, expires: NOW.plus(400 * DAY_MS), audience: 1 };
    c.bench_function("token/sign visitor", |b| {
        b.iter(|| {
            out.clear();
            visitor_token.sign(&keys.browser, &mut out);
            out.len()
        });
    });
    let claim = ClaimToken {
        programme: ProgrammeNum(1),
        promoter: PromoterNum(1),
        placement: PlacementNum(1),
        click: click(1),
        clicked: NOW,
        protected_until: NOW,
        expires: NOW.plus(15 * DAY_MS),
        audience: 1,
    };
    c.bench_function("token/sign claim", |b| {
        b.iter(|| {
            out.clear();
            claim.sign(&keys.browser, &mut out);
            out.len()
        });
    });
    let mut signed = Vec::new();
    claim.sign(&keys.browser, &mut signed);
    c.bench_function("token/verify claim", |b| {
        b.iter(|| ClaimToken::open(black_box(&signed), &keys.browser, 1, NOW).is_ok());
    });
    let click_token = ClickToken {
        click: click(1),
        visitor,
        programme: ProgrammeNum(1),
        promoter: PromoterNum(1),
        placement: PlacementNum(1),
        target: TargetNum(1),
        code: synthetic::code(1),
        clicked: NOW,
        unjournaled: false,
    };
    c.bench_function("token/sign click", |b| {
        b.iter(|| {
            out.clear();
            click_token.sign(&keys.click, &mut out);
            out.len()
        });
    });
}

fn record() -> ClickRecord<'static> {
    ClickRecord {
        outcome: Outcome::Attributed,
        reason: Reason::None,
        flags: ClickFlags::default(),
        code: synthetic::code(1),
        visitor: VisitorId(*b"visitor-visitor!"),
        placement: PlacementNum(1),
        target: TargetNum(1),
        programme: ProgrammeNum(1),
        promoter: PromoterNum(1),
        address_prefix: AddressPrefix::default(),
        address_hash: 1,
        agent_hash: 2,
        generation: 3,
        prior_claim: ClickId::default(),
        sub_id: b"",
    }
}

fn records(c: &mut Criterion) {
    let record = record();
    let mut bytes = [0; CLICK_MAX_LEN];
    c.bench_function("record/encode", |b| b.iter(|| black_box(&record).encode(&mut bytes)));
    let len = record.encode(&mut bytes);
    c.bench_function("record/decode", |b| b.iter(|| ClickRecord::decode(black_box(&bytes[..len])).is_ok()));
}

/// Frames of one turn of the event loop under load.
const TURN: u64 = 32;

fn appends(c: &mut Criterion) {
    // In the target folder, not in /tmp: the latter may be memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut bytes = [0; CLICK_MAX_LEN];
    let len = record().encode(&mut bytes);
    let mut group = c.benchmark_group("journal");
    group.throughput(Throughput::Elements(TURN));
    let Opened { journal, mut writers, .. } =
        Journal::open(&Options::new(folder.path(), 1, 1), NOW.millis(), 1).unwrap();
    let mut writer = writers.remove(0);
    group.bench_function("append a turn and flush it", |b| {
        b.iter_batched(
            || {
                // A benchmark fills segments faster than clicks can: put the read ones aside.
                let _ = journal
                    .streams()
                    .iter()
                    .filter(|info| info.live)
                    .try_for_each(|info| journal.release(info.stream, info.durable).map(drop));
            },
            |()| {
                for _ in 0..TURN {
                    while writer.append(NOW.millis(), &bytes[..len]).is_err() {
                        std::thread::yield_now();
                    }
                }
                writer.flush().unwrap()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
    journal.close().unwrap();
}

fn agents(c: &mut Criterion) {
    let search = AgentSearch::new().unwrap();
    let chrome: &[u8] = b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/140.0.0.0 Mobile Safari/537.36";
    c.bench_function("agent/search (once per agent and worker)", |b| {
        b.iter(|| search.class(black_box(chrome)));
    });
}

fn counting(c: &mut Criterion) {
    let counting = Counting::default();
    let mut nanos = 20_000;
    c.bench_function("counting/all of one click", |b| {
        b.iter(|| {
            nanos = (nanos + 977) % 400_000;
            counting.click(black_box(nanos));
        });
    });
    assert!(counting.recorded() > 0);
}

criterion_group!(stages, codes, lookups, decisions, signatures, records, appends, agents, counting);
criterion_main!(stages);
