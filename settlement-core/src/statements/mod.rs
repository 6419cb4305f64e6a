//! What a payee got in a month, and whether a platform's own statement says the same.

mod kept;
mod notes;
mod notes_api;
mod reconcile;
mod reconcile_api;
mod statement;
mod statement_api;
mod their_states;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    statement_api::routes().merge(reconcile_api::routes()).merge(notes_api::routes())
}
