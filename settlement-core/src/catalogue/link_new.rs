//! Makes a link: checks that it may exist, freezes its life from the rules, draws its code and that of its QR.

use super::feed::Numbers;
use super::link_rows::{LinkRows, Row};
use super::programmes::Programme;
use super::targets::{self, NewTarget, Target};
use super::verification::refuse_unverified;
use super::{destination, insiders, merchants};
use crate::api::time::{EARLIEST, plausible};
use crate::api::{Principal, Problem};
use crate::store::{StoreError, Tx};
use crate::{CoreConfig, params};
use attribution_core::catalogue::{LinkFlags, LinkSeconds};
use attribution_core::code::{Alias, CheckKey, Code};
use attribution_core::ids::{MerchantId, PlacementId, ProductId};
use attribution_core::policy::LinkKind;
use attribution_core::policy::eligibility::EligibilityPolicy;
use attribution_core::time::{Instant, SECOND_MS};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// Change numbers one link may need: itself, its QR code, its alias, its page.
pub(super) const NUMBERS_PER_LINK: usize = 4;

/// A page of a merchant that is neither product nor shop.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPage {
    /// The merchant.
    #[schema(value_type = String)]
    merchant: MerchantId,
    /// The page: an absolute http(s) URL.
    url: String,
    /// Its title.
    title: Option<String>,
}

/// A link to make. Exactly one of `product`, `shop` and `page` says where it leads.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLink {
    /// Whose link, under which programme.
    #[schema(value_type = Option<String>)]
    placement: Option<PlacementId>,
    /// A product.
    #[schema(value_type = Option<String>)]
    product: Option<ProductId>,
    /// A merchant's whole shop.
    #[schema(value_type = Option<String>)]
    shop: Option<MerchantId>,
    /// Any other page of a merchant.
    page: Option<NewPage>,
    /// When it was shared, UTC milliseconds; now unless given. Its life counts from here.
    #[schema(value_type = Option<i64>)]
    shared_at: Option<Instant>,
    /// Shared while the salesperson's badge (小黄人) was shown.
    #[serde(default)]
    badge: bool,
    /// Converted through the alliance (联盟转换链接), as links made here are.
    #[serde(default = "yes")]
    converted: bool,
    /// A custom name beside the code.
    alias: Option<String>,
    /// It works from here on, UTC milliseconds.
    #[schema(value_type = Option<i64>)]
    starts: Option<Instant>,
    /// It stops here at the latest, UTC milliseconds; the rules may end it sooner.
    #[schema(value_type = Option<i64>)]
    expires: Option<Instant>,
    /// Its QR code stops here, UTC milliseconds; it does not age unless given.
    #[schema(value_type = Option<i64>)]
    qr_expires: Option<Instant>,
}

fn yes() -> bool {
    true
}

/// A link as made.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct MadeLink {
    /// Its code.
    pub(super) code: String,
    /// What to share.
    pub(super) short_url: String,
    /// The code of its QR code, whose life is its own.
    pub(super) qr_code: String,
    /// Its QR code as SVG.
    pub(super) qr_svg_url: String,
    /// Its QR code as PNG.
    pub(super) qr_png_url: String,
    /// The custom name, as a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alias_url: Option<String>,
    /// It works from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) starts_at: Option<i64>,
    /// It stops here, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
}

struct Placement {
    num: i64,
    promoter: String,
    promoter_num: i64,
    agency: Option<String>,
    disabled_from: Option<Instant>,
    programme: i64,
}

/// Makes the links of one request. What they have in common is looked up once, and their rows are written together:
/// nothing is sure to be in the store before [`finish`](Self::finish).
pub(super) struct LinkMaker<'a> {
    config: &'a CoreConfig,
    key: CheckKey,
    rows: LinkRows,
    principal: &'a Principal,
    now: Instant,
    placements: HashMap<String, Rc<Placement>>,
    programmes: HashMap<i64, Rc<Programme>>,
    products: HashMap<ProductId, Target>,
    /// Merchants that take part in a programme.
    insiders: HashSet<(String, i64)>,
    /// Categories that are not banned in a programme.
    allowed: HashSet<(i64, i64)>,
    /// Promoters who meet a programme's demands: a verified membership, a verified account to pay to.
    verified: HashSet<(i64, bool, bool)>,
}

