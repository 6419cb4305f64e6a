//! Exactly once in effect, whatever is sent again, in whatever order, by however many at once.

use crate::on_both;
use crate::streams::{START, at, batch, payload, record, stream};
use crate::support::{ADMIN, Bench, read};
use attribution_core::click::{ClickId, EdgeId, Stream};
use attribution_core::shipping::{Batch, Heartbeat, LostRange, StreamCursor, StreamStatus, TallyView};
use attribution_core::time::Instant;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use settlement_core::store::StoreError;
use settlement_core::{Core, IngestError, params};

const NOW: Instant = Instant(1_790_001_000_000);

async fn count(core: &Core, table: &'static str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    core.store().read(move |tx| tx.query_one(&sql, &[])?.int(0)).await.unwrap()
}

/// One column of a stream's row.
async fn column(core: &Core, stream: Stream, name: &'static str) -> i64 {
    let sql = format!("SELECT {name} FROM edge_streams WHERE edge = $1 AND epoch = $2 AND worker = $3");
    let Stream { edge, epoch, worker } = stream;
    core.store().read(move |tx| tx.query_one(&sql, params![edge, epoch, worker])?.int(0)).await.unwrap()
}

on_both!(a_batch_comes_in_once, async |bench: &Bench| {
    let s = stream(1, 0);
    let ack = bench.core.ingest(batch(s, 0..100), NOW).await.unwrap();
    assert_eq!(ack.next_sequence, 100);
    assert_eq!(count(&bench.core, "clicks").await, 90);
    assert_eq!(column(&bench.core, s, "clicks").await, 90);
    assert_eq!(column(&bench.core, s, "tallies").await, 10);
    assert_eq!(column(&bench.core, s, "recorded").await, 90);
    assert_eq!(column(&bench.core, s, "counted_not_found").await, 3);

    // The same again, a part of it, and one that begins inside and goes on.
    assert_eq!(bench.core.ingest(batch(s, 0..100), NOW.plus(1)).await.unwrap().next_sequence, 100);
    assert_eq!(bench.core.ingest(batch(s, 30..40), NOW.plus(1)).await.unwrap().next_sequence, 100);
    assert_eq!(bench.core.ingest(batch(s, 90..130), NOW.plus(1)).await.unwrap().next_sequence, 130);
    assert_eq!(count(&bench.core, "clicks").await, 117);
    assert_eq!(column(&bench.core, s, "clicks").await, 117);
    assert_eq!(column(&bench.core, s, "duplicates").await, 120);
    assert_eq!(count(&bench.core, "quarantine").await, 0);

    // The stamp of the first arrival stays.
    let stamps = "SELECT COUNT(*) FROM clicks WHERE ingested_ms = $1";
    let first = bench.core.store().read(move |tx| tx.query_one(stamps, params![NOW])?.int(0)).await;
    assert_eq!(first.unwrap(), 90);
});

on_both!(a_stored_click_is_the_record_byte_for_byte, async |bench: &Bench| {
    let s = stream(1, 3);
    // The core's clock is behind the edge's for the last frames: a click is never later than its arrival.
    let now = at(5);
    bench.core.ingest(batch(s, 0..9), now).await.unwrap();
    for sequence in 0..9 {
        let id = ClickId::new(s, sequence);
        let row = bench
            .core
            .store()
            .read(move |tx| {
                tx.query_one(
                    "SELECT effective_ms, edge_ms, ingested_ms, outcome, visitor, code, placement, target, payload \
                     FROM clicks WHERE click_id = $1",
                    params![&id],
                )
            })
            .await
            .unwrap();
        assert_eq!(row.instant(0).unwrap(), at(sequence).min(now));
        assert_eq!((row.instant(1).unwrap(), row.instant(2).unwrap()), (at(sequence), now));
        assert_eq!(row.int(3).unwrap(), if sequence == 6 { 12 } else { 15 });
        assert_eq!(row.opt_id16(4).unwrap().is_none(), sequence == 4);
        assert_eq!(row.int(5).unwrap(), i64::try_from(sequence * 62).unwrap());
        assert_eq!((row.int(6).unwrap(), row.int(7).unwrap()), (1, 2));
        assert_eq!(row.blob(8).unwrap(), payload(sequence));
    }
});

