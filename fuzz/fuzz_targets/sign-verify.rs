//! Shim over the property `sign-verify`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("sign-verify", data));
