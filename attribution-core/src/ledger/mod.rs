//! What is posted for one order line: from its state and an event to balanced transfers. The store only keeps them.
//!
//! Every transfer takes from one account and gives to another, so the sum over all accounts is always zero. Nothing
//! is edited: an expected amount that changes is voided and written anew, a settled one gets a counter-entry.

mod apply;
mod line;

pub use apply::apply;
pub use line::{Bill, Entry, LedgerError, LineEvent, LineState, RefundEvent, Step};

use crate::commission::Payee;
use crate::ids::{MerchantId, PlatformId, ProgrammeId};
use crate::money::Fen;
use crate::policy::commission::Party;
use serde::{Deserialize, Serialize};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "account", rename_all = "snake_case")]
pub enum Account {
    /// A merchant's commission money.
    Merchant {
        /// Whose.
        merchant: MerchantId,
    },
    /// The platform's income.
    Platform {
        /// Whose.
        platform: PlatformId,
    },
    /// Settled for a payee, before the payout day.
    Earned {
        /// In which programme.
        programme: ProgrammeId,
        /// Whose.
        payee: Payee,
    },
    /// Free to be withdrawn.
    Available {
        /// In which programme.
        programme: ProgrammeId,
        /// Whose.
        payee: Payee,
    },
    /// On its way out.
    Clearing {
        /// In which programme.
        programme: ProgrammeId,
        /// Whose.
        payee: Payee,
    },
}

/// Whether a transfer counts in the balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Expected; it reserves nothing.
    Pending,
    /// Done.
    Posted,
}

/// Why a transfer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// Paid: what is to be expected.
    Expected,
    /// Settled: the merchant was debited.
    Settled,
    /// A refund after the settlement takes it back.
    Clawback,
}

/// Names a transfer within its order line: made by the same event of the same line, it has the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferKey {
    /// Counts the line's postings from 1.
    pub revision: u32,
    /// Whose share it is.
    pub party: Party,
}

/// Money from one account to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its name within the line.
    pub key: TransferKey,
    /// Why.
    pub kind: TransferKind,
    /// Whether it counts.
    pub state: TransferState,
    /// From here.
    pub debit: Account,
    /// To here.
    pub credit: Account,
    /// How much, always positive.
    pub amount: Fen,
    /// The transfer it takes back, for a clawback.
    pub original: Option<TransferKey>,
}

/// One thing for the store to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// Write a transfer.
    Write(Transfer),
    /// Void a pending one.
    Void(TransferKey),
}

#[cfg(test)]
mod tests;
