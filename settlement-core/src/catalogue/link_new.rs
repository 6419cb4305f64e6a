//! Makes a link: checks that it may exist, freezes its [life](super::link_life) from the rules, draws its code and that of
//! its QR.

use super::feed::Numbers;
use super::link_life::{Life, refuse_empty_life, refuse_over};
use super::link_rows::{LinkRows, Row};
use super::link_target::LinkTargets;
use super::rules::{self, Programme};
use super::verification::refuse_unverified;
use crate::api::time::{AHEAD_MS, plausible};
use crate::api::{ApiTime, Principal, Problem};
use crate::store::{StoreError, Tx};
use crate::{CoreConfig, params};
use attribution_core::catalogue::LinkFlags;
use attribution_core::code::{Alias, CheckKey, Code};
use attribution_core::ids::{MerchantId, PlacementId, ProductId};
use attribution_core::policy::eligibility::EligibilityPolicy;
use attribution_core::time::Instant;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Change numbers one link may need: itself, its QR code, its alias, its page.
pub(super) const NUMBERS_PER_LINK: usize = 4;

/// A page of a merchant that is neither product nor shop.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPage {
    /// The merchant.
    #[schema(value_type = String)]
    pub(super) merchant: MerchantId,
    /// The page: an absolute http(s) URL.
    pub(super) url: String,
    /// Its title.
    pub(super) title: Option<String>,
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
    pub(super) product: Option<ProductId>,
    /// A merchant's whole shop.
    #[schema(value_type = Option<String>)]
    pub(super) shop: Option<MerchantId>,
    /// Any other page of a merchant.
    pub(super) page: Option<NewPage>,
    /// When it was shared; now unless given. Its life counts from here, under the rules of then: only
    /// operators name a time that is over for longer than clocks differ (five minutes).
    shared_at: Option<ApiTime>,
    /// Shared while the salesperson's badge (小黄人) was shown.
    #[serde(default)]
    badge: bool,
    /// Converted through the alliance (联盟转换链接), as links made here are.
    #[serde(default = "yes")]
    converted: bool,
    /// A custom name beside the code.
    alias: Option<String>,
    /// It works from here on.
    pub(super) starts: Option<ApiTime>,
    /// It stops here at the latest; the rules may end it sooner.
    pub(super) expires: Option<ApiTime>,
    /// Its QR code stops here; it does not age unless given.
    pub(super) qr_expires: Option<ApiTime>,
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
    targets: LinkTargets<'a>,
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
            targets: LinkTargets::new(config, principal, now),
            verified: HashSet::new(),
        }
    }

    /// Looks up the products of many links at once, before they are made one by one.
    pub(super) fn look_up(&mut self, tx: &mut dyn Tx, links: &[NewLink]) -> Result<(), StoreError> {
        self.targets.look_up(tx, links)
    }

    /// Makes one link and its QR code.
    pub(super) fn make(
        &mut self,
        tx: &mut dyn Tx,
        link: &NewLink,
        numbers: &mut Numbers,
    ) -> Result<MadeLink, Problem> {
        let (placement, programme) = self.placement(tx, link)?;
        let shared = self.shared_at(link)?;
        let target = self.targets.find(tx, link, (placement.programme, &programme), numbers)?;
        let policy = &programme.in_force_or_first(shared).ok_or(StoreError::NoRow)?.policy;
        self.refuse_unverified(tx, &placement, &policy.eligibility)?;
        let life = Life::of(link, policy, shared)?;
        let mut row = Row {
            placement: placement.num,
            promoter: placement.promoter_num,
            target: target.num,
            starts: life.starts,
            expires: life.expires,
            flags: flags_of(link),
            shared,
            qr_of: None,
        };
        let code = self.rows.insert(tx, row, numbers)?;
        row.expires = life.qr_expires;
        row.flags = row.flags.with(LinkFlags::QR);
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
            starts_at: life.starts.instant().map(Instant::millis),
            expires_at: life.expires.instant().map(Instant::millis),
        })
    }

    /// Writes what is not written yet.
    pub(super) fn finish(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        self.rows.write(tx)
    }

    /// The placement that the link is to be in, whose promoter may make links now, and its programme.
    fn placement(
        &mut self,
        tx: &mut dyn Tx,
        link: &NewLink,
    ) -> Result<(Rc<Placement>, Rc<Programme>), Problem> {
        let id = link.placement.as_ref().ok_or_else(|| no_placement("a link needs a placement (推广位)"))?;
        self.load(tx, id)?;
        let placement = Rc::clone(self.placements.get(id.as_str()).ok_or(StoreError::NoRow)?);
        let programme = Rc::clone(self.programmes.get(&placement.programme).ok_or(StoreError::NoRow)?);
        self.principal.require_promoter_of(&placement.promoter, placement.agency.as_deref())?;
        if placement.disabled_from.is_some_and(|from| from <= self.now) {
            return Err(Problem::conflict("promoter_disabled", "this promoter may not make links now"));
        }
        Ok((placement, programme))
    }

    /// When the link is shared, with the rules of which time it works: a time that whoever asks may say, and one that
    /// leaves it some life.
    fn shared_at(&self, link: &NewLink) -> Result<Instant, Problem> {
        let shared = link.shared_at.map_or(self.now, ApiTime::instant);
        plausible(shared, self.now).map_err(|why| Problem::invalid("shared_at", why))?;
        let is_operator = self.principal.require_operator().is_ok();
        // A promoter who dates a link back would choose among all rules that ever were.
        if shared < self.now.plus(-AHEAD_MS) && !is_operator {
            return Err(Problem::forbidden("only operators may date a link back"));
        }
        refuse_empty_life(link)?;
        // Operators bring in links of before, some of which are over.
        if shared >= self.now || !is_operator {
            refuse_over(link, self.now)?;
        }
        Ok(shared)
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
            .ok_or_else(|| no_placement(format!("there is no placement {id}; make one first")))?;
        let placement = Placement {
            num: row.int(0)?,
            promoter: row.text(1)?.to_owned(),
            promoter_num: row.int(5)?,
            agency: row.opt_text(2)?.map(str::to_owned),
            disabled_from: row.opt_instant(3)?,
            programme: row.int(4)?,
        };
        if let Entry::Vacant(place) = self.programmes.entry(placement.programme) {
            place.insert(Rc::new(rules::named(tx, placement.programme)?));
        }
        self.placements.insert(id.to_string(), Rc::new(placement));
        Ok(())
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

    fn insert_alias(
        &mut self,
        tx: &mut dyn Tx,
        wish: &str,
        code: Code,
        numbers: &mut Numbers,
    ) -> Result<Alias, Problem> {
        let alias = Alias::new(wish, self.key).map_err(|e| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_alias", e.to_string()).about("alias")
        })?;
        // An alias stands for a link that is there.
        self.rows.write(tx)?;
        if self.rows.is_there(tx, &Code::slips(wish.as_bytes(), self.key))? {
            let why = "this alias is one slip of the finger away from a link's code";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_alias", why).about("alias"));
        }
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

/// What a link is shared under, as its maker says.
fn flags_of(link: &NewLink) -> LinkFlags {
    let said = [(link.badge, LinkFlags::BADGE), (link.converted, LinkFlags::CONVERTED)];
    said.into_iter().filter(|(is, _)| *is).fold(LinkFlags::default(), |all, (_, flag)| all.with(flag))
}

fn no_placement(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_placement", detail).about("placement")
}

/// The addresses of a path of the edge at the installation's further hosts.
pub(super) fn elsewhere(config: &CoreConfig, path: &str) -> Vec<String> {
    let here = address(config, path);
    config.own_hosts.iter().filter_map(|host| config.at_host(&here, host)).collect()
}

/// The public address of a path of the edge.
pub(super) fn address(config: &CoreConfig, path: &str) -> String {
    let base = config.public_base.as_str();
    format!("{}/{path}", base.trim_end_matches('/'))
}
