//! Chat messages of LLM spans: what went in last, what came out, and which tools were asked for and offered.
//!
//! The same conversation comes as JSON (OpenAI's, Anthropic's and OTel GenAI's message shapes, as text or structured) or flattened over
//! many attributes (`llm.input_messages.3.message.content`, `gen_ai.prompt.3.content`).

use std::collections::BTreeMap;

use crate::attributes::{Attributes, Value};
use crate::json::{Json, JsonKind, with_parsed, write_string};

/// A message as far as halo's columns need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChatMessage {
    pub(crate) role: String,
    /// Its text; of a tool's message the result. `None` when it has none.
    pub(crate) text: Option<String>,
    pub(crate) tool_calls: Vec<RequestedCall>,
    pub(crate) finish_reason: Option<String>,
}

/// A tool call that a message asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestedCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl ChatMessage {
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

/// What the input messages come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct InputMessages {
    /// How many there are.
    pub(crate) count: usize,
    /// Text of the last one that is not instructions; of the very last when all are.
    pub(crate) last: Option<String>,
}

/// Reads input messages from JSON text. `None` when it is no list of messages.
pub(crate) fn read_input(json: &str) -> Option<InputMessages> {
    with_parsed(json, |value| {
        let mut count = 0;
        let mut last = None;
        let mut last_said = None;
        for item in messages_of(value) {
            count += 1;
            last = Some(item);
            let role = role_of(item);
            if role != "system" && role != "developer" {
                last_said = Some(item);
            }
        }
        let message = read_message(last_said.or(last)?);
        Some(InputMessages { count, last: message.shown() })
    })?
}

/// Reads the first output message from JSON text. `None` when it is no message.
pub(crate) fn read_output(json: &str) -> Option<ChatMessage> {
    with_parsed(json, |value| {
        let first = messages_of(value).next()?;
        // Instrumentations that write one entry a call: [{"tool.name": ..., "tool.args": ...}].
        if first.get(&["tool.name"]).is_some() {
            let tool_calls = messages_of(value).map(flat_call).collect();
            return Some(ChatMessage { role: "assistant".into(), tool_calls, ..ChatMessage::default() });
        }
        let message = read_message(first);
        (!message.role.is_empty() || message.text.is_some() || !message.tool_calls.is_empty()).then_some(message)
    })?
}

/// The messages of a value: an array of them, an object with `messages` or `choices`, or one alone.
fn messages_of<'t, 'i>(value: Json<'t, 'i>) -> impl Iterator<Item = Json<'t, 'i>> {
    let list = value.get(&["messages", "choices"]).unwrap_or(value);
    let single = matches!(list.kind(), JsonKind::Object(_)).then_some(list);
    list.items().chain(single)
}

fn flat_call(entry: Json<'_, '_>) -> RequestedCall {
    let text = |keys: &[&str]| entry.get(keys).map(text_or_json).unwrap_or_default();
    RequestedCall { id: text(&["tool.id", "id"]), name: text(&["tool.name"]), arguments: text(&["tool.args"]) }
}

/// Field of a message: bare, or with the prefix that OpenInference gives it.
fn field<'t, 'i>(message: Json<'t, 'i>, name: &str) -> Option<Json<'t, 'i>> {
    message
        .entries()
        .find(|(key, _)| *key == name || key.strip_prefix("message.") == Some(name))
        .map(|(_, value)| value)
}

fn unwrapped<'t, 'i>(item: Json<'t, 'i>) -> Json<'t, 'i> {
    item.get(&["message"]).filter(|inner| matches!(inner.kind(), JsonKind::Object(_))).unwrap_or(item)
}

fn role_of<'i>(item: Json<'_, 'i>) -> &'i str {
    field(unwrapped(item), "role").and_then(Json::text).unwrap_or_default()
}

fn read_message(item: Json<'_, '_>) -> ChatMessage {
    let message = unwrapped(item);
    let mut read = ChatMessage { role: role_of(item).to_owned(), ..ChatMessage::default() };
    read.finish_reason = field(message, "finish_reason")
        .or_else(|| field(item, "finish_reason"))
        .and_then(Json::text)
        .map(str::to_owned);
    let mut texts = Vec::new();
    for name in ["content", "contents", "parts", "text"] {
        if let Some(value) = field(message, name) {
            read_content(value, &mut texts, &mut read.tool_calls);
        }
    }
    for call in field(message, "tool_calls").into_iter().flat_map(Json::items) {
        let call = call.get(&["tool_call"]).unwrap_or(call);
        let function = call.get(&["function"]).unwrap_or(call);
        let text = |keys: &[&str]| function.get(keys).or_else(|| call.get(keys)).map(text_or_json).unwrap_or_default();
        read.tool_calls.push(RequestedCall {
            id: call.get(&["id", "tool_call.id"]).map(text_or_json).unwrap_or_default(),
            name: text(&["name", "tool_call.function.name"]),
            arguments: text(&["arguments", "tool_call.function.arguments"]),
        });
    }
    if !texts.is_empty() {
        read.text = Some(texts.join("\n"));
    }
    read
}

