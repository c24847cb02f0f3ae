//! The fuzz targets on stable, without a fuzzer: random bytes, and fixtures with their bytes changed. Keeps the targets of `fuzz/` from rotting.

mod cases;

use halo_ingest::fuzzing::TARGETS;
use proptest::prelude::*;

#[test]
fn changed_fixtures() {
    cases::run(400, None);
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (name, target) in TARGETS {
            prop_assert_eq!(target(&bytes), Ok(()), "{}", name);
        }
    }
}
