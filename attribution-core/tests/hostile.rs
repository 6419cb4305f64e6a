//! Whatever bytes arrive, nothing panics, nothing damaged is accepted, and what was written reads back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use attribution_core::click::{ClickId, EdgeId, Epoch, MAX_SEQUENCE, Stream, WorkerId};
use attribution_core::code::{BODIES, CheckKey, Code};
use attribution_core::fuzzing;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord, SUB_ID_MAX, Tally};
use attribution_core::shipping::{Batch, BatchError};
use attribution_core::time::Instant;
use attribution_core::token::{ClickKeys, ClickToken, MasterKey};
use proptest::collection::vec;
use proptest::prelude::*;

const KEY: CheckKey = CheckKey::new(*b"8 bytes!");

fn master() -> MasterKey {
    MasterKey::new(1, [9; 32])
}

fn stream(edge: u16, epoch: u64, worker: u8) -> Stream {
    Stream { edge: EdgeId(edge), epoch: Epoch(epoch), worker: WorkerId(worker) }
}

/// Bytes that look a little like a token.
fn token_like() -> impl Strategy<Value = Vec<u8>> {
    "(v1|v2|)\\.?(g1|g1e1|g01|ge|g99999|)\\.[A-Za-z0-9_=+/-]{0,120}\\.[A-Za-z0-9_-]{0,30}(\\.x)?"
        .prop_map(String::into_bytes)
}

