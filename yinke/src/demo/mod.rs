//! `yinke up --demo`: a small believable world, made the way a merchant would make one.
//!
//! [`files`] writes CSV files into `DIR/demo`; they go through the same import as anybody's; then [`taps`] taps links
//! through the edge over HTTP and [`buyers`] places orders for those taps. Everything is done once: a restart finds
//! `DIR/demo/done.json` and only tells the story again; a restart in the middle goes on with the files that are there.

mod accounts;
mod buyers;
mod chance;
mod files;
mod history;
mod taps;

pub(crate) use accounts::DemoAccount;

use crate::api::{ApiError, CoreApi};
use crate::import::{Fault, FileFormat, ImportError, Kind, Options, Plan, StepDone, send};
use attribution_core::time::Instant;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use settlement_core::Clock;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the demo could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// A file in `DIR/demo` cannot be read or written.
    #[error("cannot use {}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file was changed by hand and has mistakes now, or the core refuses a row.
    #[error("{} cannot be imported: {first}", .path.display())]
    Mistakes {
        /// Which.
        path: PathBuf,
        /// The first of them.
        first: String,
    },
    /// The import stopped.
    #[error("cannot import {}", .path.display())]
    Import {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: ImportError,
    },
    /// The core said no.
    #[error("the core did not take the demo's orders")]
    Api(#[from] ApiError),
    /// The edge did not answer a tap as it should.
    #[error("tapping {url}")]
    Tap {
        /// The link.
        url: String,
        /// What went wrong.
        source: taps::TapError,
    },
    /// The operating system gives none, so no password can be drawn.
    #[error("no password can be drawn for the demo's accounts")]
    Randomness,
    /// A link that the demo needs is not among the imported ones.
    #[error("the demo's link {0} is missing")]
    NoLink(String),
}

/// What the story needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Story {
    /// The code of a link worth tapping.
    pub(crate) code: String,
    /// What it leads to.
    pub(crate) product: String,
    /// Whose it is.
    pub(crate) merchant: String,
    /// The platform of that merchant.
    pub(crate) platform: String,
    /// Its price in fen.
    pub(crate) price_fen: i64,
    /// An order that exists, with its explanation.
    pub(crate) order: String,
    /// Who signs in to the console. Empty in a demo that an older program made.
    #[serde(default)]
    pub(crate) accounts: Vec<DemoAccount>,
}

/// Where the demo finds its servers.
pub(crate) struct Servers<'a> {
    /// The core's API.
    pub(crate) api: &'a CoreApi,
    /// The edge's listener.
    pub(crate) edge: &'a str,
    /// The host that stands in links.
    pub(crate) public_host: &'a str,
}

/// Makes the demo in `dir`, or finds that it is made. `tell` hears what is being done; `table_is_current` waits until
/// the edge knows what was imported.
///
/// # Errors
/// If a file or a server fails.
pub(crate) async fn run(
    dir: &Path,
    servers: &Servers<'_>,
    now: Instant,
    tell: impl Fn(String),
    table_is_current: impl AsyncFn(),
) -> Result<Story, DemoError> {
    let done = dir.join("done.json");
    if let Some(story) = std::fs::read(&done).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(story);
    }
    files::write(dir, now)?;
    let mut links = BTreeMap::new();
    for kind in files::ORDER {
        if kind == Kind::Orders {
            top_up(servers.api).await?;
            give_codes(servers.api, now).await?;
        }
        if kind == Kind::Products {
            name_categories(servers.api).await?;
        }
        let path = dir.join(format!("{}.csv", kind.name()));
        let answers = import(kind, &path, servers.api, &tell).await?;
        if kind == Kind::Links {
            links = files::links_by_name(&path, &answers)?;
        }
    }
    // The purchases are written down before they are reported: after a break the same ones are reported again.
    let purchases = dir.join("purchases.json");
    let body = match std::fs::read(&purchases).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(body) => body,
        None => {
            table_is_current().await;
            let taps = taps::tap_all(servers, &links).await?;
            tell(format!("{} taps through the edge", taps.len()));
            clicks_arrived(servers.api, taps.len()).await?;
            let body = buyers::events(&taps, Clock::System.now());
            write_json(&purchases, &body)?;
            body
        }
    };
    servers.api.write(Method::POST, "/v1/orders/events", &body, None).await?;
    let mut story = files::story(&links, buyers::FIRST.to_owned())?;
    story.accounts = accounts::make(servers.api).await?;
    write_json(&done, &story)?;
    Ok(story)
}

