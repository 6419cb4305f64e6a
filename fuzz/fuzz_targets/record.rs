//! Click records and tallies.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attribution_core::fuzzing::record(bytes));
