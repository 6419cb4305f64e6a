//! The codes of imported links, written while they are made: whatever breaks the import off, they stand in the file.

use super::send::StepDone;
use serde_json::Value;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The columns.
const COLUMNS: [&str; 5] = ["line", "code", "short_url", "qr_svg_url", "qr_png_url"];

/// Writes the codes of one import.
pub(crate) struct Results {
    path: PathBuf,
    /// Opened with the first codes: an import that is refused as a whole leaves an earlier file alone.
    file: Option<csv::Writer<File>>,
}

impl Results {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Where the codes are, if any were written.
    pub(crate) fn written(&self) -> Option<&Path> {
        self.file.as_ref().map(|_| self.path.as_path())
    }

    /// Adds the codes of a step, and they are in the file.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub(crate) fn add(&mut self, step: &StepDone<'_>) -> io::Result<()> {
        let Some((first, _)) = step.answers.first() else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let before = if step.before > 0 { rows_before(&self.path, *first)? } else { Vec::new() };
                // Written beside and put in place whole, so that codes of an earlier run are never without a file.
                let new = self.path.with_extension("new");
                let file = self.file.insert(csv::Writer::from_path(&new)?);
                file.write_record(COLUMNS)?;
                before.iter().try_for_each(|row| file.write_record(row))?;
                file.flush()?;
                std::fs::rename(&new, &self.path)?;
                file
            }
        };
        for (line, link) in step.answers {
            let text = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut cells = vec![line.to_string()];
            cells.extend(COLUMNS[1..].iter().map(|name| text(name)));
            file.write_record(&cells)?;
        }
        file.flush()
    }
}

/// What an earlier run wrote of lines before this one. What it wrote from there on is answered once more: it broke off
/// between the codes and the note of them.
fn rows_before(path: &Path, line: u64) -> io::Result<Vec<csv::StringRecord>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
    let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
    let is_before = |row: &csv::StringRecord| {
        row.get(0).and_then(|cell| cell.parse::<u64>().ok()).is_some_and(|own| own < line)
    };
    Ok(rows.into_iter().filter(is_before).collect())
}
