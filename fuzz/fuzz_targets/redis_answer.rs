//! What a Redis answers, by way of the client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| redis_view::fuzzing::answer(bytes));
