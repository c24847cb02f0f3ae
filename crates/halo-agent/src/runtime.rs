//! What all agents of a run share, and the one door through which they ask models.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use halo_llm::{LlmError, ModelEvent, ModelReply, ModelRequest, OutputSchema};
use halo_protocol::{EventKind, Message, RequestPurpose, ToolSpec};
use halo_tool::{CodeSource, DataTables, ToolRegistry, estimate_tokens};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use twox_hash::XxHash3_64;

use crate::budget::{Budget, Cost, OUTPUT_TOKENS_ASSUMED, Share, Spent};
use crate::dispatch::elapsed_ms;
use crate::findings::FindingBoard;
use crate::items::ItemStore;
use crate::model::{Models, PricedModel};
use crate::reply::{self, ReplyFacts};
use crate::{AgentIdentity, AgentOptions, EventSink, RunHistory};

/// Shared by the agents of one run.
pub(crate) struct Runtime {
    pub(crate) options: AgentOptions,
    pub(crate) models: Models,
    /// Tools of the caller; set once the runtime that some of them ask exists.
    pub(crate) tools: OnceLock<ToolRegistry>,
    pub(crate) tables: Option<Arc<dyn DataTables>>,
    pub(crate) code: Option<Arc<dyn CodeSource>>,
    pub(crate) board: FindingBoard,
    pub(crate) sink: EventSink,
    pub(crate) budget: Budget,
    pub(crate) history: RunHistory,
    pub(crate) items: ItemStore,
    pub(crate) stop: Stop,
    /// Model requests at the same time.
    pub(crate) request_permits: Semaphore,
    /// Tool calls at the same time, but for those that wait.
    pub(crate) work_permits: Semaphore,
    /// Agents by id, for tools, which are told the id alone.
    pub(crate) agents: Mutex<HashMap<String, AgentIdentity>>,
}

/// What ends work.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// The user's interrupt. A parent of the other two.
    pub(crate) user: CancellationToken,
    /// Fires as well when the time for work is over and the answer is due.
    pub(crate) work: CancellationToken,
    /// Fires as well when the run's time is over.
    pub(crate) all: CancellationToken,
}

impl Stop {
    pub(crate) fn new(user: &CancellationToken) -> Self {
        Self { user: user.clone(), work: user.child_token(), all: user.child_token() }
    }

    /// The token for work that may or may not use the time of the answer.
    pub(crate) fn token(&self, share: Share) -> &CancellationToken {
        match share {
            Share::Work => &self.work,
            Share::Closing => &self.all,
        }
    }
}

/// One question to a model.
pub(crate) struct Question<'a> {
    pub(crate) purpose: RequestPurpose,
    /// Turn of the agent that asks.
    pub(crate) turn: u32,
    pub(crate) messages: &'a [Message],
    pub(crate) tools: &'a [ToolSpec],
    pub(crate) schema: Option<&'a OutputSchema>,
    pub(crate) share: Share,
}

/// Why there is no reply.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The user interrupted, or the time is over.
    Stopped,
    /// The budget does not allow the request.
    Spent(Spent),
    /// The model failed.
    Model(LlmError),
}

impl AskError {
    /// What a model is told that wanted another model asked.
    pub(crate) fn for_model(&self) -> String {
        match self {
            Self::Stopped => "the run was interrupted".to_owned(),
            Self::Spent(part) => format!("the run's budget of {} is spent; conclude with what you have", part.word()),
            Self::Model(error) => format!("the model gave no answer: {error}"),
        }
    }
}

impl Runtime {
    /// Tools of the caller, without the agents' own.
    pub(crate) fn tools(&self) -> &ToolRegistry {
        self.tools.get_or_init(ToolRegistry::new)
    }

    /// Asks the model for what is neither a turn nor asked a second time: a request is known by its content, and one that was
    /// answered before, also before the run was killed, is not sent again. `true` with a reply that was known.
    pub(crate) async fn ask_once(
        &self,
        agent: &AgentIdentity,
        question: Question<'_>,
    ) -> Result<(ModelReply, bool), AskError> {
        let key = self.key(agent, &question);
        if let Some(reply) = self.history.keyed(&key) {
            return Ok((reply, true));
        }
        let began = Instant::now();
        let facts = ReplyFacts {
            turn: question.turn,
            purpose: question.purpose,
            key: Some(key.clone()),
            closing: false,
            elapsed_ms: 0,
        };
        let reply = self.ask(agent, question).await?;
        self.sink.emit(agent, reply::to_event(&reply, ReplyFacts { elapsed_ms: elapsed_ms(began), ..facts }));
        self.history.keep_keyed(&key, &reply);
        Ok((reply, false))
    }

