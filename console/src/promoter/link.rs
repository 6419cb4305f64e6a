//! One link, its QR code in the look that somebody chose, and its poster.

use super::hosts;
use super::links::{EARLY, until};
use super::logo;
use crate::api::path;
use crate::drawing::broken;
use crate::failure::Failure;
use crate::form::{self, Field, Fields, Form, Mistake};
use crate::frame::{Frame, refusing};
use crate::list::query_of;
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::states;
use crate::texts::{Texts, fill};
use crate::who::{Promoter, SignedIn};
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use qr_code::{
    CONTRAST, Level, Logo, PIXELS, POSTER_CODE, Poster, PosterError, QUIET, Style, StyleError, Wish,
};
use serde::Deserialize;
use settlement_core::Picture;

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
    #[serde(default)]
    alias_urls: Vec<String>,
    qr_code: Option<String>,
    qr_url: Option<String>,
    placement: String,
    placement_name: String,
    programme_name: String,
    target: String,
    target_kind: String,
    title: String,
    state: String,
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
    image_url: Option<String>,
}

#[derive(Template)]
#[template(path = "promoter/link.html")]
struct LinkPage {
    f: Frame,
    /// What is wrong with the look or with the picture that was sent.
    form: Form,
    link: Link,
    /// 失效, and why; or that it works.
    dead: Option<String>,
    /// Its addresses and codes are of use: it earns, or will.
    offered: bool,
    qr: Option<String>,
    /// The look that was chosen, as the query of a picture's address.
    look: String,
    /// The same, for the form with the picture to bring along.
    kept: Fields,
    fields: Vec<Field>,
    picture: Field,
    has_logo: bool,
    /// The look stands open, or the picture does.
    opens: (bool, bool),
    shared: String,
    starts: Option<String>,
    until: String,
}

/// What can be chosen of a look.
const LOOK: [&str; 7] = ["size", "level", "quiet", "dark", "light", "logo", "host"];
/// What `logo` is where the promoter's picture stands in the middle.
const MINE: &str = "mine";

/// What of a form or an address is about the look.
pub(super) fn of_look(fields: &Fields) -> Fields {
    let chosen = fields.iter().filter(|(name, value)| LOOK.contains(&name.as_str()) && !value.is_empty());
    chosen.cloned().collect()
}

/// A look as the query of an address.
pub(super) fn query(look: &Fields) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(look).finish()
}

/// The look in an address; whose picture stands in the middle is not the style's to know.
fn look(fields: &Fields) -> Result<Wish, StyleError> {
    let chosen = fields.iter().filter(|(name, value)| LOOK.contains(&name.as_str()) && !value.is_empty());
    Wish::read(chosen.map(|(name, value)| (name.as_str(), value.as_str())))
}

fn range(text: &str, (least, most): (u32, u32)) -> String {
    fill(&fill(text, "least", least), "most", most)
}

/// Why such a code would not scan, beside the field that says so.
fn mistake(t: &Texts, error: &StyleError) -> Mistake {
    let l = &t.links;
    let (field, words) = match error {
        StyleError::Size => ("size", range(&l.bad_size, PIXELS)),
        StyleError::Level => ("level", l.bad_level.clone()),
        StyleError::Quiet => ("quiet", range(&l.bad_quiet, (QUIET.0.into(), QUIET.1.into()))),
        StyleError::Dark => ("dark", l.bad_colour.clone()),
        StyleError::Light => ("light", l.bad_colour.clone()),
        StyleError::Inverted => ("dark", l.inverted.clone()),
        StyleError::Contrast => ("dark", fill(&l.too_alike, "n", CONTRAST)),
        StyleError::Twice => ("size", l.said_twice.clone()),
    };
    Mistake { field: Some(field.to_owned()), words }
}

/// What the code of a link says.
pub(super) async fn code_of(promoter: &Promoter, code: &str) -> Result<String, Failure> {
    find(promoter, code).await?.qr_url.ok_or(Failure::NotFound)
}

async fn find(promoter: &Promoter, code: &str) -> Result<Link, Failure> {
    Ok(promoter.who.ask(&path(&["links", code]), &[]).await?)
}

/// A link, and what its code says at the host that the address of the picture chooses.
async fn coded(promoter: &Promoter, code: &str) -> Result<(Link, String), Failure> {
    let link = find(promoter, code).await?;
    let url = link.qr_url.as_deref().ok_or(Failure::NotFound)?;
    let fields = query_of(&promoter.who);
    let url = hosts::at(&promoter.who, url, form::value(&fields, "host")).map_err(|_| Failure::BadForm)?;
    Ok((link, url))
}

