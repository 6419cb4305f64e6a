//! Files to import.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| yinke::fuzzing::import(bytes));
