#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dezky_fuzz::scim::check(data));
