//! Orders from what shops really run: signed notifications come in, and become order events.
//!
//! A notification's way, by file: [`receive`] (in over HTTP, taken in once), [`signed`] (whose word it is), [`youzan`]
//! and [`shopify`] (what a platform's notification means: pure), [`mapped`] (the words they share), [`delivery`] (what
//! came of it). [`source`] knows whose it is, [`sources_api`] is where merchants say so. Nothing here decides about
//! orders: what was mapped goes the way of all order events.

mod amount;
pub(crate) mod delivery;
mod mapped;
mod receive;
mod shopify;
mod signed;
mod source;
mod sources_api;
mod tokens;
mod youzan;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use receive::begin_counting;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    sources_api::routes().merge(receive::routes())
}
