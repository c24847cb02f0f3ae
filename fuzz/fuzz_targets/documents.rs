//! Target `documents`: see `halo_ingest::fuzzing::documents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::documents(bytes), Ok(())));
