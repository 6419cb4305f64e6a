//! How many requests one token, and how many failed attempts one part of the network, may make: buckets that fill up
//! again with time, bounded in number.
//!
//! A token that is known is never stopped by what others at its address do: failed attempts are counted apart.

use super::{Peer, Problem, Role};
use attribution_core::time::Instant;
use http::StatusCode;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// Requests a second in the long run, by who asks; 0 means no limit. A burst may take five times as many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Admins and operators: the platform's own programs.
    pub operator: u32,
    /// One token of a merchant.
    pub merchant: u32,
    /// One token of a promoter.
    pub promoter: u32,
    /// One token of an agency.
    pub agency: u32,
    /// Attempts without a good token or signature, of one part of the network.
    pub unauthenticated: u32,
}

impl Default for Limits {
    fn default() -> Self {
        // A merchant's ERP sends batches; a promoter's program asks for reports and links.
        Self { operator: 0, merchant: 100, promoter: 30, agency: 50, unauthenticated: 10 }
    }
}

/// A burst is so many seconds' worth.
const BURST_SECONDS: u32 = 5;
/// Buckets kept of each kind: a few megabytes at most.
const BUCKETS_MAX: usize = 20_000;
/// One request, in the units of a bucket.
const ONE: i64 = 1_000;

/// The part of the network that one customer of a provider usually has.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & 0xffff_ff00).into()),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (u128::MAX << 72))),
    }
}

/// What one may still do.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: i64,
    at: Instant,
}

impl Bucket {
    fn full(rate: u32, now: Instant) -> Self {
        Self { level: capacity(rate), at: now }
    }

    fn refill(&mut self, rate: u32, now: Instant) {
        let passed = now.millis().saturating_sub(self.at.millis()).max(0);
        self.level = self.level.saturating_add(passed.saturating_mul(i64::from(rate))).min(capacity(rate));
        self.at = now;
    }

    /// Seconds until one request fits, rounded up.
    fn wait(&self, rate: u32) -> u32 {
        let missing = (ONE - self.level).max(0);
        u32::try_from(missing.div_euclid(i64::from(rate.max(1)) * ONE) + 1).unwrap_or(u32::MAX)
    }
}

fn capacity(rate: u32) -> i64 {
    i64::from(rate) * i64::from(BURST_SECONDS) * ONE
}

/// Buckets by key, in bounded memory: where there is no room, those that were not used for longest are forgotten.
struct Buckets<K>(Mutex<HashMap<K, Bucket>>);

impl<K: Hash + Eq> Buckets<K> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn with<T>(&self, key: K, rate: u32, now: Instant, then: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            let mut times: Vec<i64> = buckets.values().map(|bucket| bucket.at.millis()).collect();
            let (_, median, _) = times.select_nth_unstable(BUCKETS_MAX / 2);
            let median = *median;
            buckets.retain(|_, bucket| bucket.at.millis() > median);
        }
        let bucket = buckets.entry(key).or_insert_with(|| Bucket::full(rate, now));
        bucket.refill(rate, now);
        then(bucket)
    }

    fn knows(&self, key: &K) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }
}

/// All buckets of a core.
pub(crate) struct Limiter {
    limits: Limits,
    tokens: Buckets<[u8; 32]>,
    prefixes: Buckets<IpAddr>,
    senders: Buckets<Sender>,
}

