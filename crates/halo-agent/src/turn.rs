//! One question to the model: what is sent, what is told on the way, and what its failures mean for the agent.

use std::time::Instant;

use halo_llm::{LlmError, ModelEvent, ModelReply, ModelRequest};
use halo_protocol::{AgentOutcome, EventKind, ToolSpec};

use crate::agent::Agent;
use crate::dispatch::elapsed_ms;

impl Agent<'_> {
    /// Asks the model for its next reply.
    ///
    /// 1. fold old results when the conversation is too long; 2. ask, telling what happens; 3. count and record the reply;
    /// 4. ask again after a refusal, as often as allowed, and after folding when the endpoint finds the conversation too long.
    pub(crate) async fn ask(&mut self, turn: u32, tools: &[ToolSpec]) -> Result<ModelReply, AgentOutcome> {
        let mut refusals = 0;
        loop {
            if self.conversation.chars() > self.options.max_context_chars {
                self.fold(self.options.max_context_chars / 2);
            }
            let began = Instant::now();
            match self.send(turn, tools).await {
                Ok(mut reply) => {
                    self.name_calls_apart(&mut reply);
                    self.record(turn, &reply, began);
                    if !is_refusal(&reply) || refusals >= self.options.refusal_retries {
                        return Ok(reply);
                    }
                    refusals += 1;
                    self.notice("the model refused; asking it again".to_owned());
                }
                Err(LlmError::Cancelled) => return Err(AgentOutcome::Interrupted),
                Err(error) => {
                    let too_long = matches!(error, LlmError::ContextLength { .. });
                    if !(too_long && self.fold(self.conversation.chars() / 2)) {
                        return Err(failed(&error));
                    }
                }
            }
        }
    }

    async fn send(&self, turn: u32, tools: &[ToolSpec]) -> Result<ModelReply, LlmError> {
        let messages = self.conversation.messages();
        let request = ModelRequest { messages, tools, cache_key: None, output_schema: None };
        let mut announced = false;
        let relay = |event| {
            let item = match event {
                // Further attempts are told by the retries between them.
                ModelEvent::Sending { .. } if announced => return,
                ModelEvent::Sending { bytes, .. } => {
                    announced = true;
                    EventKind::ModelRequest { turn, messages: messages.len(), bytes }
                }
                ModelEvent::TextDelta { text } => EventKind::TextDelta { text },
                ModelEvent::Retry { attempt, error, wait } => EventKind::ModelRetry {
                    attempt,
                    error,
                    wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                },
                ModelEvent::Adapted { note } => EventKind::Notice { text: note },
            };
            self.services.sink.emit(&self.identity, item);
        };
        self.services.client.stream(request, relay, &self.services.cancel).await
    }

    fn record(&mut self, turn: u32, reply: &ModelReply, began: Instant) {
        self.usage.add(&reply.usage);
        self.emit(EventKind::ModelReply {
            turn,
            content: text_of(reply).to_owned(),
            tool_calls: reply.tool_calls.clone(),
            finish_reason: reply.finish_reason.clone(),
            usage: reply.usage,
            elapsed_ms: elapsed_ms(began),
        });
    }

    /// Some endpoints count their ids from zero in each reply. Results and log need ids that are unique in the run.
    fn name_calls_apart(&mut self, reply: &mut ModelReply) {
        for call in &mut reply.tool_calls {
            let given = call.id.clone();
            let mut copy = 2;
            while !self.call_ids.insert(call.id.clone()) {
                call.id = format!("{given}-{copy}");
                copy += 1;
            }
        }
    }

    /// Folds old tool results. `false` when there was nothing to fold.
    fn fold(&mut self, chars_target: usize) -> bool {
        let Some(folded) = self.conversation.fold(chars_target) else {
            return false;
        };
        self.notice(format!(
            "folded {} old tool results to a line each: the conversation went from {} to {} characters",
            folded.results, folded.chars_before, folded.chars_after
        ));
        true
    }
}

/// What the model said, be it an answer or a refusal.
pub(crate) fn text_of(reply: &ModelReply) -> &str {
    match &reply.refusal {
        Some(refusal) if reply.content.trim().is_empty() => refusal,
        _ => &reply.content,
    }
}

fn is_refusal(reply: &ModelReply) -> bool {
    let filtered = reply.finish_reason.as_deref() == Some("content_filter");
    reply.tool_calls.is_empty() && (reply.refusal.is_some() || filtered)
}

fn failed(error: &LlmError) -> AgentOutcome {
    AgentOutcome::Failed {
        error: match error.advice() {
            Some(advice) => format!("{error}; {advice}"),
            None => error.to_string(),
        },
    }
}
