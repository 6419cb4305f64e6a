//! Forms as they are sent: by somebody who is signed in, from our own page, with or without a file.

use super::{Fields, Mistake, TOKEN, parse, value};
use crate::failure::Failure;
use crate::state::Console;
use crate::texts::Texts;
use crate::who::SignedIn;
use attribution_core::time::Instant;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Multipart, Request};
use http::StatusCode;
use jiff::civil::Date;
use subtle::ConstantTimeEq as _;

/// The field that names one rendering of a form.
const ONCE: &str = "_once";
/// Longest name of one rendering that is passed on.
const ONCE_MAX: usize = 64;

/// A form that somebody who is signed in sent from our own page.
pub(crate) struct Submitted {
    pub(crate) fields: Fields,
}

impl Submitted {
    /// What was typed into a field, without the spaces around it.
    pub(crate) fn value(&self, name: &str) -> &str {
        value(&self.fields, name).trim()
    }

    /// As [`value`](Self::value), if anything was typed.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.value(name)).filter(|value| !value.is_empty())
    }

    /// As it was typed: for passwords.
    pub(crate) fn exact(&self, name: &str) -> &str {
        value(&self.fields, name)
    }

    /// Every value of a field that the form has several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Midnight in Asia/Shanghai of the day typed into a field, in milliseconds since 1970.
    pub(crate) fn midnight(&self, name: &'static str, t: &Texts) -> Result<i64, Mistake> {
        let day: Result<Date, _> = self.value(name).parse();
        let mistake = |_| Mistake { field: Some(name.to_owned()), words: t.reports.bad_day.clone() };
        day.map(|day| Instant::of_shanghai_date(day).millis()).map_err(mistake)
    }

    /// As [`midnight`](Self::midnight), if anything was typed.
    pub(crate) fn midnight_if_given(&self, name: &'static str, t: &Texts) -> Result<Option<i64>, Mistake> {
        self.given(name).map(|_| self.midnight(name, t)).transpose()
    }

    /// Names this rendering of the form, for the API to know a repeat.
    pub(crate) fn once(&self) -> &str {
        let once = value(&self.fields, ONCE);
        if once.len() <= ONCE_MAX && once.bytes().all(|b| b.is_ascii_graphic()) { once } else { "" }
    }

    /// As [`once`](Self::once), for one of several forms of a page that ask the same path: `of` tells them apart. It is an
    /// id of the API's.
    pub(crate) fn once_of(&self, of: &str) -> String {
        let once = self.once();
        if once.is_empty() { String::new() } else { format!("{once}.{of}") }
    }
}

impl FromRequest<Console> for Submitted {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let who = SignedIn::from_request_parts(&mut parts, console).await?;
        let body = Bytes::from_request(Request::from_parts(parts, body), console)
            .await
            .map_err(|_| Failure::BadForm)?;
        let fields = parse(&body);
        let expected = who.secret.form_token();
        if !bool::from(value(&fields, TOKEN).as_bytes().ct_eq(expected.as_bytes())) {
            return Err(Failure::OtherSite);
        }
        Ok(Self { fields })
    }
}

/// A form with a file that somebody who is signed in sent from our own page.
pub(crate) struct Uploaded {
    pub(crate) form: Submitted,
    /// The file; empty if none was chosen.
    pub(crate) file: Result<Bytes, TooLarge>,
}

/// A file has more bytes than its page takes.
#[derive(Debug)]
pub(crate) struct TooLarge;

impl FromRequest<Console> for Uploaded {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let who = SignedIn::from_request_parts(&mut parts, console).await?;
        let mut multipart = Multipart::from_request(Request::from_parts(parts, body), console)
            .await
            .map_err(|_| Failure::BadForm)?;
        let expected = who.secret.form_token();
        let mut fields = Fields::new();
        let mut file = Ok(Bytes::new());
        // The fields stand before the file, and nothing behind one that is too large is read.
        loop {
            let field = match multipart.next_field().await {
                Ok(Some(field)) => field,
                Ok(None) => break,
                Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                    file = Err(TooLarge);
                    break;
                }
                Err(_) => return Err(Failure::BadForm),
            };
            let name = field.name().unwrap_or_default().to_owned();
            let is_file = field.file_name().is_some();
            match field.bytes().await {
                Ok(bytes) if is_file => file = Ok(bytes),
                Ok(bytes) => fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
                Err(error) if is_file && error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                    file = Err(TooLarge);
                    break;
                }
                Err(_) => return Err(Failure::BadForm),
            }
        }
        if !bool::from(value(&fields, TOKEN).as_bytes().ct_eq(expected.as_bytes())) {
            return Err(Failure::OtherSite);
        }
        Ok(Self { form: Submitted { fields }, file })
    }
}
