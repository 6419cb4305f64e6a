//! Visitor, claim and click tokens.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attribution_core::fuzzing::token(bytes));
