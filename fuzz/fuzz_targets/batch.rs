//! What an edge ships to the core.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attribution_core::fuzzing::batch(bytes));
