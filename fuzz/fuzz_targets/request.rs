//! What a request says: path, cookies, agent, query.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redirector::fuzzing::request(bytes));
