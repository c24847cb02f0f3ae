//! The tool calls of one reply: made side by side, answered in the order they were asked for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use halo_protocol::{EventKind, ToolCall};
use halo_tool::{ToolContext, ToolError, ToolOutput, ToolRegistry, clip_middle_noting};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::AgentIdentity;
use crate::history::StoredResult;
use crate::items::ITEM_CHARS_MIN;
use crate::runtime::Runtime;
use crate::tools::{FINAL_ANSWER, GET_CONTEXT_ITEM, REPORT_FINDING};

/// How long a call that waits for others may go on when the run is stopped.
const WIND_DOWN: Duration = Duration::from_secs(1);

/// What calls are made with.
pub(crate) struct Dispatch<'a> {
    pub(crate) tools: &'a ToolRegistry,
    pub(crate) agent: &'a AgentIdentity,
    pub(crate) runtime: &'a Arc<Runtime>,
    pub(crate) cancel: &'a CancellationToken,
    /// Characters of one result.
    pub(crate) result_chars_max: usize,
    /// Characters of all results of the reply together.
    pub(crate) room: Room,
    /// Whether there is a turn left to mend a refused finding in.
    pub(crate) can_mend: bool,
}

/// Characters for the results of one reply. Each has its share; what it does not need, those that end later may take.
#[derive(Debug)]
pub(crate) struct Room(Mutex<(usize, usize)>);

impl Room {
    pub(crate) fn new(chars: usize, calls: usize) -> Self {
        Self(Mutex::new((chars, calls)))
    }

    /// Takes what a result of this length may have.
    fn take(&self, wanted: usize, chars_max: usize) -> usize {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (chars, calls) = *room;
        let given = wanted.min(chars_max).min(chars / calls.max(1));
        *room = (chars - given, calls.saturating_sub(1));
        given
    }
}

/// What came of one call.
#[derive(Debug)]
pub(crate) struct CallOutcome {
    pub(crate) content: String,
    pub(crate) is_error: bool,
    pub(crate) ends_agent: bool,
    pub(crate) traces_shown: Vec<String>,
    /// Name under which the whole result is kept; `None` for short ones.
    pub(crate) item_id: Option<String>,
    /// Why the run can't go on; `None` when it can.
    pub(crate) fatal: Option<String>,
    /// Whether it was cut off from outside.
    interrupted: bool,
}

impl CallOutcome {
    fn error(content: String) -> Self {
        Self {
            content,
            is_error: true,
            ends_agent: false,
            traces_shown: Vec::new(),
            item_id: None,
            fatal: None,
            interrupted: false,
        }
    }

    fn done(output: ToolOutput) -> Self {
        Self {
            is_error: false,
            ends_agent: output.ends_agent,
            traces_shown: output.traces_shown,
            ..Self::error(output.text)
        }
    }

    fn known(call: &ToolCall, stored: StoredResult) -> Self {
        Self {
            is_error: stored.is_error,
            ends_agent: call.name == FINAL_ANSWER && !stored.is_error,
            traces_shown: stored.traces_shown,
            item_id: stored.item_id,
            ..Self::error(stored.content)
        }
    }
}

