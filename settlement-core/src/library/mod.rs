//! The library (推广资源库): what promoters may promote, each product with what it offers them. Its index finds products by
//! one, two and more characters of any script, and sorts them by the rate and the commission that whoever asks would get.
//!
//! A text is cut into its single characters and its pairs of neighbours ([`grams`]): databases' own trigram indexes do
//! not serve words of two characters, which most Chinese words are. For each gram the index keeps the set of products
//! that hold it ([`docs`]), and beside the sets, in columns, what they are sorted by ([`columns`]). A query intersects
//! sets and picks the best by column ([`query`]), so its cost hardly depends on how common its words are.
//!
//! A change of the catalogue leaves a mark in its own transaction ([`library_marks`](crate::library_marks)); a query looks
//! at marked products one by one, until the job ([`refresh`]) has taken them into the index ([`mod@write`]). What a page shows of a product
//! ([`offer_view`]) is always computed from the rules at that moment ([`offers`]); only membership and order come from the
//! index.
//!
//! Promoters ask for all of it ([`search_api`]), for what they set aside ([`selection_api`]) and for what they promote
//! ([`promoted_api`]).

mod columns;
mod docs;
mod grams;
mod offer_view;
mod offers;
mod promoted_api;
mod query;
mod refresh;
mod search_api;
mod selection_api;
mod terms;
mod times;
mod write;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

/// Rows read or written in one statement.
const ROWS: usize = 400;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    search_api::routes().merge(selection_api::routes()).merge(promoted_api::routes())
}
