//! The steps of a trace as text, cut into pages.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use halo_tool::clip_middle;
use serde_json::{Map, Value};

use super::query_traces::seconds;
use super::system_prompt::SystemPrompt;
use super::text::{Told, canonical, counted, one_line, push_data};
use super::trace_tree::{Node, Tree};
use super::{filled, sql_text};
use crate::overview::number;

/// Characters of a page, about 6,000 tokens. A single step may be longer than a page; it then has one to itself.
const PAGE_CHARS: usize = 24_000;

/// Characters of one text of a step. The longest step is a few of these.
const TEXT_CHARS_MAX: usize = 2_500;

/// Characters of a system prompt. It is told once, and faults of the harness stand in it.
const PROMPT_CHARS_MAX: usize = 8_000;

/// Depth up to which steps are indented.
const INDENT_DEPTH_MAX: usize = 8;

/// Values that all steps of the trace share, and which are not told again at each.
pub(crate) struct Shared {
    service: bool,
    agent: bool,
    model: bool,
}

impl Shared {
    /// From the row of the trace.
    pub(crate) fn of(trace: &Map<String, Value>) -> Self {
        let one = |column: &str| trace.get(column).and_then(Value::as_array).is_none_or(|values| values.len() < 2);
        Self { service: one("service_names"), agent: one("agent_names"), model: one("models") }
    }
}

/// A text that is not shown whole.
struct Clipped {
    step: u64,
    /// What it is in SQL.
    expression: String,
    /// Characters that are shown of it before the cut.
    shown: usize,
    chars: usize,
}

