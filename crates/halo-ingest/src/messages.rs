//! Chat messages of LLM spans: what went in, what came out, and which tools were asked for and offered.
//!
//! The same conversation comes as JSON in a dozen shapes (`messages/shapes.rs`, `messages/lists.rs`), flattened over many attributes
//! (`messages/flattened.rs`), or as events (`messages/events.rs`). All of it becomes [`ChatMessage`]s.

use crate::json::{Json, JsonKind, with_parsed, write_string};

mod events;
mod flattened;
mod lists;
mod shapes;
mod tools;

pub(crate) use events::{EventMessages, read_events};
pub(crate) use flattened::{Flattened, indexed};
pub(crate) use lists::{is_conversation, message_list, output_start, read_messages, read_system};
pub(crate) use shapes::read_message;
pub(crate) use tools::tool_names;

/// A message as far as halo's columns need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChatMessage {
    /// In the words of OpenAI (system, developer, user, assistant, tool); one that is not known as it is, empty when nothing tells.
    pub(crate) role: String,
    /// Its text; of a tool's message the result. `None` when it has none.
    pub(crate) text: Option<String>,
    pub(crate) tool_calls: Vec<RequestedCall>,
    /// Of a tool's message, the call that it answers (the first of several).
    pub(crate) tool_call_id: Option<String>,
    /// The results that it carries, where they are several or the message itself says that one failed. A single good one is `text`.
    pub(crate) tool_results: Vec<ToolResult>,
    pub(crate) finish_reason: Option<String>,
}

/// A tool call that a message asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestedCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// A tool's result that a message hands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToolResult {
    pub(crate) call_id: String,
    pub(crate) text: String,
    /// Whether the message says that the call failed.
    pub(crate) failed: bool,
}

impl ChatMessage {
    pub(crate) fn said(role: &str, text: &str) -> Self {
        Self { role: role.to_owned(), text: Some(text.to_owned()), ..Self::default() }
    }

    pub(crate) fn system(text: String) -> Self {
        Self { role: "system".to_owned(), text: Some(text), ..Self::default() }
    }

    /// Its text, or its tool calls as JSON where it has none.
    pub(crate) fn shown(&self) -> Option<String> {
        match &self.text {
            Some(text) if !text.is_empty() => Some(text.clone()),
            text => calls_json(&self.tool_calls).or_else(|| text.clone()),
        }
    }
}

/// Tool calls as the JSON of the `requested_tool_calls` column.
pub(crate) fn calls_json(calls: &[RequestedCall]) -> Option<String> {
    if calls.is_empty() {
        return None;
    }
    let mut out = String::from("[");
    for (index, call) in calls.iter().enumerate() {
        out.push_str(if index == 0 { "{\"id\":" } else { ",{\"id\":" });
        write_string(&mut out, &call.id);
        out.push_str(",\"name\":");
        write_string(&mut out, &call.name);
        out.push_str(",\"arguments\":");
        write_string(&mut out, &compact(&call.arguments));
        out.push('}');
    }
    out.push(']');
    Some(out)
}

/// Arguments without the blanks between their tokens: exporters that keep them as text and ones that keep them structured then agree.
fn compact(arguments: &str) -> String {
    let compacted = with_parsed(arguments, |value| {
        let mut out = String::new();
        value.write(&mut out);
        out
    });
    compacted.unwrap_or_else(|| arguments.to_owned())
}

/// What the messages of a value come to as output: one reply, its calls gathered where each stands in an item of its own (OpenAI's
/// responses, lists of calls). Of several candidates the first. `None` when there is nothing in it.
pub(crate) fn output_of(value: Json<'_, '_>) -> Option<ChatMessage> {
    let list = message_list(value)?;
    let mut items = match list.kind() {
        JsonKind::Array(items) => items.map(read_message).collect(),
        _ => vec![read_message(list)],
    }
    .into_iter();
    let mut reply = items.next()?;
    let separate = |item: &Json<'_, '_>| shapes::pick(*item, &["role", "message", "content"]).is_none();
    // Items without a role of their own are parts of one reply; OpenAI's messages among them have both.
    if list.items().any(|item| separate(&item)) {
        for item in items {
            reply.text = match (reply.text, item.text) {
                (Some(before), Some(after)) => Some(format!("{before}\n{after}")),
                (before, after) => before.or(after),
            };
            reply.tool_calls.extend(item.tool_calls);
            reply.finish_reason = reply.finish_reason.or(item.finish_reason);
        }
    }
    if reply.finish_reason.is_none() {
        let around = shapes::pick(value, &["stop_reason", "stopReason", "finish_reason"]).and_then(Json::text);
        reply.finish_reason = around.map(str::to_owned);
    }
    (!reply.role.is_empty() || reply.text.is_some() || !reply.tool_calls.is_empty()).then_some(reply)
}

#[cfg(test)]
mod tests;
