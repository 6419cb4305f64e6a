//! The rows of an answer.
//!
//! All rows of one answer share one buffer: a row that is read costs no allocation, whatever it holds.

use super::{Param, StoreError};
use attribution_core::catalogue::LinkFlags;
use attribution_core::click::{EdgeId, Epoch, Stream, WorkerId};
use attribution_core::code::Code;
use attribution_core::time::Instant;
use std::sync::Arc;

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Null,
    Int(i64),
    /// Begin and length in the texts.
    Text(usize, usize),
    /// Begin and length in the bytes.
    Blob(usize, usize),
}

/// An answer, while it is read and afterwards.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// Row after row.
    cells: Vec<Cell>,
    texts: String,
    bytes: Vec<u8>,
}

impl Answer {
    /// Adds the next field of the present row.
    #[inline]
    pub(super) fn push(&mut self, field: Param<'_>) {
        self.cells.push(match field {
            Param::Null => Cell::Null,
            Param::Int(value) => Cell::Int(value),
            Param::Text(text) => {
                self.texts.push_str(text);
                Cell::Text(self.texts.len() - text.len(), text.len())
            }
            Param::Blob(bytes) => {
                self.bytes.extend_from_slice(bytes);
                Cell::Blob(self.bytes.len() - bytes.len(), bytes.len())
            }
        });
    }

    /// The rows, of so many columns each.
    pub(super) fn rows(self, columns: usize) -> Vec<Row> {
        let firsts = (0..self.cells.len()).step_by(columns.max(1));
        let answer = Arc::new(self);
        firsts.map(|first| Row { answer: Arc::clone(&answer), first, columns }).collect()
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.texts.clear();
        self.bytes.clear();
    }
}

/// One row of an answer; columns are read by their position in the statement.
#[derive(Debug, Clone)]
pub struct Row {
    answer: Arc<Answer>,
    /// The place of its first cell.
    first: usize,
    columns: usize,
}

impl Row {
    /// A row to be filled.
    pub(super) fn of(columns: usize) -> Self {
        Self { answer: Arc::default(), first: 0, columns }
    }

    /// Empties it, for the next one; who has cloned it keeps what it was.
    pub(super) fn emptied(&mut self) -> &mut Answer {
        let answer = Arc::make_mut(&mut self.answer);
        answer.clear();
        answer
    }

    fn wrong(&self, column: usize, wanted: &'static str) -> StoreError {
        let found = match self.cell(column) {
            None => "no such column",
            Some(Cell::Null) => "NULL",
            Some(Cell::Int(_)) => "an integer",
            Some(Cell::Text(..)) => "text",
            Some(Cell::Blob(..)) => "bytes",
        };
        StoreError::Column { column, wanted, found }
    }

    fn cell(&self, column: usize) -> Option<Cell> {
        if column >= self.columns {
            return None;
        }
        self.answer.cells.get(self.first + column).copied()
    }

    fn present(&self, column: usize) -> Option<Cell> {
        self.cell(column).filter(|cell| *cell != Cell::Null)
    }

    /// An integer.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.cell(column) {
            Some(Cell::Int(value)) => Ok(value),
            _ => Err(self.wrong(column, "an integer")),
        }
    }

    /// An integer or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.present(column).map(|_| self.int(column)).transpose()
    }

    /// Text.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.cell(column) {
            Some(Cell::Text(begin, len)) => Ok(&self.answer.texts[begin..begin + len]),
            _ => Err(self.wrong(column, "text")),
        }
    }

    /// Text or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.present(column).map(|_| self.text(column)).transpose()
    }

    /// Bytes.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.cell(column) {
            Some(Cell::Blob(begin, len)) => Ok(&self.answer.bytes[begin..begin + len]),
            _ => Err(self.wrong(column, "bytes")),
        }
    }

    /// Bytes or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_blob(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        self.present(column).map(|_| self.blob(column)).transpose()
    }

    /// Sixteen bytes: a click's or a visitor's id.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn id16(&self, column: usize) -> Result<[u8; 16], StoreError> {
        self.blob(column)?.try_into().map_err(|_| self.wrong(column, "sixteen bytes"))
    }

    /// Sixteen bytes or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_id16(&self, column: usize) -> Result<Option<[u8; 16]>, StoreError> {
        self.present(column).map(|_| self.id16(column)).transpose()
    }

    /// An integer as a yes or no.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        self.int(column).map(|value| value != 0)
    }

    /// A 32-bit number, as the catalogue gives them.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn num(&self, column: usize) -> Result<u32, StoreError> {
        self.narrow(column, "a 32-bit number")
    }

    /// A 32-bit number or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_num(&self, column: usize) -> Result<Option<u32>, StoreError> {
        self.present(column).map(|_| self.num(column)).transpose()
    }

    /// A count, never negative.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn count(&self, column: usize) -> Result<u64, StoreError> {
        self.narrow(column, "a count")
    }

    fn narrow<T: TryFrom<i64>>(&self, column: usize, wanted: &'static str) -> Result<T, StoreError> {
        T::try_from(self.int(column)?).map_err(|_| self.wrong(column, wanted))
    }

    /// A link's code.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn code(&self, column: usize) -> Result<Code, StoreError> {
        Ok(Code(self.int(column)?.cast_unsigned()))
    }

    /// A link's code, or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_code(&self, column: usize) -> Result<Option<Code>, StoreError> {
        Ok(self.opt_int(column)?.map(|code| Code(code.cast_unsigned())))
    }

    /// The marks of a link.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn link_flags(&self, column: usize) -> Result<LinkFlags, StoreError> {
        self.narrow(column, "a byte").map(LinkFlags)
    }

    /// An edge.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn edge(&self, column: usize) -> Result<EdgeId, StoreError> {
        self.narrow(column, "a 16-bit number").map(EdgeId)
    }

    /// A stream: edge, epoch and worker, in three columns from this one on.
    ///
    /// # Errors
    /// If the columns hold something else.
    pub fn stream(&self, first: usize) -> Result<Stream, StoreError> {
        Ok(Stream {
            edge: self.edge(first)?,
            epoch: Epoch(self.int(first + 1)?.cast_unsigned()),
            worker: WorkerId(self.narrow(first + 2, "a byte")?),
        })
    }

    /// An instant.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn instant(&self, column: usize) -> Result<Instant, StoreError> {
        self.int(column).map(Instant)
    }

    /// An instant or NULL.
    ///
    /// # Errors
    /// If the column holds something else.
    pub fn opt_instant(&self, column: usize) -> Result<Option<Instant>, StoreError> {
        Ok(self.opt_int(column)?.map(Instant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_is_named_and_not_taken_for_zero() {
        let mut answer = Answer::default();
        for value in [70_000, -1, 300, 7, -1, 3] {
            answer.push(Param::Int(value));
        }
        let rows = answer.rows(3);
        let column = |error: StoreError| match error {
            StoreError::Column { column, .. } => column,
            other => unreachable!("{other}"),
        };
        assert_eq!(rows[0].stream(0).map_err(column), Err(0));
        assert_eq!(rows[0].num(1).map_err(column), Err(1));
        assert_eq!(rows[0].link_flags(2).map_err(column), Err(2));
        let stream = rows[1].stream(0).unwrap();
        assert_eq!((stream.edge, stream.epoch, stream.worker), (EdgeId(7), Epoch(u64::MAX), WorkerId(3)));
    }
}
