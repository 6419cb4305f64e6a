//! Script calls: operations on records, grouped by bucket, so that a cluster can take each call on one node.

use attribution_core::holder::KEYS_PER_CALL;
use std::collections::BTreeMap;

/// One record and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The bucket of the key.
    pub bucket: u8,
    /// The record's key.
    pub key: String,
    /// Made by `clicks_op` or `decided_op`.
    pub argument: Vec<u8>,
}

/// One script call: operations of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub(crate) bucket: u8,
    pub(crate) operations: Vec<(String, Vec<u8>)>,
}

impl Call {
    /// How many operations it carries.
    pub const fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether it carries none.
    pub const fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// What calls did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Records that changed.
    pub records: u64,
    /// Records left alone because a newer version of this software wrote them.
    pub newer_format: u64,
}

impl Written {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { records: self.records + other.records, newer_format: self.newer_format + other.newer_format }
    }
}

/// Groups operations into calls, bucket by bucket. Operations on one key keep their order.
pub fn calls(operations: impl IntoIterator<Item = Operation>) -> Vec<Call> {
    let mut buckets: BTreeMap<u8, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for Operation { bucket, key, argument } in operations {
        buckets.entry(bucket).or_default().push((key, argument));
    }
    let mut calls = Vec::new();
    for (bucket, operations) in buckets {
        let mut operations = operations.into_iter();
        loop {
            let operations: Vec<_> = operations.by_ref().take(KEYS_PER_CALL).collect();
            if operations.is_empty() {
                break;
            }
            calls.push(Call { bucket, operations });
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_one_bucket_and_a_bounded_number_of_keys() {
        let operation =
            |bucket: u8, n: usize| Operation { bucket, key: format!("{bucket}-{n}"), argument: Vec::new() };
        let made = calls((0..250).map(|n| operation(7, n)).chain([operation(3, 0)]));
        let shape: Vec<_> = made.iter().map(|call| (call.bucket, call.len())).collect();
        assert_eq!(shape, [(3, 1), (7, 100), (7, 100), (7, 50)]);
        assert_eq!(made[1].operations[0].0, "7-0");
    }
}
