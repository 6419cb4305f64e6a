//! Logs: to stderr, text for a person at a terminal and JSON for a machine. Nothing is logged per click.
//!
//! A tool writes each line as it comes. A server has clicks to answer: nobody in it waits for standard error but one thread
//! (see [`queue`]), and at its end, which it does not let others hold, for a moment only.

mod queue;

use crate::cli::{Global, LogFormat};
use crate::exit::{Exit, Failure};
use crate::output::complain;
use queue::Queue;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// The end of the process waits so long for the last lines: of five seconds for a drain, what the drain leaves.
const FLUSH_WITHIN: Duration = Duration::from_millis(250);

/// The queue of a server. As there is one standard error and one subscriber, there is one of it in a process.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Who logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Says what it does, by way of the queue.
    Server,
    /// Says only what went wrong, at once.
    Tool,
}

/// Starts logging. `RUST_LOG` is used where `--log-level` is not given.
///
/// # Errors
/// If the filter is not understood, or there is no thread.
pub(crate) fn start(global: &Global, who: Who) -> Result<(), Failure> {
    let default_level = match who {
        Who::Server => "info",
        Who::Tool => "warn",
    };
    let wanted = match (&global.log_level, std::env::var("RUST_LOG")) {
        (Some(level), _) => level.clone(),
        (None, Ok(filter)) if !filter.is_empty() => filter,
        _ => default_level.to_owned(),
    };
    let filter = EnvFilter::try_new(&wanted).map_err(|error| Failure::new(Exit::Usage, error))?;
    let json = match global.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let writer = match who {
        Who::Tool => BoxMakeWriter::new(io::stderr),
        Who::Server => {
            let queue = start_queue().map_err(|error| Failure::new(Exit::Runtime, error))?;
            BoxMakeWriter::new(move || Line(queue))
        }
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        builder.with_ansi(!plain && io::stderr().is_terminal()).try_init()
    };
    Ok(())
}

fn start_queue() -> io::Result<&'static Queue> {
    if let Some(queue) = QUEUE.get() {
        return Ok(queue);
    }
    // Not by way of `io::stderr`: whoever else writes there would wait for its lock while a write of ours waits.
    let queue = Queue::start(File::from(io::stderr().as_fd().try_clone_to_owned()?))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(QUEUE.get_or_init(|| queue))
}

/// One event on its way into the queue: the subscriber writes it whole.
struct Line(&'static Queue);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A panic is a line like any other: a thread that dies of one does not wait for standard error either.
fn log_panic(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        thread = thread.name().unwrap_or("unnamed"),
        place,
        backtrace,
        "a fault of the program: {}",
        info.payload_as_str().unwrap_or("a panic without words")
    );
    if thread.name() == Some("main") {
        finish(None); // the process ends with it
    }
}

/// Says why the command failed, if it did, and waits a moment for the last lines. Nothing may be logged afterwards.
pub(crate) fn finish(failure: Option<&Failure>) {
    match (QUEUE.get(), failure) {
        (Some(queue), failure) => {
            if let Some(failure) = failure {
                queue.put(format!("yinke: {failure}\n").as_bytes());
            }
            queue.flush(FLUSH_WITHIN);
        }
        (None, Some(failure)) => complain(failure),
        (None, None) => {}
    }
}

/// Appends the metrics of the log.
pub(crate) fn render_metrics(out: &mut String) {
    let Some(dropped) = QUEUE.get().map(Queue::dropped) else { return };
    let name = "yinke_log_lines_dropped_total";
    let _ = write!(
        out,
        "# HELP {name} Lines of the log that nobody has: the queue before standard error was full, or writing failed.\n\
         # TYPE {name} counter\n{name}{{reason=\"full\"}} {}\n{name}{{reason=\"failed\"}} {}\n",
        dropped.full, dropped.failed
    );
}
