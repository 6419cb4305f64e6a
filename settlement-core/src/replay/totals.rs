//! Sums of money by who has it.

use crate::ledger::account::owner_of;
use attribution_core::commission::Amounts;
use attribution_core::money::Fen;
use std::collections::BTreeMap;

/// Fen by holder: payees as `promoter/ID`, `agency/ID`, `platform/ID`, and who pays as `merchant/ID` (negative).
pub(super) type ByHolder = BTreeMap<String, i64>;

/// Adds what a line's commission gives and takes.
pub(super) fn add(sums: &mut ByHolder, merchant: &str, amounts: &Amounts) {
    for share in amounts.shares.iter().filter(|share| share.amount != Fen::ZERO) {
        plus(sums, owner_of(&share.payee), share.amount.0);
        plus(sums, format!("merchant/{merchant}"), share.amount.0.saturating_neg());
    }
}

/// Adds to one holder.
pub(super) fn plus(sums: &mut ByHolder, holder: String, fen: i64) {
    let sum = sums.entry(holder).or_default();
    *sum = sum.saturating_add(fen);
}
