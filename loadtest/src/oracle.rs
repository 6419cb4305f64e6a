//! The oracle: every request that was sent, with the answer it got, in a file of its own, synced to disk.
//!
//! One line per request, tab-separated: label, kind, code, status, outcome, visitor, click. `-` stands for "none";
//! a status of `-` means that no answer came, so nobody can say whether the click was recorded.

use crate::mix::Kind;
use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Our name for the request; the edge records it as the sub-id.
    pub label: String,
    /// What kind it was.
    pub kind: Kind,
    /// The code asked for.
    pub code: String,
    /// The status; `None` if no answer came.
    pub status: Option<u16>,
    /// The outcome the answer named, if it did.
    pub outcome: Option<String>,
    /// The visitor of the click token.
    pub visitor: Option<VisitorId>,
    /// The click of the click token.
    pub click: Option<ClickId>,
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            self.label,
            self.kind.name(),
            self.code,
            or_dash(self.status.map(|status| status.to_string())),
            or_dash(self.outcome.clone()),
            or_dash(self.visitor.map(VisitorId::to_hex)),
            or_dash(self.click.map(ClickId::to_hex)),
        )
    }

    fn read(line: &str) -> Option<Self> {
        let mut parts = line.split('\t');
        let mut next = || parts.next();
        let (label, kind, code) = (next()?, Kind::from_name(next()?)?, next()?);
        let mut optional = || next().map(|text| (text != "-").then_some(text));
        let (status, outcome, visitor, click) = (optional()?, optional()?, optional()?, optional()?);
        let id = |text: Option<&str>| text.map_or(Some(None), |text| VisitorId::from_hex(text).map(Some));
        Some(Self {
            label: label.to_owned(),
            kind,
            code: code.to_owned(),
            status: status.map_or(Some(None), |text| text.parse().ok().map(Some))?,
            outcome: outcome.map(str::to_owned),
            visitor: id(visitor)?,
            click: id(click)?.map(|id| ClickId(id.0)),
        })
    }
}

/// Writes entries from a thread of its own: the load never waits for the disk.
#[derive(Debug)]
pub struct Oracle {
    sender: mpsc::Sender<Entry>,
    writer: JoinHandle<io::Result<u64>>,
}

impl Oracle {
    /// Appends to the file at `path`.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn append(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let (sender, receiver) = mpsc::channel();
        Ok(Self { sender, writer: std::thread::spawn(move || write_all(file, &receiver)) })
    }

    /// Notes an entry. A writer that has failed says so in [`finish`](Self::finish).
    pub fn note(&self, entry: Entry) {
        let _ = self.sender.send(entry);
    }

    /// Waits until everything is on disk; how many entries that were.
    ///
    /// # Errors
    /// If a write or a sync failed: then the file is no evidence.
    pub fn finish(self) -> io::Result<u64> {
        drop(self.sender);
        self.writer.join().map_err(|_| io::Error::other("the oracle's writer panicked"))?
    }
}

/// Writes what has gathered, syncs, and takes what has gathered meanwhile.
fn write_all(mut file: File, receiver: &mpsc::Receiver<Entry>) -> io::Result<u64> {
    let mut lines = Vec::new();
    let mut written = 0;
    while let Ok(first) = receiver.recv() {
        lines.clear();
        first.write(&mut lines)?;
        written += 1;
        for entry in receiver.try_iter() {
            entry.write(&mut lines)?;
            written += 1;
        }
        file.write_all(&lines)?;
        file.sync_data()?;
    }
    file.sync_all()?;
    Ok(written)
}

/// Why an oracle's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// It cannot be read.
    #[error("cannot read the oracle's file")]
    Io(#[from] io::Error),
    /// A line is not an entry.
    #[error("line {0} of the oracle's file is not an entry")]
    Line(usize),
}

/// Reads all entries of a file.
///
/// # Errors
/// If the file cannot be read or a line is not an entry.
pub fn read(path: &Path) -> Result<Vec<Entry>, OracleError> {
    let mut entries = Vec::new();
    for (index, line) in BufReader::new(File::open(path)?).lines().enumerate() {
        entries.push(Entry::read(&line?).ok_or(OracleError::Line(index + 1))?);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oracle.tsv");
        let answered = Entry {
            label: "a1-7".to_owned(),
            kind: Kind::Tap,
            code: "abcdefghi".to_owned(),
            status: Some(302),
            outcome: None,
            visitor: Some(VisitorId([3; 16])),
            click: Some(ClickId([4; 16])),
        };
        let unanswered = Entry { status: None, visitor: None, click: None, ..answered.clone() };
        for entry in [&answered, &unanswered] {
            let oracle = Oracle::append(&path).unwrap();
            oracle.note(entry.clone());
            assert_eq!(oracle.finish().unwrap(), 1);
        }
        assert_eq!(read(&path).unwrap(), [answered, unanswered]);
        std::fs::write(&path, "a\tb\n").unwrap();
        assert!(matches!(read(&path), Err(OracleError::Line(1))));
    }
}