impl<'a> LinkMaker<'a> {
    pub(super) fn new(config: &'a CoreConfig, key: CheckKey, principal: &'a Principal, now: Instant) -> Self {
        Self {
            config,
            key,
            rows: LinkRows::new(key, now),
            principal,
            now,
            placements: HashMap::new(),
            programmes: HashMap::new(),
            products: HashMap::new(),
            insiders: HashSet::new(),
            allowed: HashSet::new(),
            verified: HashSet::new(),
        }
    }

    /// Looks up the products of many links at once, before they are made one by one.
    pub(super) fn look_up(&mut self, tx: &mut dyn Tx, links: &[NewLink]) -> Result<(), StoreError> {
        let wanted: BTreeSet<&ProductId> = links.iter().filter_map(|link| link.product.as_ref()).collect();
        let wanted: Vec<&ProductId> = wanted.into_iter().collect();
        self.products.extend(targets::find_products(tx, &wanted)?);
        Ok(())
    }

    /// Makes one link and its QR code.
    pub(super) fn make(
        &mut self,
        tx: &mut dyn Tx,
        link: &NewLink,
        numbers: &mut Numbers,
    ) -> Result<MadeLink, Problem> {
        let id = link.placement.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "no_placement",
                "a link needs a placement (推广位)",
            )
            .fact("field", "placement")
        })?;
        self.load(tx, id)?;
        let placement = Rc::clone(self.placements.get(id.as_str()).ok_or(StoreError::NoRow)?);
        let programme = Rc::clone(self.programmes.get(&placement.programme).ok_or(StoreError::NoRow)?);
        self.principal.require_promoter_of(&placement.promoter, placement.agency.as_deref())?;
        if placement.disabled_from.is_some_and(|from| from <= self.now) {
            return Err(Problem::conflict("promoter_disabled", "this promoter may not make links now"));
        }
        let shared = link.shared_at.unwrap_or(self.now);
        plausible(shared, self.now).map_err(|why| Problem::invalid("shared_at", why))?;
        refuse_empty_life(link)?;
        let target = self.target(tx, link, &placement, &programme, numbers)?;
        self.refuse_withdrawn(tx, &target, placement.programme)?;

        let policy = programme.policy_at(shared).ok_or(StoreError::NoRow)?;
        self.refuse_unverified(tx, &placement, &policy.eligibility)?;
        let starts = seconds("starts", link.starts)?;
        let expires = earlier(policy.expires_at(shared, LinkKind::Link), link.expires);
        let qr_expires = earlier(policy.expires_at(shared, LinkKind::Qr), link.qr_expires);
        if let (Some(starts), Some(end)) = (link.starts, expires)
            && starts >= end
        {
            return Err(Problem::invalid("starts", "the rules end this link before it would start"));
        }
        let mut flags = LinkFlags::default();
        if link.badge {
            flags = flags.with(LinkFlags::BADGE);
        }
        if link.converted {
            flags = flags.with(LinkFlags::CONVERTED);
        }
        let mut row = Row {
            placement: placement.num,
            promoter: placement.promoter_num,
            target: target.num,
            starts,
            expires: seconds("expires", expires)?,
            flags,
            shared,
            qr_of: None,
        };
        let code = self.rows.insert(tx, row, numbers)?;
        let expires_at = row.expires.instant().map(Instant::millis);
        row.expires = seconds("qr_expires", qr_expires)?;
        row.flags = flags.with(LinkFlags::QR);
        row.qr_of = Some(code);
        let qr_code = self.rows.insert(tx, row, numbers)?;
        let alias =
            link.alias.as_deref().map(|alias| self.insert_alias(tx, alias, code, numbers)).transpose()?;
        Ok(MadeLink {
            code: code.to_string(),
            short_url: address(self.config, &code.to_string()),
            qr_code: qr_code.to_string(),
            qr_svg_url: address(self.config, &format!("q/{qr_code}.svg")),
            qr_png_url: address(self.config, &format!("q/{qr_code}.png")),
            alias_url: alias.map(|alias| address(self.config, alias.as_str())),
            starts_at: starts.instant().map(Instant::millis),
            expires_at,
        })
    }

    /// Writes what is not written yet.
    pub(super) fn finish(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.rows.write(tx)
    }

    fn load(&mut self, tx: &mut dyn Tx, id: &PlacementId) -> Result<(), Problem> {
        if self.placements.contains_key(id.as_str()) {
            return Ok(());
        }
        let row = tx
            .query_opt(
                "SELECT p.num, r.id, r.agency, r.disabled_from, p.programme, r.num FROM placements p \
                 JOIN promoters r ON r.num = p.promoter WHERE p.id = $1",
                params![id],
            )?
            .ok_or_else(|| {
                Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "no_placement",
                    format!("there is no placement {id}; make one first"),
                )
                .fact("field", "placement")
            })?;
        let placement = Placement {
            num: row.int(0)?,
            promoter: row.text(1)?.to_owned(),
            promoter_num: row.int(5)?,
            agency: row.opt_text(2)?.map(str::to_owned),
            disabled_from: row.opt_instant(3)?,
            programme: row.int(4)?,
        };
        if let Entry::Vacant(place) = self.programmes.entry(placement.programme) {
            place.insert(Rc::new(Programme::load(tx, placement.programme)?));
        }
        self.placements.insert(id.to_string(), Rc::new(placement));
        Ok(())
    }

    /// Finds where the link leads; a shop's or page's target is made when first linked to.
    fn target(
        &mut self,
        tx: &mut dyn Tx,
        link: &NewLink,
        placement: &Placement,
        programme: &Programme,
        numbers: &mut Numbers,
    ) -> Result<Target, Problem> {
        let unprocessable =
            |code, detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        let target = match (&link.product, &link.shop, &link.page) {
            (Some(product), None, None) => match self.products.get(product) {
                Some(known) => known.clone(),
                None => {
                    let found = targets::find(tx, "product", product.as_str())?.ok_or_else(|| {
                        unprocessable("unknown_product", format!("there is no product {product}"))
                    })?;
                    self.products.insert(product.clone(), found.clone());
                    found
                }
            },
            (None, Some(shop), None) => targets::find(tx, "shop", shop.as_str())?.ok_or_else(|| {
                unprocessable("unknown_shop", format!("merchant {shop} does not exist or has no shop_url"))
            })?,
            (None, None, Some(page)) => self.page(tx, page, programme, numbers)?,
            _ => return Err(Problem::invalid("product", "give exactly one of product, shop and page")),
        };
        let insider = (target.merchant.clone(), placement.programme);
        if !self.insiders.contains(&insider) {
            Self::refuse_outsider(tx, &target.merchant, programme)?;
            self.insiders.insert(insider);
        }
        Ok(target)
    }

    fn refuse_unverified(
        &mut self,
        tx: &mut dyn Tx,
        placement: &Placement,
        demands: &EligibilityPolicy,
    ) -> Result<(), Problem> {
        let wanted = (placement.promoter_num, demands.verified_member, demands.verified_payout_account);
        if !self.verified.contains(&wanted) {
            refuse_unverified(tx, &placement.promoter, demands, self.now)?;
            self.verified.insert(wanted);
        }
        Ok(())
    }

    fn refuse_outsider(tx: &mut dyn Tx, merchant: &str, programme: &Programme) -> Result<(), Problem> {
        let (owner, platform) = (programme.merchant.as_deref(), programme.platform.as_deref());
        if insiders::takes_part(tx, merchant, owner, platform)? {
            return Ok(());
        }
        Err(insiders::outsider(merchant, &programme.id))
    }

    fn page(
        &self,
        tx: &mut dyn Tx,
        page: &NewPage,
        programme: &Programme,
        numbers: &mut Numbers,
    ) -> Result<Target, Problem> {
        let merchant = merchants::find(tx, &page.merchant)?.ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown_shop",
                format!("there is no merchant {}", page.merchant),
            )
        })?;
        Self::refuse_outsider(tx, &merchant.id, programme)?;
        let destination = destination::checked("page.url", &page.url, &merchant.hosts, self.config)?;
        let title = page.title.as_deref().unwrap_or(&destination);
        if page.title.is_some() {
            super::checked_name("page.title", title)?;
        }
        let mut hashed = merchant.id.clone().into_bytes();
        hashed.push(b'\n');
        hashed.extend_from_slice(destination.as_bytes());
        let id = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&hashed));
        if let Some(known) = targets::find(tx, "page", &id)? {
            return Ok(known);
        }
        let new = NewTarget {
            kind: "page",
            id: &id,
            merchant: &merchant.id,
            title,
            destination: &destination,
            price_fen: None,
            category: None,
            pass_query: false,
            click_param: &merchant.click_param,
            image_url: None,
            app_page: merchant.app_page.as_deref(),
        };
        let num = targets::put(tx, &new, numbers, self.now)?;
        Ok(Target { num, merchant: merchant.id, category: None, cancelled_from: None, delisted_from: None })
    }

    fn refuse_withdrawn(&mut self, tx: &mut dyn Tx, target: &Target, programme: i64) -> Result<(), Problem> {
        let began = |from: Option<Instant>| from.is_some_and(|from| from <= self.now);
        if began(target.cancelled_from) {
            return Err(Problem::conflict("promotion_cancelled", "the merchant cancelled this promotion"));
        }
        if began(target.delisted_from) {
            return Err(Problem::conflict("product_delisted", "this product is delisted"));
        }
        let Some(category) = target.category else { return Ok(()) };
        if self.allowed.contains(&(category, programme)) {
            return Ok(());
        }
        let banned = tx.query_opt(
            "SELECT 1 FROM bans WHERE category = $1 AND (programme = 0 OR programme = $2) AND effective_from <= $3",
            params![category, programme, self.now],
        )?;
        match banned {
            Some(_) => {
                Err(Problem::conflict("category_banned", "products of this category may not be promoted"))
            }
            None => {
                self.allowed.insert((category, programme));
                Ok(())
            }
        }
    }

    fn insert_alias(
        &mut self,
        tx: &mut dyn Tx,
        wish: &str,
        code: Code,
        numbers: &mut Numbers,
    ) -> Result<Alias, Problem> {
        let alias = Alias::new(wish, self.key).map_err(|e| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_alias", e.to_string()).fact("field", "alias")
        })?;
        // An alias stands for a link that is there.
        self.rows.write(tx)?;
        let inserted = tx.execute(
            "INSERT INTO aliases (alias, code, change_no, changed_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (alias) DO NOTHING",
            params![alias.as_str(), code, numbers.next(), self.now],
        )?;
        if inserted == 0 {
            return Err(Problem::conflict("alias_taken", format!("the alias {wish} is taken")).about("alias"));
        }
        Ok(alias)
    }
}

