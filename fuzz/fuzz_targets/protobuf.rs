//! Target `protobuf`: see `halo_ingest::fuzzing::protobuf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assert_eq!(halo_ingest::fuzzing::protobuf(bytes), Ok(())));
