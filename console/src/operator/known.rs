//! A form that makes something new, or changes what the link beside it has filled in: then its id stands fast.

use crate::form::{Field, Form, Mistake, Submitted};
use crate::sheet::{Cell, FormPart};
use crate::texts::Texts;

/// The id of what is changed; empty for something new.
const KNOWN: &str = "known";

/// The link that fills the form of the page `here` in.
pub(super) fn link(t: &Texts, here: &str, id: &str, fields: &[(&str, &str)]) -> Cell {
    let fields = fields.iter().copied().chain([(KNOWN, id)]);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Cell::Link(format!("{here}?{query}#f-name"), t.shop.change.clone())
}

/// The id of what the form changes, if it is not something new.
pub(super) fn known(form: &Form) -> Option<&str> {
    Some(form.value(KNOWN)).filter(|id| !id.is_empty())
}

/// The part of the form in which the id is.
pub(super) fn id_field(part: FormPart, t: &Texts, form: &Form) -> FormPart {
    match known(form) {
        Some(id) => part.hidden(KNOWN, id),
        None => part.field(form.show(Field::text("id", &t.shop.id).hint(&t.shop.id_hint))),
    }
}

/// The id that a form is about, if it is that of something known or new among those that are `there`.
pub(super) fn id<'s>(
    t: &Texts,
    sent: &'s Submitted,
    mut there: impl Iterator<Item = &'s str>,
) -> Result<&'s str, Mistake> {
    if let Some(known) = sent.given(KNOWN) {
        return Ok(known);
    }
    let id = sent.value("id");
    let words = match () {
        () if id.is_empty() => &t.shop.id_needed,
        () if there.any(|other| other == id) => &t.shop.id_taken,
        () => return Ok(id),
    };
    Err(Mistake { field: Some("id".to_owned()), words: words.clone() })
}