impl Dispatch<'_> {
    /// Makes the calls of one reply. Outcomes come in the order of the calls, and each call's event when it ends.
    ///
    /// `final_answer` goes last: when a finding of the same reply was refused, ending would lose it.
    pub(crate) async fn call_all(&self, calls: &[ToolCall]) -> Vec<CallOutcome> {
        let (answers, others): (Vec<_>, Vec<_>) =
            calls.iter().enumerate().partition(|(_, call)| call.name == FINAL_ANSWER);
        let mut outcomes: Vec<(usize, CallOutcome)> = others
            .into_iter()
            .map(async |(position, call)| (position, self.call_one(call).await))
            .collect::<FuturesUnordered<_>>()
            .collect()
            .await;
        let lost = outcomes.iter().any(|(position, outcome)| {
            outcome.is_error && calls.get(*position).is_some_and(|call| call.name == REPORT_FINDING)
        });
        for (position, call) in answers {
            let outcome = if lost && self.can_mend {
                let content = "not taken yet: a finding reported in this same reply was refused; mend it or drop it, \
                               then call final_answer again";
                match self.known(call) {
                    Some(known) => known,
                    None => self.finish(call, CallOutcome::error(content.to_owned()), Instant::now()),
                }
            } else {
                self.call_one(call).await
            };
            outcomes.push((position, outcome));
        }
        outcomes.sort_by_key(|(position, _)| *position);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// The result of a call that an earlier attempt at the run made.
    fn known(&self, call: &ToolCall) -> Option<CallOutcome> {
        let stored = self.runtime.history.take_result(&self.agent.id, &call.id)?;
        Some(CallOutcome::known(call, stored))
    }

    async fn call_one(&self, call: &ToolCall) -> CallOutcome {
        if let Some(known) = self.known(call) {
            return known;
        }
        let mut began = Instant::now();
        let cancel = self.cancel.child_token();
        let context =
            ToolContext { cancel: cancel.clone(), agent_id: self.agent.id.clone(), tool_call_id: call.id.clone() };
        let (tools, name, arguments) = (self.tools.clone(), call.name.clone(), call.arguments.clone());
        let running = async {
            let _permit = match self.tools.waits(&call.name) {
                true => None,
                false => self.runtime.work_permits.acquire().await.ok(),
            };
            // The time in line is not the tool's.
            began = Instant::now();
            // A task of its own, so that a panic ends the call and not the run.
            let task = tokio::spawn(async move { tools.call(&name, &arguments, &context).await });
            AbortOnDropHandle::new(task).await
        };
        let waits = self.tools.waits(&call.name);
        let outcome = match until_cancelled(running, &cancel, waits).await {
            // What others had by then is a result, and not all that was asked for.
            Some(Ok(Ok(output))) => {
                CallOutcome { interrupted: waits && cancel.is_cancelled(), ..CallOutcome::done(output) }
            }
            Some(Ok(Err(ToolError::ForModel { message }))) => {
                CallOutcome { interrupted: cancel.is_cancelled(), ..CallOutcome::error(format!("error: {message}")) }
            }
            Some(Ok(Err(ToolError::Fatal { message }))) => CallOutcome {
                fatal: Some(format!("the tool `{}` failed: {message}", call.name)),
                ..CallOutcome::error(format!("error: {message}"))
            },
            Some(Err(_)) => CallOutcome::error(format!(
                "error: `{}` broke down on this call, which is a bug in halo; try other arguments or another tool",
                call.name
            )),
            None => {
                let content = format!("interrupted after {:.1} s", began.elapsed().as_secs_f64());
                CallOutcome { interrupted: true, ..CallOutcome::error(content) }
            }
        };
        self.finish(call, outcome, began)
    }

    /// Keeps a result, bounds what the model reads of it, and tells that its call ended: the only place that does, once for each
    /// call.
    fn finish(&self, call: &ToolCall, mut outcome: CallOutcome, began: Instant) -> CallOutcome {
        // The answer is the run's product and not food for the next turn; it stays whole.
        if !outcome.ends_agent && outcome.content.len() >= ITEM_CHARS_MIN {
            let chars_max = self.room.take(outcome.content.chars().count(), self.result_chars_max);
            // An item that is read again is kept already.
            let id = (call.name != GET_CONTEXT_ITEM).then(|| self.runtime.items.put(&outcome.content));
            outcome.content = clip_middle_noting(&outcome.content, chars_max, |left_out, offset| match &id {
                Some(id) => format!(
                    "[… {left_out} characters left out; get_context_item(\"{id}\", offset={offset}) shows them …]"
                ),
                None => format!("[… {left_out} characters left out; read fewer items in one reply …]"),
            });
            outcome.item_id = id;
        }
        self.runtime.sink.emit(
            self.agent,
            EventKind::ToolResult {
                tool_call_id: call.id.clone(),
                name: call.name.clone(),
                is_error: outcome.is_error,
                interrupted: outcome.interrupted,
                content: outcome.content.clone(),
                item_id: outcome.item_id.clone(),
                traces_shown: outcome.traces_shown.clone(),
                elapsed_ms: elapsed_ms(began),
            },
        );
        outcome
    }
}

/// The outcome of work, `None` when it was cancelled before there was one. What waits for other agents or models is given a moment: they hear
/// of it as well, and what they have by then is worth telling.
async fn until_cancelled<T>(work: impl Future<Output = T>, cancel: &CancellationToken, waits: bool) -> Option<T> {
    if !waits {
        return cancel.run_until_cancelled(work).await;
    }
    tokio::select! {
        biased;
        done = work => Some(done),
        () = async {
            cancel.cancelled().await;
            tokio::time::sleep(WIND_DOWN).await;
        } => None,
    }
}

/// Whole milliseconds since a moment.
pub(crate) fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_result_does_not_need_another_takes() {
        let room = Room::new(10_000, 4);
        assert_eq!(room.take(500, 8_000), 500);
        assert_eq!(room.take(9_000, 8_000), 3_166, "a third of what is left");
        assert_eq!(room.take(100, 8_000), 100);
        assert_eq!(room.take(9_000, 8_000), 6_234, "all that is left");
        assert_eq!(room.take(9_000, 8_000), 0);
    }
}
