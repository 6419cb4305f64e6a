//! The programmes that a merchant may set rates and plans in, for a field in which one is chosen.

use crate::failure::Failure;
use crate::list::everything;
use crate::programmes::Entry;
use crate::who::Merchant;

/// Ids, each with the name and the id as words.
pub(super) async fn choice(merchant: &Merchant) -> Result<Vec<(String, String)>, Failure> {
    choice_of(merchant, |_| true).await
}

/// Those of them that are `fit`.
pub(super) async fn choice_of(
    merchant: &Merchant,
    fit: impl Fn(&Entry) -> bool,
) -> Result<Vec<(String, String)>, Failure> {
    let all: Vec<Entry> = everything(&merchant.who, "/v1/programmes", &[]).await?;
    Ok(all.into_iter().filter(fit).map(Entry::choice).collect())
}
