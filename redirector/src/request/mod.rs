//! What a request says, in borrowed pieces, and what is refused before anything is looked up.
//!
//! One pass over the headers, whoever has parsed the head: the front or hyper. What is no HTTP at all, differing
//! lengths, and heads beyond the limits have been refused by then. hyper resolves "both Content-Length and
//! Transfer-Encoding" by dropping the length, so any Transfer-Encoding on a GET is refused here, with the connection.

use crate::agents::AGENT_MAX;
use attribution_core::decide::{FetchMetadata, RequestFacts};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use url::{Host, Url};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of path and query at most.
const TARGET_MAX: usize = 2_048;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither GET nor HEAD.
    Method,
    /// A body, or headers that announce one.
    Body,
    /// Expect or Upgrade: we neither continue nor switch.
    Expectation,
    /// No Host, several, or one that is none.
    NoHost,
    /// A host that is not ours.
    ForeignHost,
    /// Path and query are too long.
    TooLong,
}

impl Refusal {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body | Self::Expectation | Self::NoHost => StatusCode::BAD_REQUEST,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::TooLong => StatusCode::URI_TOO_LONG,
        }
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Method => "only GET and HEAD\n",
            Self::Body => "a request without a body, please\n",
            Self::Expectation => "neither Expect nor Upgrade\n",
            Self::NoHost => "exactly one valid Host, please\n",
            Self::ForeignHost => "not served here\n",
            Self::TooLong => "the address is too long\n",
        }
    }
}

/// Our own hosts. Each is an audience of its own: a token made on one does not count on another.
#[derive(Debug)]
pub(crate) struct Hosts {
    /// The public base's first.
    own: Vec<Own>,
    loopback: bool,
}

#[derive(Debug)]
struct Own {
    host: Box<[u8]>,
    audience: u32,
    /// What stands in front of a link's code; ends in a slash.
    base: Box<str>,
}

fn audience(host: &[u8]) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "32 bits of the hash are the audience")]
    let hash = xxh3_64(host) as u32;
    hash
}

/// What stands in front of a link's code at this host of ours: all but the host is as in the public base.
fn base_at(public_base: &Url, host: &str) -> Box<str> {
    let mut base = public_base.clone();
    if let Err(error) = base.set_host(Some(host)) {
        tracing::warn!(host, %error, "is no host name: nobody can ask it");
    }
    base.set_query(None);
    base.set_fragment(None);
    let slash = if base.as_str().ends_with('/') { "" } else { "/" };
    format!("{base}{slash}").into()
}

impl Hosts {
    /// The public base's host and further ones. With a loopback base, every loopback form is ours.
    pub(crate) fn new(public_base: &Url, further: &[String]) -> Self {
        let base = public_base.host_str().unwrap_or_default();
        let loopback = match public_base.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(v4)) => v4.is_loopback() || v4.is_unspecified(),
            Some(Host::Ipv6(v6)) => v6.is_loopback() || v6.is_unspecified(),
            None => false,
        };
        let all = std::iter::once(base).chain(further.iter().map(String::as_str));
        let own = all.filter(|host| !host.is_empty()).map(|host| {
            let name = host.to_ascii_lowercase().into_bytes();
            Own { audience: audience(&name), host: name.into(), base: base_at(public_base, host) }
        });
        Self { own: own.collect(), loopback }
    }

    /// The audience of a `Host` header or authority, if it is ours.
    fn find(&self, authority: &[u8]) -> Option<u32> {
        let host = without_port(authority)?;
        let ours = self.own.iter().find(|own| own.host.eq_ignore_ascii_case(host));
        ours.map(|own| own.audience).or_else(|| {
            let is_loopback = self.loopback && is_loopback_form(host);
            is_loopback.then(|| audience(b"localhost"))
        })
    }

    /// What stands in front of a link's code at the host that was asked: whoever needs another one than the public base's
    /// is led back to none that does not open for them.
    pub(crate) fn base(&self, audience: u32) -> &str {
        let asked = self.own.iter().find(|own| own.audience == audience);
        asked.or(self.own.first()).map_or("", |own| own.base.as_ref())
    }
}

