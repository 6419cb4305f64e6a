//! An order line in the ledger: where it stands, and what can happen to it.

use super::{Posting, TransferKey};
use crate::commission::{Amounts, Terms};
use crate::ids::{MerchantId, ProgrammeId};
use crate::money::{Fen, Overflow};
use crate::policy::settlement::PayMethod;
use serde::{Deserialize, Serialize};

/// Where a line's commission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Ordered, not paid.
    #[default]
    Tracked,
    /// Paid: 待结算.
    Expected,
    /// The trade is complete; the merchant has not been debited yet.
    Matured,
    /// 已结算.
    Settled,
    /// 已失效.
    Invalid,
    /// To be settled between merchant and promoter by hand.
    ManualRequired,
}

/// A line in the ledger. The store keeps it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState {
    /// The programme.
    pub programme: ProgrammeId,
    /// Who pays.
    pub merchant: MerchantId,
    /// Where it stands.
    pub entry: Entry,
    /// How the buyer paid.
    pub method: Option<PayMethod>,
    /// The goods' amount paid, without freight.
    pub paid: Fen,
    /// Refunded so far.
    pub refunded: Fen,
    /// Cashback taken off when settling.
    pub cashback: Fen,
    /// The award's frozen terms; none while nothing is due.
    pub terms: Option<Terms>,
    /// What is pending or posted now.
    pub amounts: Amounts,
    /// The transfers that carry `amounts`, one for each share that is not zero.
    pub open: Vec<TransferKey>,
    /// Postings made so far.
    pub revision: u32,
    /// The trade is complete, also where nothing was due at that time.
    pub completed: bool,
    /// Closed without a trade: a later decision brings nothing back.
    pub closed: bool,
    /// A person must look at it; nothing is posted by itself meanwhile.
    pub review: bool,
    /// The merchant's balance was too low at the last try.
    pub waiting_for_balance: bool,
}

/// A refund of (a part of) the line's goods amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundEvent {
    /// How much of the goods' amount.
    pub amount: Fen,
    /// Of all refunds of a settled line, this one included, those that were in time: known when it settled, or dated before
    /// the completion and only told later.
    pub in_time: Fen,
}

/// What happened to a line. The store makes sure that each event is applied once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LineEvent {
    /// A decision, the first or a superseding one; `terms` are the award's, or none without a commission.
    Decided {
        /// The award's terms.
        terms: Option<Terms>,
        /// Nothing is posted before a person has looked (a click that no journal knows).
        hold_for_review: bool,
    },
    /// Paid.
    Paid {
        /// The goods' amount, without freight.
        amount: Fen,
        /// How.
        method: PayMethod,
    },
    /// The trade is complete (交易完成).
    Completed,
    /// The merchant was debited.
    Settled {
        /// Cashback reached by now, off the base.
        cashback: Fen,
        /// The rate of the tier reached by now, if the programme has tiers.
        terms: Option<Terms>,
    },
    /// The merchant's balance was too low.
    BalanceTooLow,
    /// A refund succeeded.
    Refunded(RefundEvent),
    /// Closed without a trade.
    Closed,
}

/// Why an event does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// An amount does not fit.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// Negative.
    #[error("the amount is negative")]
    Negative,
    /// More than was paid.
    #[error("refunds of {refunded} exceed the {paid} paid")]
    RefundExceedsPaid {
        /// What was paid.
        paid: Fen,
        /// All refunds together.
        refunded: Fen,
    },
    /// The line is not in a state in which this can happen.
    #[error("cannot be applied to a line that is {0:?}")]
    WrongState(Entry),
    /// Waits for a person.
    #[error("the line waits for a review")]
    UnderReview,
}

/// How a line's commission came about, step by step. Every amount is the ledger's own: the shares are what its open
/// transfers carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// Where the line stands.
    pub entry: Entry,
    /// The goods' amount paid.
    pub paid: Fen,
    /// Refunded of it, as far as that came off the base.
    pub refunded: Fen,
    /// Refunded after the settlement without taking anything back: it is handled by hand.
    pub refunded_by_hand: Fen,
    /// Cashback taken off.
    pub cashback: Fen,
    /// What remains: the rate applies to it.
    pub base: Fen,
    /// The terms, while something is due.
    pub terms: Option<Terms>,
    /// The whole commission, and its parts.
    pub amounts: Amounts,
}

/// What an event does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line afterwards.
    pub state: LineState,
    /// What to post.
    pub postings: Vec<Posting>,
    /// The refund has no effect by itself: note it for handling by hand.
    pub manual: bool,
}

impl LineState {
    /// A line that was just ordered.
    pub fn new(programme: ProgrammeId, merchant: MerchantId) -> Self {
        Self {
            programme,
            merchant,
            entry: Entry::Tracked,
            method: None,
            paid: Fen::ZERO,
            refunded: Fen::ZERO,
            cashback: Fen::ZERO,
            terms: None,
            amounts: Amounts::default(),
            open: Vec::new(),
            revision: 0,
            completed: false,
            closed: false,
            review: false,
            waiting_for_balance: false,
        }
    }

    /// How the commission came about.
    ///
    /// # Errors
    /// If an amount does not fit.
    pub fn bill(&self) -> Result<Bill, Overflow> {
        let now = self.base()?;
        // What has settled keeps its base where the programme takes nothing back.
        let kept = self.entry == Entry::Settled && self.amounts.base > now.max(Fen::ZERO);
        let base = if kept { self.amounts.base } else { now.max(Fen::ZERO) };
        let refunded_by_hand = if kept { base.sub(now)? } else { Fen::ZERO };
        Ok(Bill {
            entry: self.entry,
            paid: self.paid,
            refunded: self.refunded.sub(refunded_by_hand)?,
            refunded_by_hand,
            cashback: self.cashback,
            base,
            terms: self.terms.clone(),
            amounts: self.amounts.clone(),
        })
    }

    /// What the rate applies to: paid, less refunds and cashback.
    pub(super) fn base(&self) -> Result<Fen, Overflow> {
        self.paid.sub(self.refunded)?.sub(self.cashback)
    }
}
