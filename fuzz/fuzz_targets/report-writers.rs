//! Shim over the property `report-writers`. No check may live here.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bearproof_fuzz::hold("report-writers", data));
