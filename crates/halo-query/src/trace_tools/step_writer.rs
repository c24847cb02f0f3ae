//! One step of a trace as text: a line about it, and what went in and came out. What was told at a step before is not told again.

use std::borrow::Cow;

use halo_tool::clip_middle;
use regex::Regex;
use serde_json::Value;

use super::conversation::Conversations;
use super::query_traces::seconds;
use super::step_events::push_events;
use super::text::{Told, canonical, one_line, push_data, push_same};
use super::trace_facts::TraceFacts;
use crate::trace_steps::{Step, StepTexts};
use crate::{Mark, MarkedText};

/// Depth up to which steps are indented.
const INDENT_DEPTH_MAX: usize = 8;

/// How long the texts of a step may be; longer ones are cut in their middle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// Characters of a text.
    pub(crate) text_chars: usize,
    /// Characters of a system prompt. It is told once, and faults of the harness stand in it.
    pub(crate) prompt_chars: usize,
}

/// Of a trace that is read page by page.
pub(crate) const WHOLE: Detail = Detail { text_chars: 1_200, prompt_chars: 2_400 };

/// A step as text.
#[derive(Default)]
pub(crate) struct StepBlocks {
    /// The line about the step, with the first of its texts.
    pub(crate) first: Block,
    /// The other texts.
    pub(crate) more: Vec<Block>,
    /// The line that stands before these where they begin a page.
    pub(crate) heading: MarkedText,
}

/// A part of a step that stays together.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) text: MarkedText,
    /// Whether something in it is cut.
    pub(crate) is_cut: bool,
}

/// Writes the steps of a trace in their order.
pub(crate) struct StepWriter<'a> {
    facts: &'a TraceFacts,
    steps: &'a [Step],
    detail: Detail,
    told: Told,
    conversations: Conversations,
    /// The steps that are open above, to tell when indentation alone does not show the parent.
    open: Vec<usize>,
}

impl<'a> StepWriter<'a> {
    pub(crate) fn new(facts: &'a TraceFacts, steps: &'a [Step], detail: Detail) -> Self {
        let (told, conversations, open) = (Told::default(), Conversations::default(), Vec::new());
        Self { facts, steps, detail, told, conversations, open }
    }

    /// The step at this place.
    pub(crate) fn write(&mut self, index: usize, texts: &StepTexts) -> StepBlocks {
        let step = &self.steps[index];
        let node = self.facts.tree.node(index);
        let indent = node.map_or(0, |node| node.depth).min(INDENT_DEPTH_MAX) * 2;
        let mut blocks = StepBlocks::default();
        let head = &mut blocks.first.text;
        head.push(&format!("{}{} ", " ".repeat(indent), step.step));
        self.line(head, index, step);
        let told = if step.is("LLM") { self.llm_texts(step, texts, head) } else { plain_texts(step, texts) };
        push_failure(head, step);
        head.push(&self.parent_note(index));
        head.push("\n");
        blocks.heading.push(&format!("{}{} ", " ".repeat(indent), step.step));
        title(&mut blocks.heading, step);
        blocks.heading.push(" (continued)\n");
        self.push_texts(&mut blocks, indent + 2, step, &told);
        if let Some(notes) = texts.notes(step) {
            let mut block = Block::default();
            block.is_cut = push_events(&mut block.text, indent + 2, step, notes);
            if !block.text.is_empty() {
                add(&mut blocks, block);
            }
        }
        blocks
    }