on_both!(a_gap_is_refused_with_the_cursor, async |bench: &Bench| {
    let s = stream(2, 0);
    let refused = bench.core.ingest(batch(s, 5..9), NOW).await;
    assert!(matches!(refused, Err(IngestError::Gap { expected: 0, got: 5 })), "{refused:?}");
    bench.core.ingest(batch(s, 0..5), NOW).await.unwrap();
    let refused = bench.core.ingest(batch(s, 8..9), NOW).await;
    assert!(matches!(refused, Err(IngestError::Gap { expected: 5, got: 8 })), "{refused:?}");
    assert_eq!(count(&bench.core, "clicks").await, 5);
});

on_both!(the_same_key_with_other_bytes_is_set_aside, async |bench: &Bench| {
    let s = stream(3, 0);
    bench.core.ingest(batch(s, 0..5), NOW).await.unwrap();
    let mut forged = Batch::new(s, 0);
    for sequence in 0..5 {
        assert!(forged.push(at(sequence), &record(sequence, u8::from(sequence == 2))));
    }
    // Twice: the second time nothing is added.
    for _ in 0..2 {
        bench.core.ingest(forged.clone(), NOW).await.unwrap();
        assert_eq!(count(&bench.core, "quarantine").await, 1);
    }
    let id = ClickId::new(s, 2);
    let kept = bench
        .core
        .store()
        .read(move |tx| tx.query_one("SELECT payload FROM clicks WHERE click_id = $1", params![&id]))
        .await
        .unwrap();
    assert_eq!(kept.blob(0).unwrap(), record(2, 0));
});

on_both!(a_frame_that_cannot_be_read_does_not_stop_the_others, async |bench: &Bench| {
    let s = stream(4, 0);
    let mut odd = Batch::new(s, 0);
    assert!(odd.push(at(0), &record(0, 0)));
    assert!(odd.push(at(1), b"\x09from the future"));
    assert!(odd.push(at(2), &record(2, 0)));
    assert!(odd.push(at(3), b""));
    assert_eq!(bench.core.ingest(odd.clone(), NOW).await.unwrap().next_sequence, 4);
    assert_eq!(count(&bench.core, "clicks").await, 2);
    assert_eq!(count(&bench.core, "dead_letters").await, 2);
    bench.core.ingest(odd, NOW).await.unwrap();
    assert_eq!(column(&bench.core, s, "dead").await, 2);
    assert_eq!(column(&bench.core, s, "duplicates").await, 4);
});

