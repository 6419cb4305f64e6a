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
    /// A payout could not be made, for want of an account that may be paid to.
    PayoutFailed,
    /// Goods of a category may not be promoted.
    CategoryBanned,
    /// The promoter's links do not earn.
    PromoterDisabled,
    /// They earn again.
    PromoterEnabled,
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
            Self::PayoutFailed => "payout_failed",
            Self::CategoryBanned => "category_banned",
            Self::PromoterDisabled => "promoter_disabled",
            Self::PromoterEnabled => "promoter_enabled",
        }
    }
}

/// What a promoter is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News<'a> {
    pub(crate) kind: Kind,
    /// The id of what it is about.
    pub(crate) subject: &'a str,
    /// Its name, or the reason.
    pub(crate) detail: &'a str,
    /// When what it tells begins.
    pub(crate) from: Option<Instant>,
}

impl<'a> News<'a> {
    /// News of what has happened and holds already.
    pub(crate) const fn new(kind: Kind, subject: &'a str, detail: &'a str) -> Self {
        Self { kind, subject, detail, from: None }
    }

    /// News of what begins at `from`, which may be still to come.
    pub(crate) const fn beginning(self, from: Instant) -> Self {
        Self { from: Some(from), ..self }
    }
}

fn number(tx: &mut dyn Tx) -> Result<i64, StoreError> {
    tx.query_one("UPDATE counters SET value = value + 1 WHERE name = 'notice' RETURNING value", &[])?.int(0)
}

/// Tells a promoter, by number.
///
/// # Errors
/// If the store fails.
pub(crate) fn tell(tx: &mut dyn Tx, promoter: i64, news: News<'_>, now: Instant) -> Result<(), StoreError> {
    let number = number(tx)?;
    let News { kind, subject, detail, from } = news;
    tx.execute(
        "INSERT INTO notices (promoter, number, kind, at_ms, subject, detail, from_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![promoter, number, kind.name(), now, subject, detail, from.filter(|from| *from > now)],
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
    news: News<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    match tx.query_opt("SELECT num FROM promoters WHERE id = $1", params![promoter])? {
        Some(row) => tell(tx, row.int(0)?, news, now),
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
