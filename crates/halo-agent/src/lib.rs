//! The root agent of a run: options and tools go in; an answer, findings and an event log come out.
//!
//! [`run`] drives a model turn by turn, calls the tools it asks for, passes claimed findings through the gate, keeps the
//! limits, and ends with an answer whatever happens. Everything is told to an [`EventSink`] first. Knows nothing of
//! datasets, SQL or terminals: the tools come in a registry and the check of findings behind a trait.
//!
//! ```
//! use halo_agent::{AgentIdentity, EventSink};
//! use halo_protocol::EventKind;
//! let sink = EventSink::without_log();
//! sink.observe(|event| assert_eq!(event.sequence, 0));
//! sink.emit(&AgentIdentity::root(), EventKind::Notice { text: "hello".into() });
//! ```

mod agent;
mod conversation;
mod dispatch;
mod error;
mod event_sink;
mod findings;
mod prompt;
mod run;
mod tools;
mod turn;

pub use error::AgentError;
pub use event_sink::{AgentIdentity, EventSink};
pub use prompt::DEFAULT_QUESTION;
pub use run::{AgentOptions, RunResult, RunServices, run};
