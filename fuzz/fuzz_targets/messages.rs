//! Target `messages`: see `halo_ingest::fuzzing::messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::messages(bytes), Ok(())));
