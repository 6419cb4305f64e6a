//! A page put together from parts: facts, tables, forms, words. The merchants', operators' and agencies' pages are such
//! sheets: what a table looks like on a phone, or where a refused form says so, is decided here once.

use crate::failure::Failure;
use crate::form::{Field, Form};
use crate::frame::{Frame, refusing};
use crate::who::SignedIn;
use askama::Template;
use axum::response::Response;

/// What stands in a table, or beside a name.
pub(crate) enum Cell {
    Text(String),
    /// What people call it, and its id.
    Named(String, String),
    /// An amount or a count: to the right, figures under figures.
    Number(String),
    /// To be copied letter by letter.
    Code(String),
    /// How something stands: `good`, `warn`, `bad` or nothing, and the words.
    Tag(&'static str, String),
    /// An address and its words.
    Link(String, String),
    /// A tag, and why.
    Why(&'static str, String, String),
    /// A text as programs read it, folded away under these words.
    Source(String, String),
    Actions(Vec<Action>),
}

impl Cell {
    /// A name with its id, as far as there are two; a dash for nobody and nothing.
    pub(crate) fn named(name: Option<String>, id: Option<String>) -> Self {
        match (name, id) {
            (Some(name), Some(id)) if name != id && !name.is_empty() => Self::Named(name, id),
            (_, Some(id)) => Self::Text(id),
            (Some(name), None) => Self::Text(name),
            (None, None) => Self::Text("—".to_owned()),
        }
    }
}

/// A button that does one thing.
pub(crate) struct Action {
    to: String,
    words: String,
    /// What it is done to, for those who cannot see the row.
    about: String,
    hidden: Vec<(&'static str, String)>,
    /// What it takes away: then the button opens these words, and another one below them does it.
    warning: Option<String>,
}

impl Action {
    pub(crate) fn new(to: impl Into<String>, words: &str, about: &str) -> Self {
        let (to, words, about) = (to.into(), words.to_owned(), about.to_owned());
        Self { to, words, about, hidden: Vec::new(), warning: None }
    }

    /// Sends this along.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// It takes something away: `warning` says what, and asks once more.
    pub(crate) fn danger(mut self, warning: &str) -> Self {
        self.warning = Some(warning.to_owned());
        self
    }
}

struct Column {
    words: String,
    numeric: bool,
}

/// Rows under heads; on a phone each row is a card.
pub(crate) struct Table {
    title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    empty: String,
    next: Option<String>,
}

impl Table {
    /// `columns` are the heads (one without words is of buttons), `numeric` which of them are of numbers.
    pub(crate) fn new(title: &str, columns: &[&str], numeric: &[usize], empty: &str) -> Self {
        let column = |(at, words): (usize, &&str)| Column {
            words: (*words).to_owned(),
            numeric: numeric.contains(&at),
        };
        Self {
            title: title.to_owned(),
            columns: columns.iter().enumerate().map(column).collect(),
            rows: Vec::new(),
            empty: empty.to_owned(),
            next: None,
        }
    }

    /// The first cell is what the row is about.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn next(mut self, next: Option<String>) -> Self {
        self.next = next;
        self
    }
}

/// A form with a button.
pub(crate) struct FormPart {
    title: String,
    intro: Option<String>,
    to: String,
    fields: Vec<Field>,
    hidden: Vec<(&'static str, String)>,
    /// The last one is the form's own.
    buttons: Vec<(&'static str, String)>,
    danger: bool,
    /// Folded away, or open.
    fold: Option<bool>,
    /// One step of many: where scripts run, it is sent as soon as the page is there.
    goes_on: bool,
}

impl FormPart {
    pub(crate) fn new(title: &str, to: impl Into<String>, button: &str) -> Self {
        Self {
            title: title.to_owned(),
            intro: None,
            to: to.into(),
            fields: Vec::new(),
            hidden: Vec::new(),
            buttons: vec![("", button.to_owned())],
            danger: false,
            fold: None,
            goes_on: false,
        }
    }

    pub(crate) fn intro(mut self, words: &str) -> Self {
        self.intro = Some(words.to_owned());
        self
    }

    pub(crate) fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    pub(crate) fn hidden(mut self, name: &'static str, value: &str) -> Self {
        self.hidden.push((name, value.to_owned()));
        self
    }

    /// Another button, which sends `do=NAME`.
    pub(crate) fn button(mut self, name: &'static str, words: &str) -> Self {
        self.buttons.push((name, words.to_owned()));
        self
    }

    /// Folded away unless `open`.
    pub(crate) const fn fold(mut self, open: bool) -> Self {
        self.fold = Some(open);
        self
    }

    pub(crate) const fn danger(mut self) -> Self {
        self.danger = true;
        self
    }

    /// The next step of something that its reader has begun: goes on by itself where scripts run. Only for the answer to a
    /// form; a page that anybody can be led to must not do anything by itself.
    pub(crate) const fn goes_on(mut self) -> Self {
        self.goes_on = true;
        self
    }
}

/// What a list is searched by: one field in sight, the others folded away unless they hold something.
pub(crate) struct Filters {
    pub(crate) to: String,
    pub(crate) first: Field,
    pub(crate) more: Vec<Field>,
    /// Where what was found can be had as a file.
    pub(crate) file: Option<String>,
}

impl Filters {
    /// Whether the folded fields hold something.
    pub(crate) fn open(&self) -> bool {
        self.more.iter().any(Field::is_filled)
    }
}

/// A part of a page.
pub(crate) enum Part {
    /// `good`, `warn`, `bad` or nothing.
    Note(&'static str, String),
    /// Names and what they are.
    Facts(String, Vec<(String, Cell)>),
    /// Figures in boxes: name, figure, where it leads.
    Figures(Vec<(String, String, Option<&'static str>)>),
    Table(Table),
    Form(FormPart),
    Filters(Filters),
    /// Sentences under a heading, numbered or not.
    Words(String, Vec<String>),
    /// The same, folded away.
    Folded(String, Vec<String>),
    /// A text as programs read it, folded away.
    Source(String, String),
    /// Addresses and their words, as buttons.
    Links(Vec<(String, String)>),
    /// A secret to copy now: name, value and words.
    Secret(String, String, String),
    /// An address to copy: name, value and what to do with it.
    Address(String, String, String),
}

/// A page of parts.
#[derive(Template)]
#[template(path = "sheet.html")]
pub(crate) struct Sheet {
    f: Frame,
    title: String,
    back: Option<(String, String)>,
    intro: Option<String>,
    form: Form,
    parts: Vec<Part>,
}

impl Sheet {
    pub(crate) fn new(who: &SignedIn, title: &str) -> Self {
        Self {
            f: who.frame(),
            title: title.to_owned(),
            back: None,
            intro: None,
            form: Form::default(),
            parts: Vec::new(),
        }
    }

    /// Where one came from.
    pub(crate) fn back(mut self, to: impl Into<String>, words: &str) -> Self {
        self.back = Some((to.into(), words.to_owned()));
        self
    }

    pub(crate) fn intro(mut self, words: &str) -> Self {
        self.intro = Some(words.to_owned());
        self
    }

    pub(crate) fn part(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The page; with `form`'s mistakes above it, and then a status that says so.
    pub(crate) fn show(mut self, form: Form) -> Result<Response, Failure> {
        self.form = form;
        refusing(&self, &self.form)
    }
}
