//! Placements (推广位): where somebody shares, each under one programme.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::frame::{Frame, refusing};
use crate::list::everything;
use crate::show::day;
use crate::state::Console;
use crate::who::Promoter;
use askama::Template;
use attribution_core::policy::commission::Party;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/placements", get(page).post(make))
}

/// A placement.
#[derive(Debug, Deserialize)]
pub(super) struct Placement {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) programme: String,
    programme_name: String,
    pub(super) created_at: i64,
}

impl Placement {
    /// Its name, or its id where it has none, and the programme that it is in: whoever is in several has to choose.
    pub(super) fn words(&self) -> String {
        let name = if self.name.is_empty() { &self.id } else { &self.name };
        format!("{name} · {}", self.programme_name)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Programme {
    pub(super) id: String,
    pub(super) name: String,
    split: Vec<Share>,
}

#[derive(Debug, Deserialize)]
struct Share {
    party: Party,
}

impl Programme {
    /// Whether promoters earn anything there.
    fn pays_promoters(&self) -> bool {
        self.split.iter().any(|share| share.party == Party::Promoter)
    }
}

struct Row {
    id: String,
    name: String,
    programme: String,
    made: String,
}

#[derive(Template)]
#[template(path = "promoter/placements.html")]
struct PlacementsPage {
    f: Frame,
    form: Form,
    rows: Vec<Row>,
    programme: Field,
    name: Field,
    /// There is a programme to make one in.
    can_make: bool,
}

/// All placements of a promoter.
pub(super) async fn all(promoter: &Promoter) -> Result<Vec<Placement>, Failure> {
    everything(&promoter.who, &path(&["promoters", &promoter.id, "placements"]), &[]).await
}

/// All programmes that a promoter may see.
pub(super) async fn programmes(promoter: &Promoter) -> Result<Vec<Programme>, Failure> {
    everything(&promoter.who, "/v1/programmes", &[]).await
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    show(&promoter, Form::default()).await
}

async fn show(promoter: &Promoter, form: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = &who.t().placements;
    let paying = programmes(promoter).await?.into_iter().filter(Programme::pays_promoters);
    let choices: Vec<(String, String)> = paying.map(|programme| (programme.id, programme.name)).collect();
    let row = |placement: Placement| Row {
        id: placement.id,
        name: placement.name,
        programme: placement.programme_name,
        made: day(placement.created_at),
    };
    let page = PlacementsPage {
        f: who.frame(),
        rows: all(promoter).await?.into_iter().map(row).collect(),
        can_make: !choices.is_empty(),
        programme: form.show(Field::choice("programme", &t.programme, choices)),
        name: form.show(Field::text("name", &t.name).hint(&t.name_hint)),
        form,
    };
    refusing(&page, &page.form)
}

async fn make(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    // The id is the API's to require; people see the name.
    let id = format!("{}.{}", promoter.id, sent.once());
    let body = json!({ "id": id, "programme": sent.value("programme"), "name": sent.value("name") });
    let to = path(&["promoters", &promoter.id, "placements"]);
    let made = who.change(Method::POST, &to, sent.once(), &body).await;
    who.finish(&sent, made, ("/promoter/placements", "placement"), |form| show(&promoter, form)).await
}
