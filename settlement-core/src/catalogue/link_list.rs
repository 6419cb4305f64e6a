//! `GET /v1/links`: a promoter's or a merchant's links, page by page.
//!
//! The links of QR codes have no entry of their own: each stands beside the link it belongs to.

use super::bans::Banned;
use super::link_new::address;
use crate::api::{CsvEntry, Cursor, Form, Page, PageLength, PageParams, Params, Principal, Problem, Role};
use crate::params;
use crate::store::{Param, Row, StoreError, Tx};
use crate::{Core, CoreConfig};
use attribution_core::catalogue::{LinkFlags, LinkSeconds};
use attribution_core::code::Code;
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

/// How a link stands. The first that holds is told, in the order in which an edge decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinkState {
    /// It leads to its target and can earn.
    Live,
    /// It works from a later time on.
    NotStarted,
    /// Its time is over.
    Expired,
    /// The merchant cancelled the promotion (当前页面已过期).
    PromotionCancelled,
    /// The product is off the shelf.
    ProductDelisted,
    /// It leads on, but its promoter is disabled.
    PromoterDisabled,
    /// It leads on, but products of this category may not be promoted (禁推).
    CategoryBanned,
}

impl LinkState {
    /// As it is written.
    const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::NotStarted => "not_started",
            Self::Expired => "expired",
            Self::PromotionCancelled => "promotion_cancelled",
            Self::ProductDelisted => "product_delisted",
            Self::PromoterDisabled => "promoter_disabled",
            Self::CategoryBanned => "category_banned",
        }
    }
}

/// What a link's state is computed from.
pub(super) struct Life {
    pub(super) starts: LinkSeconds,
    pub(super) expires: LinkSeconds,
    pub(super) cancelled_from: Option<Instant>,
    pub(super) delisted_from: Option<Instant>,
    pub(super) disabled_from: Option<Instant>,
    /// In its programme, now.
    pub(super) banned: bool,
}

impl Life {
    /// The columns of which [`read`](Self::read) makes it: of the link `l`, its target `t`, its promoter `r` and its
    /// placement `p`.
    pub(super) const COLUMNS: &str = "l.starts, l.expires, t.cancelled_from, t.delisted_from, r.disabled_from, \
         t.category, p.programme";

    /// The condition on the same tables that every link fulfils which is not live; `now` and `seconds` are the places of
    /// the time among the values, in milliseconds and in seconds.
    fn may_be_dead(now: usize, seconds: usize) -> String {
        format!(
            "(t.cancelled_from <= ${now} OR t.delisted_from <= ${now} OR r.disabled_from <= ${now} \
             OR (l.expires <> 0 AND l.expires <= ${seconds}) OR l.starts > ${seconds} \
             OR t.category IN (SELECT b.category FROM ({}) b))",
            Banned::at(now)
        )
    }

    /// Out of a row in which these columns begin at `at`.
    pub(super) fn read(row: &Row, at: usize, banned: &Banned) -> Result<Self, StoreError> {
        Ok(Self {
            starts: LinkSeconds(row.num(at)?),
            expires: LinkSeconds(row.num(at + 1)?),
            cancelled_from: row.opt_instant(at + 2)?,
            delisted_from: row.opt_instant(at + 3)?,
            disabled_from: row.opt_instant(at + 4)?,
            banned: match row.opt_int(at + 5)? {
                Some(category) => banned.forbids(category, row.int(at + 6)?),
                None => false,
            },
        })
    }

