//! Scenarios in YAML.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| yinke::fuzzing::scenario(bytes));
