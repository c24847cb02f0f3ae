//! Whole runs of the agent against a scripted model over real HTTP. Each asserts on the requests the model got, on the
//! result, and on the event log.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like the tests they serve"
)]

mod conversation;
mod endings;
mod models;
mod play;
mod recursion;
mod resuming;
mod tool_calls;