fn is_loopback_form(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The host of `host[:port]`; `None` if that is not what it is.
fn without_port(authority: &[u8]) -> Option<&[u8]> {
    let end_of_host = if authority.first() == Some(&b'[') {
        authority.iter().position(|b| *b == b']')? + 1
    } else {
        authority.iter().position(|b| *b == b':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(end_of_host);
    let port_is_one = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // A name that ends in a dot is the same name.
    let host = host.strip_suffix(b".").unwrap_or(host);
    (port_is_one && !host.is_empty()).then_some(host)
}

/// Which form of a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QrForm {
    Svg,
    Png,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path<'r> {
    /// `/{code}`: a code or an alias.
    Link(&'r [u8]),
    /// `/{code}+`: where does it lead?
    Preview(&'r [u8]),
    /// `/{code}~`: on to the destination, by the page in between.
    Onward(&'r [u8]),
    /// `/q/{code}.svg|.png`.
    Qr(&'r [u8], QrForm),
    /// `/robots.txt`.
    Robots,
    /// Nothing of ours.
    Unknown,
}

impl<'r> Path<'r> {
    /// The code or alias in it.
    pub(crate) const fn name(self) -> &'r [u8] {
        match self {
            Self::Link(name) | Self::Preview(name) | Self::Onward(name) | Self::Qr(name, _) => name,
            Self::Robots | Self::Unknown => &[],
        }
    }

    fn parse(path: &'r [u8]) -> Self {
        let name = path.strip_prefix(b"/").unwrap_or_default();
        if let Some(file) = name.strip_prefix(b"q/") {
            if let Some(code) = file.strip_suffix(b".svg") {
                return Self::Qr(code, QrForm::Svg);
            }
            return file.strip_suffix(b".png").map_or(Self::Unknown, |code| Self::Qr(code, QrForm::Png));
        }
        if name == b"robots.txt" {
            return Self::Robots;
        }
        match name {
            [] => Self::Unknown,
            [code @ .., b'+'] => Self::Preview(code),
            [code @ .., b'~'] => Self::Onward(code),
            name => Self::Link(name),
        }
    }
}

/// The values of something that may come several times; four of them are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lines<'r> {
    lines: [&'r [u8]; 4],
    len: usize,
}

impl<'r> Lines<'r> {
    pub(crate) fn push(&mut self, line: &'r [u8]) {
        if let Some(slot) = self.lines.get_mut(self.len) {
            *slot = line;
            self.len += 1;
        }
    }

    /// As `push`, but the last ones stay: a proxy writes its line behind those of the client.
    pub(crate) fn push_last(&mut self, line: &'r [u8]) {
        if self.len == self.lines.len() {
            self.lines.rotate_left(1);
            self.len -= 1;
        }
        self.push(line);
    }

    pub(crate) fn get(&self) -> &[&'r [u8]] {
        &self.lines[..self.len]
    }
}

/// A request that is not refused.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    pub(crate) path: Path<'r>,
    pub(crate) query: &'r [u8],
    /// Hash of the own host that was asked.
    pub(crate) audience: u32,
    /// Everything but the class of the agent.
    pub(crate) facts: RequestFacts,
    /// Its first [`AGENT_MAX`] bytes.
    pub(crate) agent: &'r [u8],
    pub(crate) cookies: Lines<'r>,
    pub(crate) forwarded: Lines<'r>,
    pub(crate) languages: &'r [u8],
}

/// A request's first line, as its parser has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstLine<'r> {
    /// HEAD; GET otherwise.
    pub(crate) head: bool,
    pub(crate) path: &'r [u8],
    pub(crate) query: &'r [u8],
    /// Bytes of path, question mark and query.
    pub(crate) target_len: usize,
    /// Scheme and authority, if the address is an absolute one.
    pub(crate) absolute: Option<(&'r str, &'r str)>,
    /// HTTP/1.0, which knows no Host.
    pub(crate) old: bool,
}

/// Reads a head that hyper has parsed.
pub(crate) fn read_parts<'r>(parts: &'r Parts, hosts: &Hosts) -> Result<Asked<'r>, Refusal> {
    let head = parts.method == Method::HEAD;
    if !head && parts.method != Method::GET {
        return Err(Refusal::Method);
    }
    let uri = &parts.uri;
    let line = FirstLine {
        head,
        path: uri.path().as_bytes(),
        query: uri.query().unwrap_or_default().as_bytes(),
        target_len: uri.path_and_query().map_or(0, |target| target.as_str().len()),
        absolute: uri.authority().map(|all| (uri.scheme_str().unwrap_or_default(), all.as_str())),
        old: parts.version == Version::HTTP_10,
    };
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    read(&line, headers, hosts)
}

/// Reads a head. Names of headers may come in any case.
pub(crate) fn read<'r>(
    line: &FirstLine<'r>,
    headers: impl Iterator<Item = (&'r str, &'r [u8])>,
    hosts: &Hosts,
) -> Result<Asked<'r>, Refusal> {
    let (mut host, mut hosts_seen) = (None, 0);
    let (mut dest, mut mode, mut site) = (None, None, None);
    let mut user_activated = false;
    let mut asked = Asked {
        path: Path::Unknown,
        query: line.query,
        audience: 0,
        facts: RequestFacts { head: line.head, ..RequestFacts::default() },
        agent: &[],
        cookies: Lines::default(),
        forwarded: Lines::default(),
        languages: &[],
    };
    for (name, value) in headers {
        let is = |known: &str| is_named(name, known);
        // The length tells most names apart; a browser sends fifteen headers, and each costs.
        match name.len() {
            4 if is("host") => {
                host = Some(value);
                hosts_seen += 1;
            }
            5 if is("x-moz") => asked.facts.prefetch |= is_prefetch(value),
            6 if is("cookie") => asked.cookies.push(value),
            6 if is("expect") => return Err(Refusal::Expectation),
            7 if is("upgrade") => return Err(Refusal::Expectation),
            7 if is("sec-gpc") => asked.facts.privacy_signal = value == b"1",
            7 if is("purpose") => asked.facts.prefetch |= is_prefetch(value),
            9 if is("x-purpose") => asked.facts.prefetch |= is_prefetch(value),
            10 if is("user-agent") => asked.agent = &value[..value.len().min(AGENT_MAX)],
            11 if is("sec-purpose") => asked.facts.prefetch |= is_prefetch(value),
            14 if is("sec-fetch-dest") => dest = Some(value),
            14 if is("sec-fetch-mode") => mode = Some(value),
            14 if is("sec-fetch-site") => site = Some(value),
            14 if is("sec-fetch-user") => user_activated = value == b"?1",
            14 if is("content-length") && value != b"0" => return Err(Refusal::Body),
            15 if is("accept-language") => asked.languages = value,
            15 if is("x-forwarded-for") => asked.forwarded.push_last(value),
            17 if is("transfer-encoding") => return Err(Refusal::Body),
            _ => {}
        }
    }
    let user_activated = user_activated || !would_tell_of_a_gesture(site, asked.agent);
    asked.facts.fetch = fetch_metadata(dest, mode, user_activated);
    asked.audience = whose(line, host, hosts_seen, hosts)?;
    if line.target_len > TARGET_MAX {
        return Err(Refusal::TooLong);
    }
    asked.path = Path::parse(line.path);
    Ok(asked)
}

