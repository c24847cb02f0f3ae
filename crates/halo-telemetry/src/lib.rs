//! halo's own agents, model calls and tools as OpenInference spans, written as OTLP/JSON.
//!
//! In go the events of a run ([`halo_protocol::RunEvent`]) as they happen; out come spans as soon as they have ended, into a file
//! that `halo ingest` reads, a line a span, or in batches to an endpoint that takes OTLP over HTTP. The crate knows events and
//! nothing else: not the agent that emits them, and not who reads the spans.
//!
//! ```
//! use halo_protocol::{AgentOutcome, EventKind, RunEvent, Usage};
//! use halo_telemetry::SpanBuilder;
//!
//! let event = |sequence, item| RunEvent {
//!     sequence,
//!     at: format!("2026-03-01T10:00:0{sequence}.000Z"),
//!     agent_id: "root/1".into(),
//!     parent_agent_id: Some("root".into()),
//!     parent_tool_call_id: Some("call_1".into()),
//!     agent_name: "root/1".into(),
//!     depth: 1,
//!     item,
//!     is_final: false,
//! };
//! let mut builder = SpanBuilder::new("run-7");
//! let started = EventKind::AgentStarted { max_turns: 5, task: "Look into timeouts.".into() };
//! assert!(builder.on_event(&event(0, started)).is_empty());
//! let finished = EventKind::AgentFinished { outcome: AgentOutcome::TurnLimit, usage: Usage::default() };
//! let spans = builder.on_event(&event(1, finished));
//! assert_eq!((spans[0].name.as_str(), spans[0].end - spans[0].start), ("root/1", 1_000_000_000));
//! ```
//!
//! # The spans
//!
//! - **AGENT**, one for each agent, from its first event to its end. The root's is the root of the trace and ends with the run, whose
//!   answer it holds. A subagent's parent is the TOOL span of the call that started it. Findings that passed the gate or did not,
//!   retries and notices are events on it, 128 at most.
//! - **LLM**, one for each reply of a model, below the agent that asked. It is called `turn`, or by what else it was asked for. Its
//!   input messages are those that are new since the same agent's turn before: the task first, then results of tools in the order
//!   they came. The instructions, what halo says in between, and the input of requests other than turns are not in the events,
//!   and so not in the spans.
//! - **TOOL**, one for each result of a tool, below the agent that called it.
//!
//! Attributes have the names of OpenInference's semantic conventions, and `halo.*` where these have none. Nothing is masked: the texts
//! of the analysed traces that a model read stand in the spans.
//!
//! # Ids, and runs that go on
//!
//! Ids are hashes, the same for the same run whoever computes them:
//!
//! | id | of |
//! | --- | --- |
//! | trace | the run |
//! | AGENT | run, agent |
//! | TOOL | run, agent, call |
//! | LLM | run, agent, sequence of the event |
//!
//! So a run that was killed goes on in its trace: what it does then stands below the same agents, and the spans of agents that had not
//! ended come when they end. [`SpanBuilder::recall`] tells a builder the older log: then these spans begin when the agents began, and
//! calls and replies have what stands there, such as arguments and the model. Without it, spans begin with the first event that came.
//!
//! An agent or a call that had ended and goes on (after an interrupt, or with a larger budget) ends a second time, and two spans
//! may not have one id: the number of ends before goes into the hash, too. The root has two spans without a parent then.
//! Only a builder that knows the older log can count them.

mod attributes;
mod builder;
mod endpoint;
mod error;
mod file;
mod ids;
mod otlp;
mod span;
mod telemetry;

pub use builder::SpanBuilder;
pub use endpoint::OtlpOptions;
pub use error::TelemetryError;
pub use file::FileExporter;
pub use otlp::OtlpExporter;
pub use span::{Attribute, AttributeValue, Span, SpanEvent, SpanKind, Status};
pub use telemetry::{Telemetry, TelemetryReport};
