//! What must hold whatever bytes arrive from outside: one function for each format read here, which panics if it does
//! not hold. The property tests give them random bytes, the targets in `fuzz/` bytes that a fuzzer has bred.

use crate::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use crate::code::{Alias, CheckKey, Code};
use crate::holder::HolderRecord;
use crate::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use crate::record::{CLICK_MAX_LEN, ClickRecord, Tally};
use crate::shipping::Batch;
use crate::time::Instant;
use crate::token::{BrowserKeys, ClaimToken, ClickKeys, ClickToken, MasterKey, VisitorToken};
use crate::web_address::web_address;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::LazyLock;

/// The own domain for which tokens are made here.
const AUDIENCE: u32 = 1;
/// Characters of a tag.
pub const TAG_TEXT_LEN: usize = 22;

/// Nobody who makes up bytes knows this key.
fn master() -> MasterKey {
    MasterKey::new(1, [9; 32])
}

/// Signed tokens of all three kinds, as their text.
pub fn signed_tokens() -> [Vec<u8>; 3] {
    let master = master();
    let browser = BrowserKeys::derive(&master, None);
    let click = ClickId::new(Stream { edge: EdgeId(3), epoch: Epoch(7), worker: WorkerId(1) }, 42);
    let (visitor, promoter, programme) = (VisitorId([5; 16]), PromoterNum(11), ProgrammeNum(13));
    let (placement, now, later) = (PlacementNum(17), Instant(1_000), Instant(1_000_000));
    let audience = AUDIENCE;
    let mut texts = [const { Vec::new() }; 3];
    VisitorToken { visitor, issued: now, expires: later, audience }.sign(&browser, &mut texts[0]);
    let claim = ClaimToken {
        programme,
        promoter,
        placement,
        click,
        clicked: now,
        protected_until: later,
        expires: later,
        audience,
    };
    claim.sign(&browser, &mut texts[1]);
    let token = ClickToken {
        click,
        visitor,
        programme,
        promoter,
        placement,
        target: TargetNum(19),
        code: Code(23),
        clicked: now,
        unjournaled: false,
    };
    token.sign(&ClickKeys::edge_key(&master, EdgeId(3)), &mut texts[2]);
    texts
}

/// Whether a token is accepted as any kind.
pub fn is_accepted(text: &[u8]) -> bool {
    static KEYS: LazyLock<(BrowserKeys, ClickKeys)> =
        LazyLock::new(|| (BrowserKeys::derive(&master(), None), ClickKeys::new(vec![master()])));
    let (browser, clicks) = &*KEYS;
    VisitorToken::open(text, browser, AUDIENCE, Instant(0)).is_ok()
        || ClaimToken::open(text, browser, AUDIENCE, Instant(0)).is_ok()
        || ClickToken::open(text, clicks).is_ok()
}

/// How many of `times` random tags under sound tokens are accepted: none. Every token is tried as what it says it is.
pub fn random_tags(seed: u64, times: u64) -> u64 {
    let mut tokens = signed_tokens();
    for token in &mut tokens {
        token.truncate(token.len() - TAG_TEXT_LEN);
    }
    let keys = (BrowserKeys::derive(&master(), None), ClickKeys::new(vec![master()]));
    let mut state = seed;
    let mut accepted = 0;
    for time in 0..times {
        let mut tag = [0; 16];
        for half in tag.chunks_exact_mut(8) {
            half.copy_from_slice(&random(&mut state).to_le_bytes());
        }
        let kind = (time % 3) as usize;
        let token = &mut tokens[kind];
        let len = token.len();
        let mut text = [0; TAG_TEXT_LEN];
        if URL_SAFE_NO_PAD.encode_slice(tag, &mut text) != Ok(TAG_TEXT_LEN) {
            continue;
        }
        token.extend_from_slice(&text);
        accepted += u64::from(match kind {
            0 => VisitorToken::open(token, &keys.0, AUDIENCE, Instant(0)).is_ok(),
            1 => ClaimToken::open(token, &keys.0, AUDIENCE, Instant(0)).is_ok(),
            _ => ClickToken::open(token, &keys.1).is_ok(),
        });
        token.truncate(len);
    }
    accepted
}

/// SplitMix64: enough for tags that only have to be different.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// No made-up token is accepted, whatever it is taken for.
pub fn token(bytes: &[u8]) {
    assert!(!is_accepted(bytes));
    let browser = BrowserKeys::derive(&master(), None);
    assert!(VisitorToken::open_any_domain(bytes, &browser, Instant(0)).is_err());
}

/// A code or alias that is taken is written as it was read.
pub fn code(bytes: &[u8]) {
    let key = CheckKey::new(*b"8 bytes!");
    if let Some(code) = Code::parse(bytes, key) {
        assert_eq!(code.text(), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // An alias that could be a code would hide one of them.
        let alias = Alias::new(text, key).is_ok();
        assert!(!alias || Code::parse(bytes, key).is_none(), "{text:?} is both");
    }
}

/// A record that is taken is written as it was read.
pub fn record(bytes: &[u8]) {
    if let Ok(record) = ClickRecord::decode(bytes) {
        let mut again = [0; CLICK_MAX_LEN];
        let len = record.encode(&mut again);
        assert_eq!(&again[..len], bytes);
    }
    if let Ok(tally) = Tally::decode(bytes) {
        assert_eq!(tally.encode(), bytes);
    }
}

/// A batch that is taken is written as it was read, and has as many frames as it says. The bytes are also tried with
/// their length and checksum put right: else hardly any would get beyond those.
pub fn batch(bytes: &[u8]) {
    batch_as_it_is(bytes);
    let mut sealed = bytes.to_vec();
    if Batch::seal(&mut sealed) {
        batch_as_it_is(&sealed);
    }
}

fn batch_as_it_is(bytes: &[u8]) {
    if let Ok(batch) = Batch::decode(bytes) {
        assert_eq!(batch.encode(), bytes);
        assert_eq!(batch.frames().count(), batch.len() as usize);
    }
}

/// Bytes that somebody put into Redis never panic its readers.
pub fn holder(bytes: &[u8]) {
    if let Ok(record) = HolderRecord::decode(bytes) {
        let _ = record.at(Instant(0));
    }
}

/// An address that is taken is one to which a browser can be sent, and stays what it is when read again.
pub fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(url) = web_address(text) {
        let sent = url.as_str();
        assert!(sent.bytes().all(|byte| byte.is_ascii_graphic()), "{sent:?}");
        assert!(sent.starts_with("http://") || sent.starts_with("https://"), "{sent:?}");
        assert_eq!(web_address(sent).as_ref().map(url::Url::as_str), Ok(sent));
    }
}
