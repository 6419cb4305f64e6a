//! Under whom a buyer is recorded at a shop at an instant, and who was before (关系查询).

use super::catalogue::Catalogue;
use super::clicks::{BuyerClicks, Whose};
use super::facts::{EVERYTHING, orders_matter, orders_of};
use crate::catalogue::{own_promoters, rules};
use crate::store::{StoreError, Tx};
use attribution_core::fold::{Click, ClickTarget, PriorOrder, Question, Relation, fold};
use attribution_core::ids::{BuyerId, MerchantId, PlatformId, ProductId, ProgrammeId};
use attribution_core::policy::attribution::{Model, Scope};
use attribution_core::time::Instant;
use std::collections::BTreeSet;

/// Who holds the buyer in one programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// The programme.
    pub programme: ProgrammeId,
    /// The version of its rules in force then.
    pub version: u32,
    /// For which product, in programmes that count by product.
    pub product: Option<ProductId>,
    /// The relation, if there is one.
    pub relation: Option<Relation>,
    /// Earlier ones, oldest first.
    pub earlier: Vec<Relation>,
}

/// Asks every programme of the merchant and its platform. A programme that counts by product answers for `product`,
/// or for every product the buyer clicked there.
///
/// # Errors
/// If the store fails.
pub(crate) fn relations(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    merchant: &MerchantId,
    buyer: &BuyerId,
    product: Option<&ProductId>,
    at: Instant,
) -> Result<Vec<Held>, StoreError> {
    let clicks = BuyerClicks::load(tx, platform, buyer, None, at.plus(1))?;
    let mut catalogue = Catalogue::default();
    let own = own_promoters(tx, platform, buyer)?;
    let programmes = rules::of_merchant(tx, platform, merchant)?;
    let mut in_force = programmes.iter().filter_map(|programme| programme.in_force(at));
    let orders = if in_force.any(|version| orders_matter(&version.policy.attribution)) {
        orders_of(tx, platform, buyer, at)?
    } else {
        Vec::new()
    };
    let mut found = Vec::new();
    for programme in programmes {
        let Some(version) = programme.in_force(at) else { continue };
        let policy = &version.policy.attribution;
        if policy.model == Model::Declared {
            continue;
        }
        let whose = Whose::BuyerAt(buyer, merchant);
        let chain =
            clicks.chain(tx, &mut catalogue, programme.num, &version.policy, whose, (at, EVERYTHING))?;
        let shop = ClickTarget { platform: platform.clone(), merchant: merchant.clone(), product: None };
        let places = places(shop, product, policy.scope, &chain);
        let touching = PriorOrder::touching(&orders, &version.policy);
        for place in places {
            let question = Question {
                at,
                order: None,
                target: &place,
                token: None,
                final_at: None,
                own_promoters: &own,
            };
            let folded = fold(policy, &question, &chain, &touching);
            if folded.owner.is_none() && folded.earlier.is_empty() {
                continue;
            }
            found.push(Held {
                programme: programme.id.clone(),
                version: version.version,
                product: place.product.clone(),
                relation: folded.owner,
                earlier: folded.earlier,
            });
        }
    }
    Ok(found)
}

/// The places in the shop for which a programme is asked.
fn places(
    shop: ClickTarget,
    product: Option<&ProductId>,
    scope: Scope,
    chain: &[Click],
) -> BTreeSet<ClickTarget> {
    match (product, scope) {
        (Some(product), _) => BTreeSet::from([ClickTarget { product: Some(product.clone()), ..shop }]),
        (None, Scope::Product) => {
            let here = chain.iter().filter(|c| c.target.merchant == shop.merchant);
            here.filter(|c| c.target.product.is_some()).map(|c| c.target.clone()).collect()
        }
        (None, _) => BTreeSet::from([shop]),
    }
}
