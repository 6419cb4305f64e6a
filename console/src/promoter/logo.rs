//! The promoter's picture for the middle of their codes: kept by the core, made small here, and tried in a code before it is
//! kept.

use super::link;
use crate::api::path;
use crate::drawing::broken;
use crate::failure::Failure;
use crate::form::{Form, Mistake, Submitted, TooLarge, Uploaded};
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Promoter;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::response::Response;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use qr_code::{LOGO_BYTES_MAX, Logo, LogoError, QrError, Style};
use serde::Deserialize;
use serde_json::json;

/// Bytes of a form that are read: more than a picture may have, so that whoever sends a photograph as it is hears what is
/// wrong beside the field.
const FORM_MAX: usize = 4 * LOGO_BYTES_MAX;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/links/{code}/logo", post(keep))
        .layer(DefaultBodyLimit::max(FORM_MAX))
        .route("/promoter/links/{code}/logo/remove", post(remove))
}

#[derive(Debug, Deserialize)]
struct Kept {
    picture: String,
}

fn place(promoter: &Promoter) -> String {
    path(&["promoters", &promoter.id, "logo"])
}

/// The picture that the promoter keeps, if there is one.
pub(super) async fn of(promoter: &Promoter) -> Result<Option<Logo>, Failure> {
    let kept: Kept = match promoter.who.ask(&place(promoter), &[]).await {
        Ok(kept) => kept,
        Err(error) if error.code() == Some("not_found") => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = STANDARD.decode(kept.picture).map_err(broken)?;
    promoter.who.console().desks().draw(move || Logo::read(&bytes)).await?.map(Some).map_err(broken)
}

/// Whether the code of `text` with this picture is read again, at the size and in the look that is wanted.
pub(super) async fn scans(
    promoter: &Promoter,
    text: &str,
    style: Style,
    pixels: Option<u32>,
    logo: &Logo,
) -> Result<bool, Failure> {
    let (text, logo) = (text.to_owned(), logo.clone());
    let tried = move || match qr_code::png(&text, &style, pixels, Some(&logo)) {
        Ok(png) => Ok(qr_code::scans(&png, &text)),
        Err(QrError::TooSmall { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    promoter.who.console().desks().draw(tried).await?.map_err(broken)
}

fn wrong(words: &str) -> Vec<Mistake> {
    vec![Mistake { field: Some("picture".to_owned()), words: words.to_owned() }]
}

fn why<'t>(t: &'t Texts, error: &LogoError) -> &'t str {
    match error {
        LogoError::TooLarge => &t.links.logo_too_large,
        LogoError::Unreadable(_) | LogoError::Format => &t.links.logo_unreadable,
    }
}

/// Keeps a picture with which this link's code is read again.
async fn keep(promoter: Promoter, Path(code): Path<String>, sent: Uploaded) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = who.t();
    let Uploaded { form: sent, file } = sent;
    let look = link::of_look(&sent.fields);
    let refuse = async |words: &str| {
        link::show(&promoter, &code, &look, Form::refused(&sent.fields, wrong(words))).await
    };
    let bytes = match file {
        Err(TooLarge) => return refuse(&t.links.logo_too_large).await,
        Ok(bytes) if bytes.is_empty() => return refuse(&t.links.logo_choose).await,
        Ok(bytes) => bytes,
    };
    let logo = match who.console().desks().draw(move || Logo::read(&bytes)).await? {
        Ok(logo) => logo,
        Err(error) => return refuse(why(t, &error)).await,
    };
    let url = link::code_of(&promoter, &code).await?;
    if !scans(&promoter, &url, Style::default(), None, &logo).await? {
        return refuse(&t.links.logo_no_scan).await;
    }
    let body = json!({ "picture": STANDARD.encode(logo.png()) });
    let kept = who.change(Method::PUT, &place(&promoter), sent.once(), &body).await;
    let mut with = look.clone();
    with.retain(|(name, _)| name != "logo");
    with.push(("logo".to_owned(), "mine".to_owned()));
    let to = format!("/promoter/links/{code}?{}", link::query(&with));
    let again = |form| link::show(&promoter, &code, &look, form);
    who.finish(&sent, kept, (&to, "logo"), again).await
}

async fn remove(promoter: Promoter, Path(code): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    let removed = who.change(Method::DELETE, &place(&promoter), sent.once(), &json!({})).await;
    let mut look = link::of_look(&sent.fields);
    look.retain(|(name, _)| name != "logo");
    let to = format!("/promoter/links/{code}?{}", link::query(&look));
    let again = |form| link::show(&promoter, &code, &look, form);
    who.finish(&sent, removed, (&to, "logo_removed"), again).await
}
