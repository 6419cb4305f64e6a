//! Rotating the masters in two steps, so that a fleet never refuses a good cookie: first everybody learns the next key, then
//! everybody signs with it. Between the steps all processes are restarted.

use super::generations::Generations;
use super::{KeysError, file};
use std::path::Path;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// This generation is accepted from the next start on, and signs nothing yet.
    Prepared(u16),
    /// It signs from the next start on.
    InUse(u16),
}

/// Takes the next step in a core's key folder.
///
/// # Errors
/// If the folder has no keys, or a file cannot be read or made.
pub(crate) fn rotate(dir: &Path) -> Result<Rotated, KeysError> {
    let Generations { used, prepared } = Generations::<32>::find(dir, "master")?;
    let Some((newest, _)) = used.first() else {
        return Err(KeysError::Missing(dir.join("master.g1.key")));
    };
    if let Some((generation, secret)) = prepared {
        file::create(&dir.join(format!("master.g{generation}.key")), &secret)?;
        let prepared = dir.join(format!("master.g{generation}.next.key"));
        file::remove(&prepared)?;
        return Ok(Rotated::InUse(generation));
    }
    let next = newest.checked_add(1).ok_or(KeysError::LastGeneration(*newest))?;
    let path = dir.join(format!("master.g{next}.next.key"));
    // What an earlier rotation left, cut short, is another key.
    file::remove(&path)?;
    file::read_or_create::<32>(&path)?;
    Ok(Rotated::Prepared(next))
}
