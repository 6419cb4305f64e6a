//! Links (推广链接): the list with 失效 and why, and many at once.

use super::{hosts, placements};
use crate::api::ApiError;
use crate::failure::Failure;
use crate::file;
use crate::form::{self, Field, Fields, Form, Mistake, Submitted};
use crate::frame::{Frame, refusing};
use crate::list::{Page, found, next_page, query_of};
use crate::problem;
use crate::sheet::Filters;
use crate::show::moment;
use crate::state::Console;
use crate::states;
use crate::texts::{Texts, fill};
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/links", get(list))
        .route("/promoter/links.csv", get(csv))
        .route("/promoter/links/many", get(many_page).post(make_many))
}

#[derive(Debug, Deserialize)]
struct Entry {
    code: String,
    short_url: String,
    placement: String,
    placement_name: String,
    title: String,
    state: String,
    expires_at: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct MadeLinks {
    links: Vec<IgnoredAny>,
    made_at: i64,
}

struct Row {
    code: String,
    url: String,
    title: String,
    placement: String,
    until: String,
    /// It is not dead, its time is still to come.
    early: bool,
    /// 失效, and why; or that it works.
    dead: Option<String>,
}

/// The state of a link whose time is still to come.
pub(super) const EARLY: &str = "not_started";

#[derive(Template)]
#[template(path = "promoter/links.html")]
struct LinksPage {
    f: Frame,
    form: Form,
    rows: Vec<Row>,
    next: Option<String>,
    filters: Filters,
    filtered: bool,
}

#[derive(Template)]
#[template(path = "promoter/links_many.html")]
struct ManyPage {
    f: Frame,
    form: Form,
    placement: Field,
    products: Field,
    /// How many were made just now.
    made: Option<String>,
    /// When, to find them again.
    made_at: String,
    /// At which host they are handed on, where there are several.
    host: Option<Field>,
    /// There is a placement to make them in.
    can_make: bool,
}

/// States that can be asked for: all the dead ones first.
const STATES: [&str; 8] = [
    "dead",
    "live",
    "not_started",
    "expired",
    "promotion_cancelled",
    "product_delisted",
    "promoter_disabled",
    "category_banned",
];
/// Links made at once on this page; files with more go through `yinke import` or the API.
const MANY_MAX: usize = 1_000;

pub(super) fn until(t: &Texts, expires: Option<i64>) -> String {
    expires.map_or_else(|| t.links.forever.clone(), moment)
}

pub(super) async fn placement_choices(promoter: &Promoter) -> Result<Vec<(String, String)>, Failure> {
    let all = placements::all(promoter).await?;
    Ok(all.into_iter().map(|of| (of.id.clone(), of.words())).collect())
}

async fn list(promoter: Promoter) -> Result<Response, Failure> {
    show_list(&promoter, Form::default()).await
}

/// What can be searched by.
const FILTERS: [&str; 3] = ["placement", "state", "product"];
/// What says beside which links a file has, and at which host.
const OF_FILE: [&str; 2] = ["made_at", "host"];

/// What the API is asked for by what stands in the page's address.
fn question(fields: &Fields) -> Vec<(&str, &str)> {
    FILTERS.iter().map(|name| (*name, form::value(fields, name).trim())).collect()
}

async fn csv(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let fields = query_of(who);
    let mut query = question(&fields);
    query.extend(OF_FILE.map(|name| (name, form::value(&fields, name))));
    match file::of_list(who, "/v1/links", &query, "links.csv").await {
        Ok(file) => Ok(file),
        Err(error) => show_list(&promoter, who.refused(&fields, error)?).await,
    }
}

/// The list, or what is wrong with asking for it as a file.
async fn show_list(promoter: &Promoter, refused: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = who.t();
    let fields = query_of(who);
    let mut query = question(&fields);
    query.extend([("limit", "50"), ("cursor", form::value(&fields, "cursor").trim())]);
    let answer: Page<Entry> = found(who.ask("/v1/links", &query).await)?;
    let any = || vec![(String::new(), t.common.all.clone())];
    let mut choices = any();
    choices.extend(placement_choices(promoter).await?);
    let mut kinds = any();
    kinds.extend(STATES.iter().map(|state| {
        let words = match *state {
            "dead" => &t.products.dead,
            "live" => &t.links.live,
            reason => states::dead(t, reason),
        };
        ((*state).to_owned(), words.to_owned())
    }));
    let form = Form::filled(fields.clone());
    let row = |entry: Entry| Row {
        early: entry.state == EARLY,
        dead: (entry.state != "live").then(|| states::dead(t, &entry.state).to_owned()),
        until: until(t, entry.expires_at),
        code: entry.code,
        url: entry.short_url,
        title: entry.title,
        placement: if entry.placement_name.is_empty() { entry.placement } else { entry.placement_name },
    };
    let page = LinksPage {
        f: who.frame(),
        form: refused,
        rows: answer.items.into_iter().map(row).collect(),
        next: next_page("/promoter/links", &fields, answer.next_cursor),
        filters: Filters {
            to: "/promoter/links".to_owned(),
            first: form.show(Field::text("product", &t.shop.product_id).optional()),
            more: vec![
                form.show(Field::choice("placement", &t.links.placement, choices).optional()),
                form.show(Field::choice("state", &t.links.state, kinds).optional()),
            ],
            file: Some(file::address("/promoter/links", &fields)),
        },
        filtered: question(&fields).iter().any(|(_, value)| !value.is_empty()),
    };
    refusing(&page, &page.form)
}

async fn many_page(promoter: Promoter) -> Result<Response, Failure> {
    show_many(&promoter, Form::default()).await
}

async fn show_many(promoter: &Promoter, form: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = &who.t().links;
    let choices = placement_choices(promoter).await?;
    let fields = query_of(who);
    let made: Option<usize> = form::value(&fields, "made").parse().ok();
    let page = ManyPage {
        made: made.map(|n| fill(&t.made_many, "n", n)),
        made_at: form::value(&fields, "made_at").to_owned(),
        host: hosts::field(who),
        f: who.frame(),
        can_make: !choices.is_empty(),
        placement: form.show(Field::choice("placement", &t.placement, choices)),
        products: form.show(Field::lines("products", &t.products).hint(&fill(
            &t.products_hint,
            "max",
            MANY_MAX,
        ))),
        form,
    };
    refusing(&page, &page.form)
}

/// Makes a link to each product; the page that follows has them as a file.
async fn make_many(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = who.t();
    let products: Vec<&str> = sent
        .value("products")
        .split([',', '\u{ff0c}', '\u{3001}', '\n', ' ', '\t', '\r'])
        .filter(|id| !id.is_empty())
        .collect();
    if products.is_empty() || products.len() > MANY_MAX {
        let words = fill(&t.links.bad_count, "max", MANY_MAX);
        let mistake = Mistake { field: Some("products".to_owned()), words };
        return show_many(&promoter, Form::refused(&sent.fields, vec![mistake])).await;
    }
    let placement = sent.value("placement");
    let links: Vec<_> = products
        .iter()
        .map(|product| json!({ "placement": placement, "product": product, "badge": true }))
        .collect();
    let body = json!({ "links": links });
    let made: Result<MadeLinks, _> = who.write(Method::POST, "/v1/links/bulk", sent.once(), &body).await;
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            // Each product that cannot be promoted is named.
            if let ApiError::Refused(problem) = &error
                && problem.code == "invalid_links"
            {
                let mistakes = problem::of_typed(t, who.anybody.lang, problem, "products", &products);
                return show_many(&promoter, Form::refused(&sent.fields, mistakes)).await;
            }
            let form = who.refused(&sent.fields, error)?;
            return show_many(&promoter, form).await;
        }
    };
    Ok(Redirect::to(&format!("/promoter/links/many?made={}&made_at={}", made.links.len(), made.made_at))
        .into_response())
}
