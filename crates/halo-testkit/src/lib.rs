//! Test support for halo's crates: a model endpoint that answers from a script.
//!
//! A dev-dependency only. It knows the words of halo-protocol and nothing of the crates it helps to test, so that it
//! builds in seconds and can serve all of them.
//!
//! ```
//! use halo_testkit::{Reply, ScriptedModel};
//! # fn main() -> std::io::Result<()> {
//! let model = ScriptedModel::start([
//!     Reply::tool_call("sql", serde_json::json!({"query": "SELECT 1"})),
//!     Reply::status(500),
//!     Reply::text("done"),
//! ])?;
//! assert!(model.base_url().starts_with("http://127.0.0.1:"));
//! assert_eq!(model.requests().len(), 0);
//! assert_eq!(model.replies_left(), 3);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "dataset")]
mod dataset;
mod model;

#[cfg(feature = "dataset")]
pub use dataset::{TestSpan, dataset_of_segments, tiny_dataset};
pub use model::{RecordedRequest, Reply, ScriptedModel};
