//! Shim over the property `weak-request`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("weak-request", data));
