//! What the platform says of a merchant or a product: scores, promises, risks. Nobody scores themselves.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Merchant,
    Product,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Product => "product",
        }
    }
}

/// What is known; `None` if nothing was ever said.
pub(super) fn find<F: DeserializeOwned>(
    tx: &mut dyn Tx,
    kind: Kind,
    id: &str,
) -> Result<Option<F>, StoreError> {
    let row = tx.query_opt(
        "SELECT facts FROM sourcing_facts WHERE kind = $1 AND id = $2",
        params![kind.name(), id],
    )?;
    let Some(row) = row else { return Ok(None) };
    let facts = serde_json::from_str(row.text(0)?);
    facts.map(Some).map_err(StoreError::corrupt("sourcing facts"))
}

/// Keeps what is known now.
pub(super) fn keep<F: Serialize>(
    tx: &mut dyn Tx,
    kind: Kind,
    id: &str,
    facts: &F,
    now: Instant,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(facts).map_err(StoreError::corrupt("sourcing facts"))?;
    tx.execute(
        "INSERT INTO sourcing_facts (kind, id, facts, recorded_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (kind, id) DO UPDATE SET facts = excluded.facts, recorded_ms = excluded.recorded_ms",
        params![kind.name(), id, &text, now],
    )?;
    Ok(())
}
