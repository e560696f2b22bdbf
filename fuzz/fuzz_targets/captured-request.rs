//! Shim over the property `captured-request`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("captured-request", data));
