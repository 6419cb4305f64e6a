//! Categories (类目). Products and bans name them; one that is named for the first time is made.

use super::{checked_name, next_num};
use crate::api::{Only, Operators, PathId, Problem, Write};
use crate::earlier::{self, Fact};
use crate::library_marks;
use crate::store::{StoreError, Tx};
use crate::wake;
use crate::{Core, params};
use attribution_core::ids::CategoryId;
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Whether there is a category of this id.
pub(super) fn is_there(tx: &mut dyn Tx, id: &CategoryId) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT 1 FROM categories WHERE id = $1", params![id])?.is_some())
}

/// The number of a category; made under its id as a name if it is new.
pub(super) fn number(tx: &mut dyn Tx, id: &CategoryId, now: Instant) -> Result<i64, StoreError> {
    let find = "SELECT num FROM categories WHERE id = $1";
    if let Some(row) = tx.query_opt(find, params![id])? {
        return row.int(0);
    }
    let num = next_num(tx, "category")?;
    tx.execute(
        "INSERT INTO categories (num, id, parent, name, created_at) VALUES ($1, $2, NULL, $2, $3) \
         ON CONFLICT (id) DO NOTHING",
        params![num, id, now],
    )?;
    // Another transaction may have been first.
    tx.query_one(find, params![id])?.int(0)
}

/// A category to make or change.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutCategory {
    /// Its name.
    name: String,
    /// The category it belongs to.
    #[schema(value_type = Option<String>)]
    parent: Option<CategoryId>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_category))
}

/// Makes a category or changes its name and parent. Operators.
#[utoipa::path(
    put, path = "/v1/categories/{id}", params(("id" = String, Path)),
    request_body = PutCategory, responses((status = 200, body = PutCategory))
)]
async fn put_category(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<CategoryId>,
    write: Write<PutCategory>,
) -> Result<Response, Problem> {
    let body = write.body;
    checked_name("name", &body.name)?;
    write
        .scope
        .run(&core, move |tx, scope| {
            let num = number(tx, &id, scope.now)?;
            let parent = body.parent.as_ref().map(|parent| number(tx, parent, scope.now)).transpose()?;
            if let Some(parent) = parent {
                refuse_circle(tx, num, parent)?;
            }
            let before =
                tx.query_one("SELECT parent FROM categories WHERE num = $1", params![num])?.opt_int(0)?;
            if before != parent {
                earlier::keep(tx, Fact::Parent(num), &before, scope.now)?;
                wake::since(tx, scope.now)?;
            }
            tx.execute(
                "UPDATE categories SET name = $2, parent = $3 WHERE num = $1",
                params![num, &body.name, parent],
            )?;
            library_marks::category(tx, id.as_str())?;
            Ok((StatusCode::OK, body.clone()))
        })
        .await
}

/// A category must not be its own ancestor.
fn refuse_circle(tx: &mut dyn Tx, num: i64, parent: i64) -> Result<(), Problem> {
    let mut above = Some(parent);
    while let Some(current) = above {
        if current == num {
            return Err(Problem::invalid("parent", "the category would be its own ancestor"));
        }
        above = tx.query_one("SELECT parent FROM categories WHERE num = $1", params![current])?.opt_int(0)?;
    }
    Ok(())
}
