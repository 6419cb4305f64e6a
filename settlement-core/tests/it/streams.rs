//! Streams of clicks, as an edge would record them.

use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord, Tally};
use attribution_core::shipping::Batch;
use attribution_core::time::Instant;
use std::ops::Range;

/// When sequence 0 of every stream was recorded; one second apart from there on.
pub(crate) const START: Instant = Instant(1_790_000_000_000);

pub(crate) fn stream(edge: u16, worker: u8) -> Stream {
    // The highest bit is set: an epoch uses all 64.
    Stream { edge: EdgeId(edge), epoch: Epoch(0xfedc_ba98_7654_3210), worker: WorkerId(worker) }
}

/// The record of number `sequence`; `salt` makes other bytes.
pub(crate) fn record(sequence: u64, salt: u8) -> Vec<u8> {
    let visitor = if sequence % 5 == 4 {
        VisitorId::NONE
    } else {
        VisitorId([u8::try_from(sequence % 5).unwrap() + 1; 16])
    };
    let click = ClickRecord {
        outcome: if sequence % 7 == 6 { Outcome::Bot } else { Outcome::Attributed },
        reason: Reason::None,
        flags: ClickFlags::default(),
        code: Code(sequence * 62),
        visitor,
        placement: PlacementNum(1),
        target: TargetNum(2),
        programme: ProgrammeNum(3),
        promoter: PromoterNum(4),
        address_prefix: AddressPrefix::default(),
        address_hash: salt.into(),
        agent_hash: sequence,
        generation: 9,
        prior_claim: ClickId::default(),
        sub_id: b"sub",
    };
    let mut bytes = [0; CLICK_MAX_LEN];
    let len = click.encode(&mut bytes);
    bytes[..len].to_vec()
}

/// Every tenth frame is a tally, as if the worker had written one now and then.
pub(crate) fn payload(sequence: u64) -> Vec<u8> {
    if sequence % 10 != 9 {
        return record(sequence, 0);
    }
    let recorded = sequence - sequence / 10;
    Tally { answered: recorded, recorded, counted: [1, 2, 3, 4], unjournaled: 0 }.encode().to_vec()
}

pub(crate) fn at(sequence: u64) -> Instant {
    START.plus(i64::try_from(sequence).unwrap() * 1_000)
}

pub(crate) fn batch(stream: Stream, numbers: Range<u64>) -> Batch {
    let mut batch = Batch::new(stream, numbers.start);
    for sequence in numbers {
        assert!(batch.push(at(sequence), &payload(sequence)));
    }
    batch
}
