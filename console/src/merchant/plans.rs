//! Targeted plans (定向计划): what they pay, who applied, and the answers.

use super::programmes;
use super::rates::{classes, own_field, typed};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake, Submitted};
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
        .route("/merchant/plans/{id}/{answer}", post(answer))
}

#[derive(Debug, Deserialize)]
struct Plan {
    id: String,
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
    let mut part = FormPart::new(&t.new_plan, "/merchant/plans", &t.make)
        .field(form.show(Field::text("name", &t.name)))
        .field(form.show(Field::text("id", &t.id).hint(&t.id_hint)))
        .field(form.show(Field::choice("programme", &t.programme, paying)))
        .field(form.show(Field::choice("approval", &t.approval, approvals)))
        .field(form.show(Field::text("rate", &t.rate_percent).hint(&t.rate_hint).inputmode("decimal")))
        .field(form.show(Field::text("product", &t.product_id).hint(&t.rate_product_hint).optional()))
        .fold(form.is_refused());
    if has_classes {
        part = part.field(form.show(Field::choice("class", &t.customers, classes(texts))));
    }
    sheet.part(Part::Form(part));
    sheet.show(form)
}

async fn make(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let Some(rate) = typed(&merchant.id, &sent) else {
        let mistake = Mistake { field: Some("rate".to_owned()), words: who.t().shop.bad_rate.clone() };
        return show_list(&merchant, Form::refused(&sent.fields, vec![mistake])).await;
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
            "approved" => vec![action("reject", &t.take_back).danger(&texts.sure.take_back)],
            _ => Vec::new(),
        };
        let (words, tone) = states::application(texts, &of.state);
        table.row(vec![
            Cell::Text(of.promoter_name.clone()),
            Cell::Code(of.promoter.clone()),
            Cell::Text(moment(of.applied_at)),
            Cell::Tag(tone, words.to_owned()),
            Cell::Actions(actions),
        ]);
    }
    let plan = find(merchant, id).await?;
    let title = plan.as_ref().map_or(id, |plan| plan.name.as_str());
    let mut sheet = Sheet::new(who, title).back("/merchant/plans", &t.plans);
    if let Some(plan) = &plan {
        sheet.part(Part::Facts(
            String::new(),
            vec![
                (t.id.clone(), Cell::Code(plan.id.clone())),
                (t.programme.clone(), Cell::Text(plan.programme_name.clone())),
            ],
        ));
        sheet.part(Part::Table(plan_rates::table(texts, &plan.rates)));
        if plan.more_rates {
            sheet.part(Part::Note("", texts.plan.rates_cut.clone()));
        }
    }
    sheet.part(Part::Links(vec![
        (here.clone(), texts.common.all.clone()),
        (format!("{here}?state=pending"), texts.plan.pending.clone()),
    ]));
    sheet.part(Part::Table(table));
    sheet.show(form)
}

/// A plan of this shop: the API lists them by programme.
async fn find(merchant: &Merchant, id: &str) -> Result<Option<Plan>, Failure> {
    for (programme, _) in programmes::choice(merchant).await? {
        let plans: Vec<Plan> = everything(&merchant.who, "/v1/plans", &[("programme", &programme)]).await?;
        if let Some(plan) = plans.into_iter().find(|plan| plan.id == id) {
            return Ok(Some(plan));
        }
    }
    Ok(None)
}

async fn answer(
    merchant: Merchant,
    Path((id, answer)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &merchant.who;
    let done = match answer.as_str() {
        "approve" => "approved",
        "reject" => "rejected",
        _ => return Err(Failure::NotFound),
    };
    let promoter = sent.value("promoter");
    let once = sent.once_of(promoter);
    let body = json!({ "promoter": promoter });
    let answered = who.change(Method::POST, &path(&["plans", &id, &answer]), &once, &body).await;
    let to = format!("/merchant/plans/{id}");
    who.finish(&sent, answered, (&to, done), |form| show_applications(&merchant, &id, form)).await
}
