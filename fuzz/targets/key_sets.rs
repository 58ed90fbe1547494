#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dezky_fuzz::key_sets::check(data));