/// Content of a message: a text, or parts of which some are text and some are tool calls and results.
fn read_content(value: Json<'_, '_>, texts: &mut Vec<String>, calls: &mut Vec<RequestedCall>) {
    match value.kind() {
        JsonKind::Text(text) => texts.push(text.to_owned()),
        JsonKind::Array(parts) => parts.for_each(|part| read_part(part, texts, calls)),
        JsonKind::Object(_) => read_part(value, texts, calls),
        _ => {}
    }
}

fn read_part(part: Json<'_, '_>, texts: &mut Vec<String>, calls: &mut Vec<RequestedCall>) {
    if let Some(text) = part.text() {
        return texts.push(text.to_owned());
    }
    let part = part.get(&["message_content"]).unwrap_or(part);
    let kind = part.get(&["type", "message_content.type"]).and_then(Json::text).unwrap_or("text");
    let get = |keys: &[&str]| part.get(keys).map(text_or_json);
    match kind {
        "tool_call" | "tool_use" | "function_call" => calls.push(RequestedCall {
            id: get(&["id", "call_id"]).unwrap_or_default(),
            name: get(&["name"]).unwrap_or_default(),
            arguments: get(&["arguments", "input"]).unwrap_or_default(),
        }),
        "tool_call_response" | "tool_result" => texts.extend(get(&["response", "result", "content"])),
        _ => texts.extend(get(&["text", "content", "message_content.text"])),
    }
}

/// A string itself, anything else as JSON.
fn text_or_json(value: Json<'_, '_>) -> String {
    match value.kind() {
        JsonKind::Text(text) => text.to_owned(),
        JsonKind::Null => String::new(),
        _ => {
            let mut out = String::new();
            value.write(&mut out);
            out
        }
    }
}

/// Messages flattened over many attributes, by position.
#[derive(Debug, Default)]
pub(crate) struct Flattened<'i> {
    messages: BTreeMap<usize, FlatMessage<'i>>,
}

#[derive(Debug, Default)]
struct FlatMessage<'i> {
    role: Option<&'i str>,
    content: Option<Value<'i>>,
    parts: BTreeMap<usize, Value<'i>>,
    calls: BTreeMap<usize, [Option<Value<'i>>; 3]>,
    finish_reason: Option<&'i str>,
}

