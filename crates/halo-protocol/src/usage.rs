//! What model requests cost, in tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens and requests spent, as the model's endpoint reported them. Adds up over requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Model requests that were answered.
    pub requests: u64,
    /// Tokens of the prompts, those read from and written to a cache included.
    pub input_tokens: u64,
    /// Tokens of the replies, reasoning included.
    pub output_tokens: u64,
    /// Part of `input_tokens` that the provider read from its cache.
    pub cached_input_tokens: u64,
    /// Part of `input_tokens` that the provider wrote to its cache, which some bill at a price of its own.
    #[serde(default)]
    pub cache_write_input_tokens: u64,
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
        self.cache_write_input_tokens += other.cache_write_input_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
    }

    /// Input and output tokens together.
    #[must_use]
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_and_reads_what_older_logs_hold() {
        let old = r#"{"requests":1,"input_tokens":10,"output_tokens":5,"cached_input_tokens":4,"reasoning_tokens":2}"#;
        let mut usage: Usage = serde_json::from_str(old).unwrap();
        usage.add(&Usage { cache_write_input_tokens: 3, ..usage });
        let expected = Usage {
            requests: 2,
            input_tokens: 20,
            output_tokens: 10,
            cached_input_tokens: 8,
            cache_write_input_tokens: 3,
            reasoning_tokens: 4,
        };
        assert_eq!((usage, usage.total_tokens()), (expected, 30));
    }
}
