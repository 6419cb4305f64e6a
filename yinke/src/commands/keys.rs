//! `yinke keys export`: what an edge on another machine needs, derived from the core's keys.

use crate::cli::DATA_DEFAULT;
use crate::data_dir::create_private;
use crate::exit::Failure;
use crate::keys::CoreSecrets;
use crate::output::say;
use attribution_core::click::EdgeId;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Make the key folder of an edge that runs elsewhere
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Derive one edge's keys; the masters stay here
    Export {
        /// The edge's number
        #[arg(long, env = "YINKE_EDGE_ID", value_name = "NUMBER")]
        edge: u16,
        /// The core's key folder; made if it is not there
        #[arg(long, env = "YINKE_KEYS", value_name = "DIR", default_value_os_t = PathBuf::from(DATA_DEFAULT).join("keys"))]
        keys: PathBuf,
        /// The folder to fill; move it to the edge, mode 0700
        #[arg(env = "YINKE_KEYS_OUT")]
        out: PathBuf,
    },
}

impl KeysArgs {
    /// Writes the files.
    ///
    /// # Errors
    /// If keys cannot be read or written.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Verb::Export { edge, keys, out } = self.verb;
        create_private(&keys)?;
        let secrets = CoreSecrets::open_or_create(&keys, false)?;
        create_private(&out)?;
        secrets.export(EdgeId(edge), &out)?;
        say(format_args!(
            "keys of edge {edge} are in {dir}; put its token into {dir}/core.token, mode 0600: POST /v1/tokens of the \
             core with {{\"role\":\"edge\",\"subject\":\"{edge}\"}} makes one",
            dir = out.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