    /// Asks the model and tells what happens until the reply is there; the caller tells of the reply.
    ///
    /// 1. set aside what the request may cost; 2. wait for a permit; 3. ask; 4. count what it cost.
    pub(crate) async fn ask(&self, agent: &AgentIdentity, question: Question<'_>) -> Result<ModelReply, AskError> {
        let PricedModel { model, price } = self.models.of(question.purpose, agent.depth);
        let cost = Cost::estimate(tokens_of(question.messages, question.tools), self.output_tokens(), *price);
        let cancel = self.stop.token(question.share);
        let permit = cancel.run_until_cancelled(self.request_permits.acquire()).await;
        let Some(Ok(_permit)) = permit else {
            return Err(self.stopped());
        };
        // After the permit, so that what requests in flight really cost is known by now.
        let reservation = self.budget.reserve(cost, question.share).map_err(AskError::Spent)?;
        let request = ModelRequest {
            messages: question.messages,
            tools: question.tools,
            cache_key: Some(&agent.id),
            output_schema: question.schema,
        };
        let mut relay = self.relay(agent, &question);
        match model.ask(request, &mut relay, cancel).await {
            Ok(reply) => {
                reservation.settle(Cost::of(&reply.usage, *price));
                Ok(reply)
            }
            Err(LlmError::Cancelled) => Err(self.stopped()),
            Err(error) => Err(AskError::Model(error)),
        }
    }

    /// Why work was stopped: the user, or the clock.
    fn stopped(&self) -> AskError {
        if self.stop.user.is_cancelled() { AskError::Stopped } else { AskError::Spent(Spent::Time) }
    }

    fn relay<'a>(
        &'a self,
        agent: &'a AgentIdentity,
        question: &Question<'_>,
    ) -> impl FnMut(ModelEvent) + Send + use<'a> {
        let (turn, purpose, messages) = (question.turn, question.purpose, question.messages.len());
        let mut announced = false;
        move |event| {
            let item = match event {
                // Further attempts are told by the retries between them.
                ModelEvent::Sending { .. } if announced => return,
                ModelEvent::Sending { bytes, .. } => {
                    announced = true;
                    EventKind::ModelRequest { turn, purpose, messages, bytes }
                }
                // What is said of rows and in folded conversations is not the agent's text.
                ModelEvent::TextDelta { .. } if purpose != RequestPurpose::Turn => return,
                ModelEvent::TextDelta { text } => EventKind::TextDelta { text },
                ModelEvent::Retry { attempt, error, wait } => EventKind::ModelRetry {
                    attempt,
                    error,
                    wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                },
                ModelEvent::Adapted { note } => EventKind::Notice { text: note },
            };
            self.sink.emit(agent, item);
        }
    }

    /// Tokens of output to set aside for a request.
    pub(crate) fn output_tokens(&self) -> u64 {
        self.options.output_tokens_max.unwrap_or(OUTPUT_TOKENS_ASSUMED)
    }

    /// What a request is known by: the model and all that it is asked.
    fn key(&self, agent: &AgentIdentity, question: &Question<'_>) -> String {
        let model = self.models.of(question.purpose, agent.depth).model.name();
        let messages = serde_json::to_string(question.messages).unwrap_or_default();
        let schema = question.schema.map(|schema| schema.schema.to_string()).unwrap_or_default();
        let text = [model, &messages, &schema].join("\n");
        // Two hashes of 64 bits: a million requests do not meet by chance. They stand in logs, so they must never change.
        let half = |seed| XxHash3_64::oneshot_with_seed(seed, text.as_bytes());
        format!("{:016x}{:016x}", half(0), half(1))
    }

    pub(crate) fn register(&self, agent: &AgentIdentity) {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        agents.insert(agent.id.clone(), agent.clone());
    }

    /// The agent of an id. One that nobody registered is told of as the root.
    pub(crate) fn agent(&self, id: &str) -> AgentIdentity {
        let agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        agents.get(id).cloned().unwrap_or_else(AgentIdentity::root)
    }

    /// Fires the tokens when their time has come. Ends with the run.
    pub(crate) async fn keep_time(&self) {
        let wait = |time: Option<Duration>| async move {
            match time {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        wait(self.budget.closing_in()).await;
        self.stop.work.cancel();
        wait(self.budget.ends_in()).await;
        self.stop.all.cancel();
    }
}

/// Tokens of a request, about.
pub(crate) fn tokens_of(messages: &[Message], tools: &[ToolSpec]) -> u64 {
    let messages: usize = messages.iter().map(crate::conversation::tokens_of).sum();
    messages as u64 + tokens_of_tools(tools)
}

/// Tokens that tools on offer take of a request, about.
pub(crate) fn tokens_of_tools(tools: &[ToolSpec]) -> u64 {
    let tokens = tools.iter().map(|tool| {
        estimate_tokens(&tool.name) + estimate_tokens(&tool.description) + estimate_tokens(&tool.parameters.to_string())
    });
    tokens.sum::<usize>() as u64
}
