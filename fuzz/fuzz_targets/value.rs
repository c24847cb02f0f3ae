//! Target `value`: see `halo_ingest::fuzzing::value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::value(bytes), Ok(())));
