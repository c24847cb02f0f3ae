//! A conversation and a list of tools go in, a model's reply comes out: its text as it streams, its tool calls whole.
//!
//! Speaks chat completions with any endpoint that is compatible with OpenAI's, and is lenient about the many ways in
//! which they differ. Failures that may pass are retried here; those that would only repeat come back as one clear
//! error. Knows nothing of agents, tools' meanings, files or the environment: every setting is in [`ModelOptions`].
//!
//! ```
//! use halo_llm::{ModelClient, ModelOptions, RetryPolicy, Timeouts};
//! # fn main() -> Result<(), halo_llm::LlmError> {
//! let client = ModelClient::new(ModelOptions {
//!     base_url: "http://127.0.0.1:8080/v1".into(),
//!     api_key: None,
//!     headers: vec![],
//!     model: "a-model".into(),
//!     temperature: None,
//!     max_output_tokens: None,
//!     reasoning_effort: None,
//!     parallel_tool_calls: None,
//!     timeouts: Timeouts::standard(),
//!     retry: RetryPolicy::standard(),
//! })?;
//! assert_eq!(client.endpoint(), "http://127.0.0.1:8080/v1/chat/completions");
//! # Ok(())
//! # }
//! ```

mod assemble;
mod client;
mod error;
mod failure;
mod options;
mod request;
mod retry;
mod sse;
mod stream;

pub use client::{ModelClient, ModelEvent};
pub use error::LlmError;
pub use options::{ModelOptions, Timeouts};
pub use request::ModelRequest;
pub use retry::RetryPolicy;
pub use stream::ModelReply;
