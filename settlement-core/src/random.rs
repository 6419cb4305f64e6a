//! Randomness of the operating system, for secrets and for names that nobody can guess.

/// The operating system gives no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no randomness")]
pub struct NoRandomness(#[source] getrandom::Error);

/// So many random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// One random number.
pub(crate) fn number() -> Result<u64, NoRandomness> {
    Ok(u64::from_be_bytes(bytes()?))
}

/// A name that nothing else has: `front`, and 128 random bits in hex.
pub(crate) fn name(front: &str) -> Result<String, NoRandomness> {
    Ok(format!("{front}_{:032x}", u128::from_be_bytes(bytes()?)))
}
