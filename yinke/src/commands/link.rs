//! `yinke link`: make links, one or a file of them, and look at them.

use super::import::ImportArgs;
use super::listing::{Asking, LimitArgs, address};
use crate::cli::instant;
use crate::exit::{Exit, Failure};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Make promo links, list them, show one
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke link create --placement lily.g1 --product sku1")]
pub(crate) struct LinkArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a link and its QR code, or a file of links
    ///
    /// A file (CSV or JSON lines, see `yinke import links --columns`) is checked whole, sent in batches with a progress
    /// bar, and goes on where it stopped when the same command is run again; the codes are written beside it.
    Create(Box<CreateArgs>),
    /// List a promoter's or a merchant's links
    List(ListArgs),
    /// Show one link
    Show {
        /// Its code
        #[arg(env = "YINKE_CODE")]
        code: String,
        #[command(flatten)]
        asking: Asking,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Make the links of this file
    #[arg(long, env = "YINKE_FROM", value_name = "FILE", conflicts_with_all = ["placement", "product", "shop", "url", "starts", "expires", "shared_at"])]
    from: Option<PathBuf>,
    /// Whose link, under which programme
    #[arg(long, env = "YINKE_PLACEMENT", value_name = "ID", required_unless_present = "from")]
    placement: Option<String>,
    /// It leads to this product
    #[arg(long, env = "YINKE_PRODUCT", value_name = "ID", conflicts_with_all = ["shop", "url"])]
    product: Option<String>,
    /// It leads to this merchant's shop
    #[arg(long, env = "YINKE_SHOP", value_name = "ID", conflicts_with = "url")]
    shop: Option<String>,
    /// It leads to this page of --merchant
    #[arg(long, env = "YINKE_URL", value_name = "URL", requires = "merchant")]
    url: Option<String>,
    /// Whose page --url is
    #[arg(long, env = "YINKE_MERCHANT", value_name = "ID", requires = "url")]
    merchant: Option<String>,
    /// A custom name beside the code
    #[arg(long, env = "YINKE_ALIAS", value_name = "NAME")]
    alias: Option<String>,
    /// Shared while the salesperson's badge (小黄人) was shown
    #[arg(long, env = "YINKE_BADGE")]
    badge: bool,
    /// It works from this time on [default: at once]
    #[arg(long, env = "YINKE_STARTS", value_name = "TIME")]
    starts: Option<String>,
    /// It stops at this time at the latest; the rules may end it sooner
    #[arg(long, env = "YINKE_EXPIRES", value_name = "TIME")]
    expires: Option<String>,
    /// When it was shared [default: now]; from there on the rules let it live
    #[arg(long, env = "YINKE_SHARED_AT", value_name = "TIME")]
    shared_at: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Whose; a promoter's own token needs none
    #[arg(long, env = "YINKE_PROMOTER", value_name = "ID")]
    promoter: Option<String>,
    /// To whose products, shop and pages
    #[arg(long, env = "YINKE_MERCHANT", value_name = "ID")]
    merchant: Option<String>,
    /// Of this placement only
    #[arg(long, env = "YINKE_PLACEMENT", value_name = "ID")]
    placement: Option<String>,
    /// To this product only
    #[arg(long, env = "YINKE_PRODUCT", value_name = "ID")]
    product: Option<String>,
    /// Only live, dead (neither live nor not_started), not_started, expired, promotion_cancelled, product_delisted,
    /// promoter_disabled or category_banned ones
    #[arg(long, env = "YINKE_STATE", value_name = "STATE")]
    state: Option<String>,
    #[command(flatten)]
    limit: LimitArgs,
    #[command(flatten)]
    asking: Asking,
}

impl LinkArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.what {
            What::Create(args) => args.run(),
            What::List(args) => {
                let pairs = [
                    ("promoter", args.promoter.as_deref()),
                    ("merchant", args.merchant.as_deref()),
                    ("placement", args.placement.as_deref()),
                    ("product", args.product.as_deref()),
                    ("state", args.state.as_deref()),
                ];
                let fields = [
                    "code",
                    "short_url",
                    "state",
                    "target",
                    "title",
                    "placement",
                    "created_at",
                    "expires_at",
                ];
                args.asking.list(args.limit, &address(&["links"], &pairs), &fields)
            }
            What::Show { code, asking } => asking.show(&address(&["links", &code], &[])),
        }
    }
}

impl CreateArgs {
    fn run(self) -> Result<ExitCode, Failure> {
        if let Some(file) = self.from {
            return ImportArgs::links(file, self.asking.core, self.asking.output).run();
        }
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("placement", self.placement.map(Value::from));
        match (self.product, self.shop, self.url) {
            (None, None, None) => {
                let why = "say where the link leads: --product, --shop, or --url with --merchant";
                return Err(Failure::message(Exit::Usage, why));
            }
            (product, shop, url) => {
                put("product", product.map(Value::from));
                put("shop", shop.map(Value::from));
                put("page", url.map(|url| json!({"url": url, "merchant": self.merchant})));
            }
        }
        put("alias", self.alias.map(Value::from));
        put("badge", self.badge.then_some(Value::Bool(true)));
        for (field, flag, text) in [
            ("starts", "--starts", &self.starts),
            ("expires", "--expires", &self.expires),
            ("shared_at", "--shared-at", &self.shared_at),
        ] {
            put(field, instant(flag, text.as_deref())?.map(|at| at.millis().into()));
        }
        self.asking.change(Method::POST, "/v1/links", &Value::Object(body))
    }
}
