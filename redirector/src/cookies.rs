//! Our cookies in a request and in an answer: found by hand, written whole, never parsed beyond their names.

use crate::request::Lines;
use memchr::memmem::Finder;

/// The visitor cookie's name, without its prefix.
const VISITOR: &[u8] = b"yk_v";
/// What all our names have in common.
const OURS: &[u8] = b"yk_";
/// What every claim cookie's name starts with, without its prefix.
const CLAIM: &[u8] = b"yk_c_";
/// Programmes whose claims one browser may carry; the oldest is expired first.
pub(crate) const CLAIMS_MAX: usize = 20;
/// Cookies of a request that are looked at: browsers keep at most a few hundred per site.
const COOKIES_MAX: usize = 256;

/// `__Host-` binds a cookie to this very host; browsers accept it over https only.
pub(crate) const fn prefix(secure: bool) -> &'static str {
    if secure { "__Host-" } else { "" }
}

/// Our cookies of one request. A name may come several times: another path or a parent domain can hold one, and a page
/// there may have planted it. So the values are candidates, and the first that verifies counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ours<'a> {
    /// Visitor tokens.
    pub(crate) visitors: Lines<'a>,
    /// Claim tokens of the programme that was asked for.
    pub(crate) own_claims: Lines<'a>,
    /// How many claim cookies there are, of all programmes.
    pub(crate) claims: usize,
}

/// Names and attributes, as the public scheme wants them.
pub(crate) struct CookieJar {
    prefix: &'static str,
    visitor_name: Box<[u8]>,
    attributes: &'static [u8],
    ours: Finder<'static>,
}

impl CookieJar {
    pub(crate) fn new(secure: bool) -> Self {
        let attributes: &[u8] = if secure {
            b"; Path=/; HttpOnly; SameSite=Lax; Secure"
        } else {
            b"; Path=/; HttpOnly; SameSite=Lax"
        };
        let prefix = prefix(secure);
        let visitor_name = [prefix.as_bytes(), VISITOR].concat().into();
        Self { prefix, visitor_name, attributes, ours: Finder::new(OURS) }
    }

    /// The visitor cookie's whole name.
    pub(crate) const fn visitor_name(&self) -> &[u8] {
        &self.visitor_name
    }

    /// Finds our cookies. `claim_name` is the programme's whole name.
    pub(crate) fn find<'a>(&self, lines: &[&'a [u8]], claim_name: &[u8]) -> Ours<'a> {
        let mut ours = Ours::default();
        // Most people come with others' cookies only: those are not taken apart.
        if lines.iter().all(|line| self.ours.find(line).is_none()) {
            return ours;
        }
        for (name, value) in pairs(lines) {
            let Some(rest) = name.strip_prefix(self.prefix.as_bytes()) else { continue };
            if rest == VISITOR {
                ours.visitors.push(value);
            } else if rest.starts_with(CLAIM) {
                ours.claims += 1;
                if name == claim_name {
                    ours.own_claims.push(value);
                }
            }
        }
        ours
    }

    /// All claim cookies: whole name and token.
    pub(crate) fn claims<'a>(&self, lines: &[&'a [u8]]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let prefix = self.prefix.as_bytes();
        pairs(lines).filter(move |(name, _)| name.strip_prefix(prefix).is_some_and(|n| n.starts_with(CLAIM)))
    }

    /// Appends `name=` to `out`; the token follows, then [`close`](Self::close).
    pub(crate) fn open(name: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(name);
        out.push(b'=');
    }

    /// Appends the life and the attributes.
    pub(crate) fn close(&self, life_seconds: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"; Max-Age=");
        push_decimal(life_seconds.max(0).unsigned_abs(), out);
        out.extend_from_slice(self.attributes);
    }
}

fn pairs<'a>(lines: &[&'a [u8]]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let pairs = lines.iter().flat_map(|line| line.split(|b| *b == b';'));
    pairs.take(COOKIES_MAX).filter_map(|pair| {
        let pair = pair.trim_ascii();
        let equals = pair.iter().position(|b| *b == b'=')?;
        Some((&pair[..equals], &pair[equals + 1..]))
    })
}

fn push_decimal(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_cookies_are_found_among_others() {
        let jar = CookieJar::new(false);
        let line: &[u8] =
            b"sid=a=b; yk_v=V;yk_c_p1=C1; yk_c_p2=C2; xyk_v=no; yk_v=second; broken; =x; yk_c_p=short";
        let ours = jar.find(&[line], b"yk_c_p1");
        assert_eq!(
            (ours.visitors.get(), ours.own_claims.get()),
            (&[&b"V"[..], b"second"][..], &[&b"C1"[..]][..])
        );
        assert_eq!(ours.claims, 3);
        let split: [&[u8]; 2] = [b"a=b", b"yk_v=V"];
        assert_eq!(jar.find(&split, b"yk_c_p1").visitors.get(), [b"V"]);
    }

    #[test]
    fn over_https_only_the_host_bound_cookies_count() {
        let jar = CookieJar::new(true);
        let line: &[u8] = b"yk_v=planted; __Host-yk_v=V; __Host-yk_c_p1=C";
        let ours = jar.find(&[line], b"__Host-yk_c_p1");
        assert_eq!((ours.visitors.get(), ours.own_claims.get()), (&[&b"V"[..]][..], &[&b"C"[..]][..]));
        assert_eq!(ours.claims, 1);
    }

    #[test]
    fn a_cookie_is_written_whole() {
        for (secure, expected) in [
            (false, "yk_v=T; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"),
            (true, "__Host-yk_v=T; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"),
        ] {
            let jar = CookieJar::new(secure);
            let mut out = Vec::new();
            CookieJar::open(jar.visitor_name(), &mut out);
            out.push(b'T');
            jar.close(60, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        let mut out = Vec::new();
        for number in [0, 9, 10, u64::MAX] {
            push_decimal(number, &mut out);
            out.push(b' ');
        }
        assert_eq!(out, b"0 9 10 18446744073709551615 ");
    }

    #[test]
    fn a_flood_of_cookies_ends() {
        let line = "yk_c_x=1; ".repeat(10_000);
        assert_eq!(CookieJar::new(false).find(&[line.as_bytes()], b"yk_c_x").claims, COOKIES_MAX);
    }
}
