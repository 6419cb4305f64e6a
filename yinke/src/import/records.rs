//! CSV bytes as records, strict about quotes: a record is one line of the file.
//!
//! A lenient reader takes a quote that nobody closes for a cell that holds the rows behind it, and loses them without
//! a word. Here a record whose quotes do not add up says so, and says which lines it takes with it.

/// One record; a faulty one has no cells to rely on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line it begins in, from one.
    pub(super) line: u64,
    /// The last line it takes in.
    pub(super) last: u64,
    /// Its cells, without their quotes.
    pub(super) cells: Vec<Vec<u8>>,
    /// What is wrong with its quotes: the cell's number from one, and why.
    pub(super) fault: Option<(usize, String)>,
}

/// The records of a file; empty lines are passed over.
pub(super) struct Records<'b> {
    rest: &'b [u8],
    line: u64,
    /// The line in which the last cell ended.
    ended: u64,
}

/// What ends a cell.
#[derive(PartialEq, Eq)]
enum End {
    Comma,
    Line,
}

impl<'b> Records<'b> {
    /// Reads from the first line on; a byte order mark is passed over.
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        Self { rest: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), line: 1, ended: 1 }
    }

    /// Takes bytes away and counts their lines.
    fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.line += taken.iter().fold(0, |n, b| n + u64::from(*b == b'\n'));
        self.rest = rest;
        taken
    }

    /// Takes everything up to the next comma or line end, and that too.
    fn plain(&mut self) -> (&'b [u8], End) {
        let end = self.rest.iter().position(|b| matches!(b, b',' | b'\n'));
        let comma = end.is_some_and(|at| self.rest[at] == b',');
        let cell = self.take(end.unwrap_or(self.rest.len()));
        self.ended = self.line;
        self.take(1);
        if comma { (cell, End::Comma) } else { (cell.strip_suffix(b"\r").unwrap_or(cell), End::Line) }
    }

    /// Takes a cell that begins with a quote, in column `column`.
    fn quoted(&mut self, column: usize) -> (Vec<u8>, End, Option<String>) {
        let opened = self.line;
        let mut cell = Vec::new();
        self.take(1);
        loop {
            let Some(quote) = self.rest.iter().position(|b| *b == b'"') else {
                let lines = lines(opened, self.take_all());
                let why = format!(
                    "a quote opened in line {opened}, column {column} is never closed: {lines} cannot be read"
                );
                return (cell, End::Line, Some(why));
            };
            cell.extend_from_slice(self.take(quote));
            self.take(1);
            if self.rest.first() != Some(&b'"') {
                break;
            }
            cell.extend_from_slice(self.take(1));
        }
        let closed = self.line;
        let clean = matches!(self.rest, [] | [b',' | b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..]);
        if closed > opened && !clean {
            // Which of the quotes behind this one open and which close cannot be told any more.
            let lines = lines(opened, self.take_all());
            let why = format!(
                "a quote opened in line {opened}, column {column} spans lines and meets another in line {closed}: {lines} cannot be read"
            );
            return (cell, End::Line, Some(why));
        }
        let (_, end) = self.plain();
        let why = if closed > opened {
            Some(format!(
                "a quote opened in line {opened}, column {column} spans {}; a cell stands in one line",
                lines(opened, closed)
            ))
        } else if clean {
            None
        } else {
            Some(STRAY.to_owned())
        };
        (cell, end, why)
    }

    /// Takes all that is left; gives the last line that holds something.
    fn take_all(&mut self) -> u64 {
        let holds = self.rest.trim_ascii_end().len();
        self.take(holds);
        self.ended = self.line;
        self.take(self.rest.len());
        self.ended
    }
}

const STRAY: &str = "a stray quote; a cell with quotes is written \"so \"\"quoted\"\" inside\"";

fn lines(from: u64, to: u64) -> String {
    if from == to { format!("line {from}") } else { format!("lines {from} to {to}") }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            match self.rest {
                [] => return None,
                [b'\n', ..] => self.take(1),
                [b'\r', b'\n', ..] => self.take(2),
                _ => break,
            };
        }
        let mut record = Record { line: self.line, last: self.line, cells: Vec::new(), fault: None };
        loop {
            let column = record.cells.len() + 1;
            let (cell, end, why) = if self.rest.first() == Some(&b'"') {
                self.quoted(column)
            } else {
                let (cell, end) = self.plain();
                (cell.to_vec(), end, cell.contains(&b'"').then(|| STRAY.to_owned()))
            };
            record.cells.push(cell);
            record.fault = record.fault.or(why.map(|why| (column, why)));
            if end == End::Line {
                break;
            }
        }
        record.last = self.ended;
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First line, last line, column of the fault, and how its reason begins.
    type Expected = (u64, u64, usize, &'static str);

    #[test]
    fn a_record_is_one_line_or_says_why_not() {
        let rows: [(&str, &[Expected]); 9] = [
            ("a,b\r\n\r\n\"c,\"\"d\"\"\",e\n", &[(1, 1, 0, ""), (3, 3, 0, "")]),
            ("a,", &[(1, 1, 0, "")]),
            ("a,\"b\"\r", &[(1, 1, 0, "")]),
            ("a,b\"c\nd,e\n", &[(1, 1, 2, "a stray quote"), (2, 2, 0, "")]),
            ("\"a\"b,c\nd,e", &[(1, 1, 1, "a stray quote"), (2, 2, 0, "")]),
            (
                "a,\"b\nc,d\ne,f\n\n",
                &[(1, 3, 2, "a quote opened in line 1, column 2 is never closed: lines 1 to 3")],
            ),
            ("a,\"b", &[(1, 1, 2, "a quote opened in line 1, column 2 is never closed: line 1 ")]),
            (
                "a,\"b\r\nc\r\nd\",e\r\nf,g\r\n",
                &[(1, 3, 2, "a quote opened in line 1, column 2 spans lines 1 to 3"), (4, 4, 0, "")],
            ),
            (
                "a,\"b\nc,\"d\"\ne,f\n",
                &[(1, 3, 2, "a quote opened in line 1, column 2 spans lines and meets another in line 2")],
            ),
        ];
        for (text, expected) in rows {
            let found: Vec<Record> = Records::of(text.as_bytes()).collect();
            assert_eq!(found.len(), expected.len(), "{text:?}: {found:?}");
            for (record, (line, last, column, why)) in found.iter().zip(expected) {
                assert_eq!((record.line, record.last), (*line, *last), "{text:?}");
                let (at, said) = record.fault.clone().unwrap_or_default();
                assert!(at == *column && said.starts_with(why), "{text:?}: {said}");
            }
        }
    }
}
