//! The table on an edge's disk.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redirector::fuzzing::snapshot(bytes));
