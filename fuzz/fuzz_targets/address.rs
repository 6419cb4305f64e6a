//! The addresses that browsers may be sent to.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attribution_core::fuzzing::address(bytes));
