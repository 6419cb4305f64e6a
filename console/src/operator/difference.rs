//! One difference between a platform's statement and our books: what both sides said, and whether it is settled.

use super::reconciliations::{Difference, RECONCILIATIONS, Reconciled, side};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::order_pages::escaped;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/operator/reconciliations/{id}/{number}", get(page).post(say))
}

/// Which one.
#[derive(Debug, Deserialize)]
struct Place {
    id: String,
    number: String,
}

impl Place {
    fn page(&self) -> String {
        format!("{RECONCILIATIONS}/{}/{}", escaped(&self.id), escaped(&self.number))
    }

    fn asked(&self) -> String {
        path(&["reconciliations", &self.id, "differences", &self.number])
    }
}

async fn page(operator: Operator, Path(place): Path<Place>) -> Result<Response, Failure> {
    show(&operator, &place, Form::default()).await
}

async fn show(operator: &Operator, place: &Place, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().reconcile);
    let whole: Reconciled = who.ask(&path(&["reconciliations", &place.id]), &[]).await?;
    let of: Difference = who.ask(&place.asked(), &[]).await?;
    let title = format!("{} {}", t.title, whole.id);
    let mut sheet = Sheet::new(who, &format!("{} {}", t.kind, of.number))
        .back(format!("{RECONCILIATIONS}/{}", whole.id), &title);
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.state_of.clone(), of.standing(texts)),
            (texts.orders.order.clone(), of.order_cell(&whole.platform)),
            (texts.orders.line.clone(), Cell::Text(of.line.clone())),
            (t.kind.clone(), of.kind_cell(texts)),
            (t.ours.clone(), side(texts, of.ours_fen, of.ours_state.as_deref())),
            (t.theirs.clone(), side(texts, of.theirs_fen, of.theirs_state.as_deref())),
        ],
    ));
    let columns = [&*t.note, &t.state_of, &t.said_at, &t.said_by];
    let mut notes = Table::new(&t.notes, &columns, &[], &t.no_notes);
    for note in &of.notes {
        notes.row(vec![
            Cell::Text(note.note.clone()),
            note.standing(texts),
            Cell::Text(moment(note.made_at)),
            Cell::Text(note.made_by.clone()),
        ]);
    }
    sheet.part(Part::Table(notes));
    // Either button says the note; the first one turns over how it stands, too.
    let turned = if of.settled { &t.take_back } else { &t.settle };
    let part = FormPart::new(&t.say, place.page(), turned)
        .intro(&t.say_words)
        .field(form.show(Field::lines("note", &t.note).hint(&t.note_hint)))
        .hidden("settled", if of.settled { "yes" } else { "no" })
        .button("note", &t.only_note);
    sheet.part(Part::Form(part));
    sheet.show(form)
}

async fn say(operator: Operator, Path(place): Path<Place>, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let was = sent.value("settled") == "yes";
    let settled = if sent.value("do") == "note" { was } else { !was };
    // A text of several lines is told as one.
    let note = sent.value("note").split_whitespace().collect::<Vec<_>>().join(" ");
    let body = json!({ "settled": settled, "note": note });
    let to = format!("{}/notes", place.asked());
    let said = who.change(Method::POST, &to, sent.once(), &body).await;
    who.finish(&sent, said, (&place.page(), "saved"), |form| show(&operator, &place, form)).await
}
