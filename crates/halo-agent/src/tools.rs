//! The tools that belong to the agent itself: reporting a finding, and ending with an answer.

mod final_answer;
mod report_finding;

pub(crate) use final_answer::{FINAL_ANSWER, FinalAnswer};
pub(crate) use report_finding::{REPORT_FINDING, ReportFinding};
