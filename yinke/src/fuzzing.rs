//! What must hold whatever a file holds that somebody gives us: one function for each kind of file, which panics if it
//! does not hold. The property tests give them random bytes, the targets in `fuzz/` bytes that a fuzzer has bred.

use crate::import::{FileFormat, Kind, Plan};
use crate::scenario;
use clap::ValueEnum as _;

/// A file to import is read to its end, each of its rows is in one step at most, and every fault has its place. The first
/// byte says what kind of rows and which format.
pub fn import(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let kinds = Kind::value_variants();
    let kind = kinds[usize::from(first >> 1) % kinds.len()];
    let format = if first & 1 == 0 { FileFormat::Csv } else { FileFormat::Jsonl };
    let plan = Plan::make(kind, bytes, format);
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
    let carried: Vec<u64> = plan.steps.iter().flat_map(|step| &step.lines).copied().collect();
    assert!(carried.iter().all(|line| (1..=lines).contains(line)), "{carried:?} of {lines}");
    assert!(plan.faults.iter().all(|fault| fault.line <= lines), "{:?} of {lines}", plan.faults);
    assert_eq!(plan.items(), carried.len());
}

/// A scenario reads, or every mistake in it is named.
pub fn scenario(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let read = scenario::count(text);
        assert!(!matches!(read, Err(0)), "refused without a reason");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    const PIECES: [&str; 20] = [
        "id",
        "merchant",
        "platform",
        ",",
        ",",
        "\n",
        "\n",
        "\r\n",
        "\"",
        "\"\"",
        "1",
        "-1",
        "99999999999999999999",
        "商",
        "\u{feff}",
        "{\"id\":1}",
        "[",
        "type,order,platform\n",
        "created",
        "\0",
    ];

    proptest! {
        #[test]
        fn any_file_is_planned_or_its_faults_are_placed(first in any::<u8>(), pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
            let mut bytes = vec![first];
            bytes.extend(pieces.concat().bytes());
            super::import(&bytes);
        }

        #[test]
        fn any_bytes_are_planned_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            super::import(&bytes);
            super::scenario(&bytes);
        }

        #[test]
        fn any_scenario_reads_or_its_mistakes_are_named(text in "(id: a\n)?(title: t\n)?(source: s\n)?(programme: [a-z]{0,5}\n)?(events:\n(- (at: [0-9:+ d-]{0,12}|[a-z]{1,6}: [{}\\[\\]a-z0-9&*!|>,]{0,8})\n){0,4})?[ -~\n]{0,30}") {
            super::scenario(text.as_bytes());
        }
    }
}
