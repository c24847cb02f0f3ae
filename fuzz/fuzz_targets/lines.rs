//! Target `lines`: see `halo_ingest::fuzzing::lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::lines(bytes), Ok(())));
