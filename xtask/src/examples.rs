//! The integrators' examples, run as they stand in the docs against a whole product.

use crate::install::{self, CURL, JQ, NODE, PYTHON};
use crate::live::Live;
use crate::suite::root;
use anyhow::{Result, ensure};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// What each example must have said.
const EXAMPLES: [(&str, &[&str]); 3] = [
    ("quickstart.sh", &["yk_click=v1.", "\"status\":\"accepted\"", "lily earns 890 fen"]),
    ("webhooks.sh", &["\"outcome\": \"accepted\"", "\"outcome\":\"accepted\"", "order.attributed"]),
    ("operate.sh", &["ANNA20", "¥1000.00", "confirmed", "missing_here", "whsec_", "\"label\": \"ERP\""]),
];

/// Runs them in their order.
///
/// # Errors
/// If one fails or does not say what it should.
pub(crate) fn run(profile: &str) -> Result<()> {
    install::ensure(&[CURL, JQ, PYTHON, NODE])?;
    let live = Live::start(profile, None)?;
    for (name, expected) in EXAMPLES {
        println!("$ docs/examples/{name}");
        let path = search_path(&live)?;
        let output = Command::new("bash")
            .arg(root().join("docs/examples").join(name))
            .env("YINKE_CORE", &live.core)
            // The command line's name for the same.
            .env("YINKE_CORE_URL", &live.core)
            .env("PATH", path)
            .env("YINKE_EDGE", &live.edge)
            .env("YINKE_TOKEN", &live.token)
            .stdin(Stdio::null())
            .output()?;
        let (said, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{said}{errors}");
        ensure!(output.status.success(), "{name}: {}\n{}", output.status, live.log());
        for text in expected {
            ensure!(said.contains(text), "{name} does not say {text:?}");
        }
    }
    Ok(())
}

/// Where programs are found: the one that runs first.
fn search_path(live: &Live) -> Result<OsString> {
    let ours = live.program.parent().map(Path::to_owned);
    let others = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&others)))?)
}
