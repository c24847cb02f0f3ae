//! `call_subagent`: another agent, with a context of its own, does a part of the work and answers its parent.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use halo_protocol::{AgentOutcome, ToolCall};
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::AgentIdentity;
use crate::agent::AgentEnd;
use crate::run::start_agent;
use crate::runtime::Runtime;

pub(crate) const CALL_SUBAGENT: &str = "call_subagent";

/// Subagents that one call may start.
const INPUTS_MAX: usize = 50;

/// The tool of one agent.
pub(crate) struct CallSubagent {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) parent: AgentIdentity,
    pub(crate) children: Children,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallSubagentArgs {
    /// One task.
    input: Option<String>,
    /// Several tasks, a subagent each.
    inputs: Option<Vec<String>>,
}

/// Numbers of an agent's subagents by the calls that start them. Given out in the order of the calls, whatever runs first, so that a
/// resumed run knows its agents again. Clones are one numbering.
#[derive(Debug, Clone, Default)]
pub(crate) struct Children {
    numbers: Arc<Mutex<HashMap<String, u32>>>,
}

impl Children {
    /// Numbers the calls of a reply.
    pub(crate) fn number(&self, calls: &[ToolCall]) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        for call in calls.iter().filter(|call| call.name == CALL_SUBAGENT) {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX).saturating_add(1);
            numbers.entry(call.id.clone()).or_insert(next);
        }
    }

    fn of(&self, call: &str) -> u32 {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.get(call).copied().unwrap_or_default()
    }
}

impl Tool for CallSubagent {
    type Args = CallSubagentArgs;

    fn name(&self) -> &'static str {
        CALL_SUBAGENT
    }

    fn description(&self) -> &str {
        include_str!("call_subagent.md")
    }

    fn waits(&self) -> bool {
        true
    }

    async fn call(&self, args: CallSubagentArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let inputs = args.into_inputs()?;
        let number = self.children.of(&context.tool_call_id);
        let several = inputs.len() > 1;
        let agents = inputs.iter().enumerate().map(|(position, input)| {
            let label = if several { format!("{number}.{}", position + 1) } else { number.to_string() };
            let identity = self.parent.child(&label, &context.tool_call_id);
            let runtime = Arc::clone(&self.runtime);
            async move {
                let name = identity.name.clone();
                let agent = start_agent(&runtime, identity, input);
                let end = Box::pin(agent.run(input)).await;
                let findings = runtime.board.reported_by(&name);
                (name, end, findings)
            }
        });
        let mut text = String::new();
        let mut traces_shown = Vec::new();
        for (name, end, findings) in join_all(agents).await {
            if several {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "## {name}\n");
            }
            tell(&mut text, &name, &end, &findings);
            traces_shown.extend(end.traces_read);
        }
        Ok(ToolOutput::showing(text.trim_end(), traces_shown))
    }
}

impl CallSubagentArgs {
    fn into_inputs(self) -> Result<Vec<String>, ToolError> {
        let inputs: Vec<String> = self
            .input
            .into_iter()
            .chain(self.inputs.unwrap_or_default())
            .filter(|text| !text.trim().is_empty())
            .collect();
        match inputs.len() {
            0 => Err(ToolError::for_model("give the task as `input`, or several as `inputs`")),
            count if count > INPUTS_MAX => Err(ToolError::for_model(format!(
                "{count} subagents at once are too many; give at most {INPUTS_MAX} inputs, or use map_rows for one question about many rows"
            ))),
            _ => Ok(inputs),
        }
    }
}

/// What the parent reads of a subagent's end, whichever it was: what failed has found something, too.
fn tell(text: &mut String, name: &str, end: &AgentEnd, findings: &[String]) {
    let turns = if end.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", end.turns) };
    let cost = format!("{turns}, {} tokens", end.usage.total_tokens());
    let how = match &end.outcome {
        AgentOutcome::Answered | AgentOutcome::StoppedWithoutAnswer => None,
        AgentOutcome::TurnLimit => Some("used up its turns".to_owned()),
        AgentOutcome::BudgetSpent { limit } => Some(format!("was stopped: the run's budget of {limit} is spent")),
        AgentOutcome::Failed { error } => Some(format!("failed: {error}")),
        AgentOutcome::Interrupted => Some("was interrupted".to_owned()),
    };
    // Writing to a String cannot fail.
    let _ = match how {
        None => writeln!(text, "{name} answered after {cost}:\n"),
        Some(how) => writeln!(text, "{name} {how} (after {cost}). What it had by then:\n"),
    };
    match &end.answer {
        Some(answer) => text.push_str(answer.trim()),
        None if !end.last_words.trim().is_empty() => text.push_str(end.last_words.trim()),
        None => text.push_str("(no answer)"),
    }
    if !findings.is_empty() {
        let _ = write!(text, "\n\nFindings it reported, which are in the report:\n- {}", findings.join("\n- "));
    }
    text.push_str("\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_numbered_in_the_order_they_were_made() {
        let call = |id: &str, name: &str| ToolCall { id: id.into(), name: name.into(), arguments: String::new() };
        let children = Children::default();
        children.number(&[call("a", CALL_SUBAGENT), call("b", "sql"), call("c", CALL_SUBAGENT)]);
        children.number(&[call("d", CALL_SUBAGENT), call("c", CALL_SUBAGENT)]);
        assert_eq!(["a", "c", "d"].map(|id| children.of(id)), [1, 2, 3]);
    }

    #[test]
    fn one_task_or_several() {
        let inputs = |input: Option<&str>, inputs: Option<Vec<&str>>| {
            let inputs = inputs.map(|list| list.into_iter().map(str::to_owned).collect());
            CallSubagentArgs { input: input.map(str::to_owned), inputs }
                .into_inputs()
                .map_err(|error| error.to_string())
        };
        assert_eq!(inputs(Some("a"), Some(vec!["b", " "])), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(inputs(None, None), Err("give the task as `input`, or several as `inputs`".to_owned()));
        assert!(inputs(None, Some(vec!["x"; 51])).unwrap_err().starts_with("51 subagents at once are too many"));
    }
}