    /// What an LLM step adds to its conversation; how many messages there are is told on its line.
    fn llm_texts<'s>(&mut self, step: &Step, texts: &'s StepTexts, head: &mut MarkedText) -> Vec<StepText<'s>> {
        let turn = self.conversations.take(step, texts);
        match step.input_messages.len() {
            0 => {}
            count => head.push(&format!(", {count} message{} in", if count == 1 { "" } else { "s" })),
        }
        if let Some((count, before)) = turn.left_out {
            head.push(", ");
            head.mark(Mark::Note, &format!("{count} of step {before}'s left out"));
        }
        let mut told = Vec::new();
        let mut contents = Vec::new();
        for (place, row) in step.input_messages.iter().enumerate() {
            contents.push(texts.content_id(*row));
            if turn.new.contains(&place) {
                let message = texts.message(*row, false);
                told.extend(texts.text(message.content_id).map(|text| StepText::new(&message.role, text)));
                told.extend(message.calls.iter().flat_map(|calls| call_texts(calls)));
            }
        }
        // Of messages, the input is the last one; where none are known, it is all there is.
        if !contents.contains(&step.input_id) {
            told.extend(texts.input(step).map(|text| StepText::new("in", text)));
        }
        contents.clear();
        let mut asks = false;
        for row in &step.output_messages {
            let message = texts.message(*row, true);
            contents.push(message.content_id);
            told.extend(texts.text(message.content_id).map(|text| StepText::new("reply", text)));
            asks |= message.calls.is_some();
            told.extend(message.calls.iter().flat_map(|calls| call_texts(calls)));
        }
        // Of a reply without text, the output is its calls.
        if let Some(output) = texts.output(step).filter(|output| !(asks && is_call_list(output)))
            && !contents.contains(&step.output_id)
        {
            told.push(StepText::new("reply", output));
        }
        told
    }

    /// Texts under their labels, or where they were told before.
    fn push_texts(&mut self, blocks: &mut StepBlocks, indent: usize, step: &Step, texts: &[StepText<'_>]) {
        let mut same: Option<(&str, Vec<String>)> = None;
        for StepText { label, text, .. } in texts {
            let place = format!("step {} {}", step.step, label.split(' ').next().unwrap_or_default());
            if let Some(known) = self.told.before(text, &place) {
                match &mut same {
                    Some((before, places)) if before == label => places.push(known),
                    _ => {
                        flush_same(blocks, indent, &mut same);
                        same = Some((label, vec![known]));
                    }
                }
                continue;
            }
            flush_same(blocks, indent, &mut same);
            let chars_max = if label == "system" { self.detail.prompt_chars } else { self.detail.text_chars };
            let shown =
                self.told.without_repeats(text, &place, chars_max).map_or(Cow::Borrowed(text.as_ref()), Cow::Owned);
            let mut block = Block { is_cut: shown.chars().count() > chars_max, ..Block::default() };
            push_data(&mut block.text, indent, label, &clip_middle(&shown, chars_max));
            add(blocks, block);
        }
        flush_same(blocks, indent, &mut same);
    }

    /// Type, name, id, times, and whatever is not zero and not the same in all steps.
    fn line(&self, line: &mut MarkedText, index: usize, step: &Step) {
        title(line, step);
        line.push(" [");
        line.mark(Mark::Id, &one_line(&step.span_id, 40));
        line.push("]");
        if let Some(after_ms) = self.facts.after_ms(step).filter(|after_ms| *after_ms > 0.0) {
            line.push(&format!(" +{}", seconds(after_ms)));
        }
        match step.duration_ms {
            Some(duration_ms) => {
                line.push(" took ");
                let mark = if self.facts.is_slow(index) { Some(Mark::Slow) } else { None };
                match mark {
                    Some(mark) => line.mark(mark, &seconds(duration_ms)),
                    None => line.push(&seconds(duration_ms)),
                }
            }
            None => line.mark(Mark::Slow, " never ended"),
        }
        let name = step.name.as_deref();
        for (value, is_shared) in [
            (&step.service_name, self.facts.one_service),
            (&step.agent_name, self.facts.one_agent),
            (&step.model, self.facts.one_model),
        ] {
            if let Some(value) = value.as_deref().filter(|value| !is_shared && Some(*value) != name) {
                line.push(&format!(" {}", one_line(value, 80)));
            }
        }
        if (step.input_tokens, step.output_tokens) != (0, 0) {
            line.push(&format!(", tokens {} in {} out", step.input_tokens, step.output_tokens));
        }
        // The usual reasons say nothing that the step does not show.
        let usual = ["stop", "tool_calls", "end_turn", "tool_use", "STOP", "completed"];
        if let Some(reason) = step.finish_reason.as_deref().filter(|reason| !usual.contains(reason)) {
            line.push(", finish ");
            line.mark(Mark::Slow, &one_line(reason, 40));
        }
        if let Some(attempt) = self.facts.attempt(index).filter(|attempt| *attempt > 1) {
            line.push(" ");
            line.mark(Mark::Slow, &format!("attempt {attempt} of the same call"));
        }
    }

    /// Names the parent where indentation does not show it: it is not the step that is open above.
    fn parent_note(&mut self, index: usize) -> String {
        let Some(node) = self.facts.tree.node(index) else {
            return String::new();
        };
        self.open.truncate(node.depth);
        let above = self.open.last().copied();
        self.open.push(index);
        match node.parent {
            _ if node.parent_missing => " (its parent is not in the trace)".to_owned(),
            Some(parent) if above != Some(parent) => format!(" (under step {})", self.steps[parent].step),
            _ => String::new(),
        }
    }
}

/// Adds a text to a step: the first stands with its line.
fn add(blocks: &mut StepBlocks, block: Block) {
    let is_first = blocks.first.text.text().lines().count() == 1;
    if is_first {
        blocks.first.text.append(&block.text);
        blocks.first.is_cut |= block.is_cut;
    } else {
        blocks.more.push(block);
    }
}

