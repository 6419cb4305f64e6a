//! Promoters, and whether each is a member whose real name is verified.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::{Listed, everything, listed};
use crate::order_pages::escaped;
use crate::sheet::{Action, Cell, Filters, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Operator;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

const PROMOTERS: &str = "/operator/promoters";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(PROMOTERS, get(list).post(make))
        .route("/operator/promoters/{id}", get(detail).post(say))
        .route("/operator/promoters/{id}/{step}", post(switch))
}

#[derive(Debug, Deserialize)]
struct Promoter {
    id: String,
    name: String,
    agency: Option<String>,
    disabled: bool,
    disabled_from: Option<i64>,
    verified_member: Option<bool>,
    created_at: i64,
}

impl Promoter {
    fn state(&self, t: &Texts) -> Cell {
        match self.disabled_from.filter(|_| self.disabled) {
            Some(at) => Cell::Tag("bad", fill(&t.promoters.bans_words, "at", moment(at))),
            None => Cell::Tag("good", t.shop.works.clone()),
        }
    }

    fn member(&self, t: &Texts) -> Cell {
        let t = &t.promoters;
        match self.verified_member {
            None => Cell::Text(t.not_said.clone()),
            Some(true) => Cell::Tag("good", t.verified.clone()),
            Some(false) => Cell::Tag("warn", t.not_verified.clone()),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Placement {
    id: String,
    name: String,
    programme_name: String,
    created_at: i64,
}

async fn list(operator: Operator) -> Result<Response, Failure> {
    show_list(&operator, Form::default()).await
}

async fn show_list(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().promoters);
    let Listed::<Promoter> { fields, items, next } =
        listed(who, PROMOTERS, "/v1/promoters", &["q", "agency"]).await?;
    let columns = [&*texts.shop.name, &texts.shop.id, &t.agency, &t.member, &texts.shop.state];
    let mut table = Table::new("", &columns, &[], &t.none).next(next);
    for of in items {
        let (state, member) = (of.state(texts), of.member(texts));
        table.row(vec![
            Cell::Link(format!("{PROMOTERS}/{}", escaped(&of.id)), of.name),
            Cell::Code(of.id),
            Cell::Text(of.agency.unwrap_or_else(|| "—".to_owned())),
            member,
            state,
        ]);
    }
    let mut sheet = Sheet::new(who, &t.title);
    let filled = Form::filled(fields);
    sheet.part(Part::Filters(Filters {
        to: PROMOTERS.to_owned(),
        first: filled.show(Field::text("q", &t.find).optional()),
        more: vec![filled.show(Field::text("agency", &t.agency).optional())],
        file: None,
    }));
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(
        FormPart::new(&t.new, PROMOTERS, &texts.shop.make)
            .intro(&t.new_words)
            .field(form.show(Field::text("id", &texts.shop.id).hint(&texts.shop.id_hint)))
            .field(form.show(Field::text("name", &texts.shop.name)))
            .field(form.show(Field::text("agency", &t.agency).optional()))
            .fold(form.is_refused()),
    ));
    sheet.show(form)
}

/// Makes a promoter. Their sign-in is made under the accounts.
async fn make(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let id = sent.value("id");
    let to = path(&["promoters", id]);
    if let Some(mistake) = who.wrong_new_id(&to, id).await {
        return show_list(&operator, Form::refused(&sent.fields, vec![mistake])).await;
    }
    let body = json!({ "name": sent.value("name"), "agency": sent.given("agency") });
    let made = who.change(Method::PUT, &to, sent.once(), &body).await;
    let page = format!("{PROMOTERS}/{}", escaped(id));
    who.finish(&sent, made, (&page, "promoter"), |form| show_list(&operator, form)).await
}

async fn detail(operator: Operator, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&operator, &id, Form::default()).await
}

async fn show(operator: &Operator, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().promoters);
    let of: Promoter = who.ask(&path(&["promoters", id]), &[]).await?;
    let placements: Vec<Placement> = everything(who, &path(&["promoters", id, "placements"]), &[]).await?;
    let here = format!("{PROMOTERS}/{}", escaped(&of.id));
    let switch = if of.disabled_from.is_some() {
        Action::new(format!("{here}/enable"), &t.enable, &of.name)
    } else {
        Action::new(format!("{here}/disable"), &t.disable, &of.name).danger(&texts.sure.disable_promoter)
    };
    let mut sheet = Sheet::new(who, &of.name).back(PROMOTERS, &t.title);
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (texts.shop.id.clone(), Cell::Code(of.id.clone())),
            (texts.shop.state.clone(), of.state(texts)),
            (t.member.clone(), of.member(texts)),
            (t.agency.clone(), Cell::Text(of.agency.clone().unwrap_or_else(|| "—".to_owned()))),
            (texts.shop.made_at.clone(), Cell::Text(moment(of.created_at))),
            (texts.shop.do_now.clone(), Cell::Actions(vec![switch])),
        ],
    ));
    sheet.part(Part::Links(vec![(
        format!("/operator/orders?promoter={}", escaped(&of.id)),
        t.orders.clone(),
    )]));
    let say = FormPart::new(&t.say, here, &t.say_yes);
    sheet.part(Part::Form(say.intro(&t.say_words).button("no", &t.say_no)));
    let columns = [&*texts.placements.name, &texts.shop.id, &texts.shop.programme, &texts.placements.made];
    let mut table = Table::new(&t.placements, &columns, &[], &texts.placements.empty_title);
    for of in placements {
        table.row(vec![
            Cell::Text(if of.name.is_empty() { "—".to_owned() } else { of.name }),
            Cell::Code(of.id),
            Cell::Text(of.programme_name),
            Cell::Text(moment(of.created_at)),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

/// Says whether the real name is verified.
async fn say(operator: Operator, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({ "member": sent.value("do") != "no" });
    let said = who.change(Method::PUT, &path(&["promoters", &id, "verification"]), sent.once(), &body).await;
    let here = format!("{PROMOTERS}/{}", escaped(&id));
    who.finish(&sent, said, (&here, "member_verified"), |form| show(&operator, &id, form)).await
}

/// Suspends the promoter from now on, or ends the suspension.
async fn switch(
    operator: Operator,
    Path((id, step)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &operator.who;
    let what = match step.as_str() {
        "disable" => "promoter_disabled",
        "enable" => "promoter_enabled",
        _ => return Err(Failure::NotFound),
    };
    let to = path(&["promoters", &id, &step]);
    let switched = who.change(Method::POST, &to, sent.once(), &json!({})).await;
    let here = format!("{PROMOTERS}/{}", escaped(&id));
    who.finish(&sent, switched, (&here, what), |form| show(&operator, &id, form)).await
}
