//! Forms: what was typed, whether it is from our own page, and what is wrong with it, beside each field.

use crate::api::ApiError;
use crate::failure::Failure;
use crate::lang::Lang;
use crate::problem;
use crate::state::Console;
use crate::texts::Texts;
use crate::who::SignedIn;
use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Multipart, Request};
use http::StatusCode;
use subtle::ConstantTimeEq as _;

/// What was typed, in the order of the form.
pub(crate) type Fields = Vec<(String, String)>;

/// The field with the proof that a form is of this session.
pub(crate) const TOKEN: &str = "_token";
/// The field that names one rendering of a form.
const ONCE: &str = "_once";
/// Longest name of one rendering that is passed on.
const ONCE_MAX: usize = 64;

/// Reads a form's body.
pub(crate) fn parse(body: &[u8]) -> Fields {
    url::form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// What was typed into a field; empty if it is not there.
pub(crate) fn value<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// A path of ours, or the first page: what stands in an address must not lead to another host.
pub(crate) fn local_path(path: &str) -> String {
    let ours = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if ours && !path.chars().any(char::is_control) { path.to_owned() } else { "/".to_owned() }
}

/// A page of ours that a form leads back to, without what was said to be done there before; or another one.
pub(crate) fn page_to(back: &str, otherwise: &str) -> String {
    let back = local_path(back);
    let (page, query) = back.split_once('?').unwrap_or((&back, ""));
    if page == "/" {
        return otherwise.to_owned();
    }
    let kept = parse(query.as_bytes()).into_iter().filter(|(name, _)| name != "done");
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    if query.is_empty() { page.to_owned() } else { format!("{page}?{query}") }
}

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

/// Something wrong with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The field, if it is one of the form's.
    pub(crate) field: Option<String>,
    /// What is wrong, in the person's language.
    pub(crate) words: String,
}

/// A form on a page: what was typed so far, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: Fields,
    mistakes: Vec<Mistake>,
}

impl Form {
    /// Filled in, nothing wrong yet.
    pub(crate) fn filled(fields: Fields) -> Self {
        Self { fields, mistakes: Vec::new() }
    }

    /// What was sent, with what is wrong.
    pub(crate) fn refused(fields: &Fields, mistakes: Vec<Mistake>) -> Self {
        Self { fields: fields.clone(), mistakes }
    }

    /// What was sent, with what the API says about it. What is not the person's to mend stops the page.
    pub(crate) fn of_api(fields: &Fields, error: ApiError, t: &Texts, lang: Lang) -> Result<Self, Failure> {
        match error {
            ApiError::Refused(body) if matches!(body.status, 400 | 404 | 409 | 422) => {
                Ok(Self::refused(fields, vec![problem::mistake(t, lang, &body)]))
            }
            error => Err(error.into()),
        }
    }

    /// With other names for the fields that mistakes are about: the form's, where the API's differ.
    pub(crate) fn renamed(self, name: impl Fn(&str) -> String) -> Self {
        self.each(|mistake| mistake.field = mistake.field.take().map(|field| name(&field)))
    }

    /// With every mistake told as `tell` has it: where the form asks in another way than the API.
    pub(crate) fn each(mut self, tell: impl Fn(&mut Mistake)) -> Self {
        self.mistakes.iter_mut().for_each(tell);
        self
    }

    /// Whether anything is wrong.
    pub(crate) fn is_refused(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// What is wrong, for the top of the page.
    pub(crate) fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// A field with what was typed and what is wrong with it.
    pub(crate) fn show(&self, mut field: Field) -> Field {
        let typed = self.fields.iter().find(|(name, _)| *name == field.name);
        match field.kind {
            // A password is never sent back, and a file cannot be.
            "password" | "file" => {}
            // Of a form that was sent, what is not there was not ticked.
            "checks" if self.fields.is_empty() => {}
            "checks" => {
                let ticked = self.fields.iter().filter(|(name, _)| *name == field.name);
                field.value = ticked.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ");
            }
            _ => {
                if let Some((_, typed)) = typed {
                    field.value.clone_from(typed);
                }
            }
        }
        let wrong = self.mistakes.iter().find(|mistake| mistake.field.as_deref() == Some(field.name));
        field.error = wrong.map(|mistake| mistake.words.clone());
        field
    }
}

/// A labelled field.
#[derive(Debug, Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field {
    name: &'static str,
    label: String,
    kind: &'static str,
    value: String,
    hint: Option<String>,
    error: Option<String>,
    autocomplete: &'static str,
    inputmode: &'static str,
    required: bool,
    /// Of a choice: value and words.
    options: Vec<(String, String)>,
    /// Kinds of file that a script may read into it; empty for none.
    file: &'static str,
}

