//! The models of a run: any that answers a conversation, each for its purpose and with its price.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use halo_llm::{LlmError, ModelClient, ModelEvent, ModelReply, ModelRequest};
use halo_protocol::{RequestPurpose, Usage};
use tokio_util::sync::CancellationToken;

/// Something that answers a conversation. [`ModelClient`] is one; a caller may bring another.
pub trait Model: Send + Sync {
    /// Its name, as the log tells it.
    fn name(&self) -> &str;

    /// Gives the whole reply to a conversation, and tells `on_event` what happens until then.
    ///
    /// # Errors
    /// [`LlmError`], after every attempt that made sense.
    fn ask<'a>(
        &'a self,
        request: ModelRequest<'a>,
        on_event: &'a mut (dyn FnMut(ModelEvent) + Send),
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<ModelReply, LlmError>>;
}

impl Model for ModelClient {
    fn name(&self) -> &str {
        self.model()
    }

    fn ask<'a>(
        &'a self,
        request: ModelRequest<'a>,
        on_event: &'a mut (dyn FnMut(ModelEvent) + Send),
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<ModelReply, LlmError>> {
        self.stream(request, on_event, cancel).boxed()
    }
}

/// What a model costs, in US dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// For input that was not cached.
    pub input: f64,
    /// For input that the provider read from its cache.
    pub cached_input: f64,
    /// For output, reasoning included.
    pub output: f64,
}

impl Price {
    /// What requests came to, in US dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "money to the millionth is exact enough")]
    pub fn of(&self, usage: &Usage) -> f64 {
        let fresh = usage.input_tokens.saturating_sub(usage.cached_input_tokens) as f64;
        let cached = usage.cached_input_tokens.min(usage.input_tokens) as f64;
        (fresh * self.input + cached * self.cached_input + usage.output_tokens as f64 * self.output) / 1e6
    }
}

/// A model and what it costs.
#[derive(Clone)]
pub struct PricedModel {
    /// The model.
    pub model: Arc<dyn Model>,
    /// Its price; `None` when nobody knows it, and then it counts as free.
    pub price: Option<Price>,
}

/// Which model does what.
#[derive(Clone)]
pub struct Models {
    /// Turns of the root.
    pub root: PricedModel,
    /// Turns of subagents.
    pub subagents: PricedModel,
    /// Questions about rows, and questions of the model's own code.
    pub rows: PricedModel,
    /// What several traces have in common.
    pub synthesis: PricedModel,
    /// Old parts of conversations in fewer words.
    pub compaction: PricedModel,
}

impl Models {
    /// One model for everything.
    #[must_use]
    pub fn all(model: PricedModel) -> Self {
        Self {
            root: model.clone(),
            subagents: model.clone(),
            rows: model.clone(),
            synthesis: model.clone(),
            compaction: model,
        }
    }

    pub(crate) fn of(&self, purpose: RequestPurpose, depth: u32) -> &PricedModel {
        match purpose {
            RequestPurpose::Turn if depth == 0 => &self.root,
            RequestPurpose::Turn => &self.subagents,
            RequestPurpose::Compaction => &self.compaction,
            RequestPurpose::Synthesis => &self.synthesis,
            RequestPurpose::Row | RequestPurpose::Code => &self.rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_has_its_own_price() {
        let price = Price { input: 2.0, cached_input: 0.5, output: 10.0 };
        let usage =
            Usage { input_tokens: 1_000_000, cached_input_tokens: 400_000, output_tokens: 100_000, ..Usage::default() };
        assert!((price.of(&usage) - (1.2 + 0.2 + 1.0)).abs() < 1e-9);
    }
}