on_both!(a_click_that_the_store_does_not_take_stops_no_other, async |bench: &Bench| {
    let poison = [0, 7, 23, 24, 61];
    let codes: Vec<String> = poison.iter().map(|sequence| (sequence * 62).to_string()).collect();
    let codes = codes.join(", ");
    let rule = if bench.is_sqlite() {
        format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON clicks WHEN NEW.code IN ({codes}) \
             BEGIN SELECT RAISE(ABORT, 'told_to'); END"
        )
    } else {
        format!("ALTER TABLE clicks ADD CONSTRAINT told_to CHECK (code NOT IN ({codes}))")
    };
    bench.core.store().write(move |tx| tx.script(&rule)).await.unwrap();
    let s = stream(4, 1);
    assert_eq!(bench.core.ingest(batch(s, 0..100), NOW).await.unwrap().next_sequence, 100);
    let held = async || (count(&bench.core, "clicks").await, count(&bench.core, "dead_letters").await);
    assert_eq!(held().await, (85, 5));
    let counted = async || (column(&bench.core, s, "clicks").await, column(&bench.core, s, "dead").await);
    assert_eq!(counted().await, (85, 5));
    let reasons = "SELECT click_id, payload, reason FROM dead_letters ORDER BY click_id";
    let rows = bench.core.store().read(move |tx| tx.query(reasons, &[])).await.unwrap();
    for (row, sequence) in rows.iter().zip(poison) {
        assert_eq!(row.id16(0).unwrap(), ClickId::new(s, sequence).0);
        assert_eq!(row.blob(1).unwrap(), payload(sequence));
        assert!(row.text(2).unwrap().contains("told_to"), "{row:?}");
    }

    // Sent again nothing changes, and what follows goes in at once.
    assert_eq!(bench.core.ingest(batch(s, 0..100), NOW).await.unwrap().next_sequence, 100);
    assert_eq!(bench.core.ingest(batch(s, 100..130), NOW).await.unwrap().next_sequence, 130);
    assert_eq!((held().await, counted().await), ((112, 5), (112, 5)));
    assert_eq!(column(&bench.core, s, "duplicates").await, 100);
    assert_eq!(count(&bench.core, "quarantine").await, 0);
    let audit = bench.core.audit_clicks().await.unwrap();
    assert_eq!((audit.ingested, audit.quarantined, audit.gaps), (112, 5, 0));
});

on_both!(a_cursor_that_was_set_back_costs_nothing, async |bench: &Bench| {
    let s = stream(5, 0);
    bench.core.ingest(batch(s, 0..20), NOW).await.unwrap();
    bench
        .core
        .store()
        .write(|tx| tx.execute("UPDATE edge_streams SET next_sequence = 12, clicks = 11, tallies = 1", &[]))
        .await
        .unwrap();
    assert_eq!(bench.core.ingest(batch(s, 12..30), NOW).await.unwrap().next_sequence, 30);
    assert_eq!(count(&bench.core, "clicks").await, 27);
    assert_eq!(count(&bench.core, "quarantine").await, 0);
    assert_eq!(column(&bench.core, s, "clicks").await, 27, "what was here already counts too");
    assert_eq!(column(&bench.core, s, "tallies").await, 3);
    assert_eq!(bench.core.audit_clicks().await.unwrap().gaps, 0);
});

on_both!(a_cursor_that_was_set_back_hides_no_other_bytes, async |bench: &Bench| {
    let s = stream(5, 1);
    let odd = |click: u8, letter: &[u8]| {
        let mut odd = Batch::new(s, 0);
        assert!(odd.push(at(0), &record(0, click)));
        assert!(odd.push(at(1), letter));
        odd
    };
    bench.core.ingest(odd(0, b"\x09from the future"), NOW).await.unwrap();
    bench
        .core
        .store()
        .write(|tx| tx.execute("UPDATE edge_streams SET next_sequence = 0, clicks = 0, dead = 0", &[]))
        .await
        .unwrap();
    assert_eq!(bench.core.ingest(odd(1, b"\x09something else"), NOW).await.unwrap().next_sequence, 2);
    assert_eq!((count(&bench.core, "clicks").await, count(&bench.core, "dead_letters").await), (1, 1));
    assert_eq!(count(&bench.core, "quarantine").await, 2);
    assert_eq!((column(&bench.core, s, "clicks").await, column(&bench.core, s, "dead").await), (1, 1));
    assert_eq!(bench.core.audit_clicks().await.unwrap().gaps, 0);
});

