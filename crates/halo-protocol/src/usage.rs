//! What model requests cost, in tokens.

use serde::{Deserialize, Serialize};

/// Tokens and requests spent, as the model's endpoint reported them. Adds up over requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Model requests that were answered.
    pub requests: u64,
    /// Tokens of the prompts, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the replies, reasoning included.
    pub output_tokens: u64,
    /// Part of `input_tokens` that the provider read from its cache.
    pub cached_input_tokens: u64,
    /// Part of `output_tokens` spent on reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Adds what another request or agent spent.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_input_tokens += other.cached_input_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
    }

    /// Input and output tokens together.
    #[must_use]
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}
