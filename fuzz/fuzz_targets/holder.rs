//! Records as they come back from Redis.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| attribution_core::fuzzing::holder(bytes));
