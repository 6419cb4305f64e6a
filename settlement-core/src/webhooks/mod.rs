//! Webhooks out: merchants, promoters and agencies hear of what concerns them, signed by the Standard Webhooks
//! convention, at least once.
//!
//! What an event says, and to whom, is written where it happens: only what its hearer may see anyway, and never a buyer. Its
//! way from there, by file: [`outbox`] (written in the transaction of what happened), [`worker`] (leased, sent by way of
//! `outgoing`, noted), [`schedule`] (when it is tried again). [`endpoint`] knows who listens; [`endpoints_api`] and
//! [`deliveries_api`] are where they say so and see how it went. A webhook never decides anything, and nothing waits
//! for one.

mod deliveries_api;
mod endpoint;
mod endpoints_api;
mod event;
mod outbox;
mod schedule;
mod worker;

pub(crate) use event::{EventKind, Owner};
pub(crate) use outbox::{any_promoter_listens, merchant_side, promoter_side, tell};
pub(crate) use worker::begin_counting;
pub use worker::{SetupError, spawn};

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    endpoints_api::routes().merge(deliveries_api::routes())
}
