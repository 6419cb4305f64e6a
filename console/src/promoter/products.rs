//! The product library (推广资源库) and the selection (选品库); from either, a link and its QR code in one step.

use super::offers::{Card, Offer};
use super::placements;
use crate::api::{ApiError, path};
use crate::back::page_to;
use crate::categories;
use crate::failure::Failure;
use crate::file;
use crate::form::{self, Field, Fields, Form, Mistake, Submitted};
use crate::frame::{Frame, html, refusing};
use crate::list::{Page, found, next_page, query_of};
use crate::sheet::Filters;
use crate::show::day;
use crate::state::Console;
use crate::states;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/products", get(library))
        .route("/promoter/products.csv", get(csv))
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
struct MadePlacement {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Made {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Link {
    code: String,
    badge: bool,
}

#[derive(Template)]
#[template(path = "promoter/products.html")]
struct LibraryPage {
    f: Frame,
    /// Why a product cannot be promoted, if that was asked for.
    form: Form,
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

/// What the API is asked for by what stands in the page's address.
fn question(fields: &Fields) -> Vec<(&str, &str)> {
    FILTERS.iter().map(|name| (*name, form::value(fields, name).trim())).collect()
}

async fn library(promoter: Promoter) -> Result<Response, Failure> {
    show_library(&promoter, Form::default()).await
}

async fn show_library(promoter: &Promoter, refused: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = &who.t().products;
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let mut query = question(&fields);
    query.extend([("limit", PER_PAGE), ("cursor", value("cursor"))]);
    let answer: Page<Offer> = found(who.ask("/v1/products", &query).await)?;
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
        categories::field(who, &t.category, &who.t().common.all).await?,
        Field::choice("sort", &t.sort, sorts).optional(),
    ];
    let page = LibraryPage {
        f: who.frame(),
        form: refused,
        filters: Filters {
            to: "/promoter/products".to_owned(),
            first: form.show(Field::text("q", &t.name).optional()),
            more: more.into_iter().map(|field| form.show(field)).collect(),
            file: Some(file::address("/promoter/products", &fields)),
        },
        cards: answer.items.into_iter().map(|offer| Card::of(who, offer)).collect(),
        next: next_page("/promoter/products", &fields, answer.next_cursor),
        searched: FILTERS.iter().chain(&["cursor"]).any(|name| !value(name).is_empty()),
    };
    refusing(&page, &page.form)
}

async fn csv(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let fields = query_of(who);
    match file::of_list(who, "/v1/products", &question(&fields), "products.csv").await {
        Ok(file) => Ok(file),
        Err(error) => show_library(&promoter, who.refused(&fields, error)?).await,
    }
}

async fn selection(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let fields = query_of(who);
    let to = path(&["promoters", &promoter.id, "selection"]);
    let query = [("limit", PER_PAGE), ("cursor", form::value(&fields, "cursor"))];
    let answer: Page<Selected> = who.console().api().get(who.principal(), &to, &query).await?;
    let card = |selected: Selected| (Card::of(who, selected.product), day(selected.selected_at));
    let page = SelectionPage {
        f: who.frame(),
        cards: answer.items.into_iter().map(card).collect(),
        next: next_page("/promoter/selection", &fields, answer.next_cursor),
    };
    html(&page)
}

/// The promoter's newest placement in a programme, or a first one, called as the programme is.
async fn placement(promoter: &Promoter, programme: &str) -> Result<Result<String, ApiError>, Failure> {
    let who = &promoter.who;
    let own = placements::all(promoter).await?.into_iter().filter(|of| of.programme == programme);
    if let Some(newest) = own.max_by_key(|of| of.created_at) {
        return Ok(Ok(newest.id));
    }
    let name =
        placements::programmes(promoter).await?.into_iter().find(|of| of.id == programme).map(|of| of.name);
    let to = path(&["promoters", &promoter.id, "placements"]);
    let body = json!({ "programme": programme, "name": name });
    let made: Result<MadePlacement, _> = who.write(Method::POST, &to, "", &body).await;
    Ok(made.map(|made| made.id))
}

/// 立即推广: the promoter's link to a product in the placement that they have for its programme, found or made.
async fn promote(
    promoter: Promoter,
    Path(product): Path<String>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &promoter.who;
    let (api, me, t) = (who.console().api(), who.principal(), who.t());
    let offer: Offer = api.get(me, &path(&["products", &product]), &[]).await?;
    // Withdrawn or banned: said here too, because a form that is sent again gets the answer that it got before.
    let programme = match (offer.reason, offer.programme) {
        (None, Some(programme)) => programme,
        (reason, _) => {
            let why =
                reason.as_deref().map_or(t.products.no_programme.as_str(), |reason| states::dead(t, reason));
            let mistake = Mistake { field: None, words: why.to_owned() };
            return show_library(&promoter, Form::refused(&sent.fields, vec![mistake])).await;
        }
    };
    let placement = match placement(&promoter, &programme).await? {
        Ok(placement) => placement,
        Err(error) => return show_library(&promoter, who.refused(&sent.fields, error)?).await,
    };
    let query = [
        ("promoter", promoter.id.as_str()),
        ("product", product.as_str()),
        ("placement", placement.as_str()),
        ("state", "live"),
        ("limit", "50"),
    ];
    let known: Page<Link> = api.get(me, "/v1/links", &query).await?;
    let code = match known.items.into_iter().find(|link| link.badge) {
        Some(link) => link.code,
        None => {
            // Whoever is signed in here is the salesperson: what they share is shared under the badge.
            let body = json!({ "placement": placement, "product": product, "badge": true });
            let once = sent.once_of(&product);
            let made: Result<Made, _> = api.write(me, Method::POST, "/v1/links", &once, &body).await;
            match made {
                Ok(made) => made.code,
                // Such as withdrawn since the page was shown, or a promoter who may not promote.
                Err(error) => return show_library(&promoter, who.refused(&sent.fields, error)?).await,
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
    let changed = who.change(method, &to, "", &json!({})).await;
    let back = page_to(sent.value("back"), "/promoter/products");
    who.finish(sent, changed, (&back, done), |form| show_library(promoter, form)).await
}
