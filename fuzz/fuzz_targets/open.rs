#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rvf_fuzz_targets::open(data));
