//! Links over HTTP: one, many at once, and what a link is.

use super::bans::Banned;
use super::feed::Numbers;
use super::link_new::{LinkMaker, MadeLink, NUMBERS_PER_LINK, NewLink, address, elsewhere};
use super::link_state::{LinkFacts, LinkState};
use crate::api::{Mistakes, Only, PathId, Principal, Problem, Promoters, Write};
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::catalogue::LinkFlags;
use attribution_core::code::Code;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Links of one request at most.
const BULK_MAX: usize = 10_000;

/// Many links to make: all of them or none.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLinks {
    /// The links, at most 10000.
    links: Vec<NewLink>,
}

/// Many links as made, in the order asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MadeLinks {
    links: Vec<MadeLink>,
    /// When, UTC milliseconds: `made_at` of the list of links finds them again.
    made_at: i64,
}

/// A link as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LinkView {
    code: String,
    short_url: String,
    /// The same link at the installation's further hosts.
    other_urls: Vec<String>,
    placement: String,
    /// The placement's name.
    placement_name: String,
    promoter: String,
    programme: String,
    /// The programme's name.
    programme_name: String,
    /// `product`, `shop` or `page`.
    target_kind: String,
    target: String,
    destination: String,
    /// The name of what it leads to.
    title: String,
    state: LinkState,
    /// It is a QR code's own link.
    qr: bool,
    badge: bool,
    converted: bool,
    shared_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// The code of its QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_code: Option<String>,
    /// What stands in the QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_url: Option<String>,
    /// Its custom name, as a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_url: Option<String>,
    /// The same at the installation's further hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alias_urls: Vec<String>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_link)).routes(routes!(post_links)).routes(routes!(get_link))
}

/// Makes a link and its QR code. Operators, the placement's promoter, the promoter's agency.
#[utoipa::path(
    post, path = "/v1/links",
    request_body(content = NewLink, example = json!({"placement": "lily-wechat", "product": "cup", "alias": "spring-cup"})),
    responses((status = 201, body = MadeLink))
)]
async fn post_link(
    State(core): State<Core>,
    _: Only<Promoters>,
    write: Write<NewLink>,
) -> Result<Response, Problem> {
    let link = write.body;
    let (config, key) = (core.config().clone(), core.keys().check);
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, NUMBERS_PER_LINK)?;
            let mut maker = LinkMaker::new(&config, key, &scope.principal, scope.now);
            let made = maker.make(tx, &link, &mut numbers)?;
            maker.finish(tx)?;
            numbers.give_back(tx)?;
            Ok((StatusCode::CREATED, made))
        })
        .await
}

/// Makes many links: all of them, or none and a list of mistakes. Who may is decided link by link.
#[utoipa::path(
    post, path = "/v1/links/bulk",
    request_body(content = NewLinks, example = json!({"links": [
        {"placement": "lily-wechat", "product": "cup"}, {"placement": "lily-wechat", "product": "pot"}
    ]})),
    responses((status = 201, body = MadeLinks))
)]
async fn post_links(
    State(core): State<Core>,
    _: Only<Promoters>,
    write: Write<NewLinks>,
) -> Result<Response, Problem> {
    let links = write.body.links;
    if links.len() > BULK_MAX {
        return Err(Problem::invalid("links", format!("at most {BULK_MAX} links are taken at once")));
    }
    let (config, key) = (core.config().clone(), core.keys().check);
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, links.len() * NUMBERS_PER_LINK)?;
            let mut maker = LinkMaker::new(&config, key, &scope.principal, scope.now);
            maker.look_up(tx, &links)?;
            let mut made = Vec::with_capacity(links.len());
            let mut mistakes = Mistakes::default();
            for (index, link) in links.iter().enumerate() {
                made.extend(mistakes.sort(index, maker.make(tx, link, &mut numbers))?);
            }
            mistakes
                .refuse("invalid_links", |count| format!("{count} of the links cannot be made; none was"))?;
            maker.finish(tx)?;
            numbers.give_back(tx)?;
            Ok((StatusCode::CREATED, MadeLinks { links: made, made_at: scope.now.millis() }))
        })
        .await
}

/// What a link is, by its code or its custom name. Operators, its promoter, the promoter's agency.
#[utoipa::path(get, path = "/v1/links/{code}", params(("code" = String, Path)), responses((status = 200, body = LinkView)))]
async fn get_link(
    State(core): State<Core>,
    principal: Principal,
    PathId(text): PathId<String>,
) -> Result<Json<LinkView>, Problem> {
    let (check, name, now) = (core.keys().check, text.clone(), core.now());
    let found = core
        .store()
        .read(move |tx| {
            let code = match Code::parse(name.as_bytes(), check) {
                Some(code) => Some(code),
                None => named(tx, &name)?,
            };
            let Some(code) = code else { return Ok(None) };
            let sql = format!(
                "SELECT p.id, r.id, r.agency, g.id, t.kind, t.id, t.destination, l.flags, l.shared_at, t.title, \
                 (SELECT MIN(q.code) FROM links q WHERE q.qr_of = l.code), \
                 (SELECT MIN(a.alias) FROM aliases a WHERE a.code = l.code), p.name, g.name, {} \
                 FROM links l JOIN placements p ON p.num = l.placement \
                 JOIN promoters r ON r.num = p.promoter JOIN programmes g ON g.num = p.programme \
                 JOIN targets t ON t.num = l.target WHERE l.code = $1",
                LinkFacts::COLUMNS
            );
            let Some(row) = tx.query_opt(&sql, params![code])? else { return Ok(None) };
            Ok::<_, StoreError>(Some((code, row, Banned::read(tx, now)?)))
        })
        .await?;
    let (code, row, banned) = found.ok_or_else(|| Problem::unknown("link", &text))?;
    let theirs = principal.require_promoter_of(row.text(1)?, row.opt_text(2)?);
    theirs.map_err(|_| Problem::unknown("link", &text))?;
    let qr_code = row.opt_code(10)?.map(|code| code.to_string());
    let flags = row.link_flags(7)?;
    let code = code.to_string();
    let life = LinkFacts::read(&row, 14, &banned)?;
    Ok(Json(LinkView {
        short_url: address(core.config(), &code),
        other_urls: elsewhere(core.config(), &code),
        code,
        placement: row.text(0)?.to_owned(),
        placement_name: row.text(12)?.to_owned(),
        promoter: row.text(1)?.to_owned(),
        programme: row.text(3)?.to_owned(),
        programme_name: row.text(13)?.to_owned(),
        target_kind: row.text(4)?.to_owned(),
        target: row.text(5)?.to_owned(),
        destination: row.text(6)?.to_owned(),
        qr: flags.has(LinkFlags::QR),
        badge: flags.has(LinkFlags::BADGE),
        converted: flags.has(LinkFlags::CONVERTED),
        shared_at: row.int(8)?,
        starts_at: life.starts.instant().map(Instant::millis),
        expires_at: life.expires.instant().map(Instant::millis),
        state: life.at(now),
        title: row.text(9)?.to_owned(),
        qr_url: qr_code.as_ref().map(|code| address(core.config(), code)),
        qr_code,
        alias_url: row.opt_text(11)?.map(|alias| address(core.config(), alias)),
        alias_urls: row.opt_text(11)?.map(|alias| elsewhere(core.config(), alias)).unwrap_or_default(),
    }))
}

/// The code of the link that has this custom name.
fn named(tx: &mut dyn Tx, alias: &str) -> Result<Option<Code>, StoreError> {
    let row = tx.query_opt("SELECT code FROM aliases WHERE alias = $1", params![alias])?;
    row.map(|row| row.code(0)).transpose()
}
