//! The tool calls of one reply: made side by side, answered in the order they were asked for.

use std::time::Instant;

use futures::StreamExt;
use halo_protocol::{EventKind, ToolCall};
use halo_tool::{ToolContext, ToolError, ToolOutput, ToolRegistry, clip_middle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::tools::{FINAL_ANSWER, REPORT_FINDING};
use crate::{AgentIdentity, EventSink};

/// What calls are made with.
pub(crate) struct Dispatch<'a> {
    pub(crate) tools: &'a ToolRegistry,
    pub(crate) agent: &'a AgentIdentity,
    pub(crate) sink: &'a EventSink,
    pub(crate) cancel: &'a CancellationToken,
    /// Calls that run at the same time.
    pub(crate) parallel_max: usize,
    /// Characters of one result.
    pub(crate) result_chars_max: usize,
    /// Whether there is a turn left to mend a refused finding in.
    pub(crate) can_mend: bool,
}

/// What came of one call.
#[derive(Debug)]
pub(crate) struct CallOutcome {
    pub(crate) content: String,
    pub(crate) is_error: bool,
    pub(crate) ends_agent: bool,
    pub(crate) traces_shown: Vec<String>,
    /// Why the run can't go on; `None` when it can.
    pub(crate) fatal: Option<String>,
}

impl CallOutcome {
    fn error(content: String) -> Self {
        Self { content, is_error: true, ends_agent: false, traces_shown: Vec::new(), fatal: None }
    }
}

impl Dispatch<'_> {
    /// Makes the calls of one reply. Outcomes come in the order of the calls, and each call's event when it ends.
    ///
    /// `final_answer` goes last: when a finding of the same reply was refused, ending would lose it.
    pub(crate) async fn call_all(&self, calls: &[ToolCall]) -> Vec<CallOutcome> {
        let (answers, others): (Vec<_>, Vec<_>) =
            calls.iter().enumerate().partition(|(_, call)| call.name == FINAL_ANSWER);
        let others = others.into_iter().map(async |(position, call)| (position, self.call_one(call).await));
        let mut outcomes: Vec<(usize, CallOutcome)> =
            futures::stream::iter(others).buffer_unordered(self.parallel_max.max(1)).collect().await;
        let lost = outcomes.iter().any(|(position, outcome)| {
            outcome.is_error && calls.get(*position).is_some_and(|call| call.name == REPORT_FINDING)
        });
        for (position, call) in answers {
            let outcome = if lost && self.can_mend {
                let content = "not taken yet: a finding reported in this same reply was refused; mend it or drop it, \
                               then call final_answer again";
                self.finish(call, CallOutcome::error(content.to_owned()), Instant::now())
            } else {
                self.call_one(call).await
            };
            outcomes.push((position, outcome));
        }
        outcomes.sort_by_key(|(position, _)| *position);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn call_one(&self, call: &ToolCall) -> CallOutcome {
        let began = Instant::now();
        let cancel = self.cancel.child_token();
        let context =
            ToolContext { cancel: cancel.clone(), agent_id: self.agent.id.clone(), tool_call_id: call.id.clone() };
        let (tools, name, arguments) = (self.tools.clone(), call.name.clone(), call.arguments.clone());
        let running = async move {
            // A task of its own, so that a panic ends the call and not the run.
            let task = tokio::spawn(async move { tools.call(&name, &arguments, &context).await });
            AbortOnDropHandle::new(task).await
        };
        let outcome = match cancel.run_until_cancelled(running).await {
            Some(Ok(Ok(output))) => done(output),
            Some(Ok(Err(ToolError::ForModel { message }))) => CallOutcome::error(format!("error: {message}")),
            Some(Ok(Err(ToolError::Fatal { message }))) => CallOutcome {
                fatal: Some(format!("the tool `{}` failed: {message}", call.name)),
                ..CallOutcome::error(format!("error: {message}"))
            },
            Some(Err(_)) => CallOutcome::error(format!(
                "error: `{}` broke down on this call, which is a bug in halo; try other arguments or another tool",
                call.name
            )),
            None => CallOutcome::error(format!("interrupted after {:.1} s", began.elapsed().as_secs_f64())),
        };
        self.finish(call, outcome, began)
    }

    /// Bounds a result and tells that its call ended: the only place that does, once for each call.
    fn finish(&self, call: &ToolCall, mut outcome: CallOutcome, began: Instant) -> CallOutcome {
        // The answer is the run's product and not food for the next turn; it stays whole.
        if !outcome.ends_agent {
            outcome.content = clip_middle(&outcome.content, self.result_chars_max);
        }
        self.sink.emit(
            self.agent,
            EventKind::ToolResult {
                tool_call_id: call.id.clone(),
                name: call.name.clone(),
                is_error: outcome.is_error,
                content: outcome.content.clone(),
                elapsed_ms: elapsed_ms(began),
            },
        );
        outcome
    }
}

fn done(output: ToolOutput) -> CallOutcome {
    CallOutcome {
        content: output.text,
        is_error: false,
        ends_agent: output.ends_agent,
        traces_shown: output.traces_shown,
        fatal: None,
    }
}

/// Whole milliseconds since a moment.
pub(crate) fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
