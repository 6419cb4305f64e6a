//! Comparing a platform's statement with our books, line by line; each difference has a name.

use super::their_states::Dialect;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A row of the platform's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Theirs {
    /// The whole commission.
    pub commission: Fen,
    /// One of our states.
    pub state: &'static str,
}

/// The order and its line.
pub(super) type Key = (String, String);

/// Why a statement cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StatementError {
    /// A column is missing.
    #[error(
        "row 1: there is no column {0}; a statement has order, line, commission_fen or commission_yuan, and state"
    )]
    NoColumn(&'static str),
    /// The file is no CSV.
    #[error("row {row}: {why}")]
    Csv {
        /// Counted from 1, the headings included.
        row: u64,
        /// What is wrong.
        why: String,
    },
    /// A cell that cannot be read.
    #[error("row {row}, column {column}: {text:?} is {why}")]
    Cell {
        /// Counted from 1, the headings included.
        row: u64,
        /// The column's name.
        column: &'static str,
        /// What is there.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Reads a statement that names states as `dialect` does.
pub(super) fn read(text: &str, dialect: Dialect) -> Result<BTreeMap<Key, Theirs>, StatementError> {
    // The reader counts lines by one of the two characters that end them in files of some systems, and is late by one then.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: &csv::Error, row: u64| StatementError::Csv {
        row: error.position().map_or(row, csv::Position::line),
        why: error.to_string(),
    };
    let headings = reader.headers().map_err(|error| broken(&error, 1))?.clone();
    let place = |name: &str| headings.iter().position(|heading| heading == name);
    let need = |name: &'static str| place(name).ok_or(StatementError::NoColumn(name));
    let (order, line, state) = (need("order")?, need("line")?, need("state")?);
    let (fen, yuan) = (place("commission_fen"), place("commission_yuan"));
    if fen.is_none() && yuan.is_none() {
        return Err(StatementError::NoColumn("commission_fen"));
    }
    let mut rows = BTreeMap::new();
    for (number, record) in (2u64..).zip(reader.records()) {
        let record = record.map_err(|error| broken(&error, number))?;
        let row = record.position().map_or(number, csv::Position::line);
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let wrong =
            |column, text: &str, why| StatementError::Cell { row, column, text: text.to_owned(), why };
        for (column, at) in [("order", order), ("line", line)] {
            if cell(at).is_empty() {
                return Err(wrong(column, "", "empty"));
            }
        }
        let commission = match (fen, yuan) {
            (Some(at), _) => cell(at)
                .parse()
                .map(Fen)
                .map_err(|_| wrong("commission_fen", cell(at), "no whole number of fen"))?,
            (None, at) => {
                let text = cell(at.unwrap_or_default());
                Fen::of_yuan(text).map_err(|_| wrong("commission_yuan", text, "no amount such as 12.34"))?
            }
        };
        let named = cell(state);
        let state = dialect.state(named).ok_or_else(|| wrong("state", named, "no state we know"))?;
        let key = (cell(order).to_owned(), cell(line).to_owned());
        if rows.insert(key, Theirs { commission, state }).is_some() {
            return Err(wrong("line", cell(line), "there twice for this order"));
        }
    }
    Ok(rows)
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The statement has a line that our books do not have, or in which nobody earns.
    MissingHere,
    /// Our books have a line that the statement does not have.
    MissingThere,
    /// The commissions differ.
    Amount,
    /// The states differ.
    State,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::MissingHere, Self::MissingThere, Self::Amount, Self::State];

    /// As it is stored and answered.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::MissingHere => "missing_here",
            Self::MissingThere => "missing_there",
            Self::Amount => "amount",
            Self::State => "state",
        }
    }

    pub(super) fn stored(name: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| StoreError::Corrupt { what: "difference", cause: name.into() })
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Difference {
    /// What differs.
    pub kind: Kind,
    /// The order.
    pub order: String,
    /// Its line.
    pub line: String,
    /// Our commission, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours_fen: Option<i64>,
    /// The statement's commission, fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs_fen: Option<i64>,
    /// Our state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours_state: Option<String>,
    /// The statement's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs_state: Option<String>,
}

