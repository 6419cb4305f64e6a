//! `yinke plan`: targeted plans (定向计划) and who takes part in them.

use super::listing::{Asking, LimitArgs, address};
use crate::api::CoreApi;
use crate::exit::Failure;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;
use std::process::ExitCode;

/// List targeted plans and their applications, apply, approve and reject
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke plan applications t1 --state pending")]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the plans of a programme
    List {
        /// The programme
        #[arg(env = "YINKE_PROGRAMME")]
        programme: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// List the applications to a plan, the newest first
    Applications {
        /// The plan
        #[arg(env = "YINKE_PLAN")]
        plan: String,
        /// Only pending, approved or rejected ones
        #[arg(long, env = "YINKE_STATE", value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        asking: Asking,
    },
    /// Apply to a plan for a promoter
    Apply(AnswerArgs),
    /// Approve an application
    Approve(AnswerArgs),
    /// Reject an application, or withdraw its approval
    Reject(AnswerArgs),
}

#[derive(Debug, Args)]
struct AnswerArgs {
    /// The plan
    #[arg(env = "YINKE_PLAN")]
    plan: String,
    /// The promoter
    #[arg(env = "YINKE_PROMOTER")]
    promoter: String,
    #[command(flatten)]
    asking: Asking,
}

impl PlanArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let answer = |args: &AnswerArgs, verb: &str| {
            let path = address(&["plans", &args.plan, verb], &[]);
            args.asking.change(Method::POST, &path, &json!({"promoter": args.promoter}))
        };
        match self.what {
            What::List { programme, asking } => {
                let api = CoreApi::from_args(&asking.core)?;
                let path = address(&["plans"], &[("programme", Some(&programme))]);
                let plans = super::runtime()?.block_on(api.get(&path))?;
                let items = plans.as_array().map_or(&[][..], Vec::as_slice);
                asking.print(items, &["id", "name", "merchant", "approval", "created_at", "closes_at"]);
                Ok(ExitCode::SUCCESS)
            }
            What::Applications { plan, state, limit, asking } => {
                let path = address(&["plans", &plan, "applications"], &[("state", state.as_deref())]);
                asking.list(
                    limit,
                    &path,
                    &["promoter", "promoter_name", "state", "applied_at", "approved_at"],
                )
            }
            What::Apply(args) => answer(&args, "apply"),
            What::Approve(args) => answer(&args, "approve"),
            What::Reject(args) => answer(&args, "reject"),
        }
    }
}
