//! The tools that belong to the agents themselves: reporting and reading findings, ending with an answer, reading what was cut or
//! folded, and everything that asks a model.

mod call_subagent;
mod final_answer;
mod get_context_item;
mod list_findings;
mod map_rows;
mod report_finding;
mod row_schema;
mod synthesize_traces;

pub(crate) use call_subagent::{CALL_SUBAGENT, CallSubagent, Children};
pub(crate) use final_answer::{FINAL_ANSWER, FinalAnswer};
pub(crate) use get_context_item::{GET_CONTEXT_ITEM, GetContextItem};
pub(crate) use list_findings::{ListFindings, shared};
pub(crate) use map_rows::MapRows;
pub(crate) use report_finding::{REPORT_FINDING, ReportFinding};
pub(crate) use synthesize_traces::SynthesizeTraces;
