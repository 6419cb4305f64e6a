//! What stands in the navigation of each role, most wanted first, and where somebody lands.

use crate::texts::Texts;
use settlement_core::api::Role;

/// Where a promoter's notices are: the entry that counts what is new.
pub(crate) const NOTICES: &str = "/promoter/notices";

/// The navigation of a role: path and words.
pub(crate) fn entries(role: Role, t: &Texts) -> Vec<(&'static str, &str)> {
    match role {
        Role::Promoter => promoter(t),
        Role::Merchant => merchant(t),
        Role::Agency => agency(t),
        Role::Operator | Role::Admin => operator(t),
        // A program; it has the account page alone.
        Role::Edge => Vec::new(),
    }
}

/// Where somebody lands.
pub(crate) const fn home_of(role: Role) -> &'static str {
    match role {
        Role::Promoter => "/promoter/overview",
        Role::Merchant => "/merchant/overview",
        Role::Agency => "/agency/talents",
        Role::Operator | Role::Admin => "/operator/edges",
        Role::Edge => "/account",
    }
}

fn promoter(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/promoter/overview", &t.overview.nav),
        ("/promoter/products", &t.products.nav),
        ("/promoter/selection", &t.products.selection_nav),
        ("/promoter/promoted", &t.products.promoted_nav),
        ("/promoter/links", &t.links.nav),
        ("/promoter/placements", &t.placements.nav),
        ("/promoter/plans", &t.plan.title),
        ("/promoter/orders", &t.orders.nav),
        ("/promoter/reports", &t.reports.nav),
        ("/promoter/statements", &t.statements.nav),
        ("/promoter/money", &t.money.nav),
        (NOTICES, &t.notices.nav),
    ]
}

fn merchant(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/merchant/overview", &t.shop.overview),
        ("/merchant/products", &t.shop.products),
        ("/merchant/orders", &t.shop.orders),
        ("/merchant/relations", &t.shop.relations),
        ("/merchant/programmes", &t.shop.programmes),
        ("/merchant/plans", &t.shop.plans),
        ("/merchant/balance", &t.shop.balance),
        ("/merchant/settlements", &t.shop.settlements),
        ("/merchant/disputes", &t.dispute.title),
        ("/merchant/enrolments", &t.shop.enrolments),
        ("/merchant/video-tasks", &t.video.title),
        ("/merchant/sources", &t.sources.title),
        ("/merchant/webhooks", &t.shop.webhooks),
        ("/merchant/tokens", &t.shop.tokens),
        ("/merchant/shop", &t.own_shop.title),
    ]
}

fn agency(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/agency/talents", &t.agency.talents),
        ("/agency/orders", &t.shop.orders),
        ("/agency/statements", &t.statements.title),
        ("/agency/money", &t.money.nav),
    ]
}

fn operator(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/operator/edges", &t.operator.edges),
        ("/operator/audit", &t.operator.audit),
        ("/operator/dead-letters", &t.letters.title),
        ("/operator/reviews", &t.shop.reviews),
        ("/operator/orders", &t.shop.orders),
        ("/operator/merchants", &t.operator.merchants),
        ("/operator/promoters", &t.promoters.title),
        ("/operator/payouts", &t.payouts.title),
        ("/operator/payout-accounts", &t.check.title),
        ("/operator/reconciliations", &t.reconcile.title),
        ("/operator/calendar", &t.calendar.title),
        ("/operator/bans", &t.operator.bans),
        ("/operator/categories", &t.categories.title),
        ("/operator/programmes", &t.shop.programmes),
        ("/operator/platforms", &t.platforms.title),
        ("/operator/accounts", &t.accounts.title),
    ]
}
