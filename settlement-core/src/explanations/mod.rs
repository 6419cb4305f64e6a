//! Why an order is whose it is, and how its commission came to what it is: the decision itself, in words.
//!
//! [`api`] tells operators and merchants all of it, [`own_api`] a promoter what is theirs; [`beside`] adds the clicks that no
//! decision looked at, [`named`] the names of those whom decisions name by their ids. Nothing here writes.

mod api;
mod beside;
mod named;
mod own_api;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    api::routes().merge(own_api::routes())
}
