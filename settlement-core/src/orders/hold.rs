//! What holds a line's money until a person has looked at it and lets it go.
//!
//! Each hold is a finding in the review queue, and a person releases that finding, not the line: once another click
//! decides, what was found of it waits for a word of its own.

use super::review::{self, Finding, Reason};
use super::rows::LineRow;
use crate::order_events::state::OrderState;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{Attribution, Flag};
use attribution_core::time::Instant;

/// Something about a decision that a person must look at before money moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hold {
    pub reason: Reason,
    /// The click that decided, or the promoter whose agency has no name.
    pub found: String,
}

impl Hold {
    /// All that holds a decision.
    pub(crate) fn all_of(attribution: &Attribution) -> Vec<Self> {
        let click = || attribution.relation.as_ref().map(|relation| relation.click.to_hex());
        let promoter =
            || attribution.award().and_then(|award| award.promoter.as_ref()).map(ToString::to_string);
        let hold = |flag| match flag {
            Flag::UnnamedAgency => (Reason::UnnamedAgency, promoter()),
            Flag::SharedToken => (Reason::SharedToken, click()),
            _ => (Reason::Unjournaled, click()),
        };
        let holds = attribution.held_by().map(hold);
        holds.map(|(reason, found)| Self { reason, found: found.unwrap_or_default() }).collect()
    }

    /// In words, for whoever reviews it.
    const fn detail(&self) -> &'static str {
        match self.reason {
            Reason::UnnamedAgency => "what is stored as the promoter's agency is no id: see `yinke audit`",
            Reason::SharedToken => {
                "the token of the click that decided came with orders of several other buyers before"
            }
            _ => "the click that decided is known only from its token: no edge ever delivered it",
        }
    }
}

/// Brings the queue up to what holds the line now, and notes on the line whether any of it is not released.
pub(super) fn note(
    tx: &mut dyn Tx,
    state: &OrderState,
    row: &mut LineRow,
    now: Instant,
) -> Result<(), StoreError> {
    if row.holds.is_empty() && !row.held {
        return Ok(());
    }
    let (platform, order, line) = (&state.created.platform, &state.created.order, row.line.as_str());
    let [unjournaled, shared, unnamed] = Reason::HOLDING.map(Reason::code);
    let known = tx.query(
        "SELECT reason, found, resolved_ms, released FROM order_reviews \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND reason IN ($4, $5, $6)",
        params![platform, order, line, unjournaled, shared, unnamed],
    )?;
    let mut released = 0;
    for finding in &known {
        let (reason, found) = (finding.text(0)?, finding.text(1)?);
        let holds = row.holds.iter().any(|hold| hold.reason.code() == reason && hold.found == found);
        if !holds && finding.opt_int(2)?.is_none() {
            review::explain(tx, (platform, order), reason, line, found, now)?;
        }
        released += usize::from(holds && finding.flag(3)?);
    }
    row.held = released < row.holds.len();
    for hold in &row.holds {
        let finding = Finding::of(&state.created, line, hold.reason, &hold.found, hold.detail());
        review::open(tx, &finding, now)?;
    }
    Ok(())
}
