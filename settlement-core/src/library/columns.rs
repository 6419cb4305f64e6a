//! What products are sorted by, 4,096 of them to a block: two bytes of rate and four of estimate each. Pure.
//!
//! Zero is "nothing here": no offer in the general column, no change in a plan's. All else is the value and one more.

/// Products in a block.
pub(crate) const BLOCK: i64 = 1 << 12;
const LEN: usize = 1 << 12;

/// Rates and estimates of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    rates: Vec<u16>,
    estimates: Vec<u32>,
}

/// By which column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Rate,
    Commission,
}

impl By {
    /// The column's name in the store.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rates",
            Self::Commission => "estimates",
        }
    }
}

/// A rate in basis points as a key; more is better.
pub(crate) fn rate_key(bp: Option<u32>) -> u32 {
    bp.map_or(0, |bp| bp.saturating_add(1).min(u32::from(u16::MAX)))
}

/// An estimate in fen as a key; all beyond forty million yuan count as alike.
pub(crate) fn estimate_key(fen: Option<i64>) -> u32 {
    fen.map_or(0, |fen| u32::try_from(fen.max(0)).unwrap_or(u32::MAX).saturating_add(1))
}

impl Columns {
    pub(crate) fn empty() -> Self {
        Self { rates: vec![0; LEN], estimates: vec![0; LEN] }
    }

    pub(crate) fn read(rates: &[u8], estimates: &[u8]) -> Self {
        let mut columns = Self::empty();
        for (value, bytes) in columns.rates.iter_mut().zip(rates.as_chunks::<2>().0) {
            *value = u16::from_le_bytes(*bytes);
        }
        for (value, bytes) in columns.estimates.iter_mut().zip(estimates.as_chunks::<4>().0) {
            *value = u32::from_le_bytes(*bytes);
        }
        columns
    }

    pub(crate) fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        (
            self.rates.iter().flat_map(|value| value.to_le_bytes()).collect(),
            self.estimates.iter().flat_map(|value| value.to_le_bytes()).collect(),
        )
    }

    /// Sets both keys of a product.
    pub(crate) fn set(&mut self, number: usize, rate: u32, estimate: u32) {
        self.rates[number] = u16::try_from(rate).unwrap_or(u16::MAX);
        self.estimates[number] = estimate;
    }
}

/// One product's key in a stored column.
pub(crate) fn key(by: By, bytes: &[u8], number: usize) -> u32 {
    match by {
        By::Rate => bytes.as_chunks::<2>().0.get(number).map_or(0, |b| u16::from_le_bytes(*b).into()),
        By::Commission => bytes.as_chunks::<4>().0.get(number).map_or(0, |b| u32::from_le_bytes(*b)),
    }
}

/// A product's block and its number in it.
pub(crate) fn place(target: i64) -> (i64, usize) {
    (target.div_euclid(BLOCK), usize::try_from(target.rem_euclid(BLOCK)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_set() {
        let mut columns = Columns::empty();
        columns.set(7, rate_key(Some(2_000)), estimate_key(Some(1_234_567)));
        columns.set(9, rate_key(Some(0)), estimate_key(Some(i64::MAX)));
        let (rates, estimates) = columns.bytes();
        assert_eq!(Columns::read(&rates, &estimates), columns);
        assert_eq!((key(By::Rate, &rates, 7), key(By::Commission, &estimates, 7)), (2_001, 1_234_568));
        assert_eq!((key(By::Rate, &rates, 9), key(By::Commission, &estimates, 9)), (1, u32::MAX));
        assert_eq!((key(By::Rate, &rates, 8), rate_key(None)), (0, 0));
        assert_eq!(place(4_097), (1, 1));
    }
}
