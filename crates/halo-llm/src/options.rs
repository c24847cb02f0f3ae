//! What a caller decides about a model and its endpoint.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::{ModelApi, RetryPolicy};

/// A model, where it is served, and how to ask it.
#[derive(Clone)]
pub struct ModelOptions {
    /// The form in which the endpoint is asked; [`ModelApi::guess`] knows the usual ones.
    pub api: ModelApi,
    /// Address up to and with the version, for example `https://api.openai.com/v1`. A query in it is kept.
    pub base_url: String,
    /// Sent as bearer token, to Anthropic as `x-api-key`; `None` for endpoints that need none.
    pub api_key: Option<String>,
    /// Further headers; one named `authorization` takes the place of the key.
    pub headers: Vec<(String, String)>,
    /// Name of the model as the endpoint knows it.
    pub model: String,
    /// Sampling temperature; the endpoint's default when absent.
    pub temperature: Option<f64>,
    /// Upper bound of a reply in tokens, reasoning included. When absent it is the endpoint's default, and for Anthropic,
    /// which has none, 16,384 tokens besides those for thinking.
    pub max_output_tokens: Option<u64>,
    /// `none`, `minimal`, `low`, `medium`, `high` or `xhigh`; the endpoint's default when absent. A level that the model
    /// does not know is replaced by the nearest it knows, and that is told.
    pub reasoning_effort: Option<String>,
    /// Whether one reply may hold several tool calls; the endpoint's default when absent.
    pub parallel_tool_calls: Option<bool>,
    /// Fields for the body of each request as the endpoint knows them. They take the place of fields with the same name.
    pub extra_body: Map<String, Value>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// How often and how fast to try again.
    pub retry: RetryPolicy,
}

impl fmt::Debug for ModelOptions {
    /// Without the key, and without the values of headers, which often hold one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header_names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let extra_fields: Vec<&str> = self.extra_body.keys().map(String::as_str).collect();
        f.debug_struct("ModelOptions")
            .field("api", &self.api)
            .field("model", &self.model)
            .field("has_api_key", &self.api_key.is_some())
            .field("header_names", &header_names)
            .field("temperature", &self.temperature)
            .field("max_output_tokens", &self.max_output_tokens)
            .field("reasoning_effort", &self.reasoning_effort)
            .field("parallel_tool_calls", &self.parallel_tool_calls)
            .field("extra_fields", &extra_fields)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// How long to wait before a request counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// From the request to the first byte of the answer.
    pub response: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// For one attempt as a whole, however steadily its answer drips.
    pub total: Duration,
}

impl Timeouts {
    /// Ten seconds to connect, five minutes of silence, as reasoning models think that long before they say a word, and
    /// fifteen minutes for all of it.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(300),
            idle: Duration::from_secs(300),
            total: Duration::from_secs(900),
        }
    }
}
