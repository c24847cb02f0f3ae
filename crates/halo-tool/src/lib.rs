//! The tool contract: what a tool is, what it may answer, and how a registry calls it by name.
//!
//! A [`Tool`] has typed arguments (their JSON schema is derived, so the model's description can't drift from the
//! code), a text for the model, and one async `call`. [`ToolRegistry`] holds them by name and turns every failure that
//! the model can mend into text for the model. This crate knows no data engine, no model client and no agent: halo-query
//! implements tools, halo-agent calls them, halo-cli introduces the two to each other.
//!
//! [`DataTables`] is how a tool reads rows and makes tables of them; halo-query implements it.
//!
//! [`FindingGate`] is the door through which a claimed finding must pass; halo-checks implements it, halo-agent's
//! `report_finding` calls it.

mod gate;
mod output;
mod registry;
mod tables;
mod tokens;
mod tool;

pub use gate::{CodeSource, FindingGate, GateError};
pub use output::{ToolOutput, clip_middle, clip_middle_noting};
pub use registry::ToolRegistry;
pub use tables::{ColumnType, DataTables, NewTable, Rows, SavedTable};
pub use tokens::estimate_tokens;
pub use tool::{Tool, ToolContext, ToolError};
