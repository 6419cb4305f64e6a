//! `yinke order`: look at the lines of orders.

use super::listing::{Asking, LimitArgs, address};
use crate::exit::Failure;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// List order lines with where each commission stands
#[derive(Debug, Args)]
#[command(
    after_help = "Example: yinke order list --merchant m1 --from 2026-01-01T00:00:00+08:00 --limit 0 -o csv"
)]
pub(crate) struct OrderArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List order lines, the newest first
    List(Box<ListArgs>),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Whose; a promoter's own token needs none
    #[arg(long, env = "YINKE_PROMOTER", value_name = "ID")]
    promoter: Option<String>,
    /// Sold by this merchant
    #[arg(long, env = "YINKE_MERCHANT", value_name = "ID")]
    merchant: Option<String>,
    /// Of this agency's promoters
    #[arg(long, env = "YINKE_AGENCY", value_name = "ID")]
    agency: Option<String>,
    /// Of this product only
    #[arg(long, env = "YINKE_PRODUCT", value_name = "ID")]
    product: Option<String>,
    /// Of the order of this number only
    #[arg(long, env = "YINKE_ORDER", value_name = "NUMBER")]
    order: Option<String>,
    /// Only tracked, expected, matured, settled, invalid, manual_required or none ones
    #[arg(long, env = "YINKE_STATE", value_name = "STATE")]
    state: Option<String>,
    /// Placed at or after this (RFC 3339 or UTC milliseconds)
    #[arg(long, env = "YINKE_ORDERS_FROM", value_name = "TIME")]
    from: Option<String>,
    /// Placed before this
    #[arg(long, env = "YINKE_ORDERS_TO", value_name = "TIME")]
    to: Option<String>,
    #[command(flatten)]
    limit: LimitArgs,
    #[command(flatten)]
    asking: Asking,
}

impl OrderArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let What::List(args) = self.what;
        let pairs = [
            ("promoter", args.promoter.as_deref()),
            ("merchant", args.merchant.as_deref()),
            ("agency", args.agency.as_deref()),
            ("product", args.product.as_deref()),
            ("order", args.order.as_deref()),
            ("state", args.state.as_deref()),
            ("from", args.from.as_deref()),
            ("to", args.to.as_deref()),
        ];
        let fields = [
            "platform",
            "order",
            "line",
            "created_at",
            "product",
            "title",
            "promoter",
            "programme",
            "state",
            "base_fen",
            "commission_fen",
            "promoter_fen",
        ];
        args.asking.list(args.limit, &address(&["orders"], &pairs), &fields)
    }
}
