//! A conversation and a list of tools go in, a model's reply comes out: its text as it streams, its tool calls whole.
//!
//! Speaks three wire forms ([`ModelApi`]): chat completions with any endpoint that is compatible with OpenAI's, lenient
//! about the many ways in which they differ, OpenAI's Responses API, and Anthropic's Messages API. Failures that may pass
//! are retried here; those that would only repeat come back as one clear error. Knows nothing of agents, tools' meanings,
//! files or the environment: every setting is in [`ModelOptions`].
//!
//! ```
//! use halo_llm::{ModelApi, ModelClient, ModelOptions, RetryPolicy, Timeouts};
//! # fn main() -> Result<(), halo_llm::LlmError> {
//! let client = ModelClient::new(ModelOptions {
//!     api: ModelApi::guess("http://127.0.0.1:8080/v1", "a-model"),
//!     base_url: "http://127.0.0.1:8080/v1".into(),
//!     api_key: None,
//!     headers: vec![],
//!     model: "a-model".into(),
//!     temperature: None,
//!     max_output_tokens: None,
//!     reasoning_effort: None,
//!     parallel_tool_calls: None,
//!     extra_body: serde_json::Map::new(),
//!     timeouts: Timeouts::standard(),
//!     retry: RetryPolicy::standard(),
//! })?;
//! assert_eq!(client.endpoint(), "http://127.0.0.1:8080/v1/chat/completions");
//! # Ok(())
//! # }
//! ```

mod api;
mod client;
mod dialect;
mod effort;
mod endpoint;
mod error;
mod failure;
mod options;
mod reply;
mod request;
mod retry;
mod sse;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

pub use api::ModelApi;
pub use client::{ModelClient, ModelEvent};
pub use error::LlmError;
pub use options::{ModelOptions, Timeouts};
pub use reply::{ModelReply, StopReason};
pub use request::{ModelRequest, OutputSchema};
pub use retry::RetryPolicy;
