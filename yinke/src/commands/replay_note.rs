//! How far `yinke replay` has come, in a file that the person names, so that a run that was interrupted goes on.

use crate::exit::{Exit, Failure};
use crate::output::complain;
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use settlement_core::replay::{Kept, Selection};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Written at most so often: what is lost by an interruption is looked at again.
const EVERY: Duration = Duration::from_secs(1);

/// Which orders the run is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    since: Option<Instant>,
    until: Option<Instant>,
    merchant: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note<K> {
    asked: Asked,
    kept: K,
}

/// The file.
#[derive(Debug)]
pub(super) struct ReplayNote {
    path: PathBuf,
    asked: Asked,
    written: Option<std::time::Instant>,
    failed: bool,
}

impl ReplayNote {
    /// What an earlier run left there, or the beginning; the file can be written from now on.
    ///
    /// # Errors
    /// If the file is no note, is of other orders, or cannot be written.
    pub(super) fn open(path: PathBuf, selection: &Selection) -> Result<(Self, Kept), Failure> {
        let asked = Asked {
            since: selection.since,
            until: selection.until,
            merchant: selection.merchant.as_ref().map(ToString::to_string),
        };
        let shown = path.display();
        let kept = match std::fs::read(&path) {
            Ok(bytes) => {
                let note: Note<Kept> = serde_json::from_slice(&bytes).map_err(|error| {
                    Failure::message(Exit::BadData, format!("{shown} is no note of a replay: {error}"))
                })?;
                if note.asked != asked {
                    let what = "is of a replay of other orders: ask for the same, or name another file";
                    return Err(Failure::message(Exit::Usage, format!("--resume: {shown} {what}")));
                }
                note.kept
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(Failure::message(Exit::Io, format!("cannot read {shown}: {error}"))),
        };
        let note = Self { path, asked, written: None, failed: false };
        note.write(&kept).map_err(|error| {
            let path = note.path.display();
            Failure::message(Exit::CannotCreate, format!("cannot write {path}: {error}"))
        })?;
        Ok((note, kept))
    }

    /// Notes how far it is, now and then. A note that cannot be written stops no replay.
    pub(super) fn keep(&mut self, kept: &Kept) {
        if self.failed || self.written.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.written = Some(std::time::Instant::now());
        if let Err(error) = self.write(kept) {
            self.failed = true;
            complain(&format_args!(
                "cannot write {}: {error}; this run cannot be resumed",
                self.path.display()
            ));
        }
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Note { asked: self.asked.clone(), kept })?;
        let mut temporary = self.path.clone().into_os_string();
        temporary.push(".new");
        std::fs::write(&temporary, bytes)?;
        std::fs::rename(Path::new(&temporary), &self.path)
    }

    /// Everything is compared: the note goes.
    pub(super) fn finish(path: &Path) {
        let _ = std::fs::remove_file(path);
    }
}
