//! Who is at the other end: the client's address, and the only two traces of it that are ever kept.
//!
//! `X-Forwarded-For` counts only from trusted proxies and is walked from the right, so that a client cannot choose
//! its own address. What is kept is a truncated prefix and a keyed hash whose key changes every day.

use crate::config::AddressRange;
use attribution_core::record::AddressPrefix;
use attribution_core::time::{DAY_MS, Instant};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::net::IpAddr;

/// Proxies in a row that are followed; a longer chain is somebody playing.
const HOPS_MAX: usize = 8;

/// The client's address: the peer, or, behind trusted proxies, the nearest one that is not. `forwarded` are the values
/// of `X-Forwarded-For` in their order.
pub fn client(peer: IpAddr, forwarded: &[&[u8]], trusted: &[AddressRange]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut nearest = peer;
    let hops = forwarded.iter().rev().flat_map(|line| line.rsplit(|b| *b == b','));
    for hop in hops.take(HOPS_MAX) {
        if !is_trusted(nearest) {
            break;
        }
        match parse(hop.trim_ascii()) {
            Some(address) => nearest = address,
            None => break, // what a proxy did not write itself is no address
        }
    }
    nearest
}

/// An address, with or without a port.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    text.parse().ok().or_else(|| text.split_once(':')?.0.parse().ok())
}

/// The two traces of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) prefix: AddressPrefix,
    pub(crate) hash: u64,
    /// The day of the hash's key.
    pub(crate) day: i64,
}

/// Makes traces; knows the key of the day.
pub(crate) struct Tracer {
    secret: Hmac<Sha256>,
    key: Hmac<Sha256>,
    day: i64,
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(secret).unwrap_or_else(|_| unreachable!("any key length fits"))
}

/// Days since 1970, UTC.
pub(crate) const fn day_of(now: Instant) -> i64 {
    now.millis().div_euclid(DAY_MS)
}

impl Tracer {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let secret = keyed(secret);
        Self { key: secret.clone(), secret, day: i64::MIN }
    }

    /// The traces of an address on the day of `now`.
    pub(crate) fn trace(&mut self, address: IpAddr, now: Instant) -> Trace {
        let day = day_of(now);
        if day != self.day {
            let mut mac = self.secret.clone();
            mac.update(b"yinke address of day ");
            mac.update(&day.to_be_bytes());
            self.key = keyed(&mac.finalize().into_bytes());
            self.day = day;
        }
        let mut mac = self.key.clone();
        match address.to_canonical() {
            IpAddr::V4(v4) => mac.update(&v4.octets()),
            IpAddr::V6(v6) => mac.update(&v6.octets()),
        }
        let mut hash = [0; 8];
        hash.copy_from_slice(&mac.finalize().into_bytes()[..8]);
        Trace { prefix: AddressPrefix::of(address), hash: u64::from_be_bytes(hash), day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<AddressRange> = trusted.iter().map(|range| range.parse().unwrap()).collect();
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|line| line.as_bytes()).collect();
        client(peer.parse().unwrap(), &forwarded, &trusted).to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let lan = ["10.0.0.0/8"];
        let rows: [(&str, &[&str], &str); 10] = [
            ("1.2.3.4", &["9.9.9.9"], "1.2.3.4"),
            ("10.0.0.1", &["9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", &["6.6.6.6, 9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", &["6.6.6.6, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
            ("10.0.0.1", &["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
            ("10.0.0.1", &["9.9.9.9:4711"], "9.9.9.9"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &["6.6.6.6, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            (
                "10.0.0.1",
                &["6.6.6.6, 10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1,10.1.1.1"],
                "10.1.1.1",
            ),
        ];
        for (peer, forwarded, expected) in rows {
            assert_eq!(seen(peer, forwarded, &lan), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn the_hash_changes_with_the_day_and_the_secret() {
        let (noon, address) = (Instant(DAY_MS * 20_000 + DAY_MS / 2), "203.0.113.7".parse().unwrap());
        let mut tracer = Tracer::new(&[1; 32]);
        let today = tracer.trace(address, noon);
        assert_eq!(tracer.trace(address, noon.plus(1_000)), today);
        assert_eq!(tracer.trace("::ffff:203.0.113.7".parse().unwrap(), noon), today);
        assert_ne!(tracer.trace(address, noon.plus(DAY_MS)).hash, today.hash);
        assert_ne!(Tracer::new(&[2; 32]).trace(address, noon).hash, today.hash);
        assert_eq!(tracer.trace(address, noon), today);
    }
}
