//! Target `ids`: see `halo_ingest::fuzzing::ids`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::ids(bytes), Ok(())));