    /// How it stands at `now`.
    pub(super) fn at(&self, now: Instant) -> LinkState {
        let begun = |from: Option<Instant>| from.is_some_and(|from| from <= now);
        if begun(self.cancelled_from) {
            LinkState::PromotionCancelled
        } else if begun(self.delisted_from) {
            LinkState::ProductDelisted
        } else if begun(self.expires.instant()) {
            LinkState::Expired
        } else if self.starts.instant().is_some_and(|starts| starts > now) {
            LinkState::NotStarted
        } else if begun(self.disabled_from) {
            LinkState::PromoterDisabled
        } else if self.banned {
            LinkState::CategoryBanned
        } else {
            LinkState::Live
        }
    }
}

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
    /// In this state only, or all the `dead` ones (失效): whatever is not `live`.
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
            Self::Dead => return state != LinkState::Live,
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
/// fewer than were asked for while there are more: go on until there is no `next_cursor`. Operators, the promoter, the
/// promoter's agency, the merchant.
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
        Life::COLUMNS
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
    let (mut sql, mut values) = question(tx, principal, wanted, after, now)?;
    let look_at = wanted.state.map_or(length.entries(), |_| LOOK_AT.max(length.entries()));
    // One more row than is looked at says whether there is another page.
    values.push(i64::try_from(look_at + 1).unwrap_or(i64::MAX).into());
    sql.push_str(&format!(" LIMIT ${}", values.len()));
    let rows = tx.query(&sql, &values)?;
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
) -> Result<(String, Vec<Param<'w>>), Problem> {
    let mut sql = columns();
    let mut values: Vec<Param<'_>> = Vec::new();
    let mut with = |condition: &str, value| {
        values.push(value);
        sql.push_str(&format!(" AND {condition} ${}", values.len()));
    };
    if let Some(promoter) = &wanted.promoter {
        let row = tx
            .query_opt("SELECT num, agency FROM promoters WHERE id = $1", params![promoter])?
            .ok_or_else(|| Problem::unknown("promoter", promoter))?;
        if principal.role != Role::Merchant {
            principal.require_promoter_of(promoter, row.opt_text(1)?)?;
        }
        with("l.promoter =", row.int(0)?.into());
    }
    if let Some(merchant) = &wanted.merchant {
        with("t.merchant =", merchant.into());
    }
    if let Some(product) = &wanted.product {
        let sql = "SELECT num FROM targets WHERE kind = 'product' AND id = $1";
        let row = tx.query_opt(sql, params![product])?.ok_or_else(|| Problem::unknown("product", product))?;
        with("l.target =", row.int(0)?.into());
    }
    if let Some(placement) = &wanted.placement {
        with("p.id =", placement.into());
    }
    if let Some(made) = wanted.made_at {
        with("l.created_at =", made.into());
    }
    if let Some(kind) = wanted.kind {
        with("t.kind =", kind.name().into());
    }
    // Few of many links are dead: those that cannot be are not looked at.
    if wanted.state.is_some_and(|state| state != WantedState::Live) {
        values.extend([Param::from(now), now.floor_seconds().into()]);
        sql.push_str(&format!(" AND {}", Life::may_be_dead(values.len() - 1, values.len())));
    }
    if wanted.promoter.is_some() {
        if let Some([created, code]) = after.numbers()? {
            values.extend([Param::from(created), code.into()]);
            let n = values.len();
            sql.push_str(&format!(" AND (l.created_at, l.code) < (${}, ${n})", n - 1));
        }
        sql.push_str(" ORDER BY l.created_at DESC, l.code DESC");
    } else {
        if let Some([target, promoter, created, code]) = after.numbers()? {
            values.extend([Param::from(target), promoter.into(), created.into(), code.into()]);
            let n = values.len();
            let (a, b, c) = (n - 3, n - 2, n - 1);
            sql.push_str(&format!(
                " AND t.num >= ${a} AND (t.num > ${a} OR (l.promoter, l.created_at, l.code) > (${b}, ${c}, ${n}))"
            ));
        }
        sql.push_str(" ORDER BY t.num, l.promoter, l.created_at, l.code");
    }
    Ok((sql, values))
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
    let code = Code(row.int(0)?.cast_unsigned()).to_string();
    let qr = row.opt_int(11)?.map(|code| Code(code.cast_unsigned()).to_string());
    let life = Life::read(row, 15, banned)?;
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
        state: life.at(now),
        badge: flags.has(LinkFlags::BADGE),
        created_at: row.int(9)?,
        shared_at: row.int(10)?,
        starts_at: life.starts.instant().map(Instant::millis),
        expires_at: life.expires.instant().map(Instant::millis),
        qr_svg_url: qr.as_ref().map(|qr| address(config, &format!("q/{qr}.svg"))),
        qr_png_url: qr.as_ref().map(|qr| address(config, &format!("q/{qr}.png"))),
        qr_code: qr,
        alias_url: row.opt_text(12)?.map(|alias| address(config, alias)),
    })
}