impl<'i> Flattened<'i> {
    /// Takes an attribute whose key, after the family's prefix, is `N.…`. Unknown endings are passed over.
    pub(crate) fn take(&mut self, rest: &'i str, value: Value<'i>) {
        let Some((index, path)) = indexed(rest) else {
            return;
        };
        let path = path.strip_prefix("message.").unwrap_or(path);
        let message = self.messages.entry(index).or_default();
        match (path, value) {
            ("role", Value::Text(role)) => message.role = Some(role),
            ("finish_reason", Value::Text(reason)) => message.finish_reason = Some(reason),
            ("content", value) => message.content = Some(value),
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

    /// What they come to as input.
    pub(crate) fn input(&self, attributes: &Attributes<'i>) -> InputMessages {
        let said = |message: &&FlatMessage<'_>| !matches!(message.role, Some("system" | "developer"));
        let last = self.messages.values().rev().find(said).or_else(|| self.messages.values().next_back());
        InputMessages { count: self.messages.len(), last: last.and_then(|message| message.read(attributes).shown()) }
    }

    /// The first message as output.
    pub(crate) fn output(&self, attributes: &Attributes<'i>) -> Option<ChatMessage> {
        self.messages.values().next().map(|message| message.read(attributes))
    }
}

impl<'i> FlatMessage<'i> {
    fn read(&self, attributes: &Attributes<'i>) -> ChatMessage {
        let text_of = |value: &Value<'i>| attributes.text(*value).map(str::to_owned);
        let parts: Vec<String> = self.parts.values().filter_map(text_of).collect();
        let text = self.content.as_ref().and_then(text_of).or_else(|| (!parts.is_empty()).then(|| parts.join("\n")));
        let call = |slots: &[Option<Value<'i>>; 3]| {
            let [id, name, arguments] =
                slots.each_ref().map(|slot| slot.as_ref().and_then(text_of).unwrap_or_default());
            RequestedCall { id, name, arguments }
        };
        ChatMessage {
            role: self.role.unwrap_or_default().to_owned(),
            text,
            tool_calls: self.calls.values().map(call).collect(),
            finish_reason: self.finish_reason.map(str::to_owned),
        }
    }
}

/// `12.rest` as (12, `rest`).
pub(crate) fn indexed(text: &str) -> Option<(usize, &str)> {
    let (index, rest) = text.split_once('.')?;
    Some((index.parse().ok()?, rest))
}

/// Names of the tools that definitions offer: OpenAI's, OTel's and OpenInference's shapes, as JSON or as a list of JSON texts.
pub(crate) fn tool_names(definitions: &str, names: &mut Vec<String>) {
    let _parsed = with_parsed(definitions, |value| match value.get(&["tools", "functions"]) {
        Some(tools) => tools.items().for_each(|tool| push_tool_name(tool, names)),
        None if matches!(value.kind(), JsonKind::Array(_)) => {
            value.items().for_each(|tool| push_tool_name(tool, names))
        }
        None => push_tool_name(value, names),
    });
}

fn push_tool_name(tool: Json<'_, '_>, names: &mut Vec<String>) {
    if let Some(text) = tool.text() {
        // A list of names, or of definitions that are themselves JSON text.
        if text.trim_start().starts_with('{') {
            let _parsed = with_parsed(text, |inner| push_tool_name(inner, names));
        } else {
            names.push(text.to_owned());
        }
        return;
    }
    let inner =
        tool.get(&["function", "toolSpec"]).filter(|inner| matches!(inner.kind(), JsonKind::Object(_))).unwrap_or(tool);
    names.extend(inner.get(&["name", "tool.name"]).and_then(Json::text).map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, name: &str, arguments: &str) -> RequestedCall {
        RequestedCall { id: id.into(), name: name.into(), arguments: arguments.into() }
    }

    #[test]
    fn input_in_every_shape() {
        let expected = |count, last: &str| Some(InputMessages { count, last: Some(last.into()) });
        let cases = [
            (r#"[{"role":"system","content":"S"},{"role":"user","content":"U"}]"#, expected(2, "U")),
            (r#"[{"role":"user","content":"U"},{"role":"system","content":"S"}]"#, expected(2, "U")),
            (
                r#"[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]"#,
                expected(1, "A\nB"),
            ),
            (r#"[{"role":"user","parts":[{"type":"text","content":"P"}]}]"#, expected(1, "P")),
            (
                r#"[{"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":{"ok":true}}]}]"#,
                expected(1, r#"{"ok":true}"#),
            ),
            (r#"{"messages":[{"message.role":"user","message.content":"M"}]}"#, expected(1, "M")),
            (r#"[{"message":{"role":"user","content":"W"}}]"#, expected(1, "W")),
            ("just text", None),
            ("[]", None),
            ("[broken", None),
        ];
        for (json, expected) in cases {
            assert_eq!(read_input(json), expected, "{json}");
        }
    }

    #[test]
    fn output_in_every_shape() {
        let with_call =
            |call| Some(ChatMessage { role: "assistant".into(), tool_calls: vec![call], ..ChatMessage::default() });
        let cases = [
            (
                r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}]"#,
                with_call(call("c1", "f", r#"{"a":1}"#)),
            ),
            (
                r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"f","arguments":{"a":1}}]}]"#,
                with_call(call("c1", "f", r#"{"a":1}"#)),
            ),
            (r#"[{"tool.name":"f","tool.args":"{}"}]"#, with_call(call("", "f", "{}"))),
            (
                r#"[{"role":"assistant","parts":[{"type":"text","content":"Hi"}],"finish_reason":"length"}]"#,
                Some(ChatMessage {
                    role: "assistant".into(),
                    text: Some("Hi".into()),
                    tool_calls: vec![],
                    finish_reason: Some("length".into()),
                }),
            ),
            ("Hello", None),
        ];
        for (json, expected) in cases {
            assert_eq!(read_output(json), expected, "{json}");
        }
        assert_eq!(
            read_output(cases_first()).and_then(|message| message.shown()).as_deref(),
            Some(r#"[{"id":"c1","name":"f","arguments":"{}"}]"#)
        );
    }

    fn cases_first() -> &'static str {
        r#"[{"role":"assistant","content":"","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{}"}}]}]"#
    }

    #[test]
    fn tool_names_in_every_shape() {
        let names = |json: &str| {
            let mut names = Vec::new();
            tool_names(json, &mut names);
            names.join(" ")
        };
        assert_eq!(names(r#"[{"type":"function","function":{"name":"a"}},{"type":"function","name":"b"}]"#), "a b");
        assert_eq!(names(r#"["{\"name\":\"a\"}","b"]"#), "a b");
        assert_eq!(names(r#"[{"tool.name":"W"}]"#), "W");
        assert_eq!(names(r#"{"temperature":0,"tools":[{"function":{"name":"a"}}]}"#), "a");
        assert_eq!(names(r#"{"type":"function","function":{"name":"a"}}"#), "a");
        assert_eq!(names(r#"{"temperature":0}"#), "");
    }
}
