//! The tools over small repositories on disk, some of them hostile.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of tests fail as tests do")]

mod bounds;
mod checkout;
mod cite;
mod confinement;
mod files;
mod history;
mod hostile_git;
mod ignored;
mod refusals;
