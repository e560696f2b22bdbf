//! Shim over the property `http-answer`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("http-answer", data));
