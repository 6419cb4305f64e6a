//! A labelled field of a form: what it asks for, and what stands in it.

use askama::Template;

/// A labelled field.
#[derive(Debug, Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field {
    pub(super) name: &'static str,
    label: String,
    pub(super) kind: &'static str,
    pub(super) value: String,
    hint: Option<String>,
    pub(super) error: Option<String>,
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