/// What people call the categories of the demo's products.
const CATEGORIES: [(&str, &str); 11] = [
    ("accessories", "配饰"),
    ("apparel", "服装"),
    ("care", "个人护理"),
    ("cookware", "锅具"),
    ("daily", "日用百货"),
    ("home", "家居"),
    ("kitchenware", "厨房用品"),
    ("shopping-credit", "购物金"),
    ("stationery", "文具"),
    ("tea", "茶叶"),
    ("teaware", "茶具"),
];

async fn name_categories(api: &CoreApi) -> Result<(), DemoError> {
    for (id, name) in CATEGORIES {
        api.write(Method::PUT, &format!("/v1/categories/{id}"), &json!({ "name": name }), None).await?;
    }
    Ok(())
}

/// Every merchant pays money in once, out of which commissions are settled.
async fn top_up(api: &CoreApi) -> Result<(), DemoError> {
    const AMOUNT_FEN: i64 = 500_000;
    for merchant in files::merchants() {
        let body = json!({ "reference": "demo", "amount_fen": AMOUNT_FEN });
        api.write(Method::POST, &format!("/v1/merchants/{merchant}/top-ups"), &body, None).await?;
    }
    Ok(())
}

/// A promoter's own code, with which the orders of the past come.
async fn give_codes(api: &CoreApi, now: Instant) -> Result<(), DemoError> {
    for coupon in files::coupons(now) {
        match api.write(Method::POST, "/v1/coupons", &coupon, None).await {
            Ok(_) => {}
            // A demo that was broken off after this gave it, and orders have settled since.
            Err(ApiError::Problem(problem)) if problem.code == "settled_since" => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until the core has the clicks, so that the orders' first decisions know them all. Whoever orders sooner only
/// gets a provisional decision first; after a while the story goes on as well.
async fn clicks_arrived(api: &CoreApi, taps: usize) -> Result<(), DemoError> {
    const LOOKS: u32 = 100;
    const BETWEEN: Duration = Duration::from_millis(50);
    for _ in 0..LOOKS {
        let audit = api.get("/v1/audit/clicks").await?;
        let ingested = audit.get("ingested").and_then(Value::as_u64).unwrap_or_default();
        if ingested >= u64::try_from(taps).unwrap_or(u64::MAX) {
            break;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(())
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), DemoError> {
    let text = serde_json::to_vec_pretty(value).unwrap_or_default();
    std::fs::write(path, text).map_err(|source| DemoError::File { path: path.to_owned(), source })
}

/// Agent patterns for the demo: the built-in ones, except that curl counts as a person, because the story is told with
/// it. Outside the demo curl is a program like any other.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn agent_patterns(dir: &Path) -> Result<PathBuf, DemoError> {
    const BUILT_IN: &str = include_str!("../../../redirector/agents.toml");
    const CURL: &str = "\"curl/\", ";
    let path = dir.join("agents.toml");
    std::fs::write(&path, BUILT_IN.replace(CURL, ""))
        .map_err(|source| DemoError::File { path: path.clone(), source })?;
    Ok(path)
}

/// Imports one file exactly as `yinke import KIND FILE` does; gives the core's answers by line.
async fn import(
    kind: Kind,
    path: &Path,
    api: &CoreApi,
    tell: &impl Fn(String),
) -> Result<Vec<(u64, Value)>, DemoError> {
    let bytes = std::fs::read(path).map_err(|source| DemoError::File { path: path.to_owned(), source })?;
    let plan = Plan::make(kind, &bytes, FileFormat::Csv);
    if !plan.faults.is_empty() {
        return Err(mistakes(path, &plan.faults));
    }
    // The note beside the file is for long imports; the demo's are short and repeat themselves harmlessly.
    let mut answers = Vec::new();
    let keep = |step: &StepDone<'_>| {
        answers.extend_from_slice(step.answers);
        Ok(())
    };
    let report = send(api, &plan, &Options { file: None, skip_bad: false }, keep).await.map_err(
        |source| match source {
            ImportError::Refused(faults) => mistakes(path, &faults),
            source => DemoError::Import { path: path.to_owned(), source },
        },
    )?;
    tell(format!("imported {} {}", report.sent, kind.name()));
    Ok(answers)
}

fn mistakes(path: &Path, faults: &[Fault]) -> DemoError {
    let name = path.display().to_string();
    let first = faults.first().map(|fault| fault.at(&name).to_string()).unwrap_or_default();
    DemoError::Mistakes { path: path.to_owned(), first }
}
