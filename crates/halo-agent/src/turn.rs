//! One question to the model: what is sent, what is told on the way, and what its failures mean for the agent.

use std::time::Instant;

use halo_llm::{LlmError, ModelReply};
use halo_protocol::{AgentOutcome, EventKind, RequestPurpose, ToolSpec};

use crate::agent::Agent;
use crate::budget::{Cost, Share};
use crate::dispatch::elapsed_ms;
use crate::reply::{self, ReplyFacts, is_refusal};
use crate::runtime::{AskError, Question, tokens_of};

impl Agent {
    /// Asks the model for its next reply.
    ///
    /// 1. take the reply from the log of an earlier attempt at this run; 2. else make room when the conversation is too long, ask,
    ///    telling what happens, count and record the reply; 3. ask again after a refusal, as often as allowed, and after making
    ///    room when the endpoint finds the conversation too long.
    pub(crate) async fn ask(
        &mut self,
        turn: u32,
        tools: &[ToolSpec],
        share: Share,
    ) -> Result<ModelReply, AgentOutcome> {
        let mut refusals = 0;
        loop {
            self.make_room(turn, tools).await;
            let reply = match self.runtime.history.take_turn(&self.identity.id, turn) {
                Some(reply) => {
                    self.usage.add(&reply.usage);
                    self.call_ids.extend(reply.tool_calls.iter().map(|call| call.id.clone()));
                    reply
                }
                None => match self.send(turn, tools, share).await {
                    Ok(reply) => reply,
                    Err(AskError::Stopped) => return Err(AgentOutcome::Interrupted),
                    Err(AskError::Spent(limit)) => {
                        return Err(AgentOutcome::BudgetSpent { limit: limit.word().to_owned() });
                    }
                    Err(AskError::Model(error)) => {
                        let too_long = matches!(error, LlmError::ContextLength { .. });
                        if too_long && self.make_more_room(turn).await {
                            continue;
                        }
                        return Err(failed(&error));
                    }
                },
            };
            if !is_refusal(&reply) || refusals >= self.runtime.options.refusal_retries {
                return Ok(reply);
            }
            refusals += 1;
            self.notice("the model refused; asking it again".to_owned());
        }
    }

    /// Sends the conversation, and records the reply.
    async fn send(&mut self, turn: u32, tools: &[ToolSpec], share: Share) -> Result<ModelReply, AskError> {
        let began = Instant::now();
        let messages = self.conversation.messages();
        if self.identity.depth == 0 {
            // The next request will be longer by this one's reply and the results it asks for.
            let input = tokens_of(messages, tools) * 5 / 4;
            let price = self.runtime.models.root.price;
            self.runtime.budget.keep_for_closing(Cost::estimate(input, self.runtime.output_tokens(), price));
        }
        let question = Question { purpose: RequestPurpose::Turn, turn, messages, tools, schema: None, share };
        let mut reply = self.runtime.ask(&self.identity, question).await?;
        self.name_calls_apart(&mut reply);
        self.usage.add(&reply.usage);
        let facts = ReplyFacts {
            turn,
            purpose: RequestPurpose::Turn,
            key: None,
            closing: share == Share::Closing,
            elapsed_ms: elapsed_ms(began),
        };
        self.emit(reply::to_event(&reply, facts));
        Ok(reply)
    }

    /// Some endpoints count their ids from zero in each reply. Results and log need ids that are unique in the agent.
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

    pub(crate) fn emit(&self, item: EventKind) {
        self.runtime.sink.emit(&self.identity, item);
    }
}

fn failed(error: &LlmError) -> AgentOutcome {
    AgentOutcome::Failed {
        error: match error.advice() {
            Some(advice) => format!("{error}; {advice}"),
            None => error.to_string(),
        },
    }
}
