//! The listing of clicks shows each of them once, whatever the page.

use crate::on_both;
use crate::support::Bench;
use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord};
use attribution_core::time::Instant;
use serde_json::Value;
use settlement_core::store::{ClickInsert, StoreError};

on_both!(every_click_is_listed_once, async |bench: &Bench| {
    let stream = Stream { edge: EdgeId(1), epoch: Epoch(7), worker: WorkerId(0) };
    bench
        .core
        .store()
        .write(move |tx| {
            for sequence in 0..5u8 {
                let record = ClickRecord {
                    outcome: Outcome::Attributed,
                    reason: Reason::None,
                    flags: ClickFlags::default(),
                    code: Code(u64::from(sequence)),
                    visitor: VisitorId([sequence; 16]),
                    placement: PlacementNum(1),
                    target: TargetNum(1),
                    programme: ProgrammeNum(1),
                    promoter: PromoterNum(1),
                    address_prefix: AddressPrefix::default(),
                    address_hash: 0,
                    agent_hash: 0,
                    generation: 0,
                    prior_claim: ClickId::default(),
                    sub_id: b"room-12",
                };
                let mut bytes = [0; CLICK_MAX_LEN];
                let len = record.encode(&mut bytes);
                tx.insert_clicks(&[ClickInsert {
                    click: ClickId::new(stream, u64::from(sequence)),
                    effective: Instant(10),
                    edge: Instant(10),
                    ingested: Instant(11),
                    outcome: record.outcome as u8,
                    visitor: record.visitor,
                    code: record.code.0,
                    placement: 1,
                    target: 1,
                    payload: &bytes[..len],
                }])?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();

    let mut ids = Vec::new();
    let mut path = "/v1/clicks?limit=2".to_owned();
    loop {
        let page = bench.ok("GET", &path, Value::Null).await;
        for item in page["items"].as_array().unwrap() {
            assert_eq!((&item["outcome"], &item["sub_id"]), (&"attributed".into(), &"room-12".into()));
            ids.push(item["click_id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/clicks?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..5).map(|sequence| ClickId::new(stream, sequence).to_hex()).collect();
    assert_eq!(ids, expected);
    // No visitor, no label: the fields are absent. The first click's visitor is all zero, which means none.
    let page = bench.ok("GET", "/v1/clicks?limit=1", Value::Null).await;
    assert_eq!(page["items"][0]["visitor"], Value::Null);
    bench.problem("GET", "/v1/clicks?cursor=eA", Value::Null, 400, "invalid_cursor").await;
});
