//! `yinke statement`, `yinke report` and `yinke withdraw`: what a promoter or an agency earned, and taking it out.

use super::listing::{Asking, address};
use crate::api::CoreApi;
use crate::cli::Format;
use crate::exit::Failure;
use crate::output::say;
use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Print a month's statement of a promoter or an agency, movement by movement
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke statement lily --month 2026-06 --output csv")]
pub(crate) struct StatementArgs {
    #[command(flatten)]
    whose: Whose,
    /// The month [default: this one]
    #[arg(long, env = "YINKE_MONTH", value_name = "YYYY-MM")]
    month: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

/// A promoter or an agency.
#[derive(Debug, Clone, Args)]
struct Whose {
    /// The promoter's id, or the agency's with --agency
    #[arg(env = "YINKE_PAYEE", value_name = "ID")]
    id: String,
    /// It is an agency
    #[arg(long, env = "YINKE_IS_AGENCY")]
    agency: bool,
}

impl Whose {
    const fn noun(&self) -> &'static str {
        if self.agency { "agencies" } else { "promoters" }
    }
}

impl StatementArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        // The core's own file has times and amounts as people in China write them.
        let format = (self.asking.output.output == Format::Csv).then_some("csv");
        let pairs = [("month", self.month.as_deref()), ("format", format)];
        let path = address(&[self.whose.noun(), &self.whose.id, "statements"], &pairs);
        let api = CoreApi::from_args(&self.asking.core)?;
        let answer = super::runtime()?.block_on(api.get(&path))?;
        if let Value::String(file) = &answer {
            say(file.trim_end());
            return Ok(ExitCode::SUCCESS);
        }
        let statements = answer["statements"].as_array();
        let items: Vec<Value> = statements.into_iter().flatten().flat_map(rows).collect();
        self.asking.print(&items, &["programme", "reason", "order", "line", "at", "amount_fen"]);
        Ok(ExitCode::SUCCESS)
    }
}

/// Opening, movements and closing of one programme.
fn rows(statement: &Value) -> Vec<Value> {
    let programme = &statement["programme"];
    let edge = |reason: &str, field: &str| json!({"programme": programme, "reason": reason, "amount_fen": statement[field]});
    let mut rows = vec![edge("opening", "opening_fen")];
    for movement in statement["movements"].as_array().into_iter().flatten() {
        let mut row = movement.clone();
        row["programme"] = programme.clone();
        rows.push(row);
    }
    rows.push(edge("closing", "closing_fen"));
    rows
}

/// Print what a promoter's links brought: day by day, or by product, placement or label
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  yinke report lily --from 2026-06-01T00:00:00+08:00 --product sku1\n  yinke report lily --by placement"
)]
pub(crate) struct ReportArgs {
    /// The promoter's id
    #[arg(env = "YINKE_PROMOTER")]
    promoter: String,
    /// The first day holds this time [default: 30 days before the last]
    #[arg(long, env = "YINKE_REPORT_FROM", value_name = "TIME")]
    from: Option<String>,
    /// The last day holds this time [default: today]
    #[arg(long, env = "YINKE_REPORT_TO", value_name = "TIME")]
    to: Option<String>,
    /// Of this product only
    #[arg(long, env = "YINKE_PRODUCT", value_name = "ID")]
    product: Option<String>,
    /// Of this placement only
    #[arg(long, env = "YINKE_PLACEMENT", value_name = "ID")]
    placement: Option<String>,
    /// What each row is for; sub is the label that stands behind a link, ?sub=LABEL
    #[arg(long, env = "YINKE_REPORT_BY", value_enum, default_value_t)]
    by: By,
    #[command(flatten)]
    asking: Asking,
}

/// What each row of a report is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum By {
    #[default]
    Day,
    Product,
    Placement,
    Sub,
}

impl By {
    /// As the API names it, the list that its answer has, and the columns that say what a row is for.
    const fn names(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::Day => ("day", "days", &["date"]),
            Self::Product => ("product", "rows", &["key", "name"]),
            Self::Placement => ("placement", "rows", &["key", "name"]),
            Self::Sub => ("sub", "rows", &["key"]),
        }
    }
}

impl ReportArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let (by, list, heads) = self.by.names();
        let pairs = [
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("product", self.product.as_deref()),
            ("placement", self.placement.as_deref()),
            ("by", Some(by)),
        ];
        let api = CoreApi::from_args(&self.asking.core)?;
        let path = address(&["promoters", &self.promoter, "report"], &pairs);
        let mut answer = super::runtime()?.block_on(api.get(&path))?;
        let mut rows = answer[list].as_array_mut().map(std::mem::take).unwrap_or_default();
        let mut total = answer["total"].take();
        total[heads[0]] = "total".into();
        rows.push(total);
        let fields = [heads, &["clicks", "all_clicks", "orders", "expected_fen", "settled_fen"]].concat();
        self.asking.print(&rows, &fields);
        Ok(ExitCode::SUCCESS)
    }
}

/// Withdraw what is available to a promoter or an agency
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke withdraw lily --programme g1 --amount-fen 5000")]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    whose: Whose,
    /// From which programme
    #[arg(long, env = "YINKE_PROGRAMME", value_name = "ID")]
    programme: String,
    /// How much, in fen [default: all there is]
    #[arg(long, env = "YINKE_AMOUNT_FEN", value_name = "FEN", allow_negative_numbers = true)]
    amount_fen: Option<i64>,
    /// The same key never withdraws twice
    #[arg(long, env = "YINKE_IDEMPOTENCY_KEY", value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

impl WithdrawArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut body = Map::new();
        body.insert("programme".into(), self.programme.into());
        if let Some(amount) = self.amount_fen {
            body.insert("amount_fen".into(), amount.into());
        }
        let path = address(&[self.whose.noun(), &self.whose.id, "withdrawals"], &[]);
        self.asking.change_once(Method::POST, &path, &Value::Object(body), self.key.as_deref())
    }
}
