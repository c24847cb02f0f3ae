//! The worker as a program: what `halo run-code-worker` is, for the tests of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    halo_sandbox::worker_main()
}
