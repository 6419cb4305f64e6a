//! One link, its QR code in the look that somebody chose, and its poster.

use super::links::until;
use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Fields, Form, Mistake};
use crate::frame::{Frame, html};
use crate::list::query_of;
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use qr_code::{CONTRAST, PIXELS, Poster, QUIET, Style, StyleError, Wish};
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/links/{code}", get(detail))
        .route("/promoter/links/{code}/qr.svg", get(qr_svg))
        .route("/promoter/links/{code}/qr.png", get(qr_png))
        .route("/promoter/links/{code}/poster.svg", get(poster))
}

/// One link, as the API knows it.
#[derive(Debug, Deserialize)]
struct Link {
    code: String,
    short_url: String,
    other_urls: Vec<String>,
    alias_url: Option<String>,
    qr_code: Option<String>,
    qr_url: Option<String>,
    placement: String,
    placement_name: String,
    programme_name: String,
    target: String,
    target_kind: String,
    title: String,
    destination: String,
    shared_at: i64,
    starts_at: Option<i64>,
    expires_at: Option<i64>,
}

/// What a poster says of a product.
#[derive(Debug, Deserialize)]
struct Product {
    merchant_name: String,
    price_fen: Option<i64>,
}

#[derive(Template)]
#[template(path = "promoter/link.html")]
struct LinkPage {
    f: Frame,
    form: Form,
    link: Link,
    qr: Option<String>,
    /// The look that was chosen, as the query of a picture's address.
    look: String,
    fields: Vec<Field>,
    shared: String,
    starts: Option<String>,
    until: String,
}

/// What can be chosen of a look.
const LOOK: [&str; 5] = ["size", "level", "quiet", "dark", "light"];

/// The look in an address.
fn look(fields: &Fields) -> Result<Wish, StyleError> {
    let chosen = fields.iter().filter(|(name, value)| LOOK.contains(&name.as_str()) && !value.is_empty());
    Wish::read(chosen.map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Why such a code would not scan, beside the field that says so.
fn mistake(t: &Texts, error: &StyleError) -> Mistake {
    let l = &t.links;
    let range = |text: &str, (least, most): (u32, u32)| fill(&fill(text, "least", least), "most", most);
    let (field, words) = match error {
        StyleError::Size => ("size", range(&l.bad_size, PIXELS)),
        StyleError::Level => ("level", l.bad_level.clone()),
        StyleError::Quiet => ("quiet", range(&l.bad_quiet, (QUIET.0.into(), QUIET.1.into()))),
        StyleError::Colour => ("dark", l.bad_colour.clone()),
        StyleError::Inverted => ("dark", l.inverted.clone()),
        StyleError::Contrast => ("dark", fill(&l.too_alike, "n", CONTRAST)),
        StyleError::Twice => ("size", l.said_twice.clone()),
    };
    Mistake { field: Some(field.to_owned()), words }
}

async fn find(promoter: &Promoter, code: &str) -> Result<Link, Failure> {
    Ok(promoter.who.ask(&path(&["links", code]), &[]).await?)
}

fn fields(t: &Texts, form: &Form) -> Vec<Field> {
    let l = &t.links;
    let levels = [("h", &l.level_h), ("q", &l.level_q), ("m", &l.level_m), ("l", &l.level_l)];
    let levels = levels.into_iter().map(|(name, words)| (name.to_owned(), words.clone())).collect();
    let usual = Style::default();
    [
        Field::text("size", &l.size).inputmode("numeric").optional(),
        Field::choice("level", &l.level, levels),
        Field::text("quiet", &l.quiet).inputmode("numeric").with(usual.quiet().to_string()),
        Field::colour("dark", &l.dark).with(usual.dark().to_string()),
        Field::colour("light", &l.light).with(usual.light().to_string()),
    ]
    .into_iter()
    .map(|field| form.show(field))
    .collect()
}

async fn detail(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let link = find(&promoter, &code).await?;
    let who = &promoter.who;
    let chosen = query_of(who);
    let (wish, form) = match look(&chosen) {
        Ok(wish) => (wish, Form::filled(chosen.clone())),
        Err(error) => (Wish::default(), Form::refused(&chosen, vec![mistake(who.t(), &error)])),
    };
    let kept = chosen.iter().filter(|(name, _)| !form.is_refused() && LOOK.contains(&name.as_str()));
    let page = LinkPage {
        f: who.frame(),
        qr: link.qr_url.as_deref().map(|url| svg(url, &wish.style)).transpose()?,
        look: url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish(),
        fields: fields(who.t(), &form),
        shared: moment(link.shared_at),
        starts: link.starts_at.map(moment),
        until: until(who.t(), link.expires_at),
        link,
        form,
    };
    let mut response = html(&page)?;
    if page.form.is_refused() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn broken(error: impl std::fmt::Display) -> Failure {
    tracing::error!(%error, "a QR code could not be drawn");
    Failure::Broken
}

fn svg(url: &str, style: &Style) -> Result<String, Failure> {
    qr_code::svg(url, style, None).map_err(broken)
}

/// A picture to keep: named after its link.
fn picture(link: &Link, kind: &'static str, ending: &str, bytes: Vec<u8>) -> Response {
    let name = format!("attachment; filename=\"{}.{ending}\"", link.qr_code.as_deref().unwrap_or(&link.code));
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response()
}

/// The look of a picture's address. One that would not scan has no picture.
fn chosen(promoter: &Promoter) -> Result<Wish, Failure> {
    look(&query_of(&promoter.who)).map_err(|_| Failure::BadForm)
}

async fn qr_svg(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let link = find(&promoter, &code).await?;
    let drawn = svg(link.qr_url.as_deref().ok_or(Failure::NotFound)?, &chosen(&promoter)?.style)?;
    Ok(picture(&link, "image/svg+xml", "svg", drawn.into_bytes()))
}

async fn qr_png(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let link = find(&promoter, &code).await?;
    let url = link.qr_url.clone().ok_or(Failure::NotFound)?;
    let wish = chosen(&promoter)?;
    // Drawing takes as long as many clicks: not on a thread that answers others.
    let draw = move || qr_code::png(&url, &wish.style, wish.pixels, None);
    match tokio::task::spawn_blocking(draw).await.map_err(broken)? {
        Ok(png) => Ok(picture(&link, "image/png", "png", png)),
        // A size that has no room for this code.
        Err(qr_code::QrError::TooSmall { .. }) => Err(Failure::BadForm),
        Err(error) => Err(broken(error)),
    }
}

/// The poster: product, shop, price and code.
async fn poster(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let link = find(&promoter, &code).await?;
    let who = &promoter.who;
    let url = link.qr_url.clone().ok_or(Failure::NotFound)?;
    let style = chosen(&promoter)?.style;
    let product: Option<Product> = match link.target_kind.as_str() {
        "product" => Some(who.ask(&path(&["products", &link.target]), &[]).await?),
        _ => None,
    };
    let price = product.as_ref().and_then(|of| of.price_fen).map(yuan).unwrap_or_default();
    let drawn = qr_code::poster(
        &url,
        &style,
        &Poster {
            title: &link.title,
            shop: product.as_ref().map_or("", |of| &of.merchant_name),
            price: &price,
            caption: &who.t().links.scan,
            picture: None,
        },
    );
    let drawn = drawn.map_err(broken)?;
    Ok(picture(&link, "image/svg+xml", "poster.svg", drawn.into_bytes()))
}
