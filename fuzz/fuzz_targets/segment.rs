//! A segment of the journal, its header and its frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| journal::fuzzing::segment(bytes));
