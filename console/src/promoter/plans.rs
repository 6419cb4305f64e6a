//! Targeted plans (定向计划) that a promoter may apply to, and how their applications stand.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Form, Submitted};
use crate::list::everything;
use crate::plan_rates::{self, PlanRate};
use crate::sheet::{Action, Cell, Part, Sheet, Table};
use crate::state::Console;
use crate::states;
use crate::who::Promoter;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/promoter/plans", get(page)).route("/promoter/plans/{id}/apply", post(apply))
}

#[derive(Debug, Deserialize)]
struct Programme {
    id: String,
    name: String,
    targeted_plans: bool,
}

#[derive(Debug, Deserialize)]
struct Plan {
    id: String,
    name: String,
    merchant: Option<String>,
    merchant_name: Option<String>,
    closes_at: Option<i64>,
    rates: Vec<PlanRate>,
    more_rates: bool,
}

#[derive(Debug, Deserialize)]
struct Application {
    plan: String,
    state: String,
    approved_at: Option<i64>,
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    show(&promoter, Form::default()).await
}

async fn show(promoter: &Promoter, form: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let (texts, t) = (who.t(), &who.t().plan);
    let to = path(&["promoters", &promoter.id, "applications"]);
    // Newest first: of several to one plan the last one counts.
    let mine: Vec<Application> = everything(who, &to, &[]).await?;
    let programmes: Vec<Programme> = everything(who, "/v1/programmes", &[]).await?;
    let now = who.console().core().now().millis();
    let columns = [&*t.title, &t.pays, &texts.shop.programme, &t.by_whom, &t.state, ""];
    let mut table = Table::new("", &columns, &[], &t.none);
    for programme in programmes.into_iter().filter(|of| of.targeted_plans) {
        let plans: Vec<Plan> = everything(who, "/v1/plans", &[("programme", &programme.id)]).await?;
        for plan in plans.into_iter().filter(|plan| plan.closes_at.is_none_or(|at| at > now)) {
            let last = mine.iter().find(|of| of.plan == plan.id);
            let apply = Action::new(format!("/promoter/plans/{}/apply", plan.id), &t.apply, &plan.name);
            let may = last.is_none_or(|of| !matches!(of.state.as_str(), "pending" | "approved"));
            let stands = last.map(|of| states::application(texts, &of.state, of.approved_at.is_some()));
            table.row(vec![
                Cell::Text(plan.name),
                plan_rates::cell(texts, &plan.rates, plan.more_rates, now),
                Cell::Text(programme.name.clone()),
                Cell::Text(
                    plan.merchant_name.or(plan.merchant).unwrap_or_else(|| texts.shop.platforms.clone()),
                ),
                stands.map_or_else(
                    || Cell::Text("—".to_owned()),
                    |(words, tone)| Cell::Tag(tone, words.to_owned()),
                ),
                Cell::Actions(if may { vec![apply] } else { Vec::new() }),
            ]);
        }
    }
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn apply(promoter: Promoter, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    let body = json!({ "promoter": promoter.id });
    let applied = who.change(Method::POST, &path(&["plans", &id, "apply"]), sent.once(), &body).await;
    who.finish(&sent, applied, ("/promoter/plans", "applied"), |form| show(&promoter, form)).await
}