on_both!(frames_named_as_lost_may_turn_up, async |bench: &Bench| {
    let s = stream(6, 2);
    let lost = |from, to| vec![LostRange { epoch: s.epoch, worker: s.worker, from, to }];
    bench.core.ingest(batch(s, 0..5), NOW).await.unwrap();
    bench.core.lost(s.edge, lost(5, 25), NOW).await.unwrap();
    bench.core.ingest(batch(s, 25..30), NOW).await.unwrap();
    bench.core.sweep(NOW).await.unwrap();
    // Some of them below the cursor, twice; numbers 9 and 19 are tallies.
    for _ in 0..2 {
        assert_eq!(bench.core.ingest(batch(s, 8..20), NOW).await.unwrap().next_sequence, 30);
        let audit = bench.core.audit_clicks().await.unwrap();
        assert_eq!((audit.ingested, audit.lost, audit.gaps, audit.conflicts), (5 + 10 + 4, 8, 0, 0));
    }
    // A range behind the cursor, whose frames come in their turn.
    bench.core.lost(s.edge, lost(35, 38), NOW).await.unwrap();
    assert_eq!(bench.core.ingest(batch(s, 30..36), NOW).await.unwrap().next_sequence, 36);
    assert_eq!(bench.core.ingest(batch(s, 38..40), NOW).await.unwrap().next_sequence, 40);
    let audit = bench.core.audit_clicks().await.unwrap();
    assert_eq!((audit.lost, audit.gaps), (8 + 2, 0));
});

on_both!(named_losses_move_the_cursor, async |bench: &Bench| {
    let s = stream(6, 1);
    let lost = |from, to| vec![LostRange { epoch: s.epoch, worker: s.worker, from, to }];
    bench.core.ingest(batch(s, 0..5), NOW).await.unwrap();
    // Not yet at the cursor; then up to it; then the batch behind both.
    bench.core.lost(s.edge, lost(8, 12), NOW).await.unwrap();
    assert!(matches!(
        bench.core.ingest(batch(s, 12..15), NOW).await,
        Err(IngestError::Gap { expected: 5, got: 12 })
    ));
    bench.core.lost(s.edge, lost(3, 8), NOW).await.unwrap();
    assert_eq!(bench.core.ingest(batch(s, 12..15), NOW).await.unwrap().next_sequence, 15);
    // Said again, and said of what has arrived: nothing changes.
    bench.core.lost(s.edge, lost(3, 8), NOW).await.unwrap();
    let sum = "SELECT CAST(SUM(to_sequence - from_sequence) AS BIGINT) FROM lost_ranges";
    let sum = bench.core.store().read(move |tx| tx.query_one(sum, &[])?.int(0)).await.unwrap();
    assert_eq!(sum, 7);
});

on_both!(two_shippers_at_once_take_turns, async |bench: &Bench| {
    let s = stream(7, 0);
    let other = bench.open_again();
    let shipper = |core: Core, size: u64| {
        tokio::spawn(async move {
            let mut next = 0;
            while next < 600 {
                match core.ingest(batch(s, next..(next + size).min(600)), NOW).await {
                    Ok(ack) => next = ack.next_sequence,
                    Err(IngestError::Gap { expected, .. }) => next = expected,
                    Err(IngestError::Store(error)) => assert!(error.may_retry(), "{error}"),
                }
            }
        })
    };
    let (a, b) = (shipper(bench.core.clone(), 37), shipper(other.clone(), 23));
    a.await.unwrap();
    b.await.unwrap();
    other.close();
    assert_eq!(count(&bench.core, "clicks").await, 540);
    assert_eq!(column(&bench.core, s, "clicks").await, 540);
    assert_eq!(column(&bench.core, s, "next_sequence").await, 600);
    assert_eq!(count(&bench.core, "quarantine").await, 0);
});

on_both!(any_order_of_delivery_ends_alike, async |bench: &Bench| {
    // A fixed shuffle: every batch is sent three times, most of them too early or too late.
    let mut state = 0x2545_f491_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let streams: Vec<Stream> = (0..3).map(|worker| stream(8, worker)).collect();
    let mut deliveries: Vec<(Stream, u64)> =
        streams.iter().flat_map(|s| (0..3 * 20).map(move |n| (*s, n % 20 * 10))).collect();
    for last in (1..deliveries.len()).rev() {
        let pick = usize::try_from(random()).unwrap() % (last + 1);
        deliveries.swap(last, pick);
    }
    // What is refused for a gap is sent again later, as an edge does.
    while !deliveries.is_empty() {
        let mut later = Vec::new();
        for (s, from) in deliveries {
            if bench.core.ingest(batch(s, from..from + 10), NOW).await.is_err() {
                later.push((s, from));
            }
        }
        deliveries = later;
    }
    assert_eq!(count(&bench.core, "clicks").await, 3 * 180);
    for s in streams {
        assert_eq!(column(&bench.core, s, "clicks").await, 180);
        assert_eq!(column(&bench.core, s, "duplicates").await, 400);
    }
});

