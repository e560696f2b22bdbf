//! Shim over the property `sequence`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("sequence", data));
