//! The agents of a run: options, models and tools go in; an answer, findings and an event log come out.
//!
//! [`run`] drives a root agent turn by turn, and the subagents it starts, each with a conversation of its own. All share one budget, one
//! board of findings and one log, from which [`resume`] goes on after a crash without asking again for what was answered. It calls the
//! tools that models ask for, passes claimed findings through the gate, keeps the limits, and ends with an answer whatever happens.
//! Everything is told to an [`EventSink`] first. Knows nothing of datasets, SQL or terminals: tools come in a registry, models behind
//! [`Model`], the check of findings behind a trait.
//!
//! Other ways in: [`stream_events`], [`stream_items`], [`collect_items`], and the same in [`blocking`].
//!
//! ```
//! use halo_agent::{AgentIdentity, EventSink};
//! use halo_protocol::EventKind;
//! let sink = EventSink::without_log();
//! sink.observe(|event| assert_eq!(event.sequence, 0));
//! sink.emit(&AgentIdentity::root(), EventKind::Notice { text: "hello".into() });
//! ```

mod agent;
mod budget;
mod compaction;
mod conversation;
mod dispatch;
mod error;
mod event_sink;
mod findings;
mod history;
mod items;
mod model;
mod prompt;
mod reply;
mod run;
mod runtime;
mod side_model;
mod stream;
mod tools;
mod turn;

pub use budget::Limits;
pub use error::AgentError;
pub use event_sink::{AgentIdentity, EventSink};
pub use history::RunHistory;
pub use model::{Model, Models, Price, PricedModel};
pub use prompt::DEFAULT_QUESTION;
pub use run::{AgentOptions, RunResult, RunServices, ToolFactory, resume, run};
pub use side_model::SideModel;
pub use stream::{RunStream, blocking, collect_items, stream_events, stream_items};
