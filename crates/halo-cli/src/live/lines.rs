//! A model run as it happens, where there is no terminal: one line for each thing worth knowing.

use halo_protocol::{AgentOutcome, EventKind, RequestPurpose, RunEvent, Usage};

use crate::output::{count, counted};

/// Longest argument text shown, in characters.
const ARGUMENTS_CHARS: usize = 100;

/// The line for an event; `None` for events that say nothing to a person.
pub(super) fn line(event: &RunEvent) -> Option<String> {
    let text = match &event.item {
        // Answers about single rows come by the thousand.
        EventKind::ModelReply { purpose: RequestPurpose::Row | RequestPurpose::Code, .. } => return None,
        EventKind::ModelReply { purpose: RequestPurpose::Compaction, usage, .. } => {
            format!("summed up older turns: {}", tokens(usage))
        }
        EventKind::ModelReply { purpose: RequestPurpose::Synthesis, usage, .. } => {
            format!("several traces were read: {}", tokens(usage))
        }
        EventKind::ModelReply { turn, tool_calls, usage, elapsed_ms, .. } => {
            let calls: Vec<String> = tool_calls
                .iter()
                .map(|call| {
                    format!(
                        "\n    {} {}",
                        call.name,
                        halo_tool::clip_middle(&one_line(&call.arguments), ARGUMENTS_CHARS)
                    )
                })
                .collect();
            format!("turn {turn}: {}, {}{}", tokens(usage), seconds(*elapsed_ms), calls.concat())
        }
        EventKind::ModelRetry { attempt, error, wait_ms } => {
            format!("request {attempt} failed ({error}); again in {}", seconds(*wait_ms))
        }
        EventKind::ToolResult { name, is_error: true, content, .. } => {
            format!("{name}: {}", halo_tool::clip_middle(&one_line(content), ARGUMENTS_CHARS * 2))
        }
        EventKind::FindingAccepted { finding } => format!(
            "finding: {} ({} of {})",
            one_line(&finding.title),
            count(finding.affected),
            counted(finding.population, "trace")
        ),
        EventKind::FindingRefused { title, reason } => {
            format!("refused: {} ({})", one_line(title), one_line(reason))
        }
        EventKind::Notice { text } => one_line(text),
        EventKind::AgentFinished { outcome, usage } => match outcome {
            // Told as the program's error, when the report is written.
            AgentOutcome::Failed { .. } => return None,
            AgentOutcome::BudgetSpent { limit } => format!("ended: the budget of {limit} is spent; {}", tokens(usage)),
            AgentOutcome::TurnLimit => format!("ended at the turn limit; {}", tokens(usage)),
            AgentOutcome::Interrupted => "interrupted".to_owned(),
            AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => format!("done; {}", tokens(usage)),
        },
        EventKind::AgentStarted { task, .. } if event.depth > 0 => {
            format!("begins: {}", halo_tool::clip_middle(&one_line(task), ARGUMENTS_CHARS * 2))
        }
        EventKind::RunStarted { .. }
        | EventKind::RunResumed { .. }
        | EventKind::AgentStarted { .. }
        | EventKind::ModelRequest { .. }
        | EventKind::TextDelta { .. }
        | EventKind::ToolResult { .. }
        | EventKind::RunFinished { .. } => return None,
    };
    Some(format!("[{}] {text}", event.agent_name))
}

pub(super) fn tokens(usage: &Usage) -> String {
    format!("{} tokens in, {} out", count(usage.input_tokens), count(usage.output_tokens))
}

#[expect(clippy::cast_precision_loss, reason = "a duration for people")]
fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1e3)
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
