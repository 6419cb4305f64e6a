//! Why an order cannot be judged, or its line not settled.

use crate::attribution::decide::DecideError;
use crate::ledger::transfer::TransferError;
use crate::store::StoreError;
use attribution_core::ledger::LedgerError;

/// Why an order could not be judged. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The rules could not decide.
    #[error("the order could not be decided")]
    Decide(#[from] DecideError),
    /// The rules refuse the line's own history.
    #[error("line {line} does not fit its own history")]
    Books {
        /// Which line.
        line: String,
        /// Why.
        #[source]
        cause: LedgerError,
    },
    /// The ledger refused a transfer.
    #[error("the ledger refused a transfer")]
    Ledger(#[from] TransferError),
}
