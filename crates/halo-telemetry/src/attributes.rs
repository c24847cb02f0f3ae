//! Attributes by OpenInference's semantic conventions, under the names that `halo ingest` maps to columns.

use std::borrow::Cow;

use halo_protocol::{RequestPurpose, ToolCall, Usage};
use serde::de::IgnoredAny;

use crate::span::{Attribute, AttributeValue};

/// Attributes under way.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    list: Vec<Attribute>,
}

/// A message that an agent's next request is the first to hold.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    /// The call that it answers; `None` for what the user says.
    pub(crate) tool_call_id: Option<String>,
    pub(crate) content: String,
}

impl Attributes {
    /// What all spans of an agent have in common.
    pub(crate) fn of_span(kind: &str, run: &str, agent_id: &str, agent_name: &str) -> Self {
        let mut attributes = Self::default();
        attributes.text("openinference.span.kind", kind);
        attributes.text("session.id", run);
        attributes.text("agent.name", agent_name);
        attributes.text("agent.id", agent_id);
        attributes
    }

    pub(crate) fn text(&mut self, key: impl Into<Cow<'static, str>>, text: impl Into<String>) {
        self.list.push(Attribute { key: key.into(), value: AttributeValue::Text(text.into()) });
    }

    pub(crate) fn int(&mut self, key: &'static str, number: u64) {
        self.list.push(Attribute { key: key.into(), value: AttributeValue::Int(number) });
    }

    pub(crate) fn flag(&mut self, key: &'static str, flag: bool) {
        self.list.push(Attribute { key: key.into(), value: AttributeValue::Bool(flag) });
    }

    pub(crate) fn input(&mut self, text: &str) {
        self.text("input.value", text);
        self.text("input.mime_type", mime_type(text));
    }

    pub(crate) fn output(&mut self, text: &str) {
        self.text("output.value", text);
        self.text("output.mime_type", mime_type(text));
    }

    pub(crate) fn input_messages(&mut self, messages: &[NewMessage]) {
        for (index, message) in messages.iter().enumerate() {
            let prefix = format!("llm.input_messages.{index}.message");
            self.text(format!("{prefix}.role"), if message.tool_call_id.is_some() { "tool" } else { "user" });
            if let Some(id) = &message.tool_call_id {
                self.text(format!("{prefix}.tool_call_id"), id);
            }
            self.text(format!("{prefix}.content"), &message.content);
        }
    }

    pub(crate) fn output_message(&mut self, content: &str, calls: &[ToolCall]) {
        let prefix = "llm.output_messages.0.message";
        self.text(format!("{prefix}.role"), "assistant");
        if !content.is_empty() {
            self.text(format!("{prefix}.content"), content);
        }
        for (index, call) in calls.iter().enumerate() {
            let prefix = format!("{prefix}.tool_calls.{index}.tool_call");
            self.text(format!("{prefix}.id"), &call.id);
            self.text(format!("{prefix}.function.name"), &call.name);
            self.text(format!("{prefix}.function.arguments"), &call.arguments);
        }
    }

    /// The counts mean the same on both sides: cached tokens are part of the prompt, reasoning of the completion.
    pub(crate) fn usage(&mut self, usage: &Usage) {
        self.int("llm.token_count.prompt", usage.input_tokens);
        self.int("llm.token_count.completion", usage.output_tokens);
        self.int("llm.token_count.total", usage.input_tokens.saturating_add(usage.output_tokens));
        self.int("llm.token_count.prompt_details.cache_read", usage.cached_input_tokens);
        self.int("llm.token_count.prompt_details.cache_write", usage.cache_write_input_tokens);
        self.int("llm.token_count.completion_details.reasoning", usage.reasoning_tokens);
    }

    pub(crate) fn into_list(self) -> Vec<Attribute> {
        self.list
    }
}

/// The word for what a model was asked for.
pub(crate) fn purpose_name(purpose: RequestPurpose) -> &'static str {
    match purpose {
        RequestPurpose::Turn => "turn",
        RequestPurpose::Compaction => "compaction",
        RequestPurpose::Synthesis => "synthesis",
        RequestPurpose::Row => "row",
        RequestPurpose::Code => "code",
    }
}

/// What a text is: a JSON object or list, or anything.
fn mime_type(text: &str) -> &'static str {
    let is_json = text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
    if is_json { "application/json" } else { "text/plain" }
}
