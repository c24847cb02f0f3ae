//! Events in, spans out: what they are, that they hang together, and where they go.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests they serve")]

mod endpoint;
mod files;
mod properties;
mod resuming;
mod script;
mod spans;
