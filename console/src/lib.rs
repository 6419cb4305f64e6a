//! The console: pages for promoters, merchants, agencies and operators, over the core's own JSON API.
//!
//! It has no SQL and no rules. A page asks the API ([`api`]) in process, as the person who is signed in, reads the answer
//! into a small struct of its own, and renders a template. Permissions, validation, idempotency and problem codes
//! exist once, in the core.
//!
//! # How a page is added
//!
//! 1. A struct with the texts it needs in [`texts`], and both languages in `texts/zh*.toml` and `texts/en*.toml`: a
//!    missing or unknown name fails the tests.
//! 2. A [`Sheet`](sheet::Sheet) of parts (tables, facts, forms), which needs no template. Where that does not do, a template
//!    in `templates/ROLE/` that extends `layout.html`; its struct has a field `f:` [`Frame`](frame::Frame).
//! 3. A file in `src/ROLE/` with the handlers and `routes()`. The first argument says who may come, such as a
//!    [`Promoter`](who::Promoter) or a [`Merchant`](who::Merchant). A form's handler
//!    takes [`Submitted`](form::Submitted) last: it refuses what another site sent, and keeps what was typed.
//! 4. An entry in [`navigation`] if the page stands there, and the path in `tests/it/pages.rs`, which renders
//!    every page in both languages and as everybody who must not see it.
//!
//! What the API refuses becomes words in [`problem`]: beside the field that it names, or above the form. What stops a whole
//! page is a [`Failure`](failure::Failure).

mod account;
mod agency;
mod api;
mod assets;
mod back;
mod categories;
mod choose_language;
mod cookies;
mod coupons;
mod disputes;
mod drawing;
mod enrolment;
mod failure;
mod failure_page;
mod file;
mod form;
mod frame;
mod guard;
mod handed;
mod lang;
mod list;
mod merchant;
mod money;
mod navigation;
mod of_shop;
mod operator;
mod order_pages;
mod outcome;
mod pictures;
mod plan_rates;
mod policy_words;
mod problem;
mod programmes;
mod promoter;
mod sheet;
mod show;
mod sign_in;
mod sign_up;
mod sources;
mod state;
mod statement;
mod states;
mod texts;
mod thumbnails;
mod video_tasks;
mod who;

pub use state::{ConsoleConfig, StartError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use settlement_core::Core;
use state::Console;
use tower::ServiceExt as _;

/// Bytes of a form that somebody sends who is not signed in.
const OPEN_FORM_MAX: usize = 16 << 10;

/// The console at `/`, and the core's API beside it under `/v1` and `/openapi.json`.
///
/// # Errors
/// If what is built in is broken, which the tests would have told.
pub fn router(core: &Core, config: ConsoleConfig) -> Result<Router, StartError> {
    let api = core.router();
    let console = Console::new(core.clone(), api.clone(), config)?;
    // Anybody may send these forms: what we hold of one is bounded before we know who it is.
    let open = sign_in::routes().merge(sign_up::routes()).merge(choose_language::routes());
    let open = open.layer(DefaultBodyLimit::max(OPEN_FORM_MAX));
    let pages = Router::new()
        .route("/", get(frame::home))
        .merge(open)
        .merge(account::routes())
        .merge(pictures::routes())
        .merge(promoter::routes())
        .merge(merchant::routes())
        .merge(sources::routes())
        .merge(programmes::routes())
        .merge(coupons::routes())
        .merge(video_tasks::routes())
        .merge(agency::routes())
        .merge(operator::routes())
        .fallback(async || failure::Failure::NotFound)
        .method_not_allowed_fallback(async || failure::Failure::NotFound)
        .layer(from_fn_with_state(console.clone(), guard::guard))
        .merge(assets::routes(console.assets().clone()))
        .with_state(console);
    // Not as routes of one router: the API's own paths must be matched against the whole path and nothing else.
    Ok(Router::new().fallback(async move |request: Request| {
        let is_api = request.uri().path().starts_with("/v1/") || request.uri().path() == "/openapi.json";
        let router = if is_api { api } else { pages };
        router.oneshot(request).await
    }))
}