fn fields(who: &SignedIn, form: &Form, has_logo: bool) -> Vec<Field> {
    let l = &who.t().links;
    let levels = [("h", &l.level_h), ("q", &l.level_q), ("m", &l.level_m), ("l", &l.level_l)];
    let levels = levels.into_iter().map(|(name, words)| (name.to_owned(), words.clone())).collect();
    let usual = Style::default();
    let middle = [("", &l.logo_none), (MINE, &l.logo_mine)];
    let middle = middle.into_iter().map(|(name, words)| (name.to_owned(), words.clone())).collect();
    let logo = has_logo.then(|| Field::choice("logo", &l.logo, middle).optional());
    [
        Field::text("size", &l.size).inputmode("numeric").optional(),
        Field::choice("level", &l.level, levels),
        Field::text("quiet", &l.quiet).inputmode("numeric").with(usual.quiet().to_string()),
        Field::colour("dark", &l.dark).with(usual.dark().to_string()),
        Field::colour("light", &l.light).with(usual.light().to_string()),
    ]
    .into_iter()
    .chain(logo)
    .chain(hosts::field(who))
    .map(|field| form.show(field))
    .collect()
}

async fn detail(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let chosen = query_of(&promoter.who);
    show(&promoter, &code, &chosen, Form::default()).await
}

/// Why a code of this size would not scan, beside the field that says so.
fn too_small(t: &Texts, url: &str, wish: &Wish) -> Result<Option<Mistake>, Failure> {
    let Some(pixels) = wish.pixels else { return Ok(None) };
    let least = qr_code::least_pixels(url, &wish.style).map_err(broken)?;
    let words = || range(&t.links.bad_size, (least, PIXELS.1));
    Ok((pixels < least).then(|| Mistake { field: Some("size".to_owned()), words: words() }))
}

/// Why a code with this picture would not do, beside the field that says so.
async fn logo_mistake(
    promoter: &Promoter,
    url: &str,
    wish: &Wish,
    logo: &Logo,
) -> Result<Option<Mistake>, Failure> {
    let t = promoter.who.t();
    let (field, words) = if wish.style.level() != Level::H {
        ("level", &t.links.logo_needs_h)
    } else if !logo::scans(promoter, url, wish.style, wish.pixels, logo).await? {
        ("logo", &t.links.logo_no_scan)
    } else {
        return Ok(None);
    };
    Ok(Some(Mistake { field: Some(field.to_owned()), words: words.clone() }))
}

/// The page in the look that `chosen` says; `upload` is the form with a picture, if one was sent and refused.
pub(super) async fn show(
    promoter: &Promoter,
    code: &str,
    chosen: &Fields,
    upload: Form,
) -> Result<Response, Failure> {
    let link = find(promoter, code).await?;
    let who = &promoter.who;
    let t = who.t();
    let kept = logo::of(promoter).await?;
    let logo = kept.as_ref().filter(|_| form::value(chosen, "logo") == MINE);
    let offered = matches!(link.state.as_str(), "live" | EARLY);
    let usual = link.qr_url.clone().filter(|_| offered);
    let there = usual.as_deref().map(|url| hosts::at(who, url, form::value(chosen, "host"))).transpose();
    let wrong = match (look(chosen), logo, &there) {
        (Err(error), ..) => Some(mistake(t, &error)),
        (_, _, Err(wrong)) => Some(wrong.clone()),
        (Ok(wish), logo, Ok(Some(url))) => match (too_small(t, url, &wish)?, logo) {
            (None, Some(logo)) => logo_mistake(promoter, url, &wish, logo).await?,
            (wrong, _) => wrong,
        },
        (Ok(_), ..) => None,
    };
    let url = there.unwrap_or(usual);
    let refused = wrong.is_some();
    let form = match wrong {
        Some(wrong) => Form::refused(chosen, vec![wrong]),
        None => Form::filled(chosen.clone()),
    };
    let looks = if refused { Fields::new() } else { of_look(chosen) };
    // As usual where the wish would not scan.
    let wish = look(&looks).unwrap_or_default();
    let l = &t.links;
    let picture = Field::upload("picture", &l.logo_picture, "image/png,image/jpeg");
    let page = LinkPage {
        f: who.frame(),
        dead: (link.state != "live").then(|| states::dead(t, &link.state).to_owned()),
        offered,
        qr: url.map(|url| svg(&url, &wish.style, logo.filter(|_| !refused))).transpose()?,
        look: query(&looks),
        kept: looks,
        fields: fields(who, &form, kept.is_some()),
        picture: upload.show(picture),
        has_logo: kept.is_some(),
        opens: (refused, upload.is_refused()),
        shared: moment(link.shared_at),
        starts: link.starts_at.map(moment),
        until: until(t, link.expires_at),
        link,
        form: if upload.is_refused() { upload } else { form },
    };
    refusing(&page, &page.form)
}

