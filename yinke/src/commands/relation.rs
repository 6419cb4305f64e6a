//! `yinke relation`: whose customer a buyer is (关系查询), with what was before.

use super::listing::{Asking, address};
use crate::api::CoreApi;
use crate::exit::Failure;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Say whose customer a buyer is at a shop, now or at a time, and whose before
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke relation buyer-7 --merchant m1 --at 2026-06-01T10:00:00+08:00")]
pub(crate) struct RelationArgs {
    /// The buyer's id
    #[arg(env = "YINKE_BUYER")]
    buyer: String,
    /// The shop
    #[arg(long, env = "YINKE_MERCHANT", value_name = "ID")]
    merchant: String,
    /// One product, where programmes count by product
    #[arg(long, env = "YINKE_PRODUCT", value_name = "ID")]
    product: Option<String>,
    /// At this time [default: now]
    #[arg(long, env = "YINKE_AT", value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

impl RelationArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let pairs = [
            ("buyer", Some(self.buyer.as_str())),
            ("merchant", Some(self.merchant.as_str())),
            ("product", self.product.as_deref()),
            ("at", self.at.as_deref()),
        ];
        let api = CoreApi::from_args(&self.asking.core)?;
        let answer = super::runtime()?.block_on(api.get(&address(&["relations"], &pairs)))?;
        let items: Vec<Value> = answer["relations"].as_array().into_iter().flatten().flat_map(rows).collect();
        let fields = ["programme", "product", "standing", "promoter", "placement", "since", "until"];
        self.asking.print(&items, &fields);
        Ok(ExitCode::SUCCESS)
    }
}

/// The relation in force and those before it, one row each.
fn rows(entry: &Value) -> Vec<Value> {
    let row = |standing: &str, relation: &Value| {
        let at = |ms: &Value| ms.as_i64().map(|ms| attribution_core::time::Instant(ms).to_string());
        let ended = relation["ended"].as_array().and_then(|ended| ended.first());
        json!({
            "programme": entry["programme"],
            "product": entry["product"],
            "standing": standing,
            "promoter": relation["promoter"],
            "placement": relation["placement"],
            "since": at(&relation["bound_at"]),
            "until": at(ended.unwrap_or(&relation["ends"])),
        })
    };
    let now = (!entry["relation"].is_null()).then(|| row("now", &entry["relation"]));
    let earlier = entry["earlier"].as_array().into_iter().flatten().map(|earlier| row("earlier", earlier));
    now.into_iter().chain(earlier).collect()
}
