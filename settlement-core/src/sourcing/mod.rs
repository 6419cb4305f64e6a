//! Goods sourced for channels outside the platform (站外分销): SKUs with price and stock, what the gates ask about, and
//! enrolments from the application to the exit.
//!
//! The rules are `attribution_core::sourcing`'s. [`skus`] keeps the market's price and stock, [`facts`] what the platform
//! says of merchants and products, [`enrolment`] the applications; what SKUs were sold for, `orders` notes.

mod apply_api;
mod audit_api;
mod enrolment;
mod enrolments_api;
mod facts;
mod facts_api;
mod skus;
mod skus_api;
mod view;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    skus_api::routes()
        .merge(facts_api::routes())
        .merge(enrolments_api::routes())
        .merge(apply_api::routes())
        .merge(audit_api::routes())
}
