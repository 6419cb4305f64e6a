//! `yinke keys export`: what an edge on another machine needs, derived from the core's keys. `yinke keys rotate`: the next
//! generation of keys, in two steps.

use crate::cli::DATA_DEFAULT;
use crate::data_dir::create_private;
use crate::exit::Failure;
use crate::keys::{CoreSecrets, Rotated, rotate};
use crate::output::say;
use attribution_core::click::EdgeId;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make the key folder of an edge that runs elsewhere, or rotate the keys
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
    /// Prepare the next generation of keys; the second time, put it to use
    Rotate {
        /// The core's key folder
        #[arg(long, env = "YINKE_KEYS", value_name = "DIR", default_value_os_t = PathBuf::from(DATA_DEFAULT).join("keys"))]
        keys: PathBuf,
    },
}

impl KeysArgs {
    /// Writes the files.
    ///
    /// # Errors
    /// If keys cannot be read or written.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.verb {
            Verb::Export { edge, keys, out } => export(edge, &keys, &out)?,
            Verb::Rotate { keys } => rotate_in(&keys)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rotate_in(keys: &Path) -> Result<(), Failure> {
    let restart =
        "Export the keys of each edge anew (yinke keys export) and restart every core and edge (SIGUSR2)";
    match rotate(keys)? {
        Rotated::Prepared(generation) => say(format_args!(
            "generation {generation} is prepared: it is accepted from the next start on, and signs nothing yet. {restart}, \
             cores first; then rotate again"
        )),
        Rotated::InUse(generation) => say(format_args!(
            "generation {generation} signs from the next start on. {restart}, in any order. Cookies of the generation before \
             stay good until the next rotation, and are renewed when their browsers come back"
        )),
    }
    Ok(())
}

fn export(edge: u16, keys: &Path, out: &Path) -> Result<(), Failure> {
    create_private(keys)?;
    let secrets = CoreSecrets::open_or_create(keys, false)?;
    create_private(out)?;
    secrets.export(EdgeId(edge), out)?;
    say(format_args!(
        "keys of edge {edge} are in {dir}; put its token into {dir}/core.token, mode 0600: POST /v1/tokens of the \
         core with {{\"role\":\"edge\",\"subject\":\"{edge}\"}} makes one",
        dir = out.display()
    ));
    Ok(())
}
