//! The HTTP interface: JSON under `/v1`, bearer tokens with roles, problems with stable codes.
//!
//! Each noun has a file with its bodies, its handlers and its `routes()`, which [`routes`](crate::routes) puts together;
//! what they share is here: who asks ([`Principal`]), what they send ([`Write`], [`Body`], [`Params`]), and how we refuse
//! ([`Problem`]).

mod auth;
mod body;
mod clicks;
mod csv;
pub(crate) mod document;
mod limit;
mod mistakes;
mod of_merchant;
mod of_promoter;
mod only;
mod page;
mod problem;
mod tags;
mod text;
pub(crate) mod time;
mod token;
mod token_new;
mod tokens;
mod write;

pub(crate) use auth::account_of;
pub use auth::{Peer, Principal, Role};
pub(crate) use body::{Body, Nothing, Params, PathId, parse_part};
pub(crate) use body::{read_bytes, require_type};
pub(crate) use csv::{CsvEntry, CsvFile, Form};
pub(crate) use limit::Limiter;
pub use limit::Limits;
pub(crate) use mistakes::{Mistakes, all_of, verdict};
pub(crate) use of_merchant::OfMerchant;
pub(crate) use of_promoter::visible;
pub(crate) use only::{Agencies, Edges, Merchants, Only, Operators, Promoters, PromotersAlone, Subjects};
pub(crate) use page::{Cursor, Page, PageLength, PageParams};
pub use problem::{Problem, ProblemBody};
pub(crate) use text::{
    TEXT_MAX, check_filled, check_label, check_line, check_name, check_name_in_path, check_reference,
};
pub(crate) use time::ApiTime;
pub use token::TokenText;
pub(crate) use token_new::{check_subject, refuse_unknown};
pub(crate) use write::{Write, WriteFile, WriteScope, forget_answers};

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

/// The largest body of a JSON request.
pub(crate) const JSON_BODY_MAX: usize = 8 << 20;

/// The nouns that the interface has of its own: its tokens, and the clicks as they are kept.
pub(crate) fn routes() -> OpenApiRouter<Core> {
    token_new::routes().merge(tokens::routes()).merge(clicks::routes())
}
