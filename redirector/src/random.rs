//! Random bytes in bulk: one call to the system serves hundreds of new visitors.

/// Bytes fetched at once.
const POOL: usize = 4_096;

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub(crate) struct NoRandomness;

/// Random bytes that have not been given out.
pub(crate) struct Random {
    pool: Box<[u8; POOL]>,
    used: usize,
}

impl Random {
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let mut random = Self { pool: Box::new([0; POOL]), used: 0 };
        random.refill()?;
        Ok(random)
    }

    fn refill(&mut self) -> Result<(), NoRandomness> {
        getrandom::fill(&mut *self.pool).map_err(|_| NoRandomness)?;
        self.used = 0;
        Ok(())
    }

    /// Fresh bytes; never given out before.
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], NoRandomness> {
        if self.used + N > POOL {
            self.refill()?;
        }
        let fresh = &mut self.pool[self.used..self.used + N];
        let mut out = [0; N];
        out.copy_from_slice(fresh);
        fresh.fill(0);
        self.used += N;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_bytes_come_twice() {
        let mut random = Random::new().unwrap();
        let all: HashSet<[u8; 16]> = (0..5_000).map(|_| random.bytes().unwrap()).collect();
        assert_eq!(all.len(), 5_000);
    }
}