impl Field {
    /// One line of text that must be filled in.
    pub(crate) fn text(name: &'static str, label: &str) -> Self {
        Self {
            name,
            label: label.to_owned(),
            kind: "text",
            value: String::new(),
            hint: None,
            error: None,
            autocomplete: "off",
            inputmode: "text",
            required: true,
            options: Vec::new(),
            file: "",
        }
    }

    /// A password; `autocomplete` tells the browser which.
    pub(crate) fn password(name: &'static str, label: &str, autocomplete: &'static str) -> Self {
        Self { kind: "password", autocomplete, ..Self::text(name, label) }
    }

    /// A day.
    pub(crate) fn date(name: &'static str, label: &str) -> Self {
        Self { kind: "date", ..Self::text(name, label) }
    }

    /// A day and a time of day.
    pub(crate) fn moment(name: &'static str, label: &str) -> Self {
        Self { kind: "datetime-local", ..Self::text(name, label) }
    }

    /// A colour.
    pub(crate) fn colour(name: &'static str, label: &str) -> Self {
        Self { kind: "color", ..Self::text(name, label) }
    }

    /// A file of these kinds, to be sent with the form.
    pub(crate) fn upload(name: &'static str, label: &str, kinds: &'static str) -> Self {
        Self { kind: "file", file: kinds, ..Self::text(name, label) }
    }

    /// One of several.
    pub(crate) fn choice(name: &'static str, label: &str, options: Vec<(String, String)>) -> Self {
        Self { kind: "select", options, ..Self::text(name, label) }
    }

    /// Any of several; what is ticked at first is given [`with`](Self::with) spaces between.
    pub(crate) fn checks(name: &'static str, label: &str, options: Vec<(String, String)>) -> Self {
        Self { kind: "checks", options, ..Self::text(name, label) }
    }

    /// Whether an option is ticked.
    fn ticked(&self, option: &str) -> bool {
        self.value.split(' ').any(|ticked| ticked == option)
    }

    /// Several lines.
    pub(crate) fn lines(name: &'static str, label: &str) -> Self {
        Self { kind: "textarea", ..Self::text(name, label) }
    }

    /// May be filled from a file of these kinds, where scripts run.
    pub(crate) const fn file(mut self, kinds: &'static str) -> Self {
        self.file = kinds;
        self
    }

    /// With what stands in it at first.
    pub(crate) fn with(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// With a sentence that helps.
    pub(crate) fn hint(mut self, words: &str) -> Self {
        self.hint = Some(words.to_owned());
        self
    }

    /// Whether anything stands in it.
    pub(crate) const fn is_filled(&self) -> bool {
        !self.value.is_empty()
    }

    /// May stay empty.
    pub(crate) const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// What the browser may fill in.
    pub(crate) const fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    /// Which keyboard a phone shows.
    pub(crate) const fn inputmode(mut self, what: &'static str) -> Self {
        self.inputmode = what;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_back_to() {
        let rows = [
            ("/promoter/links?x=1", "/promoter/links?x=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
            ("/a\r\nb", "/"),
        ];
        for (path, expected) in rows {
            assert_eq!(local_path(path), expected, "{path}");
        }
    }

    #[test]
    fn what_was_typed_stays_except_passwords() {
        let fields = parse(b"login=lily%2Bx&password=secret");
        let form =
            Form::refused(&fields, vec![Mistake { field: Some("login".to_owned()), words: "no".to_owned() }]);
        let login = form.show(Field::text("login", "Login")).render().unwrap();
        assert!(
            login.contains("lily+x") && login.contains("aria-invalid") && login.contains(">no<"),
            "{login}"
        );
        let password =
            form.show(Field::password("password", "Password", "current-password")).render().unwrap();
        assert!(!password.contains("secret"), "{password}");
    }
}