fn svg(url: &str, style: &Style, logo: Option<&Logo>) -> Result<String, Failure> {
    qr_code::svg(url, style, logo).map_err(broken)
}

/// A picture to keep: named after its link.
fn picture(link: &Link, kind: &'static str, ending: &str, bytes: Vec<u8>) -> Response {
    let name = format!("attachment; filename=\"{}.{ending}\"", link.qr_code.as_deref().unwrap_or(&link.code));
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response()
}

/// The look of a picture's address, and the picture in its middle. What would not scan has no picture. `pixels` is how
/// large the code is to be, if that is not for the look to say.
async fn chosen(
    promoter: &Promoter,
    url: &str,
    pixels: Option<u32>,
) -> Result<(Wish, Option<Logo>), Failure> {
    let fields = query_of(&promoter.who);
    let mut wish = look(&fields).map_err(|_| Failure::BadForm)?;
    wish.pixels = pixels.or(wish.pixels);
    if form::value(&fields, "logo") != MINE {
        return Ok((wish, None));
    }
    let logo = logo::of(promoter).await?;
    if let Some(logo) = &logo
        && logo_mistake(promoter, url, &wish, logo).await?.is_some()
    {
        return Err(Failure::BadForm);
    }
    Ok((wish, logo))
}

async fn qr_svg(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let (link, url) = coded(&promoter, &code).await?;
    let (wish, logo) = chosen(&promoter, &url, None).await?;
    let drawn = svg(&url, &wish.style, logo.as_ref())?;
    Ok(picture(&link, "image/svg+xml", "svg", drawn.into_bytes()))
}

async fn qr_png(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let (link, url) = coded(&promoter, &code).await?;
    let (wish, logo) = chosen(&promoter, &url, None).await?;
    let draw = move || qr_code::png(&url, &wish.style, wish.pixels, logo.as_ref());
    match promoter.who.console().desks().draw(draw).await? {
        Ok(png) => Ok(picture(&link, "image/png", "png", png)),
        // A size that has no room for this code.
        Err(qr_code::QrError::TooSmall { .. }) => Err(Failure::BadForm),
        Err(error) => Err(broken(error)),
    }
}

/// The poster: the product with its picture, if it can be had, shop, price, and the code with the promoter's picture in
/// its middle.
async fn poster(promoter: Promoter, Path(code): Path<String>) -> Result<Response, Failure> {
    let (link, url) = coded(&promoter, &code).await?;
    let who = &promoter.who;
    let (Wish { style, .. }, logo) = chosen(&promoter, &url, Some(POSTER_CODE)).await?;
    let product: Option<Product> = match link.target_kind.as_str() {
        "product" => Some(who.ask(&path(&["products", &link.target]), &[]).await?),
        _ => None,
    };
    let shown = match product.as_ref().and_then(|of| of.image_url.as_deref()) {
        Some(at) => who.console().core().picture(at).await,
        None => None,
    };
    let (title, caption) = (link.title.clone(), who.t().links.scan.clone());
    let draw = move || {
        let (shop, price) = product.map_or((String::new(), None), |of| (of.merchant_name, of.price_fen));
        let poster = Poster {
            title: &title,
            shop: &shop,
            price: &price.map(yuan).unwrap_or_default(),
            caption: &caption,
            picture: shown.as_ref().map(Picture::bytes),
            logo: logo.as_ref(),
        };
        match qr_code::poster(&url, &style, &poster) {
            // What the shop calls a picture is none that can be read: the poster is one without.
            Err(PosterError::Picture(_)) => {
                qr_code::poster(&url, &style, &Poster { picture: None, ..poster })
            }
            drawn => drawn,
        }
    };
    let drawn = who.console().desks().draw(draw).await?.map_err(broken)?;
    Ok(picture(&link, "image/svg+xml", "poster.svg", drawn.into_bytes()))
}
