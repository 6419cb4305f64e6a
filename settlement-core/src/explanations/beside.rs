//! The clicks beside a decision, for whoever asks why: those that an edge refused, which no decision looks at, and those
//! that became known when it was final and move no money.
//!
//! The rules themselves are asked once more, with everything that is known by now, and say of each click why it does not
//! count. What was decided stays as it is.

use crate::attribution::decide::{DecideError, decide_with_refused};
use crate::attribution::{Catalogue, Decided, LineQuestion};
use crate::order_events::state::OrderState;
use crate::store::{StoreError, Tx};
use attribution_core::attribute::{Attribution, EdgesCaughtUp, NoCommission, Outcome};
use attribution_core::fold::{Candidate, Verdict};
use attribution_core::time::Instant;
use std::iter::once;

/// What the rules say of an order's lines now, refused clicks included.
pub(super) struct Beside(Vec<Option<Decided>>);

impl Beside {
    /// Asks the rules.
    pub(super) fn of(tx: &mut dyn Tx, state: &OrderState, now: Instant) -> Result<Self, StoreError> {
        let question = LineQuestion { edges: EdgesCaughtUp::NotYet, now };
        match decide_with_refused(tx, &mut Catalogue::default(), state, question) {
            Ok(lines) => Ok(Self(lines)),
            Err(DecideError::Store(error)) => Err(error),
            // Who asks why an order could not be decided is told so by its having no decision.
            Err(DecideError::Overflow(_)) => Ok(Self(Vec::new())),
        }
    }

    /// Adds to the decision on the line with this index what it did not look at. `final_at`: since when it stands.
    pub(super) fn tell(&self, index: usize, decided: &mut Decided, final_at: Option<Instant>) {
        let Some(now) = self.0.get(index).and_then(Option::as_ref) else { return };
        for asked in once(&now.attribution).chain(&now.others) {
            let mut told = once(&mut decided.attribution).chain(&mut decided.others);
            match told.find(|told| told.programme == asked.programme) {
                Some(told) => {
                    add(told, asked, final_at);
                    // Whose clicks were all refused had some, though no decision looks at them.
                    let none = |of: &Attribution, why| of.outcome == Outcome::NoCommission(why);
                    if none(told, NoCommission::NoClick) && none(asked, NoCommission::NoEligibleClick) {
                        told.outcome = asked.outcome.clone();
                    }
                }
                None => {
                    // Nothing of it was looked at: nobody had clicked in this programme when it was decided.
                    let mut other = Attribution {
                        outcome: Outcome::NoCommission(NoCommission::NoEligibleClick),
                        relation: None,
                        candidates: Vec::new(),
                        flags: Vec::new(),
                        ..asked.clone()
                    };
                    add(&mut other, asked, final_at);
                    if !other.candidates.is_empty() {
                        decided.others.push(other);
                    }
                }
            }
        }
    }
}

fn add(told: &mut Attribution, asked: &Attribution, final_at: Option<Instant>) {
    let new = |of: &&Candidate| told.candidates.iter().all(|known| known.click != of.click);
    let more = asked.candidates.iter().filter(new).filter_map(|of| beside(of, final_at));
    let more: Vec<Candidate> = more.collect();
    told.candidates.extend(more);
    told.candidates.sort_by_key(|of| (of.at, of.click));
}

/// A click that a decision did not look at, with the reason; none if the next judgement will look at it.
fn beside(of: &Candidate, final_at: Option<Instant>) -> Option<Candidate> {
    let verdict = match &of.verdict {
        never @ (Verdict::Ineligible { .. } | Verdict::AfterOrder | Verdict::OutOfScope) => never.clone(),
        _ => Verdict::LateAfterFinal { final_at: final_at? },
    };
    Some(Candidate { verdict, ..of.clone() })
}