/// Collects the steps of one page while all steps pass by.
pub(crate) struct Page<'a> {
    wanted: usize,
    current: usize,
    current_chars: usize,
    text: String,
    first_step: u64,
    last_step: u64,
    steps: u64,
    start_ns: Option<i64>,
    shared: &'a Shared,
    tree: &'a Tree,
    prompts: HashMap<u64, SystemPrompt>,
    told: Told,
    /// The texts of this page that are clipped.
    clipped: Vec<Clipped>,
    /// The step before, and the steps that are open above it, to tell when indentation alone does not show the parent.
    open: Vec<usize>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(wanted: usize, shared: &'a Shared, tree: &'a Tree, prompts: HashMap<u64, SystemPrompt>) -> Self {
        Self {
            wanted,
            current: 1,
            current_chars: 0,
            text: String::new(),
            first_step: 0,
            last_step: 0,
            steps: 0,
            start_ns: None,
            shared,
            tree,
            prompts,
            told: Told::default(),
            clipped: Vec::new(),
            open: Vec::new(),
        }
    }

    /// How many pages there are, known when all steps have passed.
    pub(crate) fn count(&self) -> usize {
        self.current
    }

    /// Takes the next step.
    pub(crate) fn push(&mut self, span: &Map<String, Value>) {
        let clipped_before = self.clipped.len();
        let block = self.block(span);
        let step = number(span, "step");
        let chars = block.chars().count();
        if self.current_chars > 0 && self.current_chars + chars > PAGE_CHARS {
            self.current += 1;
            self.current_chars = 0;
        }
        self.current_chars += chars;
        self.steps += 1;
        if self.current == self.wanted {
            if self.first_step == 0 {
                self.first_step = step;
            }
            self.last_step = step;
            self.text.push_str(&block);
        } else {
            self.clipped.truncate(clipped_before);
        }
    }

    /// The page, and how to see what is not on it.
    pub(crate) fn finish(mut self, trace_id: &str, cut: bool) -> String {
        if let Some(first) = self.clipped.first() {
            let query = format!(
                "SELECT substr({}, {}, 20000) AS rest FROM spans WHERE trace_id = {} AND step = {}",
                first.expression,
                first.shown + 1,
                sql_text(trace_id),
                first.step
            );
            let _ = writeln!(
                self.text,
                "\n[{} clipped. The rest of step {} ({} characters in all): sql {}; others alike]",
                counted(self.clipped.len() as u64, "text"),
                first.step,
                first.chars,
                serde_json::json!({"query": query})
            );
        }
        let pages = self.current;
        if pages > 1 {
            let _ = write!(
                self.text,
                "\n[page {} of {pages}: steps {}-{} of {}",
                self.wanted, self.first_step, self.last_step, self.steps
            );
            if self.wanted < pages {
                let next = serde_json::json!({"trace_id": trace_id, "page": self.wanted + 1});
                let _ = write!(self.text, "; the next: view_trace {next}");
            }
            self.text.push_str("]\n");
        }
        if cut {
            self.text
                .push_str("[the trace is too large to read whole: later steps are missing here; use sql on spans]\n");
        }
        self.text
    }

    /// One step: its line and its texts.
    fn block(&mut self, span: &Map<String, Value>) -> String {
        let step = number(span, "step");
        let index = usize::try_from(self.steps).unwrap_or(usize::MAX);
        let node = self.tree.node(index);
        let depth = node.map_or(0, |node| node.depth).min(INDENT_DEPTH_MAX);
        let indent = depth * 2;
        let mut block = format!("{}{step} {}", " ".repeat(indent), self.line(span));
        if let Some(node) = node {
            block.push_str(&self.parent_note(index, node));
        }
        block.push('\n');

        let indent = indent + 2;
        for text in self.texts(span, step) {
            self.push_text(&mut block, indent, &text);
        }
        block
    }

    /// The texts of a step, in the order they are told.
    fn texts<'s>(&mut self, span: &'s Map<String, Value>, step: u64) -> Vec<StepText<'s>> {
        let is_tool = filled(span, "span_type") == Some("TOOL");
        let mut texts = Vec::new();
        if let Some(prompt) = self.prompts.remove(&step) {
            texts.push(StepText {
                chars_max: PROMPT_CHARS_MAX,
                expression: format!("attributes->>{}", sql_text(&prompt.key)),
                ..StepText::new(step, "system", prompt.text, "")
            });
        }
        if let Some(input) = filled(span, "input") {
            let label = if is_tool { "args" } else { "in" };
            texts.push(StepText::new(step, label, input, "input"));
        }
        let calls = filled(span, "requested_tool_calls");
        let calls_as_text = calls.and_then(canonical);
        if let Some(calls) = calls {
            texts.extend(call_texts(step, calls));
        }
        // Of a reply without text, the output is its calls.
        if let Some(output) = filled(span, "output")
            .filter(|output| calls_as_text.is_none() || canonical(output) != calls_as_text && !is_call_list(output))
        {
            let label = if is_tool { "result" } else { "out" };
            texts.push(StepText::new(step, label, output, "output"));
        }
        if let Some(message) = filled(span, "status_message") {
            texts.push(StepText::new(step, "error", message, "status_message"));
        }
        texts
    }

    /// Type, name, id, times, and whatever is not zero and not the same in all steps.
    fn line(&mut self, span: &Map<String, Value>) -> String {
        let span_type = filled(span, "span_type").unwrap_or("SPAN");
        let name = filled(span, "name").unwrap_or_default();
        let mut line = span_type.to_owned();
        if !name.is_empty() && !name.eq_ignore_ascii_case(span_type) {
            let _ = write!(line, " {}", one_line(name, 80));
        }
        if let Some(tool) = filled(span, "tool_name").filter(|tool| *tool != name) {
            let _ = write!(line, " tool {}", one_line(tool, 80));
        }
        let _ = write!(line, " [{}]", one_line(filled(span, "span_id").unwrap_or("?"), 40));
        if let Some(start) = span.get("start_ns").and_then(Value::as_i64) {
            let first = *self.start_ns.get_or_insert(start);
            #[expect(clippy::cast_precision_loss, reason = "shown to a tenth of a second")]
            let after_ms = start.saturating_sub(first) as f64 / 1e6;
            if after_ms > 0.0 {
                let _ = write!(line, " +{}", seconds(after_ms));
            }
        }
        match span.get("duration_ms").and_then(Value::as_f64) {
            Some(duration_ms) => {
                let _ = write!(line, " took {}", seconds(duration_ms));
            }
            None => line.push_str(" never ended"),
        }
        for (column, shared) in
            [("service_name", self.shared.service), ("agent_name", self.shared.agent), ("model", self.shared.model)]
        {
            if let Some(value) = filled(span, column).filter(|value| !shared && *value != name) {
                let _ = write!(line, " {}", one_line(value, 80));
            }
        }
        let tokens = (number(span, "input_tokens"), number(span, "output_tokens"));
        if tokens != (0, 0) {
            let _ = write!(line, " {}>{} tok", tokens.0, tokens.1);
        }
        // The usual reasons say nothing that the step does not show.
        let usual = ["stop", "tool_calls", "end_turn", "tool_use", "STOP"];
        if let Some(reason) = filled(span, "finish_reason").filter(|reason| !usual.contains(reason)) {
            let _ = write!(line, " finish={}", one_line(reason, 40));
        }
        match filled(span, "status") {
            Some("ERROR") => {
                line.push_str(" ERROR");
                if let Some(error_type) = filled(span, "error_type") {
                    let _ = write!(line, " {}", one_line(error_type, 80));
                }
            }
            _ => {
                if let Some(failure) = filled(span, "failure") {
                    let _ = write!(line, " FAILED({})", one_line(failure, 40));
                }
            }
        }
        line
    }

    /// Names the parent where indentation does not show it: it is not the step that is open above.
    fn parent_note(&mut self, index: usize, node: Node) -> String {
        self.open.truncate(node.depth);
        let above = self.open.last().copied();
        self.open.push(index);
        match node.parent {
            _ if node.parent_missing => " (its parent is not in the trace)".to_owned(),
            Some(parent) if above != Some(parent) => format!(" (under step {})", parent + 1),
            _ => String::new(),
        }
    }

    /// A text under its label, or where it was told before.
    fn push_text(&mut self, block: &mut String, indent: usize, told: &StepText<'_>) {
        let StepText { step, label, place, text, expression, chars_max } = told;
        if let Some(known) = self.told.before(text, place) {
            let _ = writeln!(block, "{}{label} = {known}", " ".repeat(indent));
            return;
        }
        let without_repeats = self.told.without_repeats(text, place, *chars_max);
        let shown = without_repeats.as_deref().unwrap_or(text);
        if shown.chars().count() > *chars_max {
            self.clipped.push(Clipped {
                step: *step,
                expression: expression.clone(),
                // As many as `clip_middle` keeps at the front; none where it is not the text itself that is clipped.
                shown: if without_repeats.is_some() { 0 } else { chars_max * 2 / 3 },
                chars: text.chars().count(),
            });
        }
        push_data(block, indent, label, &clip_middle(shown, *chars_max));
    }
}

