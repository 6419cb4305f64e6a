//! How accounts are stored.

use crate::store::{StoreError, read};
use attribution_core::commission::Payee;
use attribution_core::ids::{PlatformId, ProgrammeId};
use attribution_core::ledger::Account;

/// Who holds money, the world outside the ledger included. Balances are signed: a positive one is money the holder
/// has or is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// An account of the rules.
    Account(Account),
    /// Where top-ups come from and payouts go to.
    Outside(PlatformId),
}

/// The columns that hold an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountKey {
    /// Which kind of account.
    pub account: &'static str,
    /// Whose: an id, for payees with their kind and a slash in front.
    pub owner: String,
    /// The programme, or empty.
    pub programme: String,
}

impl AccountKey {
    /// The fixed name of a stored kind of account.
    pub(crate) fn kind(stored: &str) -> Option<&'static str> {
        const KINDS: [&str; 6] = ["merchant", "platform", "outside", "earned", "available", "clearing"];
        KINDS.into_iter().find(|kind| *kind == stored)
    }
}

/// `promoter/ID`, `agency/ID` or `platform/ID`: an id has no slash.
pub(crate) fn owner_of(payee: &Payee) -> String {
    match payee {
        Payee::Promoter(id) => format!("promoter/{id}"),
        Payee::Agency(id) => format!("agency/{id}"),
        Payee::Platform(id) => format!("platform/{id}"),
    }
}

impl Holder {
    /// How it is stored.
    pub(crate) fn key(&self) -> AccountKey {
        let whole =
            |account, owner: &str| AccountKey { account, owner: owner.into(), programme: String::new() };
        let share = |account, payee: &Payee, programme: &ProgrammeId| AccountKey {
            account,
            owner: owner_of(payee),
            programme: programme.to_string(),
        };
        match self {
            Self::Outside(platform) => whole("outside", platform.as_str()),
            Self::Account(Account::Merchant { merchant }) => whole("merchant", merchant.as_str()),
            Self::Account(Account::Platform { platform }) => whole("platform", platform.as_str()),
            Self::Account(Account::Earned { programme, payee }) => share("earned", payee, programme),
            Self::Account(Account::Available { programme, payee }) => share("available", payee, programme),
            Self::Account(Account::Clearing { programme, payee }) => share("clearing", payee, programme),
        }
    }
}

/// Reads what [`owner_of`] wrote.
///
/// # Errors
/// If it names no payee.
pub(crate) fn payee_of(owner: &str) -> Result<Payee, StoreError> {
    match owner.split_once('/') {
        Some(("promoter", id)) => Ok(Payee::Promoter(read("promoter id", id)?)),
        Some(("agency", id)) => Ok(Payee::Agency(read("agency id", id)?)),
        Some(("platform", id)) => Ok(Payee::Platform(read("platform id", id)?)),
        _ => Err(StoreError::Corrupt { what: "payee", cause: owner.to_owned().into() }),
    }
}
