//! The words of the language: every event and every check with its fields, and the fields of the rules. The parser, the JSON schema and the
//! reference in the manual are all made from these tables, so that they cannot disagree.

mod catalogue;
mod checks;
mod clicks;
mod codes;
mod money;
mod orders;
mod policy;
mod rules;
mod sourcing;

pub(super) use checks::CHECKS;
pub(super) use policy::{Form, RULES as POLICY, Rule};

use catalogue::CATALOGUE;
use clicks::CLICKS;
use money::MONEY;
use orders::ORDERS;
use rules::RULES;
use sourcing::SOURCING;

/// What may stand in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `2020-05-04 16:55:35` in Asia/Shanghai, a day, or RFC 3339.
    Time,
    /// What a check says of a time: the same, any time of a bare day, or `none`.
    When,
    /// A length of time, such as `10m`.
    Length,
    /// Basis points.
    Rate,
    /// Basis points, or `none`.
    RateOrNone,
    /// Fen, a whole number.
    Fen,
    /// A whole number.
    Count,
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// A text or a list of texts.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or a list of them.
    Codes(&'static [&'static str]),
    /// Names, each with one of these words; several are given as a list.
    Coded(&'static [&'static str]),
    /// A promoter of the story.
    Promoter,
    /// A promoter of the story, or `none`.
    PromoterOrNone,
    /// A product of the story.
    Product,
    /// A shop of the story.
    Merchant,
    /// `promoter`, `promoter/product`, `promoter/shop`, or the name of a link that was shared.
    Link,
    /// An order that some event places; with `/2` its second line.
    Order,
    /// The same, and it must have been placed with that line.
    OrderLine,
    /// A new order's number.
    NewOrder,
    /// A promoter of the story, or an agency that one belongs to.
    Payee,
    /// A programme of the story.
    Programme,
    /// Something that an event of this name brings about.
    Made(&'static str),
    /// Lines: a list of `{product, amount}`, each with `line` and `quantity` if needed.
    Lines,
    /// Names with texts; several are given as a list.
    Words,
    /// Names with fen.
    Sums,
    /// Anything.
    Any,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What may stand in it.
    pub(super) kind: Kind,
    /// What it says.
    pub(super) about: &'static str,
    /// It is compared with what there is.
    pub(super) expected: bool,
}

/// An event or a check. Its first field has its name and must be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// What it says.
    pub(super) about: &'static str,
    /// Its fields.
    pub(super) fields: &'static [Field],
}

impl Shape {
    /// Its name, which is that of its first field.
    pub(super) const fn name(&self) -> &'static str {
        match self.fields.first() {
            Some(field) => field.name,
            None => "",
        }
    }

    /// Whether a field of this name is compared with what there is.
    pub(super) fn expects(&self, name: &str) -> bool {
        self.fields.iter().chain(EVENT_COMMON).any(|field| field.name == name && field.expected)
    }

    /// All fields, those that every event has included.
    pub(super) fn all(
        &self,
        common: &'static [Field],
    ) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        self.fields.iter().chain(common)
    }
}

/// A field that tells or asks.
const fn f(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about, expected: false }
}

/// A field that expects.
const fn must(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about, expected: true }
}

const fn shape(about: &'static str, fields: &'static [Field]) -> Shape {
    Shape { about, fields }
}

/// Ways to pay.
pub(super) const METHODS: &[&str] =
    &["alipay", "bank_card", "cash_on_delivery", "other", "wechat_consignment", "wechat_own"];

const AT_FROM: Field = f("from", Kind::Time, "from this instant on; the event's own unless given");
const PROGRAMME: Field = f("programme", Kind::Programme, "which programme; the first unless given");
const CLASS: Field = f("class", Kind::Choice(&["new", "returning"]), "only for this class");
const REPORTED: Field = f("reported", Kind::Time, "when the core hears of it; at once unless given");

/// Fields that every event has.
pub(super) const EVENT_COMMON: &[Field] = &[
    must("refused", Kind::Text, "the core must refuse it with this code"),
    f("note", Kind::Text, "for the reader"),
];
/// Fields that every check has.
pub(super) const CHECK_COMMON: &[Field] = &[f("note", Kind::Text, "for the reader")];

/// Everything that can happen.
pub(super) const EVENTS: &[Shape] = &join::<
    {
        CLICKS.len()
            + ORDERS.len()
            + CATALOGUE.len()
            + RULES.len()
            + MONEY.len()
            + SOURCING.len()
            + OTHER.len()
    },
>(&[CLICKS, ORDERS, CATALOGUE, RULES, MONEY, SOURCING, OTHER]);

const OTHER: &[Shape] = &[
    shape("Nothing: time goes by until here, and all that is due is done.", &[f("wait", Kind::Text, "why")]),
    shape(
        "Any request to the core's API, for what has no word of its own. Texts that are times become milliseconds.",
        &[
            f("call", Kind::Text, "method and path, such as `GET /v1/audit/clicks`"),
            f("body", Kind::Any, "the body"),
            must("status", Kind::Count, "the answer's status must be this; any success unless given"),
            must(
                "answer",
                Kind::Any,
                "these fields of the answer must have these values; a list must begin like this one",
            ),
        ],
    ),
    shape(
        "Something must be so at this instant.",
        &[f("expect", Kind::Any, "one check or a list of checks")],
    ),
];

/// One table of several, made when this is compiled.
const fn join<const N: usize>(tables: &[&[Shape]]) -> [Shape; N] {
    let mut all = [shape("", &[]); N];
    let (mut table, mut filled) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[filled] = tables[table][row];
            filled += 1;
            row += 1;
        }
        table += 1;
    }
    all
}
