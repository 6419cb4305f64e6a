//! `GET /v1/links`: a promoter's or a merchant's links, page by page.
//!
//! The links of QR codes have no entry of their own: each stands beside the link it belongs to.

use super::bans::Banned;
use super::link_new::address;
use super::link_state::{LinkFacts, LinkState};
use crate::api::{CsvEntry, Cursor, Form, Page, PageLength, PageParams, Params, Principal, Problem, Role};
use crate::params;
use crate::store::{Param, Query, Row, StoreError, Tx};
use crate::{Core, CoreConfig};
use attribution_core::catalogue::LinkFlags;
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Links that one request looks at, where a filter may pass over many: a page may then hold fewer than were asked for.
const LOOK_AT: usize = 2_000;

/// Which links.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whose. A promoter's token sees its own, an agency must name one of its promoters.
    promoter: Option<String>,
    /// To whose products, shop and pages. A merchant's token sees those that lead to its own.
    merchant: Option<String>,
    /// Of this placement only.
    placement: Option<String>,
    /// To this product only.
    product: Option<String>,
    /// To targets of this kind only: `product`, `shop` or `page`.
    #[param(inline)]
    kind: Option<Kind>,
    /// In this state only, or all the `dead` ones (失效): whatever is neither `live` nor `not_started`.
    #[param(inline)]
    state: Option<WantedState>,
    /// Made at this very time, UTC milliseconds: those of one request.
    made_at: Option<i64>,
    /// With their addresses at this host of the installation's; the first one if absent.
    host: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `json`, or `csv`: all that there are, up to 50000, whatever `limit` says.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// The states that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WantedState {
    Live,
    Dead,
    NotStarted,
    Expired,
    PromotionCancelled,
    ProductDelisted,
    PromoterDisabled,
    CategoryBanned,
}

impl WantedState {
    /// Whether a link in this state is meant.
    fn fits(self, state: LinkState) -> bool {
        let one = match self {
            Self::Dead => return state.is_dead(),
            Self::Live => LinkState::Live,
            Self::NotStarted => LinkState::NotStarted,
            Self::Expired => LinkState::Expired,
            Self::PromotionCancelled => LinkState::PromotionCancelled,
            Self::ProductDelisted => LinkState::ProductDelisted,
            Self::PromoterDisabled => LinkState::PromoterDisabled,
            Self::CategoryBanned => LinkState::CategoryBanned,
        };
        state == one
    }
}

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A product.
    Product,
    /// A whole shop.
    Shop,
    /// Any other page of a merchant.
    Page,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Shop => "shop",
            Self::Page => "page",
        }
    }
}

/// A link in a list.
#[derive(Debug, Serialize, ToSchema)]
struct LinkEntry {
    code: String,
    short_url: String,
    placement: String,
    /// The placement's name.
    placement_name: String,
    promoter: String,
    programme: String,
    merchant: String,
    /// The shop's name.
    merchant_name: String,
    /// `product`, `shop` or `page`.
    target_kind: String,
    target: String,
    title: String,
    state: LinkState,
    badge: bool,
    /// When it was made, UTC milliseconds.
    created_at: i64,
    shared_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// The code of its QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_svg_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_png_url: Option<String>,
    /// Its custom name, as a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    alias_url: Option<String>,
}

