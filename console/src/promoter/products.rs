//! The product library (推广资源库) and the selection (选品库); from either, a link and its QR code in one step.

use super::offers::{Card, Offer};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Submitted};
use crate::frame::{Frame, html};
use crate::list::{Page, next_page, query_of};
use crate::sheet::Filters;
use crate::show::day;
use crate::state::Console;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/products", get(library))
        .route("/promoter/selection", get(selection))
        .route("/promoter/products/{id}/promote", post(promote))
        .route("/promoter/products/{id}/select", post(select))
        .route("/promoter/products/{id}/unselect", post(unselect))
}

#[derive(Debug, Deserialize)]
struct Selected {
    selected_at: i64,
    #[serde(flatten)]
    product: Offer,
}

#[derive(Debug, Deserialize)]
struct Made {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Link {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Placement {
    id: String,
}

#[derive(Template)]
#[template(path = "promoter/products.html")]
struct LibraryPage {
    f: Frame,
    filters: Filters,
    cards: Vec<Card>,
    /// Where the next page is.
    next: Option<String>,
    /// Something was searched for.
    searched: bool,
}

#[derive(Template)]
#[template(path = "promoter/selection.html")]
struct SelectionPage {
    f: Frame,
    cards: Vec<(Card, String)>,
    next: Option<String>,
}

/// Products on a page.
const PER_PAGE: &str = "24";
/// What can be searched by.
const FILTERS: [&str; 5] = ["q", "shop", "merchant", "category", "sort"];

async fn library(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = &who.t().products;
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let mut query: Vec<(&str, &str)> = FILTERS.iter().map(|name| (*name, value(name))).collect();
    query.extend([("limit", PER_PAGE), ("cursor", value("cursor"))]);
    let answer: Page<Offer> = who.console().api().get(who.principal(), "/v1/products", &query).await?;
    let sorts = vec![
        (String::new(), t.sort_none.clone()),
        ("newest".to_owned(), t.sort_newest.clone()),
        ("commission".to_owned(), t.sort_commission.clone()),
        ("rate".to_owned(), t.sort_rate.clone()),
    ];
    let form = Form::filled(fields.clone());
    let more = [
        Field::text("shop", &t.shop).optional(),
        Field::text("merchant", &t.merchant).optional(),
        Field::text("category", &t.category).optional(),
        Field::choice("sort", &t.sort, sorts).optional(),
    ];
    let page = LibraryPage {
        f: who.frame(),
        filters: Filters {
            to: "/promoter/products".to_owned(),
            first: form.show(Field::text("q", &t.name).optional()),
            more: more.into_iter().map(|field| form.show(field)).collect(),
        },
        cards: answer.items.into_iter().map(|offer| Card::of(who.t(), offer)).collect(),
        next: next_page("/promoter/products", &fields, answer.next_cursor),
        searched: FILTERS.iter().any(|name| *name != "sort" && !value(name).is_empty()),
    };
    html(&page)
}

async fn selection(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let fields = query_of(who);
    let to = path(&["promoters", &promoter.id, "selection"]);
    let query = [("limit", PER_PAGE), ("cursor", form::value(&fields, "cursor"))];
    let answer: Page<Selected> = who.console().api().get(who.principal(), &to, &query).await?;
    let card = |selected: Selected| (Card::of(who.t(), selected.product), day(selected.selected_at));
    let page = SelectionPage {
        f: who.frame(),
        cards: answer.items.into_iter().map(card).collect(),
        next: next_page("/promoter/selection", &fields, answer.next_cursor),
    };
    html(&page)
}

/// 立即推广: the promoter's link to a product in the placement that they have for its programme, found or made.
async fn promote(
    promoter: Promoter,
    Path(product): Path<String>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &promoter.who;
    let (api, me) = (who.console().api(), who.principal());
    let offer: Offer = api.get(me, &path(&["products", &product]), &[]).await?;
    // Withdrawn or banned: said here too, because a form that is sent again gets the answer that it got before.
    if let Some(reason) = offer.reason.filter(|reason| who.t().done.contains_key(reason)) {
        return Ok(Redirect::to(&format!("/promoter/products?done={reason}")).into_response());
    }
    let Some(programme) = offer.programme else {
        return Ok(Redirect::to("/promoter/products?done=no_programme").into_response());
    };
    let to = path(&["promoters", &promoter.id, "placements"]);
    let placement: Placement =
        api.write(me, Method::POST, &to, "", &json!({ "programme": programme })).await?;
    let query = [
        ("promoter", promoter.id.as_str()),
        ("product", product.as_str()),
        ("placement", placement.id.as_str()),
        ("state", "live"),
        ("limit", "1"),
    ];
    let known: Page<Link> = api.get(me, "/v1/links", &query).await?;
    let code = match known.items.into_iter().next() {
        Some(link) => link.code,
        None => {
            let body = json!({ "placement": placement.id, "product": product });
            let once = sent.once_of(&product);
            let made: Result<Made, _> = api.write(me, Method::POST, "/v1/links", &once, &body).await;
            match made {
                Ok(made) => made.code,
                // Withdrawn or banned since the page was shown.
                Err(error) if error.code().is_some_and(|code| who.t().done.contains_key(code)) => {
                    let code = error.code().unwrap_or_default();
                    return Ok(Redirect::to(&format!("/promoter/products?done={code}")).into_response());
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    Ok(Redirect::to(&format!("/promoter/links/{code}")).into_response())
}

async fn select(
    promoter: Promoter,
    Path(product): Path<String>,
    sent: Submitted,
) -> Result<Response, Failure> {
    change_selection(&promoter, Method::PUT, &product, &sent, "selected").await
}

async fn unselect(
    promoter: Promoter,
    Path(product): Path<String>,
    sent: Submitted,
) -> Result<Response, Failure> {
    change_selection(&promoter, Method::DELETE, &product, &sent, "unselected").await
}

async fn change_selection(
    promoter: &Promoter,
    method: Method,
    product: &str,
    sent: &Submitted,
    done: &str,
) -> Result<Response, Failure> {
    let who = &promoter.who;
    let to = path(&["promoters", &promoter.id, "selection", product]);
    let _: Value = who.console().api().write(who.principal(), method, &to, "", &json!({})).await?;
    let back = form::local_path(sent.value("back"));
    let join = if back.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{back}{join}done={done}")).into_response())
}
