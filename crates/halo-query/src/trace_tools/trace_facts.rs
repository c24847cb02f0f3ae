//! What holds for a trace as a whole, known before any text of it is read.

use std::collections::HashSet;
use std::sync::Arc;

use super::trace_tree::Tree;
use crate::trace_steps::Step;

/// A step without children is slow when it takes at least this part of the trace, and this long.
const SLOW_PART: f64 = 0.25;
const SLOW_MS_MIN: f64 = 1000.0;

/// Facts of a trace that its steps are told with.
pub(crate) struct TraceFacts {
    pub(crate) tree: Tree,
    /// Whether all steps share these, so that they are not told at each.
    pub(crate) one_service: bool,
    pub(crate) one_agent: bool,
    pub(crate) one_model: bool,
    start_ns: Option<i64>,
    /// The slow steps, the slowest first.
    slow: Vec<usize>,
    /// Of each step, the how-manieth call in a row with this tool and these arguments it is; 0 for what is no call.
    attempts: Vec<u32>,
}

impl TraceFacts {
    /// From all steps in their order.
    pub(crate) fn of(steps: &[Step], trace_ms: Option<f64>) -> Self {
        let tree = Tree::of(steps);
        let is_one = |value: fn(&Step) -> &Option<Arc<str>>| {
            steps.iter().filter_map(|step| value(step).as_deref()).collect::<HashSet<_>>().len() < 2
        };
        let slow_ms = (trace_ms.unwrap_or(f64::INFINITY) * SLOW_PART).max(SLOW_MS_MIN);
        let duration = |index: &usize| steps[*index].duration_ms.unwrap_or(0.0);
        let is_slow = |index: &usize| duration(index) >= slow_ms && tree.node(*index).is_some_and(|node| node.is_leaf);
        let mut slow: Vec<usize> = (0..steps.len()).filter(is_slow).collect();
        slow.sort_by(|a, b| duration(b).total_cmp(&duration(a)));
        Self {
            one_service: is_one(|step| &step.service_name),
            one_agent: is_one(|step| &step.agent_name),
            one_model: is_one(|step| &step.model),
            start_ns: steps.iter().filter_map(|step| step.start_ns).min(),
            slow,
            attempts: attempts(steps),
            tree,
        }
    }

    /// Milliseconds from the start of the trace to that of a step.
    pub(crate) fn after_ms(&self, step: &Step) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "shown to a tenth of a second")]
        let after_ms = step.start_ns?.saturating_sub(self.start_ns?) as f64 / 1e6;
        Some(after_ms)
    }

    pub(crate) fn is_slow(&self, index: usize) -> bool {
        self.slow.contains(&index)
    }

    /// The slow steps, the slowest first.
    pub(crate) fn slow(&self) -> &[usize] {
        &self.slow
    }

    /// The how-manieth call in a row with the same tool and arguments a step is.
    pub(crate) fn attempt(&self, index: usize) -> Option<u32> {
        self.attempts.get(index).copied()
    }
}

/// As the column `attempt` of `tool_calls` counts. Equal texts of a segment have one id, so that none is read for this.
fn attempts(steps: &[Step]) -> Vec<u32> {
    let mut last: Option<(Option<&str>, i64, u32)> = None;
    let attempt = |step: &Step, last: Option<(Option<&str>, i64, u32)>, tool: Option<&str>| match (last, step.input_id)
    {
        (Some((known, input, count)), Some(id)) if known == tool && input == id => count + 1,
        _ => 1,
    };
    let mut attempts = Vec::with_capacity(steps.len());
    for step in steps {
        if !step.is("TOOL") {
            attempts.push(0);
            continue;
        }
        let tool = step.tool_name.as_deref().or(step.name.as_deref());
        let count = attempt(step, last, tool);
        last = step.input_id.map(|id| (tool, id, count));
        attempts.push(count);
    }
    attempts
}
