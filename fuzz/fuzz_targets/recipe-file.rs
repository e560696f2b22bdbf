//! Shim over the property `recipe-file`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("recipe-file", data));
