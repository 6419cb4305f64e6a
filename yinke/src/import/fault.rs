//! What is wrong with a row: line, column, name, value and why.

use std::fmt;

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line from one.
    pub(crate) line: u64,
    /// The last line that cannot be used because of it.
    pub(crate) last: u64,
    /// Column (cell) from one, where known.
    pub(crate) column: Option<usize>,
    /// The column's name; empty if the whole row is meant.
    pub(crate) field: String,
    /// What stands there, clipped.
    pub(crate) value: String,
    /// What is wrong and what was expected.
    pub(crate) why: String,
}

impl Fault {
    /// A fault of a whole row.
    pub(super) fn row(line: u64, why: String) -> Self {
        Self { line, last: line, column: None, field: String::new(), value: String::new(), why }
    }

    /// With the file's name, for printing.
    pub(crate) fn at<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        FaultAt { fault: self, file }
    }
}

/// How many lines of the file some faults leave out.
pub(crate) fn lines_left_out(faults: &[Fault]) -> u64 {
    let mut spans: Vec<(u64, u64)> = faults.iter().map(|fault| (fault.line, fault.last)).collect();
    spans.sort_unstable();
    let (count, _) = spans.into_iter().fold((0, 0), |(count, until), (line, last)| {
        let fresh = (last + 1).saturating_sub(line.max(until + 1));
        (count + fresh, until.max(last))
    });
    count
}

struct FaultAt<'a> {
    fault: &'a Fault,
    file: &'a str,
}

impl fmt::Display for FaultAt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { line, last: _, column, field, value, why } = self.fault;
        write!(f, "{}:{line}:", self.file)?;
        if let Some(column) = column {
            write!(f, "{column}:")?;
        }
        if !field.is_empty() {
            write!(f, " {field}")?;
            if !value.is_empty() {
                write!(f, " \"{value}\"")?;
            }
            write!(f, ":")?;
        }
        write!(f, " {why}")
    }
}

/// A value short enough for a message, on one line.
pub(super) fn clip(text: &str) -> String {
    let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if one_line.chars().count() <= 60 {
        return one_line;
    }
    one_line.chars().take(57).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_left_out_once_however_much_is_wrong_with_it() {
        let fault = |line, last| Fault { last, ..Fault::row(line, String::new()) };
        assert_eq!(lines_left_out(&[]), 0);
        assert_eq!(lines_left_out(&[fault(9, 9), fault(2, 2), fault(2, 5), fault(4, 6), fault(9, 9)]), 6);
    }
}
