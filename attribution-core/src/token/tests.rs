use super::*;
use crate::click::{ClickId, EdgeId, Epoch, Stream, WorkerId};
use crate::code::Code;
use crate::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use crate::time::Instant;

const NOW: Instant = Instant(1_700_000_000_000);
const AUDIENCE: u32 = 77;

fn master(generation: u16) -> MasterKey {
    MasterKey::new(generation, [u8::try_from(generation).unwrap(); 32])
}

fn visitor() -> VisitorToken {
    VisitorToken { visitor: VisitorId([5; 16]), issued: NOW, expires: NOW.plus(1_000), audience: AUDIENCE }
}

fn click(edge: u16) -> ClickToken {
    let stream = Stream { edge: EdgeId(edge), epoch: Epoch(3), worker: WorkerId(1) };
    ClickToken {
        click: ClickId::new(stream, 9),
        visitor: VisitorId([5; 16]),
        programme: ProgrammeNum(1),
        promoter: PromoterNum(2),
        placement: PlacementNum(3),
        target: TargetNum(4),
        code: Code(12345),
        clicked: NOW,
        unjournaled: false,
    }
}

fn text(sign: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(TOKEN_MAX_LEN);
    let room = out.capacity();
    sign(&mut out);
    assert!(out.len() <= TOKEN_MAX_LEN);
    assert_eq!(out.capacity(), room, "nothing was allocated");
    out
}

#[test]
fn any_changed_character_is_refused() {
    let keys = BrowserKeys::derive(&master(1), None);
    let good = text(|out| visitor().sign(&keys, out));
    assert_eq!(VisitorToken::open(&good, &keys, AUDIENCE, NOW), Ok(visitor()));
    for position in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[position] ^= 1 << bit;
            assert!(VisitorToken::open(&bad, &keys, AUDIENCE, NOW).is_err(), "byte {position} bit {bit}");
        }
    }
    for len in 0..good.len() {
        assert!(VisitorToken::open(&good[..len], &keys, AUDIENCE, NOW).is_err(), "cut to {len}");
    }
}

#[test]
fn a_token_of_one_kind_is_not_another() {
    let keys = BrowserKeys::derive(&master(1), None);
    let good = text(|out| visitor().sign(&keys, out));
    assert_eq!(ClaimToken::open(&good, &keys, AUDIENCE, NOW), Err(TokenError::WrongPurpose));
}

#[test]
fn life_and_domain_count() {
    let keys = BrowserKeys::derive(&master(1), None);
    let good = text(|out| visitor().sign(&keys, out));
    assert_eq!(VisitorToken::open(&good, &keys, AUDIENCE, NOW.plus(1_000)), Err(TokenError::Expired));
    assert_eq!(VisitorToken::open(&good, &keys, AUDIENCE + 1, NOW), Err(TokenError::OtherAudience));
    assert_eq!(VisitorToken::open_any_domain(&good, &keys, NOW), Ok(visitor()));
}

#[test]
fn what_never_expires_is_good_for_thousands_of_years() {
    let keys = BrowserKeys::derive(&master(1), None);
    let never = VisitorToken { expires: Instant(i64::MAX), ..visitor() };
    let good = text(|out| never.sign(&keys, out));
    let year_10_000 = Instant(253_402_300_800_000);
    assert_eq!(VisitorToken::open(&good, &keys, AUDIENCE, year_10_000).unwrap().visitor, never.visitor);
}

#[test]
fn a_text_longer_than_any_token_is_not_looked_into() {
    let keys = BrowserKeys::derive(&master(1), None);
    let long = |len: usize| {
        let text = format!("v1.g9.{}.{}", "A".repeat(100), "A".repeat(len - 107));
        assert_eq!(text.len(), len);
        VisitorToken::open(text.as_bytes(), &keys, AUDIENCE, NOW)
    };
    assert_eq!(long(TOKEN_MAX_LEN), Err(TokenError::UnknownKey), "its key was looked for");
    for len in [TOKEN_MAX_LEN + 1, TOKEN_MAX_LEN + 2, 100_000] {
        assert_eq!(long(len), Err(TokenError::Malformed), "{len}");
    }
}

#[test]
fn what_is_logged_of_a_key_is_its_name_and_no_secret() {
    let secret = [0xabu8; 32];
    let master = MasterKey::new(3, secret);
    let logs = [format!("{master:?}"), format!("{:?}", ClickKeys::edge_key(&master, EdgeId(7)))];
    assert_eq!(logs, ["MasterKey(generation 3, secret)", "SigningKey(g3e7, secret)"]);
}

#[test]
fn a_rotated_key_still_verifies_and_an_older_one_does_not() {
    let first = BrowserKeys::derive(&master(1), None);
    let second = BrowserKeys::derive(&master(2), Some(&master(1)));
    let third = BrowserKeys::derive(&master(3), Some(&master(2)));
    let good = text(|out| visitor().sign(&first, out));
    assert_eq!(master(2).generation(), 2);
    assert!(text(|out| visitor().sign(&second, out)).starts_with(b"v1.g2."), "a token names its generation");
    assert_eq!(VisitorToken::open(&good, &second, AUDIENCE, NOW), Ok(visitor()));
    assert_eq!(VisitorToken::open(&good, &third, AUDIENCE, NOW), Err(TokenError::UnknownKey));
}

#[test]
fn a_token_of_the_next_key_verifies_and_one_of_the_previous_is_outdated() {
    let first = BrowserKeys::derive(&master(1), None).before(Some(master(2).browser_key()));
    let second = BrowserKeys::derive(&master(2), Some(&master(1))).before(Some(master(3).browser_key()));
    let (old, new) = (text(|out| visitor().sign(&first, out)), text(|out| visitor().sign(&second, out)));
    for keys in [&first, &second] {
        assert_eq!(VisitorToken::open(&old, keys, AUDIENCE, NOW), Ok(visitor()));
        assert_eq!(VisitorToken::open(&new, keys, AUDIENCE, NOW), Ok(visitor()));
    }
    let rows = [(&first, &old, false), (&first, &new, false), (&second, &old, true), (&second, &new, false)];
    for (keys, token, outdated) in rows {
        assert_eq!(keys.is_outdated(token), outdated, "{:?}", keys.current().id());
    }
    assert!(!second.is_outdated(b"v1.g1x.a.b") && !second.is_outdated(b"v1") && !second.is_outdated(b""));
}

#[test]
fn an_edge_signs_only_its_own_clicks() {
    let keys = ClickKeys::new(vec![master(1)]);
    let own = ClickKeys::edge_key(&master(1), EdgeId(7));
    let good = text(|out| click(7).sign(&own, out));
    assert_eq!(ClickToken::open(&good, &keys), Ok(click(7)));
    let stolen = text(|out| click(8).sign(&own, out));
    assert_eq!(ClickToken::open(&stolen, &keys), Err(TokenError::BadSignature));
}
