//! Messages flattened over many attributes: `llm.input_messages.3.message.content`, `gen_ai.prompt.3.content`.

use std::collections::BTreeMap;

use super::shapes::{Parts, normal_role};
use super::{ChatMessage, RequestedCall};
use crate::attributes::{Attributes, Value};

/// Messages flattened over many attributes, by position.
#[derive(Debug, Default)]
pub(crate) struct Flattened<'i> {
    messages: BTreeMap<usize, FlatMessage<'i>>,
}

/// The attributes of one flattened message.
#[derive(Debug, Default)]
pub(crate) struct FlatMessage<'i> {
    role: Option<&'i str>,
    content: Option<Value<'i>>,
    parts: BTreeMap<usize, Value<'i>>,
    calls: BTreeMap<usize, [Option<Value<'i>>; 3]>,
    legacy_call: [Option<Value<'i>>; 3],
    tool_call_id: Option<Value<'i>>,
    finish_reason: Option<&'i str>,
}

impl<'i> Flattened<'i> {
    /// Takes an attribute whose key, after the family's prefix, is `N.…`. Unknown endings are passed over.
    pub(crate) fn take(&mut self, rest: &'i str, value: Value<'i>) {
        if let Some((index, path)) = indexed(rest) {
            self.take_at(index, path, value);
        }
    }

    /// Takes a member of the message at a position.
    pub(crate) fn take_at(&mut self, index: usize, path: &'i str, value: Value<'i>) {
        // `llm.prompts.N.prompt.text` and `llm.choices.N.completion.text` are OpenInference's older completions.
        let path = path.strip_prefix("message.").unwrap_or(path);
        let message = self.messages.entry(index).or_default();
        match (path, value) {
            ("role", Value::Text(role)) => message.role = Some(role),
            ("finish_reason", Value::Text(reason)) => message.finish_reason = Some(reason),
            ("content" | "prompt.text" | "completion.text", value) => message.content = Some(value),
            ("tool_call_id", value) => message.tool_call_id = Some(value),
            ("function_call_name" | "function_call.name", value) => message.legacy_call[1] = Some(value),
            ("function_call_arguments_json" | "function_call.arguments", value) => {
                message.legacy_call[2] = Some(value);
            }
            _ => {
                if let Some((part, "message_content.text")) = path.strip_prefix("contents.").and_then(indexed) {
                    message.parts.insert(part, value);
                } else if let Some((call, field)) = path.strip_prefix("tool_calls.").and_then(indexed) {
                    let slot = match field.strip_prefix("tool_call.").unwrap_or(field) {
                        "id" => 0,
                        "function.name" | "name" => 1,
                        "function.arguments" | "arguments" => 2,
                        _ => return,
                    };
                    message.calls.entry(call).or_default()[slot] = Some(value);
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &FlatMessage<'i>> {
        self.messages.values()
    }
}

impl<'i> FlatMessage<'i> {
    /// The message, read.
    pub(crate) fn read(&self, attributes: &Attributes<'i>) -> ChatMessage {
        let text_of = |value: &Value<'i>| attributes.text(*value).map(str::to_owned);
        let call = |slots: &[Option<Value<'i>>; 3]| {
            let [id, name, arguments] =
                slots.each_ref().map(|slot| slot.as_ref().and_then(text_of).unwrap_or_default());
            RequestedCall { id, name, arguments }
        };
        let mut parts = Parts::default();
        match self.content.as_ref().and_then(|value| attributes.text(*value)) {
            Some(text) => parts.read_text(text),
            None => parts.texts.extend(self.parts.values().filter_map(text_of)),
        }
        self.calls.values().map(call).for_each(|call| parts.push_call(call));
        if parts.calls.is_empty() {
            parts.push_call(call(&self.legacy_call));
        }
        parts.into_message(ChatMessage {
            role: self.role.map(normal_role).unwrap_or_default().to_owned(),
            tool_call_id: self.tool_call_id.as_ref().and_then(text_of),
            finish_reason: self.finish_reason.map(str::to_owned),
            ..ChatMessage::default()
        })
    }
}

/// `12.rest` as (12, `rest`).
pub(crate) fn indexed(text: &str) -> Option<(usize, &str)> {
    let (index, rest) = text.split_once('.')?;
    Some((index.parse().ok()?, rest))
}
