//! Targeted plans (定向计划): what they pay, when they close, who applied, and the answers.

use super::programmes;
use super::rates::{Offered, Programme, own_field, typed, with_fields};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Submitted};
use crate::list::{Page, everything, next_page, query_of};
use crate::plan_rates::{self, PlanRate};
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::states;
use crate::who::Merchant;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/merchant/plans", get(list).post(make))
        .route("/merchant/plans/{id}", get(applications))
        .route("/merchant/plans/{id}/rates", post(set_rate))
        .route("/merchant/plans/{id}/close", post(close))
        .route("/merchant/plans/{id}/{answer}", post(answer))
}

#[derive(Debug, Deserialize)]
struct Plan {
    id: String,
    programme: String,
    programme_name: String,
    merchant: Option<String>,
    name: String,
    approval: String,
    created_at: i64,
    closes_at: Option<i64>,
    rates: Vec<PlanRate>,
    more_rates: bool,
}

#[derive(Debug, Deserialize)]
struct Application {
    promoter: String,
    promoter_name: String,
    state: String,
    applied_at: i64,
    approved_at: Option<i64>,
}

async fn list(merchant: Merchant) -> Result<Response, Failure> {
    show_list(&merchant, Form::default()).await
}

async fn show_list(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let programmes = programmes::choice(merchant).await?;
    let paying = programmes::choice_of(merchant, |of| of.targeted_plans).await?;
    let has_classes =
        !programmes::choice_of(merchant, |of| of.targeted_plans && of.customer_classes).await?.is_empty();
    let fields = query_of(who);
    let only = form::value(&fields, "programme");
    let columns = [&*t.name, &t.id, &texts.plan.pays, &t.programme, &t.approval, &t.made_at, &t.closes];
    let now = who.console().core().now().millis();
    let mut table = Table::new("", &columns, &[], &t.no_plans);
    for (programme, _) in programmes.iter().filter(|(id, _)| only.is_empty() || id == only) {
        let plans: Vec<Plan> = everything(who, "/v1/plans", &[("programme", programme)]).await?;
        for plan in plans.into_iter().filter(|plan| plan.merchant.as_deref() == Some(&merchant.id)) {
            let approval = if plan.approval == "automatic" { &t.automatic } else { &t.by_us };
            table.row(vec![
                Cell::Link(format!("/merchant/plans/{}", plan.id), plan.name),
                Cell::Code(plan.id),
                plan_rates::cell(texts, &plan.rates, plan.more_rates, now),
                Cell::Text(plan.programme_name),
                Cell::Text(approval.clone()),
                Cell::Text(moment(plan.created_at)),
                Cell::Text(plan.closes_at.map_or_else(|| "—".to_owned(), moment)),
            ]);
        }
    }
    let mut sheet = Sheet::new(who, &t.plans).intro(&t.plans_intro);
    sheet.part(Part::Table(table));
    let approvals =
        vec![("manual".to_owned(), t.by_us.clone()), ("automatic".to_owned(), t.automatic.clone())];
    if paying.is_empty() {
        sheet.part(Part::Note("", texts.policy.no_targeted_plans.clone()));
        return sheet.show(form);
    }
    let part = FormPart::new(&t.new_plan, "/merchant/plans", &t.make)
        .field(form.show(Field::text("name", &t.name)))
        .field(form.show(Field::text("id", &t.id).hint(&t.id_hint)))
        .field(form.show(Field::choice("programme", &t.programme, paying)))
        .field(form.show(Field::choice("approval", &t.approval, approvals)))
        .fold(form.is_refused());
    let has_own = !programmes::choice_of(merchant, |of| of.merchant.is_some()).await?.is_empty();
    let offered = Offered { categories: has_own, classes: has_classes };
    sheet.part(Part::Form(with_fields(merchant, &form, part, offered).await?));
    sheet.show(form)
}

async fn make(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let rate = match typed(&merchant, &sent) {
        Ok(rate) => rate,
        Err(form) => return show_list(&merchant, form).await,
    };
    let body = json!({
        "id": sent.value("id"),
        "programme": sent.value("programme"),
        "name": sent.value("name"),
        "approval": sent.value("approval"),
        "rates": [rate],
    });
    let made = who.change(Method::POST, "/v1/plans", sent.once(), &body).await;
    who.finish(&sent, made, ("/merchant/plans", "plan"), |form| show_list(&merchant, own_field(form))).await
}

async fn applications(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    show_applications(&merchant, &id, Form::default()).await
}

