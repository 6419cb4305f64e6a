//! All programmes, for a field in which one is chosen.

use crate::failure::Failure;
use crate::list::everything;
use crate::who::Operator;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Programme {
    id: String,
    name: String,
}

/// Ids, each with the name and the id as words.
pub(super) async fn choice(operator: &Operator) -> Result<Vec<(String, String)>, Failure> {
    let all: Vec<Programme> = everything(&operator.who, "/v1/programmes", &[]).await?;
    Ok(all.into_iter().map(|of| (of.id.clone(), format!("{} · {}", of.name, of.id))).collect())
}
