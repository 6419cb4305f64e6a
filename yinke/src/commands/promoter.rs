//! `yinke promoter`: make promoters, look at them and their placements, disable and enable them.

use super::listing::{Asking, LimitArgs, address};
use crate::exit::Failure;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Make promoters, list them, their placements and notices, disable and enable them
#[derive(Debug, Args)]
#[command(after_help = "Example: yinke promoter create lily --name 莉莉 --agency stars")]
pub(crate) struct PromoterArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List promoters: all, an agency's, or those in a programme
    List {
        /// Part of the name or id
        #[arg(long, env = "YINKE_Q", value_name = "TEXT")]
        q: Option<String>,
        /// Of this agency only
        #[arg(long, env = "YINKE_AGENCY", value_name = "ID")]
        agency: Option<String>,
        /// With a placement in this programme only
        #[arg(long, env = "YINKE_PROGRAMME", value_name = "ID")]
        programme: Option<String>,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        asking: Asking,
    },
    /// Show a promoter
    Show(OneArgs),
    /// List a promoter's placements (推广位)
    Placements(ManyArgs),
    /// List a promoter's notices, the newest first
    Notices(ManyArgs),
    /// Make a promoter, or change the name and agency
    Create {
        /// The id
        #[arg(env = "YINKE_PROMOTER")]
        promoter: String,
        /// The name
        #[arg(long, env = "YINKE_NAME", value_name = "NAME")]
        name: String,
        /// The agency (机构)
        #[arg(long, env = "YINKE_AGENCY", value_name = "ID")]
        agency: Option<String>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Links lead on but earn nothing from now on
    Disable(OneArgs),
    /// Links earn again
    Enable(OneArgs),
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The id
    #[arg(env = "YINKE_PROMOTER")]
    promoter: String,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
struct ManyArgs {
    /// The id
    #[arg(env = "YINKE_PROMOTER")]
    promoter: String,
    #[command(flatten)]
    limit: LimitArgs,
    #[command(flatten)]
    asking: Asking,
}

impl PromoterArgs {
    /// Does it.
    ///
    /// # Errors
    /// If the core cannot be reached or says no.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let of = |promoter: &str, what: &str| address(&["promoters", promoter, what], &[]);
        match self.what {
            What::List { q, agency, programme, limit, asking } => {
                let pairs =
                    [("q", q.as_deref()), ("agency", agency.as_deref()), ("programme", programme.as_deref())];
                let fields = ["id", "name", "agency", "disabled", "created_at"];
                asking.list(limit, &address(&["promoters"], &pairs), &fields)
            }
            What::Show(args) => args.asking.show(&address(&["promoters", &args.promoter], &[])),
            What::Placements(args) => {
                let fields = ["id", "name", "programme", "programme_name", "created_at"];
                args.asking.list(args.limit, &of(&args.promoter, "placements"), &fields)
            }
            What::Notices(args) => {
                let fields = ["number", "kind", "at", "subject", "detail", "read_at"];
                args.asking.list(args.limit, &of(&args.promoter, "notices"), &fields)
            }
            What::Create { promoter, name, agency, asking } => {
                let mut body = Map::new();
                body.insert("name".into(), name.into());
                if let Some(agency) = agency {
                    body.insert("agency".into(), agency.into());
                }
                asking.change(Method::PUT, &address(&["promoters", &promoter], &[]), &Value::Object(body))
            }
            What::Disable(args) => {
                args.asking.change(Method::POST, &of(&args.promoter, "disable"), &json!({}))
            }
            What::Enable(args) => args.asking.change(Method::POST, &of(&args.promoter, "enable"), &json!({})),
        }
    }
}
