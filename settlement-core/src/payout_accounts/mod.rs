//! Where a payee's money goes, outside the ledger: who has bound which account since when ([`bindings`]), how payees bind
//! them ([`api`]), and how a person looks whose they are ([`checks_api`]).

mod api;
pub mod bindings;
mod checks_api;

pub use api::hidden;
pub(crate) use api::{refuse_unknown_agency, require_agency};

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    api::routes().merge(checks_api::routes())
}