async fn show_applications(merchant: &Merchant, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let fields = query_of(who);
    let query = [
        ("state", form::value(&fields, "state")),
        ("limit", "50"),
        ("cursor", form::value(&fields, "cursor")),
    ];
    let answer: Page<Application> = who.ask(&path(&["plans", id, "applications"]), &query).await?;
    let here = format!("/merchant/plans/{id}");
    let next = next_page(&here, &fields, answer.next_cursor);
    let columns = [&*t.promoter, &t.id, &t.applied_at, &t.state, ""];
    let mut table = Table::new(&t.applications, &columns, &[], &t.no_applications).next(next);
    for of in answer.items {
        let action = |what: &str, words: &str| {
            Action::new(format!("{here}/{what}"), words, &of.promoter_name)
                .with("promoter", of.promoter.clone())
        };
        let actions = match of.state.as_str() {
            "pending" => {
                vec![action("approve", &t.approve), action("reject", &t.reject).danger(&texts.sure.reject)]
            }
            "approved" => vec![
                action("reject", &t.take_back)
                    .danger(&texts.sure.take_back)
                    .with("approved", "yes".to_owned()),
            ],
            _ => Vec::new(),
        };
        let (words, tone) = states::application(texts, &of.state, of.approved_at.is_some());
        table.row(vec![
            Cell::Text(of.promoter_name.clone()),
            Cell::Code(of.promoter.clone()),
            Cell::Text(moment(of.applied_at)),
            Cell::Tag(tone, words.to_owned()),
            Cell::Actions(actions),
        ]);
    }
    let plan = find(merchant, id).await?;
    let closed = plan.closes_at.is_some_and(|at| at <= who.console().core().now().millis());
    let mut sheet = Sheet::new(who, &plan.name).back("/merchant/plans", &t.plans);
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.id.clone(), Cell::Code(plan.id.clone())),
            (t.programme.clone(), Cell::Text(plan.programme_name.clone())),
            (t.closes.clone(), Cell::Text(plan.closes_at.map_or_else(|| "—".to_owned(), moment))),
        ],
    ));
    sheet.part(Part::Table(plan_rates::table(texts, &plan.rates)));
    if plan.more_rates {
        sheet.part(Part::Note("", texts.plan.rates_cut.clone()));
    }
    sheet.part(Part::Links(vec![
        (here.clone(), texts.common.all.clone()),
        (format!("{here}?state=pending"), texts.plan.pending.clone()),
    ]));
    sheet.part(Part::Table(table));
    if closed {
        sheet.part(Part::Note("", texts.plan.closed.clone()));
    } else {
        let about_end = !form.value("at").is_empty();
        let part =
            FormPart::new(&t.set_rate, format!("{here}/rates"), &t.set).fold(form.is_refused() && !about_end);
        let offered = Programme::find(merchant, &plan.programme).await?.offered();
        sheet.part(Part::Form(with_fields(merchant, &form, part, offered).await?));
        let close = FormPart::new(&texts.plan.close, format!("{here}/close"), &texts.plan.close)
            .intro(&texts.plan.close_words)
            .field(form.show(Field::date("at", &t.closes).hint(&texts.plan.close_hint).optional()))
            .fold(about_end)
            .danger();
        sheet.part(Part::Form(close));
    }
    sheet.show(form)
}

/// A plan of this shop: the API lists them by programme.
async fn find(merchant: &Merchant, id: &str) -> Result<Plan, Failure> {
    for (programme, _) in programmes::choice(merchant).await? {
        let plans: Vec<Plan> = everything(&merchant.who, "/v1/plans", &[("programme", &programme)]).await?;
        let own = |plan: &Plan| plan.id == id && plan.merchant.as_deref() == Some(&merchant.id);
        if let Some(plan) = plans.into_iter().find(own) {
            return Ok(plan);
        }
    }
    Err(Failure::NotFound)
}

/// Sets one more rate of a plan.
async fn set_rate(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let rate = match typed(&merchant, &sent) {
        Ok(rate) => rate,
        Err(form) => return show_applications(&merchant, &id, form).await,
    };
    let programme = find(&merchant, &id).await?.programme;
    let body = json!({ "programme": programme, "plan": id, "rates": [rate] });
    let set = who.change(Method::POST, "/v1/rates", sent.once(), &body).await;
    let to = format!("/merchant/plans/{id}");
    who.finish(&sent, set, (&to, "rate"), |form| show_applications(&merchant, &id, own_field(form))).await
}

async fn close(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let at = match sent.midnight_if_given("at", who.t()) {
        Ok(at) => at,
        Err(mistake) => {
            return show_applications(&merchant, &id, Form::refused(&sent.fields, vec![mistake])).await;
        }
    };
    let closed =
        who.change(Method::POST, &path(&["plans", &id, "close"]), sent.once(), &json!({ "at": at })).await;
    let to = format!("/merchant/plans/{id}");
    who.finish(&sent, closed, (&to, "plan_closed"), |form| show_applications(&merchant, &id, form)).await
}

async fn answer(
    merchant: Merchant,
    Path((id, answer)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &merchant.who;
    let done = match answer.as_str() {
        "approve" => "approved",
        "reject" if sent.value("approved").is_empty() => "rejected",
        "reject" => "taken_back",
        _ => return Err(Failure::NotFound),
    };
    let promoter = sent.value("promoter");
    let once = sent.once_of(promoter);
    let body = json!({ "promoter": promoter });
    let answered = who.change(Method::POST, &path(&["plans", &id, &answer]), &once, &body).await;
    let to = format!("/merchant/plans/{id}");
    who.finish(&sent, answered, (&to, done), |form| show_applications(&merchant, &id, form)).await
}