/// A text of a step.
struct StepText<'s> {
    step: u64,
    label: String,
    /// What later steps call it.
    place: String,
    text: Cow<'s, str>,
    /// What it is in SQL.
    expression: String,
    chars_max: usize,
}

impl<'s> StepText<'s> {
    fn new(step: u64, label: &str, text: impl Into<Cow<'s, str>>, column: &str) -> Self {
        Self {
            step,
            label: label.to_owned(),
            place: format!("step {step} {label}"),
            text: text.into(),
            expression: column.to_owned(),
            chars_max: TEXT_CHARS_MAX,
        }
    }
}

/// The tool calls an LLM step asks for, each a text of its own: the tool step that executes one then points here.
fn call_texts(step: u64, calls: &str) -> Vec<StepText<'_>> {
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(calls) else {
        return vec![StepText::new(step, "calls", calls, "requested_tool_calls")];
    };
    let texts = items.iter().enumerate().map(|(index, call)| {
        let name = call.get("name").and_then(Value::as_str).unwrap_or("?");
        let arguments = match call.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        StepText {
            label: format!("call {}", one_line(name, 80)),
            expression: format!("requested_tool_calls->{index}->>'arguments'"),
            ..StepText::new(step, "call", arguments, "")
        }
    });
    texts.collect()
}

/// Whether an output is a JSON list of tool calls, in whatever shape the exporter gave them.
fn is_call_list(output: &str) -> bool {
    match serde_json::from_str::<Value>(output) {
        Ok(Value::Array(items)) => {
            !items.is_empty()
                && items.iter().all(|item| item.get("function").is_some() || item.get("arguments").is_some())
        }
        _ => false,
    }
}