/// The public address of a path of the edge.
pub(super) fn address(config: &CoreConfig, path: &str) -> String {
    let base = config.public_base.as_str();
    format!("{}/{path}", base.trim_end_matches('/'))
}

fn earlier(rule: Option<Instant>, wish: Option<Instant>) -> Option<Instant> {
    match (rule, wish) {
        (Some(rule), Some(wish)) => Some(rule.min(wish)),
        (rule, wish) => rule.or(wish),
    }
}

/// The last second a link can keep (in 2106).
const LATEST: Instant = Instant(u32::MAX as i64 * SECOND_MS);

/// The wishes for a link's life must be times that a link can keep, and leave it some life.
fn refuse_empty_life(link: &NewLink) -> Result<(), Problem> {
    for (field, wish) in [("starts", link.starts), ("expires", link.expires), ("qr_expires", link.qr_expires)]
    {
        if wish.is_some_and(|at| !(EARLIEST..=LATEST).contains(&at)) {
            return Err(Problem::invalid(field, "must lie between 2000 and 2106, in milliseconds"));
        }
    }
    for (field, end) in [("expires", link.expires), ("qr_expires", link.qr_expires)] {
        if let (Some(starts), Some(end)) = (link.starts, end)
            && starts.floor_seconds() >= end.floor_seconds()
        {
            return Err(Problem::invalid(field, "must lie at least a second after starts"));
        }
    }
    Ok(())
}

/// Links keep whole seconds; what cannot be kept is refused, because 0 would mean "no limit".
fn seconds(field: &str, at: Option<Instant>) -> Result<LinkSeconds, Problem> {
    let Some(at) = at else { return Ok(LinkSeconds::NONE) };
    match LinkSeconds::from_instant(at) {
        LinkSeconds::NONE => Err(Problem::invalid(field, "must lie between 1970 and 2106")),
        seconds => Ok(seconds),
    }
}
