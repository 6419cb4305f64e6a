//! Exclusive coupon codes (专属券码) of a programme: whose each is, was or will be, and giving one to a promoter.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::page_at;
use crate::programmes::{Desk, MERCHANTS, OPERATORS};
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use attribution_core::policy::Policy;
use attribution_core::policy::attribution::CouponOverride;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(crate) fn routes() -> Router<Console> {
    let below = |base: &str| Router::new().route(&format!("{base}/{{id}}/coupons"), get(page).post(give));
    below(MERCHANTS).merge(below(OPERATORS))
}

#[derive(Debug, Deserialize)]
struct Coupon {
    code: String,
    promoter: String,
    promoter_name: String,
    from: i64,
    to: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Programme {
    name: String,
    policy: Policy,
}

async fn page(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&desk, &id, Form::default()).await
}

async fn show(desk: &Desk, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &desk.who;
    let (texts, t) = (who.t(), &who.t().coupons);
    let programme: Programme = who.ask(&path(&["programmes", id]), &[]).await?;
    let here = desk.page(id, "/coupons");
    let answer = page_at::<Coupon>(who, &here, "/v1/coupons", &[("programme", id)]).await?;
    let columns = [&*t.code, &texts.shop.promoter, &texts.shop.from, &texts.shop.to];
    let mut table = Table::new("", &columns, &[], &t.none).next(answer.next);
    for of in answer.items {
        table.row(vec![
            Cell::Code(of.code),
            Cell::named(Some(of.promoter_name), Some(of.promoter)),
            Cell::Text(moment(of.from)),
            Cell::Text(of.to.map_or_else(|| "—".to_owned(), moment)),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.title).back(desk.page(id, ""), &programme.name).intro(&t.intro);
    if !programme.policy.commission.pays_promoters() {
        sheet.part(Part::Note("", texts.policy.no_promoters.clone()));
        sheet.part(Part::Table(table));
        return sheet.show(form);
    }
    if programme.policy.attribution.coupon == CouponOverride::Off {
        sheet.part(Part::Note("warn", t.off.clone()));
    }
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(
        FormPart::new(&t.new, here, &t.give)
            .field(form.show(Field::text("code", &t.code).hint(&t.code_hint)))
            .field(form.show(Field::text("promoter", &t.promoter)))
            .field(form.show(Field::date("from", &texts.shop.from).hint(&t.from_hint).optional()))
            .field(form.show(Field::date("to", &texts.shop.to).hint(&texts.operator.ends_hint).optional())),
    ));
    sheet.show(form)
}

async fn give(desk: Desk, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &desk.who;
    let t = who.t();
    let (from, to) = match (sent.midnight_if_given("from", t), sent.midnight_if_given("to", t)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => {
            let mistakes = from.err().into_iter().chain(to.err()).collect();
            return show(&desk, &id, Form::refused(&sent.fields, mistakes)).await;
        }
    };
    let (code, promoter) = (sent.value("code"), sent.value("promoter"));
    let body = json!({ "programme": id, "code": code, "promoter": promoter, "from": from, "to": to });
    let given = who.change(Method::POST, "/v1/coupons", sent.once(), &body).await;
    who.finish(&sent, given, (&desk.page(&id, "/coupons"), "coupon"), |form| show(&desk, &id, form)).await
}
