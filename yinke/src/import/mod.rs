//! Importing files: read the whole file, check every row, then write it to the core in steps that can be repeated.
//!
//! By file: [`records`] (CSV, strict about quotes), [`source`]
//! (CSV and JSON lines as rows), [`fields`] (typed cells), [`kinds`] (what each kind of row
//! becomes), [`plan`] (the calls, in order), [`mod@send`] (making them, and going on after a break), [`results`] (the
//! codes of the links that were made).

mod fault;
mod fields;
mod kinds;
mod plan;
mod progress;
mod records;
mod results;
mod send;
mod source;

pub(crate) use fault::{Fault, lines_left_out};
pub(crate) use kinds::{Column, Kind};
pub(crate) use plan::Plan;
pub(crate) use results::Results;
pub(crate) use send::{ImportError, Options, Report, StepDone, send};
pub(crate) use source::FileFormat;