/// Whether a header has the name `known`, which is in small letters. The last letter is looked at first: names of one
/// length often begin alike.
pub(crate) fn is_named(name: &str, known: &str) -> bool {
    let last = |name: &str| name.as_bytes().last().map(|byte| byte | 0x20);
    last(name) == last(known) && name.eq_ignore_ascii_case(known)
}

/// The audience of the host that was asked. An absolute address names a host of its own: both must be ours.
fn whose(line: &FirstLine<'_>, host: Option<&[u8]>, seen: u32, hosts: &Hosts) -> Result<u32, Refusal> {
    let named = match line.absolute {
        Some((scheme, _)) if !matches!(scheme, "http" | "https") => return Err(Refusal::NoHost),
        Some((_, authority)) => Some(hosts.find(authority.as_bytes()).ok_or(Refusal::ForeignHost)?),
        None => None,
    };
    match (host, seen, named) {
        (None, 0, Some(audience)) if line.old => Ok(audience),
        (Some(host), 1, named) => {
            without_port(host).ok_or(Refusal::NoHost)?;
            let audience = hosts.find(host).ok_or(Refusal::ForeignHost)?;
            Ok(named.unwrap_or(audience))
        }
        _ => Err(Refusal::NoHost),
    }
}

fn is_prefetch(value: &[u8]) -> bool {
    let word = value.split(|b| matches!(b, b';' | b',')).next().unwrap_or_default().trim_ascii();
    ["prefetch", "prerender", "preview"].iter().any(|purpose| word.eq_ignore_ascii_case(purpose.as_bytes()))
}

fn fetch_metadata(dest: Option<&[u8]>, mode: Option<&[u8]>, user_activated: bool) -> FetchMetadata {
    if dest.is_none() && mode.is_none() {
        return FetchMetadata::Absent;
    }
    let navigates = mode.is_none_or(|mode| mode == b"navigate");
    let document = dest.is_none_or(|dest| dest == b"document");
    if navigates && document {
        FetchMetadata::Navigation { user_activated }
    } else {
        FetchMetadata::Subresource
    }
}

/// Whether a missing Sec-Fetch-User means that nobody's gesture led here: a page did, not an address bar or an app
/// (their requests come from the site `none`), and the browser is one that sends the header. Safari sends its siblings
/// and never this one; other browsers on iOS are Safari underneath, and go by neither of these names.
fn would_tell_of_a_gesture(site: Option<&[u8]>, agent: &[u8]) -> bool {
    let named = |engine: &[u8]| agent.windows(engine.len()).any(|part| part == engine);
    site.is_some_and(|site| site != b"none") && (named(b"Chrome/") || named(b"Firefox/"))
}

#[cfg(test)]
mod tests;