impl CsvEntry for LinkEntry {
    const FILE: &'static str = "links.csv";
    const HEADINGS: &'static [&'static str] = &[
        "code",
        "short_url",
        "alias_url",
        "qr_png_url",
        "promoter",
        "placement",
        "placement_name",
        "programme",
        "merchant",
        "merchant_name",
        "target_kind",
        "target",
        "title",
        "state",
        "created_at",
        "starts_at",
        "expires_at",
    ];

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let at = |at: i64| Instant(at).to_string();
        vec![
            self.code.clone(),
            self.short_url.clone(),
            text(&self.alias_url),
            text(&self.qr_png_url),
            self.promoter.clone(),
            self.placement.clone(),
            self.placement_name.clone(),
            self.programme.clone(),
            self.merchant.clone(),
            self.merchant_name.clone(),
            self.target_kind.clone(),
            self.target.clone(),
            self.title.clone(),
            self.state.name().to_owned(),
            at(self.created_at),
            self.starts_at.map(at).unwrap_or_default(),
            self.expires_at.map(at).unwrap_or_default(),
        ]
    }
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Links with what they lead to and how they stand: a promoter's newest first, a merchant's by target. A page may hold
/// fewer than were asked for while there are more: go on until there is no `next_cursor`. Each entry, and each row of the
/// CSV, has its own state, `not_started` too; `state=dead` asks for those that are dead, and one that is still to come is
/// not. Operators, the promoter, the promoter's agency, the merchant.
#[utoipa::path(
    get, path = "/v1/links", params(Wanted),
    responses((status = 200, content((Page<LinkEntry> = "application/json"), (String = "text/csv"))))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let wanted = scoped(wanted, &principal)?;
    let format = wanted.format;
    let (length, after) = format.begin(&PageParams { limit: wanted.limit, cursor: wanted.cursor.clone() })?;
    let (now, mut config) = (core.now(), core.config().clone());
    if let Some(host) = &wanted.host {
        let there = config.at_host(config.public_base.as_str(), host).and_then(|base| Url::parse(&base).ok());
        config.public_base =
            there.ok_or_else(|| Problem::invalid("host", "is none of the installation's"))?;
    }
    let found =
        core.store().read(move |tx| page(tx, &principal, &wanted, length, &after, &config, now)).await?;
    format.answer(found)
}

/// Fills in whose links a token may see, and refuses what it may not ask for.
fn scoped(mut wanted: Wanted, principal: &Principal) -> Result<Wanted, Problem> {
    match principal.role {
        Role::Admin | Role::Operator => {}
        Role::Promoter => {
            let own = principal.subject.clone().unwrap_or_default();
            principal.require_promoter(wanted.promoter.as_deref().unwrap_or(&own))?;
            wanted.promoter = Some(own);
        }
        // Whether the promoter is the agency's stands in the store.
        Role::Agency => {}
        Role::Merchant => {
            let own = principal.subject.clone().unwrap_or_default();
            principal.require_merchant(wanted.merchant.as_deref().unwrap_or(&own))?;
            wanted.merchant = Some(own);
        }
        Role::Edge => return Err(Problem::forbidden("role edge may not do this")),
    }
    if wanted.promoter.is_none() && (wanted.merchant.is_none() || principal.role == Role::Agency) {
        return Err(Problem::invalid("promoter", "say whose links: a promoter's or a merchant's"));
    }
    Ok(wanted)
}

/// Newest first within a promoter; by target and promoter within a merchant.
fn columns() -> String {
    format!(
        "SELECT l.code, p.id, r.id, g.id, t.merchant, t.kind, t.id, t.title, l.flags, l.created_at, l.shared_at, \
         q.code, a.alias, t.num, l.promoter, {}, p.name, m.name FROM links l JOIN targets t ON t.num = l.target \
         JOIN merchants m ON m.id = t.merchant \
         JOIN placements p ON p.num = l.placement JOIN promoters r ON r.num = l.promoter \
         JOIN programmes g ON g.num = p.programme LEFT JOIN links q ON q.qr_of = l.code \
         LEFT JOIN aliases a ON a.code = l.code WHERE l.qr_of IS NULL",
        LinkFacts::COLUMNS
    )
}

fn page(
    tx: &mut dyn Tx,
    principal: &Principal,
    wanted: &Wanted,
    length: PageLength,
    after: &Cursor,
    config: &CoreConfig,
    now: Instant,
) -> Result<Page<LinkEntry>, Problem> {
    let mut query = question(tx, principal, wanted, after, now)?;
    let look_at = wanted.state.map_or(length.entries(), |_| LOOK_AT.max(length.entries()));
    // One more row than is looked at says whether there is another page.
    query.add(" LIMIT ?", [i64::try_from(look_at + 1).unwrap_or(i64::MAX).into()]);
    let rows = query.rows(tx)?;
    let banned = Banned::read(tx, now)?;
    let mut items = Vec::new();
    for (row, looked_at) in rows.iter().zip(1..=look_at) {
        let entry = entry(row, config, &banned, now)?;
        if wanted.state.is_none_or(|state| state.fits(entry.state)) {
            items.push(entry);
        }
        if items.len() == length.entries() || looked_at == look_at {
            let next = (looked_at < rows.len()).then(|| key(wanted, row)).transpose()?;
            return Ok(Page::among(items, next));
        }
    }
    Ok(Page::among(items, None))
}