fn flush_same(blocks: &mut StepBlocks, indent: usize, same: &mut Option<(&str, Vec<String>)>) {
    if let Some((label, mut places)) = same.take() {
        places.dedup();
        let mut block = Block::default();
        push_same(&mut block.text, indent, label, &places);
        add(blocks, block);
    }
}

/// That a step failed, by its status or by its result.
fn push_failure(line: &mut MarkedText, step: &Step) {
    if step.is_error() {
        line.push(" ");
        line.mark(Mark::Failure, "ERROR");
        if let Some(error_type) = step.error_type.as_deref() {
            line.push(&format!(" {}", one_line(error_type, 80)));
        }
    } else if let Some(failure) = step.failure() {
        line.push(" ");
        line.mark(Mark::Failure, &format!("FAILED({})", one_line(failure, 40)));
    }
}

/// Type and name of a step.
pub(crate) fn title(line: &mut MarkedText, step: &Step) {
    let span_type = step.span_type.as_deref().unwrap_or("SPAN");
    line.mark(Mark::Kind, &one_line(span_type, 40));
    let name = step.name.as_deref().unwrap_or_default();
    if !name.is_empty() && !name.eq_ignore_ascii_case(span_type) {
        line.push(&format!(" {}", one_line(name, 80)));
    }
    if let Some(tool) = step.tool_name.as_deref().filter(|tool| *tool != name) {
        line.push(&format!(" tool {}", one_line(tool, 80)));
    }
}

/// A text of a step.
struct StepText<'s> {
    label: String,
    text: Cow<'s, str>,
}

impl<'s> StepText<'s> {
    fn new(label: &str, text: impl Into<Cow<'s, str>>) -> Self {
        Self { label: one_line(label, 80), text: text.into() }
    }
}

/// The texts of a step that is no conversation.
fn plain_texts<'s>(step: &Step, texts: &'s StepTexts) -> Vec<StepText<'s>> {
    let (label_in, label_out) = if step.is("TOOL") { ("args", "result") } else { ("in", "out") };
    let input = texts.input(step).map(|text| StepText::new(label_in, text));
    input.into_iter().chain(texts.output(step).map(|text| StepText::new(label_out, text))).collect()
}

/// The tool calls that a message asks for, each a text of its own: the tool step that executes one then points here.
fn call_texts<'s>(calls: &str) -> Vec<StepText<'s>> {
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(calls) else {
        return vec![StepText::new("calls", calls.to_owned())];
    };
    let texts = items.iter().map(|call| {
        let name = call.get("name").and_then(Value::as_str).unwrap_or("?");
        let arguments = match call.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        StepText::new(&format!("call {name}"), arguments)
    });
    texts.collect()
}

/// Whether an output is a JSON list of tool calls, in whatever shape the exporter gave them.
fn is_call_list(output: &str) -> bool {
    let Some(Value::Array(items)) = canonical(output).and_then(|json| serde_json::from_str(&json).ok()) else {
        return false;
    };
    !items.is_empty() && items.iter().all(|item| item.get("function").is_some() || item.get("arguments").is_some())
}

/// The texts of a step where a pattern matches, cut around its first match; `None` when it matches nowhere.
pub(crate) fn excerpts(step: &Step, texts: &StepTexts, pattern: &Regex, chars_max: usize) -> Option<MarkedText> {
    let mut found = plain_texts(step, texts);
    for row in &step.output_messages {
        found.extend(texts.message(*row, true).calls.iter().flat_map(|calls| call_texts(calls)));
    }
    if let Some(notes) = texts.notes(step) {
        let notes = [("error", &notes.status_message), ("events", &notes.events)];
        found.extend(notes.into_iter().filter_map(|(label, text)| Some(StepText::new(label, text.clone()?))));
    }
    let mut out = MarkedText::default();
    out.push(&format!("{} ", step.step));
    title(&mut out, step);
    out.push(" [");
    out.mark(Mark::Id, &one_line(&step.span_id, 40));
    out.push("]\n");
    let is_name = step.name.as_deref().is_some_and(|name| pattern.is_match(name));
    let mut any = is_name;
    for text in found {
        if let Some(hit) = pattern.find(&text.text) {
            any = true;
            push_data(&mut out, 2, &text.label, &around(&text.text, hit.start(), chars_max));
        }
    }
    any.then_some(out)
}

/// A part of a text around a place in it, with signs where it is cut.
fn around(text: &str, at: usize, chars_max: usize) -> String {
    let start = text[..at].char_indices().rev().nth(chars_max / 3).map_or(0, |(start, _)| start);
    let end = text[start..].char_indices().nth(chars_max).map_or(text.len(), |(end, _)| start + end);
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
    format!("{before}{}{after}", &text[start..end])
}
