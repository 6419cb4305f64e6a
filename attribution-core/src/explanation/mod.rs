//! A decision in words, Chinese and English. It adds nothing: all it says is in the [`Attribution`], which is the
//! explanation for programs (as JSON).
//!
//! One file per language, with the same questions answered in the same order: what was decided, how, and what became
//! of each click.

mod en;
mod names;
mod zh;

pub use names::Names;

use crate::attribute::{Attribution, Award};
use crate::commission::{Amounts, Terms};
use crate::fold::Verdict;
use crate::ledger::{Bill, Entry};
use crate::money::Fen;
use crate::policy::commission::Party;
use serde::{Deserialize, Serialize};

/// The language of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// 中文.
    Zh,
    /// English.
    En,
}

/// A decision told to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The whole in one sentence.
    pub sentence: String,
    /// How it came about, in the order of the decision; then each click with what became of it, oldest first.
    pub steps: Vec<String>,
}

/// Tells a decision, with the names of those whom it is about. The sentence says what is due now, by the line's `bill`; of a
/// decision without one, what it promises. A step that [`explain_bill`] tells as well is left to it: the two are read together.
pub fn explain(
    attribution: &Attribution,
    bill: Option<&Bill>,
    names: &Names,
    language: Language,
) -> Explanation {
    let mut told = match language {
        Language::Zh => zh::explain(attribution, bill, names),
        Language::En => en::explain(attribution, bill, names),
    };
    if let Some(bill) = bill {
        let again = explain_bill(bill, language);
        told.steps.retain(|step| !again.contains(step));
    }
    told
}

/// Tells how a line's commission came about, by the ledger's own bill: what was paid, refunded and taken off, the rate,
/// and who has which share.
pub fn explain_bill(bill: &Bill, language: Language) -> Vec<String> {
    match language {
        Language::Zh => zh::bill(bill),
        Language::En => en::bill(bill),
    }
}

/// What is due for a line.
enum Due<'a> {
    /// So much, by these terms.
    Commission(&'a Terms, &'a Amounts),
    /// What merchant and promoter agree upon.
    ByHand,
}

/// What is due now; until the order is paid, what the decision promises.
fn due<'a>(award: &'a Award, bill: Option<&'a Bill>) -> Due<'a> {
    match bill {
        None | Some(Bill { entry: Entry::Tracked, .. }) => Due::Commission(&award.terms, &award.amounts),
        Some(Bill { entry: Entry::ManualRequired, .. }) => Due::ByHand,
        Some(bill) => Due::Commission(bill.terms.as_ref().unwrap_or(&award.terms), &bill.amounts),
    }
}

/// A click id as people compare it: its last sixteen digits, which are edge, worker and sequence. Fewer would be alike for
/// clicks that two workers took in.
fn short(click: crate::click::ClickId) -> String {
    click.to_hex().split_off(16)
}

/// What the promoter gets of a commission that others have shares of.
fn part_of_promoter(amounts: &Amounts) -> Option<Fen> {
    let of = amounts.shares.iter().find(|share| share.party == Party::Promoter)?;
    (of.amount != amounts.gross).then_some(of.amount)
}

/// The code behind what is said of a click: why it never entered the chain says more than that it did not. It stands in
/// English sentences alone.
const fn code(of: &Verdict) -> &'static str {
    match of {
        Verdict::Ineligible { reason } => reason.code(),
        other => other.code(),
    }
}

#[cfg(test)]
mod tests;
