//! Target `time`: see `halo_ingest::fuzzing::time`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::time(bytes), Ok(())));