/// What finds the links in the list's order, up to the limit.
fn question<'w>(
    tx: &mut dyn Tx,
    principal: &Principal,
    wanted: &'w Wanted,
    after: &Cursor,
    now: Instant,
) -> Result<Query<'w>, Problem> {
    let mut query = Query::new(columns());
    if let Some(promoter) = &wanted.promoter {
        let row = tx
            .query_opt("SELECT num, agency FROM promoters WHERE id = $1", params![promoter])?
            .ok_or_else(|| Problem::unknown("promoter", promoter))?;
        if principal.role != Role::Merchant {
            principal.require_promoter_of(promoter, row.opt_text(1)?)?;
        }
        query.only("l.promoter = ?", Some(row.int(0)?));
    }
    query.only("t.merchant = ?", wanted.merchant.as_ref());
    if let Some(product) = &wanted.product {
        let sql = "SELECT num FROM targets WHERE kind = 'product' AND id = $1";
        let row = tx.query_opt(sql, params![product])?.ok_or_else(|| Problem::unknown("product", product))?;
        query.only("l.target = ?", Some(row.int(0)?));
    }
    query.only("p.id = ?", wanted.placement.as_ref());
    query.only("l.created_at = ?", wanted.made_at);
    query.only("t.kind = ?", wanted.kind.map(Kind::name));
    // Few of many links are not live: those that must be are not looked at.
    if wanted.state.is_some_and(|state| state != WantedState::Live) {
        let (now, seconds) = (query.mark_of(now), query.mark_of(now.floor_seconds()));
        query.add(&format!(" AND {}", LinkFacts::may_not_be_live(&now, &seconds)), []);
    }
    if wanted.promoter.is_some() {
        if let Some(place) = after.numbers::<2>()? {
            query.add(" AND (l.created_at, l.code) < (?, ?)", place.map(Param::from));
        }
        query.add(" ORDER BY l.created_at DESC, l.code DESC", []);
    } else {
        if let Some([target, promoter, created, code]) = after.numbers()? {
            query.add(
                " AND t.num >= ? AND (t.num > ? OR (l.promoter, l.created_at, l.code) > (?, ?, ?))",
                [target, target, promoter, created, code].map(Param::from),
            );
        }
        query.add(" ORDER BY t.num, l.promoter, l.created_at, l.code", []);
    }
    Ok(query)
}

/// The sort key of a link.
fn key(wanted: &Wanted, row: &Row) -> Result<String, StoreError> {
    Ok(if wanted.promoter.is_some() {
        Cursor::of_numbers(&[row.int(9)?, row.int(0)?])
    } else {
        Cursor::of_numbers(&[row.int(13)?, row.int(14)?, row.int(9)?, row.int(0)?])
    })
}

fn entry(row: &Row, config: &CoreConfig, banned: &Banned, now: Instant) -> Result<LinkEntry, StoreError> {
    let code = row.code(0)?.to_string();
    let qr = row.opt_code(11)?.map(|code| code.to_string());
    let facts = LinkFacts::read(row, 15, banned)?;
    let flags = row.link_flags(8)?;
    Ok(LinkEntry {
        short_url: address(config, &code),
        code,
        placement: row.text(1)?.to_owned(),
        placement_name: row.text(22)?.to_owned(),
        promoter: row.text(2)?.to_owned(),
        programme: row.text(3)?.to_owned(),
        merchant: row.text(4)?.to_owned(),
        merchant_name: row.text(23)?.to_owned(),
        target_kind: row.text(5)?.to_owned(),
        target: row.text(6)?.to_owned(),
        title: row.text(7)?.to_owned(),
        state: facts.at(now),
        badge: flags.has(LinkFlags::BADGE),
        created_at: row.int(9)?,
        shared_at: row.int(10)?,
        starts_at: facts.starts.instant().map(Instant::millis),
        expires_at: facts.expires.instant().map(Instant::millis),
        qr_svg_url: qr.as_ref().map(|qr| address(config, &format!("q/{qr}.svg"))),
        qr_png_url: qr.as_ref().map(|qr| address(config, &format!("q/{qr}.png"))),
        qr_code: qr,
        alias_url: row.opt_text(12)?.map(|alias| address(config, alias)),
    })
}