/// Who sends notifications of which intake source from which part of the network.
type Sender = (String, IpAddr);

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, tokens: Buckets::new(), prefixes: Buckets::new(), senders: Buckets::new() }
    }

    fn rate(&self, role: Role) -> u32 {
        match role {
            Role::Admin | Role::Operator => self.limits.operator,
            Role::Merchant => self.limits.merchant,
            Role::Promoter => self.limits.promoter,
            Role::Agency => self.limits.agency,
            // An edge that waits loses nothing and is late with everything.
            Role::Edge => 0,
        }
    }

    /// Takes one request of a token that is good.
    pub(crate) fn take(&self, token: [u8; 32], role: Role, now: Instant) -> Result<(), Problem> {
        let rate = self.rate(role);
        self.tokens.with(token, rate, now, |bucket| take(bucket, rate))
    }

    /// Whether a token was good lately: it is looked up whatever happens at its address.
    pub(super) fn knows(&self, token: &[u8; 32]) -> bool {
        self.tokens.knows(token)
    }

    /// Refuses where too many attempts have failed; takes nothing.
    pub(crate) fn check_attempt(&self, peer: Option<Peer>, now: Instant) -> Result<(), Problem> {
        let (Some(Peer(address)), rate) = (peer, self.limits.unauthenticated) else { return Ok(()) };
        if rate == 0 {
            return Ok(());
        }
        self.prefixes.with(prefix(address), rate, now, |bucket| {
            if bucket.level < ONE { Err(limited(bucket, rate)) } else { Ok(()) }
        })
    }

    /// Notes an attempt that failed.
    pub(crate) fn failed_attempt(&self, peer: Option<Peer>, now: Instant) {
        let (Some(Peer(address)), rate) = (peer, self.limits.unauthenticated) else { return };
        if rate > 0 {
            self.prefixes
                .with(prefix(address), rate, now, |bucket| bucket.level = (bucket.level - ONE).max(0));
        }
    }

    /// Takes an attempt of somebody who sends a notification of `source`, before anything of it is read. One whose
    /// signature was right lately, from the same part of the network, is always let through: what strangers at its
    /// address do cannot shut a shop out.
    pub(crate) fn begin_sending(
        &self,
        source: &str,
        peer: Option<Peer>,
        now: Instant,
    ) -> Result<Sending, Problem> {
        let (Some(Peer(address)), rate) = (peer, self.limits.unauthenticated) else {
            return Ok(Sending(None));
        };
        let sender = (source.to_owned(), prefix(address));
        if rate == 0 || self.senders.knows(&sender) {
            return Ok(Sending(None));
        }
        self.prefixes.with(sender.1, rate, now, |bucket| take(bucket, rate))?;
        Ok(Sending(Some(sender)))
    }

    /// The signature was right: the attempt is given back, and the sender known from now on.
    pub(crate) fn sent_rightly(&self, sending: Sending, now: Instant) {
        let (Sending(Some(sender)), rate) = (sending, self.limits.unauthenticated) else { return };
        self.prefixes.with(sender.1, rate, now, |bucket| {
            bucket.level = (bucket.level + ONE).min(capacity(rate));
        });
        self.senders.with(sender, rate, now, |_| {});
    }
}

/// An attempt to send a notification, until its signature is known to be right or wrong.
pub(crate) struct Sending(Option<Sender>);

fn take(bucket: &mut Bucket, rate: u32) -> Result<(), Problem> {
    if rate == 0 {
        return Ok(());
    }
    if bucket.level < ONE {
        return Err(limited(bucket, rate));
    }
    bucket.level -= ONE;
    Ok(())
}

fn limited(bucket: &Bucket, rate: u32) -> Problem {
    metrics::counter!("yinke_core_rate_limited_total").increment(1);
    let wait = bucket.wait(rate);
    let what = format!("too many requests: {rate} a second in the long run; go on in {wait} s");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", what).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(Limits { merchant: 2, ..Limits::default() })
    }

    #[test]
    fn a_token_may_burst_and_then_waits_for_its_rate() {
        let limiter = limiter();
        let ask = |token: u8, role, at: i64| limiter.take([token; 32], role, Instant(at)).is_ok();
        assert!((0..10).all(|_| ask(1, Role::Merchant, 0)), "five seconds' worth");
        assert!(!ask(1, Role::Merchant, 0) && !ask(1, Role::Merchant, 499));
        assert!(ask(1, Role::Merchant, 500) && !ask(1, Role::Merchant, 500));
        assert!(ask(2, Role::Merchant, 0), "another token has its own");
        assert!((0..10_000).all(|_| ask(3, Role::Edge, 0) && ask(4, Role::Admin, 0)));
        assert!((0..10).all(|_| ask(1, Role::Merchant, 1_000_000)) && !ask(1, Role::Merchant, 1_000_000));
        // A clock that goes back gives nothing and takes nothing.
        assert!(!ask(1, Role::Merchant, 0));
    }

    #[test]
    fn failed_attempts_are_counted_by_part_of_the_network() {
        let limiter = limiter();
        let peer = |text: &str| Some(Peer(text.parse().unwrap()));
        for _ in 0..50 {
            assert!(limiter.check_attempt(peer("203.0.113.7"), Instant(0)).is_ok());
            limiter.failed_attempt(peer("203.0.113.7"), Instant(0));
        }
        let open = |text, at| limiter.check_attempt(peer(text), Instant(at)).is_ok();
        assert!(!open("203.0.113.200", 0) && !open("::ffff:203.0.113.9", 0) && open("203.0.114.7", 0));
        assert!(open("203.0.113.7", 100) && limiter.check_attempt(None, Instant(0)).is_ok());
        assert_eq!(
            prefix("2001:db8:1:2ff::9".parse().unwrap()),
            "2001:db8:1:200::".parse::<IpAddr>().unwrap()
        );
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = limiter();
        for n in 0..u32::try_from(BUCKETS_MAX).unwrap() * 3 {
            let peer = Some(Peer(IpAddr::V4((n << 8).into())));
            limiter.failed_attempt(peer, Instant(i64::from(n)));
        }
        assert!(limiter.prefixes.0.lock().unwrap().len() <= BUCKETS_MAX);
    }
}
