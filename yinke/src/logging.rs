//! Logs: to stderr, text for a person at a terminal and JSON for a machine. Nothing is logged per click.

use crate::cli::{Global, LogFormat};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` is used where `--log-level` is not given.
///
/// # Errors
/// If the filter is not understood.
pub(crate) fn start(
    global: &Global,
    default_level: &str,
) -> Result<(), tracing_subscriber::filter::ParseError> {
    let wanted = match (&global.log_level, std::env::var("RUST_LOG")) {
        (Some(level), _) => level.clone(),
        (None, Ok(filter)) if !filter.is_empty() => filter,
        _ => default_level.to_owned(),
    };
    let filter = EnvFilter::try_new(&wanted)?;
    let json = match global.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        builder.with_ansi(!plain && std::io::stderr().is_terminal()).try_init()
    };
    Ok(())
}