on_both!(clicks_of_a_visitor_are_found_by_the_index, async |bench: &Bench| {
    bench.core.ingest(batch(stream(1, 0), 0..100), NOW).await.unwrap();
    let visitor = [1u8; 16];
    let rows = bench
        .core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT effective_ms FROM earning_clicks WHERE visitor = $1 AND effective_ms < $2 \
                 ORDER BY effective_ms",
                params![&visitor, START.plus(50_000)],
            )
        })
        .await
        .unwrap();
    assert_eq!(rows.len(), 9);
});

on_both!(every_click_that_may_earn_is_found_before_and_after_it_is_indexed, async |bench: &Bench| {
    const DIFFERENT: &str = "SELECT COUNT(*) FROM (\
        SELECT click_id, visitor, effective_ms, edge_ms, ingested_ms, code, placement, target, head, COUNT(*) AS times FROM (\
        SELECT click_id, visitor, effective_ms, edge_ms, ingested_ms, code, placement, target, head FROM earning_clicks UNION ALL \
        SELECT click_id, visitor, effective_ms, edge_ms, ingested_ms, code, placement, target, substr(payload, 1, 6) FROM clicks WHERE outcome = 15 AND visitor IS NOT NULL) AS a \
        GROUP BY click_id, visitor, effective_ms, edge_ms, ingested_ms, code, placement, target, head) AS b WHERE times <> 2";
    let different = || bench.core.store().read(|tx| tx.query_one(DIFFERENT, &[])?.int(0));
    let (a, b) = (stream(1, 0), stream(2, 0));
    // Runs of many lengths, in turns, some of them sent twice, and one that was given up and turns up.
    bench
        .core
        .lost(b.edge, vec![LostRange { epoch: b.epoch, worker: b.worker, from: 0, to: 40 }], NOW)
        .await
        .unwrap();
    let mut from = 40;
    for length in [1, 2, 3, 50, 700, 9_000, 31, 2_500] {
        bench.core.ingest(batch(a, from - 40..from - 40 + length), NOW).await.unwrap();
        bench.core.ingest(batch(b, from..from + length), NOW).await.unwrap();
        bench.core.ingest(batch(a, from - 40..from - 40 + length), NOW).await.unwrap();
        from += length;
        assert_eq!(different().await.unwrap(), 0);
    }
    bench.core.ingest(batch(b, 0..60), NOW).await.unwrap();
    assert_eq!(different().await.unwrap(), 0);
    if bench.is_sqlite() {
        let waiting = || count(&bench.core, "unindexed_clicks");
        while waiting().await > 0 {
            assert_eq!(different().await.unwrap(), 0);
        }
        assert_eq!(count(&bench.core, "visitor_clicks").await, count(&bench.core, "earning_clicks").await);
    }
    assert_eq!(different().await.unwrap(), 0);
    assert!(count(&bench.core, "earning_clicks").await > 10_000);
});

