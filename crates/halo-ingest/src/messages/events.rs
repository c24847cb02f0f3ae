//! Messages that stand in the events of a span: OTel GenAI's message events of either age, and the one event that holds them all.

use super::ChatMessage;
use super::lists::{message_list, read_messages, read_system};
use super::shapes::{Parts, normal_role, pick, read_message};
use crate::json::{Json, with_parsed};

/// What a span's events say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EventMessages {
    pub(crate) input: Vec<ChatMessage>,
    pub(crate) output: Vec<ChatMessage>,
}

/// Reads the events of a span, each `{name, attributes}`. Other events are passed over.
pub(crate) fn read_events(events: Json<'_, '_>) -> EventMessages {
    let mut found = EventMessages::default();
    for event in events.items() {
        let name = pick(event, &["name"]).and_then(Json::text).unwrap_or_default();
        if let (true, Some(attributes)) = (name.starts_with("gen_ai."), pick(event, &["attributes"])) {
            found.take(name, attributes);
        }
    }
    found
}

impl EventMessages {
    fn take(&mut self, name: &str, attributes: Json<'_, '_>) {
        let all = |key: &str, role: &str| messages_at(attributes, key, role);
        match name {
            "gen_ai.client.inference.operation.details" => {
                let system = pick(attributes, &["gen_ai.system_instructions"]);
                self.input.extend(system.and_then(|system| with_json(system, read_system)));
                self.input.extend(all("gen_ai.input.messages", "user"));
                self.output.extend(all("gen_ai.output.messages", "assistant"));
            }
            "gen_ai.content.prompt" => self.input.extend(all("gen_ai.prompt", "user")),
            "gen_ai.content.completion" => self.output.extend(all("gen_ai.completion", "assistant")),
            "gen_ai.choice" => self.output.extend(message_at(name, attributes)),
            _ if name.ends_with(".message") => self.input.extend(message_at(name, attributes)),
            _ => {}
        }
    }
}

/// Hands on the value, or what it is the JSON text of.
fn with_json<T>(value: Json<'_, '_>, read: impl Fn(Json<'_, '_>) -> T) -> T {
    let parsed = value.text().and_then(|text| with_parsed(text, &read));
    parsed.unwrap_or_else(|| read(value))
}

fn messages_at(attributes: Json<'_, '_>, key: &str, role: &str) -> Vec<ChatMessage> {
    let Some(value) = pick(attributes, &[key]).or_else(|| pick(attributes, &["gen_ai.event.content"])) else {
        return Vec::new();
    };
    let mut messages = with_json(value, |value| match message_list(value) {
        Some(_) => read_messages(value),
        None => value.text().map(|text| vec![ChatMessage::said("", text)]).unwrap_or_default(),
    });
    messages.iter_mut().filter(|message| message.role.is_empty()).for_each(|message| message.role = role.to_owned());
    messages
}

/// The one message of an event. Its attributes are the message, or one of them holds it as JSON.
fn message_at(name: &str, attributes: Json<'_, '_>) -> Option<ChatMessage> {
    let held = pick(attributes, &["gen_ai.event.content", "message"]);
    let mut message = match held {
        Some(value) => with_json(value, |value| match value.text() {
            Some(text) => ChatMessage::said("", text),
            None if value.items().next().is_some() => blocks(value),
            None => read_message(value),
        }),
        None => read_message(attributes),
    };
    // Content that is a list of parts as JSON text.
    if let Some(text) = message.text.take_if(|text| text.starts_with("[{")) {
        let mut parts = Parts::default();
        parts.read_text(&text);
        let rest = ChatMessage { text: None, ..message };
        let calls = rest.tool_calls.clone();
        message = parts.into_message(rest);
        message.tool_calls.extend(calls);
    }
    if message.role.is_empty() {
        let role = pick(attributes, &["role", "gen_ai.event.role"]).and_then(Json::text).unwrap_or(name);
        message.role = normal_role(role).to_owned();
    }
    let reason = pick(attributes, &["finish_reason"]).and_then(Json::text);
    message.finish_reason = message.finish_reason.or_else(|| reason.map(str::to_owned));
    let id = pick(attributes, &["id", "tool_call_id"]).and_then(Json::text).filter(|_| message.role == "tool");
    message.tool_call_id = message.tool_call_id.or_else(|| id.map(str::to_owned));
    (message.text.is_some() || !message.tool_calls.is_empty()).then_some(message)
}

fn blocks(list: Json<'_, '_>) -> ChatMessage {
    let mut parts = Parts::default();
    list.items().for_each(|part| parts.read_part(part));
    parts.into_message(ChatMessage::default())
}
