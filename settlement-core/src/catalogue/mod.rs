//! What is sold, who promotes it, under which rules, and the links between them; and what edges hear of it.
//!
//! Every change that edges must hear of begins with [`feed::Numbers::take`], which locks the counter of changes: so
//! writers queue up in one order, and the feed shows numbers in the order in which they become visible.

mod app_page;
mod bans;
mod categories;
pub(crate) mod contracts;
pub(crate) mod feed;
mod feed_rows;
pub(crate) mod histories;
mod insiders;
mod link_life;
mod link_list;
mod link_new;
mod link_rows;
mod link_state;
mod link_target;
mod links;
mod logo;
mod merchant_list;
mod merchants;
mod own_accounts;
pub(crate) mod periods;
mod placements;
mod product_put;
mod products;
mod programme_list;
mod programmes;
mod promoter_list;
mod promoters;
pub(crate) mod rules;
mod settled;
mod spread;
mod targets;
mod verification;

pub(crate) use bans::Banned;
pub(crate) use insiders::{refuse_outsider_of, refuse_unknown_programme, refuse_without_promoters};
pub(crate) use own_accounts::{own_numbers, own_promoters};
pub(crate) use programmes::{invalid_policy, laid_over};
pub(crate) use promoters::new_promoter;
pub(crate) use settled::not_before_settled;

use crate::Core;
use crate::api::Problem;
use crate::params;
use crate::store::{StoreError, Tx};
use serde::{Deserialize, Deserializer};
use utoipa_axum::router::OpenApiRouter;

/// A field that was said, be it `null`. If it is absent, what is stored stays as it is.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .merge(merchants::routes())
        .merge(categories::routes())
        .merge(programmes::routes())
        .merge(product_put::routes())
        .merge(products::routes())
        .merge(promoters::routes())
        .merge(placements::routes())
        .merge(verification::routes())
        .merge(logo::routes())
        .merge(links::routes())
        .merge(link_list::routes())
        .merge(promoter_list::routes())
        .merge(merchant_list::routes())
        .merge(programme_list::routes())
        .merge(spread::routes())
        .merge(bans::routes())
        .merge(feed::routes())
}

/// Hands out the next small number of a kind. Numbers begin at 1.
pub(crate) fn next_num(tx: &mut dyn Tx, kind: &str) -> Result<i64, StoreError> {
    tx.query_one("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value", params![kind])?
        .int(0)
}

/// Part of a text in any case, for LIKE with `\` as its escape.
pub(crate) fn like(part: &str) -> String {
    let escaped = part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// A name as people gave it: not empty, of bounded length, without control characters.
pub(crate) fn checked_name(field: &str, name: &str) -> Result<(), Problem> {
    const NAME_MAX: usize = 500;
    if name.trim().is_empty() {
        return Err(Problem::invalid(field, "must not be empty"));
    }
    if name.len() > NAME_MAX {
        return Err(Problem::invalid(
            field,
            format!("has {} bytes, at most {NAME_MAX} are allowed", name.len()),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(Problem::invalid(field, "must not have control characters"));
    }
    Ok(())
}
