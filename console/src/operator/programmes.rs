//! All programmes, for a field in which one is chosen.

use crate::failure::Failure;
use crate::list::everything;
use crate::programmes::Entry;
use crate::who::Operator;

/// Ids, each with the name and the id as words.
pub(super) async fn choice(operator: &Operator) -> Result<Vec<(String, String)>, Failure> {
    let all: Vec<Entry> = everything(&operator.who, "/v1/programmes", &[]).await?;
    Ok(all.into_iter().map(Entry::choice).collect())
}
