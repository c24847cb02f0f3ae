//! Target `stream`: see `halo_ingest::fuzzing::stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::stream(bytes), Ok(())));