#[tokio::test]
async fn sqlite_looks_through_waiting_clicks_only() {
    let bench = Bench::sqlite().await;
    for question in [
        "SELECT head FROM earning_clicks WHERE visitor = $1",
        "SELECT head FROM earning_clicks WHERE visitor IN (SELECT visitor FROM identities WHERE visitor = $1)",
        "SELECT head FROM earning_clicks WHERE visitor IN (SELECT visitor FROM identities WHERE platform = $1)",
    ] {
        let plan = bench
            .core
            .store()
            .read(move |tx| tx.query(&format!("EXPLAIN QUERY PLAN {question}"), params![&[1u8; 16]]))
            .await
            .unwrap();
        let plan: Vec<_> = plan.iter().map(|row| row.text(3).unwrap()).collect();
        assert!(plan.contains(&"SEARCH v USING PRIMARY KEY (run=? AND visitor=?)"), "{plan:?}");
        assert!(plan.contains(&"SEARCH c USING PRIMARY KEY (click_id>? AND click_id<?)"), "{plan:?}");
        // Both halves are asked directly: each click once, and not handed on by a routine and looked up again.
        assert!(!plan.iter().any(|step| step.contains("CO-ROUTINE")), "{plan:?}");
    }
}

on_both!(edges_speak_over_http, async |bench: &Bench| {
    let s = stream(9, 0);
    let issued = bench.ok("POST", "/v1/tokens", json!({"role": "edge", "subject": "9"})).await;
    let token = issued["token"].as_str().unwrap().to_owned();
    let ship = async |token: &str, edge: u16, batch: &Batch| {
        let body = lz4_flex::compress_prepend_size(&batch.encode());
        let request = Request::post(format!("/v1/edges/{edge}/batches"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/vnd.yinke.batch")
            .body(Body::from(body))
            .unwrap();
        read(bench.send(request).await).await
    };
    let (status, answer) = ship(&token, 9, &batch(s, 0..50)).await;
    assert_eq!((status, &answer), (StatusCode::OK, &json!({"next_sequence": 50})));
    let (status, answer) = ship(&token, 9, &batch(s, 60..70)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!((&answer["code"], &answer["next_sequence"]), (&json!("cursor_mismatch"), &json!(50)));
    let (status, _) = ship(&token, 8, &batch(stream(8, 0), 0..1)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = ship(ADMIN, 8, &batch(s, 50..51)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "a batch of another edge");

    let request = Request::post("/v1/edges/9/batches")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/vnd.yinke.batch")
        .body(Body::from(vec![0xff; 64]))
        .unwrap();
    let (status, answer) = read(bench.send(request).await).await;
    assert_eq!((status, &answer["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("body_too_large")));

    let heartbeat = Heartbeat {
        edge: EdgeId(9),
        at: NOW,
        history: None,
        applied: 7,
        shipped_through: NOW.plus(-5),
        streams: vec![StreamStatus {
            epoch: s.epoch,
            worker: s.worker,
            live: true,
            tally: TallyView::default(),
            in_doubt: 0,
            appended: 55,
            durable: 52,
            shipped: 50,
            quarantined: 0,
            incomplete: false,
        }],
    };
    let body = serde_json::to_value(&heartbeat).unwrap();
    let (status, answer) = bench.call_as(&token, "POST", "/v1/edges/9/heartbeat", body.clone()).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"behind": []})));
    let (status, _) = bench.call_as(&token, "POST", "/v1/edges/8/heartbeat", body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let row = bench
        .core
        .store()
        .read(|tx| {
            tx.query_one(
                "SELECT e.applied, e.shipped_through, s.status FROM edges e JOIN stream_status s ON s.edge = e.edge",
                &[],
            )
        })
        .await
        .unwrap();
    assert_eq!((row.int(0).unwrap(), row.instant(1).unwrap()), (7, NOW.plus(-5)));
    assert!(row.text(2).unwrap().contains("\"appended\":55"));
    let body = json!([{"epoch": s.epoch.0, "worker": 0, "from": 50, "to": 55}]);
    let (status, _) = bench.call_as(&token, "POST", "/v1/edges/9/lost", body).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = ship(&token, 9, &batch(s, 55..60)).await;
    assert_eq!(status, StatusCode::OK);
});

fn beat(at: Instant, streams: Vec<StreamStatus>) -> Heartbeat {
    Heartbeat { edge: EdgeId(9), at, history: None, applied: 0, shipped_through: at.plus(-5), streams }
}

async fn shipped_through(bench: &Bench) -> Instant {
    let sql = "SELECT shipped_through FROM edges";
    bench.core.store().read(move |tx| tx.query_one(sql, &[])?.instant(0)).await.unwrap()
}

on_both!(an_edge_whose_clock_is_fast_has_not_shipped_the_future, async |bench: &Bench| {
    bench.core.heartbeat(beat(NOW.plus(3_600_000), Vec::new()), NOW).await.unwrap();
    assert_eq!(shipped_through(bench).await, NOW.plus(-5));
    // A slow clock only makes orders wait, and nothing goes back.
    bench.core.heartbeat(beat(NOW.plus(-60_000), Vec::new()), NOW.plus(1)).await.unwrap();
    assert_eq!(shipped_through(bench).await, NOW.plus(-5));
    // Nor does a heartbeat without any sense in it reach beyond now.
    let odd = Heartbeat { shipped_through: Instant(i64::MAX), ..beat(NOW, Vec::new()) };
    bench.core.heartbeat(odd, NOW.plus(2)).await.unwrap();
    assert_eq!(shipped_through(bench).await, NOW.plus(2));
});

on_both!(an_edge_hears_which_streams_the_core_has_less_of, async |bench: &Bench| {
    let s = stream(9, 0);
    bench.core.ingest(batch(s, 0..50), NOW).await.unwrap();
    let status = |shipped| StreamStatus {
        epoch: s.epoch,
        worker: s.worker,
        live: true,
        tally: TallyView::default(),
        in_doubt: 0,
        appended: 60,
        durable: 60,
        shipped,
        quarantined: 0,
        incomplete: false,
    };
    let ack = bench.core.heartbeat(beat(NOW, vec![status(60)]), NOW).await.unwrap();
    assert_eq!(ack.behind, [StreamCursor { epoch: s.epoch, worker: s.worker, next_sequence: 50 }]);
    assert_eq!(shipped_through(bench).await, Instant(0), "what the edge believes is not true");
    let ack = bench.core.heartbeat(beat(NOW, vec![status(50)]), NOW).await.unwrap();
    assert_eq!((ack.behind.len(), shipped_through(bench).await), (0, NOW.plus(-5)));
});

on_both!(the_last_word_on_a_stream_stays, async |bench: &Bench| {
    let s = stream(9, 0);
    let status = |live, appended, shipped| StreamStatus {
        epoch: s.epoch,
        worker: s.worker,
        live,
        tally: TallyView::default(),
        in_doubt: 0,
        appended,
        durable: appended,
        shipped,
        quarantined: 0,
        incomplete: false,
    };
    let held = async || -> StreamStatus {
        let sql = "SELECT status FROM stream_status";
        let row = bench.core.store().read(move |tx| tx.query_one(sql, &[])).await.unwrap();
        serde_json::from_str(row.text(0).unwrap()).unwrap()
    };
    // Each row: what the edge says, by its own clock, and what is held then.
    let ended = status(false, 90, 80);
    let rows = [
        (0, status(true, 100, 50), status(true, 100, 50)),
        (2, status(true, 90, 50), status(true, 100, 50)),
        (-1, status(true, 100, 60), status(true, 100, 60)),
        // The clock was set back half a minute, and a power cut took what was not durable.
        (-30_000, ended, ended),
        (5, status(true, 100, 60), ended),
        (-40_000, status(false, 90, 90), status(false, 90, 90)),
        (6, ended, status(false, 90, 90)),
    ];
    for (clock, said, expected) in rows {
        bench.core.heartbeat(beat(NOW.plus(clock), vec![said]), NOW).await.unwrap();
        assert_eq!(held().await, expected, "{clock}");
    }
});

on_both!(a_closed_core_takes_nothing, async |bench: &Bench| {
    bench.core.close();
    let refused = bench.core.ingest(batch(stream(1, 0), 0..5), NOW).await;
    assert!(matches!(refused, Err(IngestError::Store(StoreError::Closed))));
});
