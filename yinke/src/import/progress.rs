//! How far an import has come, beside the file, so that a broken one goes on where it stopped.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The note beside a file that is being imported. Gone once everything is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// Which core.
    core: String,
    /// Which kind.
    kind: String,
    /// Which contents: another file under the same name starts anew.
    content: String,
    /// Steps that are in.
    done: usize,
}

/// Keeps the note.
#[derive(Debug)]
pub(super) struct Progress {
    path: Option<PathBuf>,
    note: Note,
    written: usize,
    /// An import to the same core, of a file of this name with other contents, broke off.
    other_contents: bool,
}

impl Progress {
    /// Reads the note of `file`, or starts at zero. Without a file nothing is kept.
    pub(super) fn open(file: Option<&Path>, core: &str, kind: &str, content: &str) -> Self {
        let path = file.map(|file| {
            let mut name = file.as_os_str().to_owned();
            name.push(".yinke-import");
            PathBuf::from(name)
        });
        let mut note =
            Note { core: core.to_owned(), kind: kind.to_owned(), content: content.to_owned(), done: 0 };
        let found = path
            .as_ref()
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok())
            .filter(|found| (&found.core, &found.kind) == (&note.core, &note.kind));
        let other_contents = found.as_ref().is_some_and(|found| found.content != note.content);
        if let Some(found) = found.filter(|_| !other_contents) {
            note = found;
        }
        Self { path, written: note.done, note, other_contents }
    }

    /// The note, if an import to the same core, of a file of this name with other contents, broke off.
    pub(super) fn of_other_contents(&self) -> Option<&Path> {
        self.path.as_deref().filter(|_| self.other_contents)
    }

    /// Steps that are in.
    pub(super) const fn done(&self) -> usize {
        self.note.done
    }

    /// One more step is in. Written at once where repeating it would cost something, else now and then.
    pub(super) fn advance(&mut self, at_once: bool) -> io::Result<()> {
        /// Repeating so many plain writes costs little.
        const EVERY: usize = 64;
        self.note.done += 1;
        if at_once || self.note.done - self.written >= EVERY { self.save() } else { Ok(()) }
    }

    /// Writes the note.
    pub(super) fn save(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.note.done == self.written {
            return Ok(());
        }
        let temporary = path.with_extension("yinke-import.new");
        std::fs::write(&temporary, serde_json::to_vec(&self.note).unwrap_or_default())?;
        std::fs::rename(&temporary, path)?;
        self.written = self.note.done;
        Ok(())
    }

    /// Everything is in: the note goes.
    pub(super) fn finish(self) {
        if let Some(path) = self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}