fn any_record() -> impl Strategy<Value = (ClickRecord<'static>, Vec<u8>)> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let words = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
    let ids = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<[u8; 8]>());
    (0u8..16, 0u8..7, any::<u16>(), numbers, words, ids, vec(any::<u8>(), 0..=SUB_ID_MAX)).prop_map(
        |(outcome, reason, flags, (a, b, c, d), (e, f, g, h), (visitor, claim, prefix), sub)| {
            let record = ClickRecord {
                outcome: Outcome::from_u8(outcome).unwrap(),
                reason: Reason::from_u8(reason).unwrap(),
                flags: ClickFlags(flags),
                code: Code(e),
                visitor: VisitorId(visitor),
                placement: PlacementNum(a),
                target: TargetNum(b),
                programme: ProgrammeNum(c),
                promoter: PromoterNum(d),
                address_prefix: AddressPrefix(prefix),
                address_hash: f,
                agent_hash: g,
                generation: h,
                prior_claim: ClickId(claim),
                sub_id: &[],
            };
            (record, sub)
        },
    )
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let frames = vec((any::<i64>(), vec(any::<u8>(), 0..200)), 0..20);
    (any::<u16>(), any::<u64>(), any::<u8>(), 0..MAX_SEQUENCE - 100, frames).prop_map(
        |(edge, epoch, worker, first, frames)| {
            let mut batch = Batch::new(stream(edge, epoch, worker), first);
            for (at, payload) in &frames {
                assert!(batch.push(Instant(*at), payload));
            }
            batch
        },
    )
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_taken_for_something_else(bytes in vec(any::<u8>(), 0..400)) {
        fuzzing::token(&bytes);
        fuzzing::code(&bytes);
        fuzzing::record(&bytes);
        fuzzing::batch(&bytes);
        fuzzing::holder(&bytes);
        fuzzing::address(&bytes);
    }

    #[test]
    fn what_looks_like_a_token_is_none(text in token_like()) {
        fuzzing::token(&text);
    }

    #[test]
    fn what_looks_like_an_address_stays_what_it_is(text in "(https?|HTTP|//|ftp)?:?[/\\\\]{0,3}[a-z商@.:]{0,12}(:[0-9]{1,5})?[/\\\\?#]?[ -~\t\r\n商]{0,40}") {
        fuzzing::address(text.as_bytes());
    }

    #[test]
    fn what_starts_like_a_record_is_one_or_refused(kind in 0u8..4, version in 0u8..3, rest in vec(any::<u8>(), 0..200)) {
        fuzzing::record(&[&[kind, version], rest.as_slice()].concat());
    }

    #[test]
    fn what_is_sealed_like_a_batch_is_one_or_refused(head in vec(any::<u8>(), 32), count in 0u8..4, rest in vec(prop_oneof![Just(0), any::<u8>()], 12..200)) {
        fuzzing::batch(&[head.as_slice(), &[count, 0, 0, 0], &rest].concat());
    }

    #[test]
    fn a_record_reads_back_and_is_written_alike((record, sub) in any_record()) {
        let record = ClickRecord { sub_id: &sub, ..record };
        let mut bytes = [0xff; CLICK_MAX_LEN];
        let len = record.encode(&mut bytes);
        prop_assert_eq!(ClickRecord::decode(&bytes[..len]), Ok(record));
        prop_assert!(ClickRecord::decode(&bytes[..len - 1]).is_err());
    }

    #[test]
    fn bytes_read_as_a_record_are_written_alike(bytes in vec(any::<u8>(), 96..160)) {
        let mut bytes = bytes;
        let sub = u8::try_from(bytes.len() - 96).unwrap();
        bytes[..2].copy_from_slice(&[1, 1]);
        (bytes[2], bytes[3], bytes[6], bytes[7]) = (bytes[2] % 16, bytes[3] % 7, sub, 0);
        let record = ClickRecord::decode(&bytes).unwrap();
        let mut again = [0; CLICK_MAX_LEN];
        let len = record.encode(&mut again);
        prop_assert_eq!(&again[..len], bytes.as_slice());
    }

    #[test]
    fn a_tally_reads_back(words in any::<[u64; 7]>()) {
        let [answered, recorded, a, b, c, d, unjournaled] = words;
        let tally = Tally { answered, recorded, counted: [a, b, c, d], unjournaled };
        prop_assert_eq!(Tally::decode(&tally.encode()), Ok(tally));
    }

    #[test]
    fn a_batch_reads_back_and_a_damaged_one_is_refused(batch in any_batch(), at in any::<proptest::sample::Index>(), flip in 1u8..=255) {
        let bytes = batch.encode();
        prop_assert_eq!(&Batch::decode(&bytes).unwrap(), &batch);
        prop_assert_eq!(batch.frames().count(), batch.len() as usize);
        let mut damaged = bytes.clone();
        damaged[at.index(bytes.len())] ^= flip;
        prop_assert!(Batch::decode(&damaged).is_err());
        prop_assert!(Batch::decode(&bytes[..at.index(bytes.len())]).is_err());
        prop_assert!(Batch::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn tokens_read_back_and_changed_ones_are_refused(
        edge in any::<u16>(), sequence in 0..MAX_SEQUENCE, ids in any::<[u32; 4]>(), visitor in any::<[u8; 16]>(),
        clicked in 0i64..1 << 47, code in 0..BODIES, unjournaled in any::<bool>(),
        at in any::<proptest::sample::Index>(), to in "[A-Za-z0-9_.=-]",
    ) {
        let token = ClickToken {
            click: ClickId::new(stream(edge, u64::MAX, 255), sequence),
            visitor: VisitorId(visitor),
            programme: ProgrammeNum(ids[0]),
            promoter: PromoterNum(ids[1]),
            placement: PlacementNum(ids[2]),
            target: TargetNum(ids[3]),
            code: Code::from_body(code, KEY).unwrap(),
            clicked: Instant(clicked),
            unjournaled,
        };
        let keys = ClickKeys::new(vec![master()]);
        let mut text = Vec::new();
        token.sign(&ClickKeys::edge_key(&master(), EdgeId(edge)), &mut text);
        prop_assert_eq!(ClickToken::open(&text, &keys), Ok(token));
        let position = at.index(text.len());
        let mut changed = text.clone();
        changed[position] = to.as_bytes()[0];
        if changed != text {
            prop_assert!(ClickToken::open(&changed, &keys).is_err());
        }
        prop_assert!(ClickToken::open(&text[..position], &keys).is_err());
    }

    #[test]
    fn a_code_reads_back_and_most_mistypings_are_refused(body in 0..BODIES, at in 0usize..9, to in "[A-Za-z0-9]") {
        let code = Code::from_body(body, KEY).unwrap();
        prop_assert_eq!(Code::parse(&code.text(), KEY), Some(code));
        let mut typed = code.text();
        typed[at] = to.as_bytes()[0];
        // A mistyped body can meet its check character, 1 time in 62; a mistyped check character never does.
        if at == 8 && typed != code.text() {
            prop_assert_eq!(Code::parse(&typed, KEY), None);
        }
        if let Some(parsed) = Code::parse(&typed, KEY) {
            prop_assert_eq!(parsed.text(), typed);
        }
    }
}

#[test]
fn a_batch_whose_numbers_no_stream_can_have_is_refused() {
    let mut last = Batch::new(stream(1, 1, 1), MAX_SEQUENCE);
    assert!(last.push(Instant(0), b"the very last one"));
    assert!(!last.push(Instant(0), b"one too many"));
    assert_eq!(Batch::decode(&last.encode()), Ok(last));
    for first in [MAX_SEQUENCE + 2, u64::MAX] {
        let mut beyond = Batch::new(stream(1, 1, 1), first);
        assert!(!beyond.push(Instant(0), b"x"));
        assert_eq!(Batch::decode(&beyond.encode()), Err(BatchError::Sequence), "{first}");
    }
}
