//! Bytes that have been written to disks, browsers and wires, and must be understood for good.
//!
//! The files under `golden/` are never changed: a new layout gets files of its own beside them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use attribution_core::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::{CheckKey, Code};
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{
    AddressPrefix, CLICK_FIXED_LEN, CLICK_MAX_LEN, ClickFlags, ClickRecord, Tally,
};
use attribution_core::shipping::Batch;
use attribution_core::time::Instant;
use attribution_core::token::{BrowserKeys, ClaimToken, ClickKeys, ClickToken, MasterKey, VisitorToken};

const NOW: Instant = Instant(1_700_000_000_000);
const AUDIENCE: u32 = 0x0102_0304;

fn stream() -> Stream {
    Stream { edge: EdgeId(513), epoch: Epoch(0x0192_3456_789a_bcde), worker: WorkerId(7) }
}

fn record() -> ClickRecord<'static> {
    ClickRecord {
        outcome: Outcome::Attributed,
        reason: Reason::ClaimKept,
        flags: ClickFlags::QR.with(ClickFlags::RETURNING_VISITOR),
        code: Code(0x0012_3456_789a_bcde),
        visitor: VisitorId(*b"visitor-visitor!"),
        placement: PlacementNum(0x0101_0101),
        target: TargetNum(0x0202_0202),
        programme: ProgrammeNum(0x0303_0303),
        promoter: PromoterNum(0x0404_0404),
        address_prefix: AddressPrefix::of("203.0.113.77".parse().unwrap()),
        address_hash: 0x0506_0708_090a_0b0c,
        agent_hash: 0x1112_1314_1516_1718,
        generation: 77,
        prior_claim: ClickId::new(stream(), 41),
        sub_id: b"room-12",
    }
}

fn tally() -> Tally {
    Tally { answered: 1_000, recorded: 1_001, counted: [1, 2, 3, 4], unjournaled: 5 }
}

fn record_bytes() -> Vec<u8> {
    let mut bytes = [0; CLICK_MAX_LEN];
    let len = record().encode(&mut bytes);
    bytes[..len].to_vec()
}

fn batch() -> Batch {
    let mut batch = Batch::new(stream(), 42);
    assert!(batch.push(NOW, &record_bytes()));
    assert!(batch.push(NOW.plus(1), &tally().encode()));
    batch
}

fn master() -> MasterKey {
    MasterKey::new(3, *b"a master key of the golden files")
}

fn visitor() -> VisitorToken {
    VisitorToken {
        visitor: VisitorId(*b"visitor-visitor!"),
        issued: NOW,
        expires: NOW.plus(1_000),
        audience: AUDIENCE,
    }
}

fn claim() -> ClaimToken {
    ClaimToken {
        programme: ProgrammeNum(1),
        promoter: PromoterNum(2),
        placement: PlacementNum(3),
        click: ClickId::new(stream(), 42),
        clicked: NOW,
        protected_until: NOW.plus(500),
        expires: NOW.plus(1_000),
        audience: AUDIENCE,
    }
}

fn click() -> ClickToken {
    ClickToken {
        click: ClickId::new(stream(), 42),
        visitor: VisitorId(*b"visitor-visitor!"),
        programme: ProgrammeNum(1),
        promoter: PromoterNum(2),
        placement: PlacementNum(3),
        target: TargetNum(4),
        code: Code(0x0012_3456_789a_bcde),
        clicked: NOW,
        unjournaled: true,
    }
}

fn signed(sign: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    sign(&mut out);
    out
}

/// A text file ends with a newline that is not part of the token.
fn line(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

#[test]
fn a_click_record_of_version_1() {
    let golden = include_bytes!("golden/click_record_v1.bin");
    assert_eq!(ClickRecord::decode(golden), Ok(record()));
    assert_eq!(record_bytes(), golden);
    assert_eq!(golden.len(), CLICK_FIXED_LEN + record().sub_id.len());
}

#[test]
fn a_tally_of_version_1() {
    let golden = include_bytes!("golden/tally_v1.bin");
    assert_eq!(Tally::decode(golden), Ok(tally()));
    assert_eq!(&tally().encode(), golden);
}

#[test]
fn a_batch_of_version_1() {
    let golden = include_bytes!("golden/batch_v1.bin");
    let read = Batch::decode(golden).unwrap();
    assert_eq!(read, batch());
    assert_eq!((read.stream(), read.first_sequence(), read.next_sequence()), (stream(), 42, 44));
    let frames: Vec<_> = read.frames().collect();
    assert_eq!((frames[0].sequence, frames[0].at, frames[0].payload), (42, NOW, record_bytes().as_slice()));
    assert_eq!((frames[1].sequence, frames[1].at), (43, NOW.plus(1)));
    assert_eq!(batch().encode(), golden);
}

#[test]
fn a_visitor_token_of_version_1() {
    let golden = line(include_bytes!("golden/visitor_token_v1.txt"));
    let keys = BrowserKeys::derive(&master(), None);
    assert_eq!(VisitorToken::open(golden, &keys, AUDIENCE, NOW), Ok(visitor()));
    assert_eq!(signed(|out| visitor().sign(&keys, out)), golden);
}

#[test]
fn a_claim_token_of_version_1() {
    let golden = line(include_bytes!("golden/claim_token_v1.txt"));
    let keys = BrowserKeys::derive(&master(), None);
    assert_eq!(ClaimToken::open(golden, &keys, AUDIENCE, NOW), Ok(claim()));
    assert_eq!(signed(|out| claim().sign(&keys, out)), golden);
}

#[test]
fn a_click_token_of_version_1() {
    let golden = line(include_bytes!("golden/click_token_v1.txt"));
    assert_eq!(ClickToken::open(golden, &ClickKeys::new(vec![master()])), Ok(click()));
    let key = ClickKeys::edge_key(&master(), stream().edge);
    assert_eq!(signed(|out| click().sign(&key, out)), golden);
}

#[test]
fn printed_codes_keep_their_check_characters() {
    let golden = include_str!("golden/codes_v1.txt");
    let key = CheckKey::new(*b"8 bytes!");
    let bodies = [0, 1, 61, 62, 123_456_789, 62u64.pow(8) - 1];
    let codes: Vec<String> =
        bodies.iter().map(|body| Code::from_body(*body, key).unwrap().to_string()).collect();
    assert_eq!(golden.lines().collect::<Vec<_>>(), codes);
}
