//! The rows of new links: free codes for them, and many rows at once.
//!
//! The lock of the change numbers keeps all other makers of links out, so a code that is free when it is looked up stays
//! free until it is written.

use super::feed::Numbers;
use crate::api::Problem;
use crate::random;
use crate::store::{Param, StoreError, Tx};
use attribution_core::catalogue::{LinkFlags, LinkSeconds};
use attribution_core::code::{BODIES, CheckKey, Code};
use attribution_core::time::Instant;
use std::collections::HashSet;

/// Rows written at once: a request has few more, and memory for them is bounded.
const ROWS: usize = 4_000;
/// Codes looked up in one statement.
const DRAWN: usize = 400;
/// The columns of a row.
const COLUMNS: [&str; 12] = [
    "code",
    "placement",
    "target",
    "starts",
    "expires",
    "flags",
    "shared_at",
    "qr_of",
    "created_at",
    "change_no",
    "promoter",
    "changed_at",
];

/// A link as it is stored, without its code.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) placement: i64,
    pub(super) promoter: i64,
    pub(super) target: i64,
    pub(super) starts: LinkSeconds,
    pub(super) expires: LinkSeconds,
    pub(super) flags: LinkFlags,
    pub(super) shared: Instant,
    /// The link whose QR code this is.
    pub(super) qr_of: Option<Code>,
}

/// The rows of one request.
pub(super) struct LinkRows {
    key: CheckKey,
    now: Instant,
    /// Codes were drawn before: this is a request for many.
    drawn: bool,
    /// Codes that nobody has.
    free: Vec<Code>,
    /// Rows that are not written yet, with their codes and change numbers.
    rows: Vec<(Code, Row, i64)>,
}

impl LinkRows {
    pub(super) const fn new(key: CheckKey, now: Instant) -> Self {
        Self { key, now, drawn: false, free: Vec::new(), rows: Vec::new() }
    }

    /// Puts a row under a free code among those to be written.
    pub(super) fn insert(
        &mut self,
        tx: &mut dyn Tx,
        row: Row,
        numbers: &mut Numbers,
    ) -> Result<Code, Problem> {
        let code = match self.free.pop() {
            Some(code) => code,
            None => {
                self.draw_free(tx)?;
                self.free.pop().ok_or(StoreError::NoRow)?
            }
        };
        self.rows.push((code, row, numbers.next()));
        if self.rows.len() >= ROWS {
            self.write(tx)?;
        }
        Ok(code)
    }

    /// Draws codes until some are free: with eight random characters nearly all are. One request takes few at first.
    fn draw_free(&mut self, tx: &mut dyn Tx) -> Result<(), Problem> {
        let wanted = if self.drawn { DRAWN } else { 2 };
        self.drawn = true;
        while self.free.is_empty() {
            let mut drawn = HashSet::with_capacity(wanted);
            while drawn.len() < wanted {
                drawn.insert(draw(self.key)?);
            }
            for (code, ..) in &self.rows {
                drawn.remove(code);
            }
            let drawn: Vec<Code> = drawn.into_iter().collect();
            let taken = taken(tx, &drawn)?;
            self.free.extend(drawn.into_iter().filter(|code| !taken.contains(&code.0.cast_signed())));
        }
        Ok(())
    }

    /// Whether one of these codes is that of a link.
    pub(super) fn is_there(&self, tx: &mut dyn Tx, codes: &[Code]) -> Result<bool, StoreError> {
        let here = codes.iter().any(|code| self.rows.iter().any(|(written, ..)| written == code));
        Ok(here || (!codes.is_empty() && !taken(tx, codes)?.is_empty()))
    }

    /// Writes what is not written yet.
    pub(super) fn write(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut values: Vec<Param<'_>> = Vec::with_capacity(self.rows.len() * COLUMNS.len());
        for (code, row, number) in &self.rows {
            values.extend::<[Param<'_>; COLUMNS.len()]>([
                (*code).into(),
                row.placement.into(),
                row.target.into(),
                i64::from(row.starts.0).into(),
                i64::from(row.expires.0).into(),
                i64::from(row.flags.0).into(),
                row.shared.into(),
                row.qr_of.into(),
                self.now.into(),
                (*number).into(),
                row.promoter.into(),
                // Made and changed at the same time.
                self.now.into(),
            ]);
        }
        tx.insert_rows("links", &COLUMNS, &values)?;
        self.rows.clear();
        Ok(())
    }
}

/// Those of the codes that links have.
fn taken(tx: &mut dyn Tx, codes: &[Code]) -> Result<HashSet<i64>, StoreError> {
    let values: Vec<Param<'_>> = codes.iter().map(|code| Param::from(*code)).collect();
    let rest: String = (2..=values.len()).map(|n| format!(", (${n})")).collect();
    // One by one: PostgreSQL keeps the plan it made while there were few links, and for a list that plan is to read all
    // of them.
    let sql = format!(
        "SELECT (SELECT l.code FROM links l WHERE l.code = drawn.column1) \
         FROM (VALUES (CAST($1 AS BIGINT)){rest}) AS drawn"
    );
    let rows = tx.query(&sql, &values)?;
    rows.iter().filter_map(|row| row.opt_int(0).transpose()).collect()
}

/// A code with an evenly drawn body: numbers above the largest multiple of all bodies are drawn again.
fn draw(key: CheckKey) -> Result<Code, Problem> {
    const EVEN: u64 = u64::MAX / BODIES * BODIES;
    loop {
        let random = u64::from_be_bytes(random::bytes()?);
        if random < EVEN
            && let Some(code) = Code::from_body(random % BODIES, key)
        {
            return Ok(code);
        }
    }
}
