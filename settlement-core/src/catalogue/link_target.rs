//! Where a new link leads, and whether it may: to a product, a shop, or another page of a merchant.

use super::bans::Banned;
use super::feed::Numbers;
use super::insiders;
use super::link_new::{NewLink, NewPage};
use super::merchants::{self, Merchant};
use super::rules::Programme;
use super::targets::{self, NewTarget, Target};
use crate::CoreConfig;
use crate::api::{Principal, Problem};
use crate::destination;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{MerchantId, PlatformId, ProductId};
use attribution_core::time::Instant;
use http::StatusCode;
use std::collections::{BTreeSet, HashMap, HashSet};
use url::Url;

/// What one request has found out about where its links lead.
pub(super) struct LinkTargets<'a> {
    config: &'a CoreConfig,
    principal: &'a Principal,
    now: Instant,
    products: HashMap<ProductId, Target>,
    /// Merchants that take part in a programme.
    insiders: HashSet<(String, i64)>,
    /// Read when it is first asked for.
    banned: Option<Banned>,
}

impl<'a> LinkTargets<'a> {
    pub(super) fn new(config: &'a CoreConfig, principal: &'a Principal, now: Instant) -> Self {
        let (products, insiders, banned) = (HashMap::new(), HashSet::new(), None);
        Self { config, principal, now, products, insiders, banned }
    }

    /// Looks up the products of many links at once, before they are made one by one.
    pub(super) fn look_up(&mut self, tx: &mut dyn Tx, links: &[NewLink]) -> Result<(), StoreError> {
        let wanted: BTreeSet<&ProductId> = links.iter().filter_map(|link| link.product.as_ref()).collect();
        let wanted: Vec<&ProductId> = wanted.into_iter().collect();
        self.products.extend(targets::find_products(tx, &wanted)?);
        Ok(())
    }

    /// Finds where a link of the programme leads; a page's target is made when first linked to. What is withdrawn or
    /// banned, or a merchant's who does not take part, is refused.
    pub(super) fn find(
        &mut self,
        tx: &mut dyn Tx,
        link: &NewLink,
        programme: (i64, &Programme),
        numbers: &mut Numbers,
    ) -> Result<Target, Problem> {
        let (programme_num, programme) = programme;
        let unprocessable =
            |code, detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        let target = match (&link.product, &link.shop, &link.page) {
            (Some(product), None, None) => match self.products.get(product) {
                Some(known) => known.clone(),
                None => {
                    let found = targets::find(tx, "product", product.as_str())?.ok_or_else(|| {
                        unprocessable("unknown_product", format!("there is no product {product}"))
                            .about("product")
                    })?;
                    self.products.insert(product.clone(), found.clone());
                    found
                }
            },
            (None, Some(shop), None) => targets::find(tx, "shop", shop.as_str())?.ok_or_else(|| {
                unprocessable("unknown_shop", format!("merchant {shop} does not exist or has no shop_url"))
                    .about("shop")
            })?,
            (None, None, Some(page)) => self.page(tx, page, programme, numbers)?,
            _ => return Err(Problem::invalid("product", "give exactly one of product, shop and page")),
        };
        let insider = (target.merchant.clone(), programme_num);
        if !self.insiders.contains(&insider) {
            refuse_outsider(tx, &target.merchant, programme)?;
            self.insiders.insert(insider);
        }
        self.refuse_withdrawn(tx, &target, programme_num)?;
        Ok(target)
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
            .about("page.merchant")
        })?;
        refuse_outsider(tx, &merchant.id, programme)?;
        let hosts = self.hosts_of(&merchant)?;
        let destination = destination::checked("page.url", &page.url, &hosts, self.config)?;
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

    /// The hosts of a merchant's pages. Where it lists none, an operator may link to any; a promoter only to that of its
    /// shop, or our domain would lead wherever promoters like.
    fn hosts_of(&self, merchant: &Merchant) -> Result<Vec<String>, Problem> {
        if !merchant.hosts.is_empty() || self.principal.require_operator().is_ok() {
            return Ok(merchant.hosts.clone());
        }
        let shop = merchant.shop_url.as_deref().and_then(|shop| Url::parse(shop).ok());
        let host = shop.as_ref().and_then(Url::host_str).map(str::to_owned);
        let nowhere = || {
            let why = format!("page.url: merchant {} names no hosts of its pages", merchant.id);
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_destination", why).about("page.url")
        };
        host.map(|host| vec![host]).ok_or_else(nowhere)
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
        let banned = match &mut self.banned {
            Some(read) => read,
            none => none.insert(Banned::read(tx, self.now)?),
        };
        if banned.forbids(category, programme) {
            return Err(Problem::conflict(
                "category_banned",
                "products of this category may not be promoted",
            ));
        }
        Ok(())
    }
}

fn refuse_outsider(tx: &mut dyn Tx, merchant: &str, programme: &Programme) -> Result<(), Problem> {
    let owner = programme.merchant.as_ref().map(MerchantId::as_str);
    let platform = programme.platform.as_ref().map(PlatformId::as_str);
    if insiders::takes_part(tx, merchant, owner, platform)? {
        return Ok(());
    }
    Err(insiders::outsider(merchant, programme.id.as_str()))
}
