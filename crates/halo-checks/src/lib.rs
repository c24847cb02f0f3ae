//! Deterministic detectors of harness faults, and the gate that every finding passes.
//!
//! [`run_checks`] runs [`Check`]s, the built-in ones or also [those of a folder](checks_with), over a dataset and gives findings with counts, interval, scope and quotes.
//! [`Gate`] measures claims of a model in the same way: its statements run, its quotes are looked up, and what does not hold is
//! refused with the reason. Each finding says which release, model, tenant or day
//! its traces have in common.
//!
//! This crate knows the tables `spans` and `traces` and SQL; it knows no query engine, no model endpoint and no report.

mod candidate;
mod catalogue;
mod change;
mod conversation;
mod error;
mod evidence;
mod explain_scope;
mod gate;
mod ground;
mod look;
mod quotes;
mod run;
mod scope;
mod shared;
mod sql;
mod statistics;
mod trace_index;
mod trend;
mod words;

pub use catalogue::{Check, built_in_checks, checks_with, fingerprint};
pub use change::{Change, FindingChange, Rate, changes};
pub use error::CheckError;
pub use gate::Gate;
pub use ground::CheckOptions;
pub use run::{CheckReport, run_checks};

/// Tools for the model that measure as the checks do, over the gate's dataset.
#[must_use]
pub fn tools(gate: &std::sync::Arc<Gate>) -> halo_tool::ToolRegistry {
    let mut tools = halo_tool::ToolRegistry::new();
    tools.add(explain_scope::ExplainScope { gate: std::sync::Arc::clone(gate) });
    tools
}
