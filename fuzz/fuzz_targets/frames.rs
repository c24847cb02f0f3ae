//! Target `frames`: see `halo_ingest::fuzzing::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::frames(bytes), Ok(())));
