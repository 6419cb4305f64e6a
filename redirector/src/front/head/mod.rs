//! Which heads the front takes: the plainest only. Whatever could be read in two ways is left to hyper.

use crate::request::{FirstLine, is_named};
use attribution_core::code::Code;
use httparse::{Header, Request, Status};
use std::mem::MaybeUninit;

/// What the bytes read so far are.
#[derive(Debug)]
pub(crate) enum Read<'h, 'b> {
    /// The beginning of a head, of whatever kind: it is kept here until it is whole, where it costs least.
    Partial,
    /// Nothing for the front.
    Other,
    /// A plain head, whole, with nothing behind it.
    Plain(Plain<'h, 'b>),
}

/// A plain head: GET of a path, HTTP/1.1, no body and no word of one, nothing to switch to.
#[derive(Debug)]
pub(crate) struct Plain<'h, 'b> {
    pub(crate) line: FirstLine<'b>,
    headers: &'h [Header<'b>],
    /// The client asks for the connection to end with the answer.
    pub(crate) close: bool,
}

impl<'b> Plain<'_, 'b> {
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'b str, &'b [u8])> {
        self.headers.iter().map(|header| (header.name, header.value))
    }
}

/// The code that a head seems to ask for, before anything of it is checked.
pub(crate) fn code_ahead(bytes: &[u8]) -> Option<Code> {
    Code::guess(bytes.strip_prefix(BEGIN)?)
}

/// How a plain head begins.
const BEGIN: &[u8] = b"GET /";

/// Reads a head into `headers`, whose length limits how many there may be.
pub(crate) fn read<'h, 'b>(bytes: &'b [u8], headers: &'h mut [MaybeUninit<Header<'b>>]) -> Read<'h, 'b> {
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, headers) {
        Ok(Status::Complete(len)) if len == bytes.len() => {}
        Ok(Status::Partial) => return Read::Partial,
        // More behind it is a pipeline; an error is hyper's to answer.
        Ok(Status::Complete(_)) | Err(_) => return Read::Other,
    }
    if !bytes.starts_with(BEGIN) {
        return Read::Other;
    }
    let (Some(target), Some(1)) = (request.path, request.version) else { return Read::Other };
    let Some(close) = closes(request.headers) else { return Read::Other };
    if !target.bytes().all(is_plain) {
        return Read::Other;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let line = FirstLine {
        head: false,
        path: path.as_bytes(),
        query: query.as_bytes(),
        target_len: target.len(),
        absolute: None,
        old: false,
    };
    Read::Plain(Plain { line, headers: request.headers, close })
}

/// Whether the connection ends with the answer; `None` if a header says that this is no plain request.
fn closes(headers: &[Header<'_>]) -> Option<bool> {
    let (mut close, mut seen) = (false, false);
    for Header { name, value } in headers {
        let is = |known: &str| is_named(name, known);
        match name.len() {
            10 if is("connection") => {
                if std::mem::replace(&mut seen, true) {
                    return None;
                }
                close = value.eq_ignore_ascii_case(b"close");
                if !close && !value.eq_ignore_ascii_case(b"keep-alive") {
                    return None;
                }
            }
            6 if is("expect") => return None,
            7 if is("upgrade") => return None,
            14 if is("content-length") => return None,
            17 if is("transfer-encoding") => return None,
            _ => {}
        }
    }
    Some(close)
}

/// Bytes of a path or query that every parser takes as they are.
const fn is_plain(byte: u8) -> bool {
    PLAIN[byte as usize]
}

const PLAIN: [bool; 256] = {
    let others = b"/?-_.~%=&+:@!$()*,;'";
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        plain[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        plain[others[at] as usize] = true;
        at += 1;
    }
    plain
};

#[cfg(test)]
mod tests;
