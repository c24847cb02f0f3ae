//! What a span of each convention comes to, as its SDK writes it, and the traps of each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Object, json};

use super::*;
use crate::messages::{ChatMessage, calls_json};
use crate::span::{ChunkBuilder, RawSpan, Resource};

/// A span before it is mapped.
struct Span {
    name: &'static str,
    scope: Option<&'static str>,
    attributes: Object,
    events: Option<Object>,
}

fn span(attributes: Object) -> Span {
    Span { name: "a step", scope: None, attributes, events: None }
}

impl Span {
    fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn scope(self, scope: &'static str) -> Self {
        Self { scope: Some(scope), ..self }
    }

    fn events(self, events: Object) -> Self {
        Self { events: Some(events), ..self }
    }

    fn with<T>(&self, read: impl FnOnce(&Mapped<'_, '_>) -> T) -> T {
        let events = self.events.as_ref().map(Object::to_string);
        with_parsed(&self.attributes.to_string(), |attributes| {
            let attributes = Attributes::of_object(attributes);
            read(&Mapped::of(&attributes, self.scope, events.as_deref()))
        })
        .unwrap()
    }

    /// The row that is stored of it.
    fn columns(&self) -> BTreeMap<String, String> {
        let events = self.events.as_ref().map(Object::to_string);
        let line = self.attributes.to_string();
        let chunk = with_parsed(&line, |attributes| {
            let mut builder = ChunkBuilder::default();
            builder.push(&RawSpan {
                trace_id: "t",
                span_id: "s",
                parent_span_id: None,
                name: self.name,
                kind: None,
                start_time: None,
                end_time: None,
                status: "UNSET",
                status_message: None,
                trace_state: None,
                scope_name: self.scope,
                scope_version: None,
                resource: &Resource::default(),
                attributes: &Attributes::of_object(attributes),
                events: events.as_deref(),
                links: None,
                extra: None,
                form: None,
                exception: None,
                raw_bytes: 0,
                source: "t",
                source_line: 1,
            });
            builder.finish().unwrap()
        });
        crate::testing::rows(&chunk.unwrap()).remove("s").unwrap()
    }

    /// All that it comes to, a line a column; columns without a value are left out.
    fn row(&self) -> String {
        self.with(|mapped| {
            let span_type = mapped.span_type();
            let mut out = format!("{} {span_type}\n", mapped.dialect());
            let mut line = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    writeln!(out, "  {name}: {value}").unwrap();
                }
            };
            let text = |field| mapped.text(field).map(Cow::into_owned);
            line("model", text(Field::Model));
            line("provider", text(Field::Provider));
            for (name, count) in counts(mapped) {
                line(name, count.map(|count| count.to_string()));
            }
            line("cost_usd", mapped.cost().map(|cost| cost.to_string()));
            line("finish_reason", mapped.first_text(Field::FinishReason));
            line("tool_name", mapped.tool_name(span_type, self.name).map(Cow::into_owned));
            line("tool_call_id", text(Field::ToolCallId));
            line("agent_name", mapped.agent_name(span_type, self.name).map(Cow::into_owned));
            line("agent_id", text(Field::AgentId));
            line("session_id", text(Field::SessionId));
            line("user_id", text(Field::UserId));
            line("offered_tools", mapped.offered_tools(span_type));
            if span_type == "TOOL" {
                line("tool input", text(Field::ToolInput));
                line("tool output", text(Field::ToolOutput));
            }
            line("plain input", text(Field::Input));
            line("plain output", text(Field::Output));
            for (name, messages) in
                [("in", mapped.input_messages(span_type)), ("out", mapped.output_messages(span_type))]
            {
                messages.iter().for_each(|message| line(name, Some(shown(message))));
            }
            let columns = self.columns();
            let count = columns.get("input_messages").map(|messages| messages.split(" | ").count());
            line(
                "last in",
                count.map(|count| format!("{} of {count}", columns.get("input").unwrap_or(&String::new()))),
            );
            line("last out", mapped.output_summary(span_type).map(|message| message.shown().unwrap_or_default()));
            out
        })
    }
}

fn counts(mapped: &Mapped<'_, '_>) -> [(&'static str, Option<i64>); 5] {
    [
        ("input_tokens", mapped.input_tokens()),
        ("output_tokens", mapped.output_tokens()),
        ("cached_input_tokens", mapped.cached_input_tokens()),
        ("cache_write_tokens", mapped.cache_write_tokens()),
        ("reasoning_tokens", mapped.reasoning_tokens()),
    ]
}

fn shown(message: &ChatMessage) -> String {
    let mut out = format!("{}:", message.role);
    if let Some(id) = &message.tool_call_id {
        write!(out, " (answers {id})").unwrap();
    }
    if let Some(text) = &message.text {
        write!(out, " {text:?}").unwrap();
    }
    if let Some(calls) = calls_json(&message.tool_calls) {
        write!(out, " calls {calls}").unwrap();
    }
    if !message.tool_results.is_empty() {
        write!(out, " results {:?}", message.tool_results).unwrap();
    }
    if let Some(reason) = &message.finish_reason {
        write!(out, " [{reason}]").unwrap();
    }
    out
}

/// Input, output, cached, written, reasoning tokens.
fn tokens(attributes: Object) -> [Option<i64>; 5] {
    span(attributes).with(|mapped| counts(mapped).map(|(_, count)| count))
}

mod anything;
mod dialects;
mod traps;