/// Which of our lines the statement should have.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub platform: String,
    pub programme: String,
    /// Orders placed within.
    pub from: Instant,
    pub to: Instant,
}

/// Every difference, by order and line; and how many lines agree.
pub(super) fn compare(
    tx: &mut dyn Tx,
    span: &Span,
    theirs: &BTreeMap<Key, Theirs>,
) -> Result<(Vec<Difference>, u64), StoreError> {
    let rows = tx.query(
        "SELECT order_id, line_id, commission_fen, state FROM order_lines \
         WHERE platform = $1 AND programme = $2 AND created_ms >= $3 AND created_ms < $4 AND state <> 'none'",
        params![&span.platform, &span.programme, span.from, span.to],
    )?;
    let mut ours: BTreeMap<Key, (i64, String)> = BTreeMap::new();
    for row in &rows {
        let key = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
        ours.insert(key, (row.int(2)?, row.text(3)?.to_owned()));
    }
    let mut differences = Vec::new();
    let mut agree = 0;
    for (key, their) in theirs {
        let own = match ours.remove(key) {
            Some(own) => Some(own),
            None => outside(tx, span, key)?,
        };
        let difference = |kind, own: Option<&(i64, String)>| Difference {
            kind,
            order: key.0.clone(),
            line: key.1.clone(),
            ours_fen: own.map(|own| own.0),
            theirs_fen: Some(their.commission.0),
            ours_state: own.map(|own| own.1.clone()),
            theirs_state: Some(their.state.to_owned()),
        };
        let Some(own) = own else {
            differences.push(difference(Kind::MissingHere, None));
            continue;
        };
        let before = differences.len();
        if own.0 != their.commission.0 {
            differences.push(difference(Kind::Amount, Some(&own)));
        }
        if own.1 != their.state {
            differences.push(difference(Kind::State, Some(&own)));
        }
        agree += u64::from(differences.len() == before);
    }
    for ((order, line), (fen, state)) in ours {
        differences.push(Difference {
            kind: Kind::MissingThere,
            order,
            line,
            ours_fen: Some(fen),
            theirs_fen: None,
            ours_state: Some(state),
            theirs_state: None,
        });
    }
    differences.sort_by(|a, b| (&a.order, &a.line).cmp(&(&b.order, &b.line)));
    Ok((differences, agree))
}

/// A line of an order placed before or after the span: the platforms' times may lag.
fn outside(tx: &mut dyn Tx, span: &Span, key: &Key) -> Result<Option<(i64, String)>, StoreError> {
    let row = tx.query_opt(
        "SELECT commission_fen, state FROM order_lines \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND programme = $4 AND state <> 'none'",
        params![&span.platform, &key.0, &key.1, &span.programme],
    )?;
    row.map(|row| Ok((row.int(0)?, row.text(1)?.to_owned()))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_in_fen_and_in_yuan_and_in_both_languages() {
        let fen =
            read("\u{feff}order,line,commission_fen,state\no1,1,1234,3\no1,2,0,已失效\n", Dialect::Taobao)
                .unwrap();
        let yuan = read("state,commission_yuan,line,order\nsettled,12.34,1,o1\n13,0,2,o1\n", Dialect::Taobao)
            .unwrap();
        assert_eq!(fen, yuan);
    }

    #[test]
    fn what_cannot_be_read_names_row_and_column() {
        let rows = [
            ("order,line,state\n", "row 1: there is no column commission_fen"),
            ("order,line,commission_fen,state\no1,1,12.5,3\n", "row 2, column commission_fen"),
            ("order,line,commission_fen,state\no1,1,12,3\no2,1,12,lost\n", "row 3, column state: \"lost\""),
            ("order,line,commission_fen,state\n,1,12,3\n", "row 2, column order"),
            ("order,line,commission_fen,state\no1,1,12,3\no1,1,12,3\n", "row 3, column line"),
            ("order,line,commission_fen,state\no1,1\n", "row 2"),
        ];
        for (text, expected) in rows {
            for text in [text.to_owned(), text.replace('\n', "\r\n")] {
                let error = read(&text, Dialect::Taobao).unwrap_err().to_string();
                assert!(error.starts_with(expected), "{error}");
            }
        }
    }
}
