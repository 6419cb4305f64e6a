//! `yinke product`: search the library, and withdraw products from promotion.

use super::listing::{Asking, LimitArgs, address};
use crate::exit::Failure;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;
use std::process::ExitCode;

/// Search products, show one, cancel and restore promotion, delist and relist
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke product list --q 保温杯 --sort commission --promoter lily")]
pub(crate) struct ProductArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Search the library (推广资源库)
    List(Box<ListArgs>),
    /// Show a product with what it offers
    Show {
        /// Its id
        #[arg(env = "YINKE_PRODUCT")]
        product: String,
        /// The promoter whose rate is shown
        #[arg(long, env = "YINKE_PROMOTER", value_name = "ID")]
        promoter: Option<String>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Cancel its promotion: links answer 当前页面已过期
    CancelPromotion(OneArgs),
    /// Promote it again
    Promote(OneArgs),
    /// Take it off the shelf
    Delist(OneArgs),
    /// Put it back
    Relist(OneArgs),
}

#[derive(Debug, Args)]
struct OneArgs {
    /// Its id
    #[arg(env = "YINKE_PRODUCT")]
    product: String,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Parts of its name, one character or more each
    #[arg(long, env = "YINKE_Q", value_name = "WORDS")]
    q: Option<String>,
    /// Parts of its shop's name
    #[arg(long, env = "YINKE_SHOP_NAME", value_name = "WORDS")]
    shop: Option<String>,
    /// Its seller's id, exactly
    #[arg(long, env = "YINKE_MERCHANT", value_name = "ID")]
    merchant: Option<String>,
    /// Its category's id; those below count as well
    #[arg(long, env = "YINKE_CATEGORY", value_name = "ID")]
    category: Option<String>,
    /// Show all, live or invalid (失效) ones
    #[arg(long, env = "YINKE_STATE", value_name = "STATE")]
    state: Option<String>,
    /// oldest, newest, rate or commission
    #[arg(long, env = "YINKE_SORT", value_name = "ORDER")]
    sort: Option<String>,
    /// The promoter whose rates are shown
    #[arg(long, env = "YINKE_PROMOTER", value_name = "ID")]
    promoter: Option<String>,
    #[command(flatten)]
    limit: LimitArgs,
    #[command(flatten)]
    asking: Asking,
}

impl ProductArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let change = |args: &OneArgs, verb: &str| {
            args.asking.change(Method::POST, &address(&["products", &args.product, verb], &[]), &json!({}))
        };
        match self.what {
            What::List(args) => {
                let pairs = [
                    ("q", args.q.as_deref()),
                    ("shop", args.shop.as_deref()),
                    ("merchant", args.merchant.as_deref()),
                    ("category", args.category.as_deref()),
                    ("state", args.state.as_deref()),
                    ("sort", args.sort.as_deref()),
                    ("promoter", args.promoter.as_deref()),
                ];
                let fields = [
                    "id",
                    "title",
                    "merchant",
                    "price_fen",
                    "rate_bp",
                    "commission_fen",
                    "programme",
                    "plan",
                    "reason",
                ];
                args.asking.list(args.limit, &address(&["products"], &pairs), &fields)
            }
            What::Show { product, promoter, asking } => {
                asking.show(&address(&["products", &product], &[("promoter", promoter.as_deref())]))
            }
            What::CancelPromotion(args) => change(&args, "cancel-promotion"),
            What::Promote(args) => change(&args, "promote"),
            What::Delist(args) => change(&args, "delist"),
            What::Relist(args) => change(&args, "relist"),
        }
    }
}
