//! Writing a notice down where it happens.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The merchant cancelled the promotion of a product.
    PromotionCancelled,
    /// A product was taken off the shelf.
    ProductDelisted,
    /// A product can be promoted again.
    ProductBack,
    /// A link's time is over.
    LinkExpired,
    /// An application to a plan was approved.
    ApplicationApproved,
    /// An application was rejected.
    ApplicationRejected,
    /// The approval of an application was withdrawn.
    ApprovalWithdrawn,
    /// A withdrawal arrived.
    WithdrawalPaid,
    /// A withdrawal came back: the money is available again.
    WithdrawalReturned,
    /// The holder of the account that is bound is verified.
    AccountVerified,
    /// The account was refused: nothing is bound any more.
    AccountRefused,
    /// A refund after the settlement took commission back. The subject is `PLATFORM/ORDER`, the detail the amount in yuan.
    CommissionTakenBack,
}

impl Kind {
    /// The fixed name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PromotionCancelled => "promotion_cancelled",
            Self::ProductDelisted => "product_delisted",
            Self::ProductBack => "product_back",
            Self::LinkExpired => "link_expired",
            Self::ApplicationApproved => "application_approved",
            Self::ApplicationRejected => "application_rejected",
            Self::ApprovalWithdrawn => "approval_withdrawn",
            Self::WithdrawalPaid => "withdrawal_paid",
            Self::WithdrawalReturned => "withdrawal_returned",
            Self::AccountVerified => "account_verified",
            Self::AccountRefused => "account_refused",
            Self::CommissionTakenBack => "commission_taken_back",
        }
    }
}

fn number(tx: &mut dyn Tx) -> Result<i64, StoreError> {
    tx.query_one("UPDATE counters SET value = value + 1 WHERE name = 'notice' RETURNING value", &[])?.int(0)
}

/// Tells a promoter, by number.
///
/// # Errors
/// If the store fails.
pub(crate) fn tell(
    tx: &mut dyn Tx,
    promoter: i64,
    kind: Kind,
    subject: &str,
    detail: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let number = number(tx)?;
    tx.execute(
        "INSERT INTO notices (promoter, number, kind, at_ms, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)",
        params![promoter, number, kind.name(), now, subject, detail],
    )?;
    Ok(())
}

/// Tells a promoter, by id. Nobody of this id: nobody to tell.
///
/// # Errors
/// If the store fails.
pub(crate) fn tell_by_id(
    tx: &mut dyn Tx,
    promoter: &str,
    kind: Kind,
    subject: &str,
    detail: &str,
    now: Instant,
) -> Result<(), StoreError> {
    match tx.query_opt("SELECT num FROM promoters WHERE id = $1", params![promoter])? {
        Some(row) => tell(tx, row.int(0)?, kind, subject, detail, now),
        None => Ok(()),
    }
}

/// Has everybody with a link to a target told, once `due` has come.
///
/// # Errors
/// If the store fails.
pub(crate) fn tell_all(tx: &mut dyn Tx, kind: Kind, target: i64, due: Instant) -> Result<(), StoreError> {
    let number = number(tx)?;
    tx.execute(
        "INSERT INTO notice_events (number, kind, target, due_ms, after_promoter) VALUES ($1, $2, $3, $4, 0)",
        params![number, kind.name(), target, due],
    )?;
    Ok(())
}
