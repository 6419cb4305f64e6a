//! Where a request ends, to both of its readers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redirector::fuzzing::request_head(bytes));
