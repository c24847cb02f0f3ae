//! The messages of a span: where they stand, what they come to, and the tools that were offered with them.

use std::borrow::Cow;

use super::Mapped;
use crate::conventions::Field;
use crate::json::{Json, JsonKind, with_parsed};
use crate::messages::{
    ChatMessage, EventMessages, Flattened, is_conversation, message_list, output_of, output_start, read_events,
    read_message, read_messages, read_system, tool_names,
};

/// Where the messages of one direction stand.
#[derive(Debug)]
pub(crate) enum MessagesAt<'m, 'i> {
    /// In an attribute that is JSON: find them with `message_list`, read each with `read_message`. When there are none in it, it is a text.
    Json(Cow<'m, str>),
    /// In an input or output that is JSON, which may be what was said: messages only where `is_conversation` says so, a text otherwise.
    Body(Cow<'m, str>),
    /// Flattened over attributes.
    Flattened(&'m Flattened<'i>),
    /// In one list with those of the other direction, which `output_start` tells apart.
    Conversation(Cow<'m, str>),
    /// In the span's events, read.
    Events(&'m [ChatMessage]),
    /// There is one, and all of it is this text.
    Text(Cow<'m, str>),
}

impl<'m> MessagesAt<'m, '_> {
    fn json_or_text(text: Cow<'m, str>) -> Self {
        if is_composite(&text) { Self::Json(text) } else { Self::Text(text) }
    }

    fn body_or_text(text: Cow<'m, str>) -> Self {
        if is_composite(&text) { Self::Body(text) } else { Self::Text(text) }
    }
}

impl<'i> Mapped<'_, 'i> {
    /// Where the input messages stand, the system prompt that is kept apart not among them.
    pub(crate) fn input_at(&self, span_type: &str) -> Option<MessagesAt<'_, 'i>> {
        if let Some(text) = self.text(Field::InputMessages) {
            return Some(MessagesAt::json_or_text(text));
        }
        if !self.input_messages.is_empty() {
            return Some(MessagesAt::Flattened(&self.input_messages));
        }
        if let Some(text) = self.conversation() {
            return Some(MessagesAt::Conversation(text));
        }
        if let Some(events) = self.message_events().filter(|events| !events.input.is_empty()) {
            return Some(MessagesAt::Events(&events.input));
        }
        let text = self.text(Field::Input)?;
        match span_type {
            "LLM" => Some(MessagesAt::json_or_text(text)),
            "AGENT" => Some(MessagesAt::body_or_text(text)),
            _ => None,
        }
    }

    /// Where the output messages stand. A reply in parts ([`reply`](Self::reply)) stands before all of these.
    pub(crate) fn output_at(&self, span_type: &str) -> Option<MessagesAt<'_, 'i>> {
        if let Some(text) = self.text(Field::OutputMessages) {
            return Some(MessagesAt::json_or_text(text));
        }
        if !self.output_messages.is_empty() {
            return Some(MessagesAt::Flattened(&self.output_messages));
        }
        if let Some(text) = self.conversation() {
            return Some(MessagesAt::Conversation(text));
        }
        if let Some(events) = self.message_events().filter(|events| !events.output.is_empty()) {
            return Some(MessagesAt::Events(&events.output));
        }
        let text = self.text(Field::Output).filter(|_| matches!(span_type, "LLM" | "AGENT"))?;
        Some(MessagesAt::body_or_text(text))
    }

    fn conversation(&self) -> Option<Cow<'_, str>> {
        self.text(Field::Conversation).filter(|text| with_parsed(text, is_conversation).unwrap_or(false))
    }

    fn message_events(&self) -> Option<&EventMessages> {
        let events = self.events.filter(|events| events.contains("\"gen_ai."))?;
        Some(self.read_events.get_or_init(|| with_parsed(events, read_events).unwrap_or_default()))
    }

    /// The system prompt, where it is kept apart from the messages.
    pub(crate) fn system_instructions(&self) -> Option<ChatMessage> {
        let text = self.text(Field::SystemInstructions)?;
        with_parsed(&text, read_system).flatten().or_else(|| Some(ChatMessage::system(text.into_owned())))
    }

    /// The reply where it is given in parts: its text in one attribute, its tool calls in another.
    pub(crate) fn reply(&self) -> Option<ChatMessage> {
        let text = self.text(Field::ReplyText).map(Cow::into_owned);
        let calls = self.text(Field::ReplyCalls);
        let mut reply = calls.as_deref().and_then(|calls| with_parsed(calls, output_of)).flatten().unwrap_or_default();
        reply.text = text;
        (reply.text.is_some() || !reply.tool_calls.is_empty()).then(|| {
            reply.role = "assistant".to_owned();
            reply
        })
    }

    /// All input messages in order, the system prompt first.
    pub(crate) fn input_messages(&self, span_type: &str) -> Vec<ChatMessage> {
        let mut messages = self.input_at(span_type).map(|at| self.read_all(at, "user", false)).unwrap_or_default();
        if let Some(system) = self.system_instructions()
            && messages.first() != Some(&system)
        {
            messages.insert(0, system);
        }
        messages
    }

    /// All output messages in order.
    pub(crate) fn output_messages(&self, span_type: &str) -> Vec<ChatMessage> {
        if let Some(reply) = self.reply() {
            return vec![reply];
        }
        self.output_at(span_type).map(|at| self.read_all(at, "assistant", true)).unwrap_or_default()
    }

    fn read_all(&self, at: MessagesAt<'_, 'i>, role: &str, is_output: bool) -> Vec<ChatMessage> {
        let said = |text: &str| vec![ChatMessage::said(role, text)];
        let or_said = |messages: Option<Vec<ChatMessage>>, text: &str| {
            messages.filter(|messages| !messages.is_empty()).unwrap_or_else(|| said(text))
        };
        let mut messages = match at {
            MessagesAt::Json(text) => or_said(with_parsed(&text, all_messages), &text),
            MessagesAt::Body(text) => {
                let read = |value: Json<'_, '_>| is_conversation(value).then(|| read_messages(value));
                or_said(with_parsed(&text, read).flatten(), &text)
            }
            MessagesAt::Flattened(messages) => messages.iter().map(|message| message.read(self.attributes)).collect(),
            MessagesAt::Conversation(text) => {
                let (input, output) = split(&text);
                if is_output { output } else { input }
            }
            MessagesAt::Events(messages) => messages.to_vec(),
            MessagesAt::Text(text) => said(&text),
        };
        let unnamed = messages.iter_mut().filter(|message| message.role.is_empty());
        unnamed.for_each(|message| message.role = role.to_owned());
        messages
    }

    /// The reply as one message; of an agent the last one with a text. `None` when the span has none; a plain output text is none.
    pub(crate) fn output_summary(&self, span_type: &str) -> Option<ChatMessage> {
        if let Some(reply) = self.reply() {
            return Some(reply);
        }
        let at = self.output_at(span_type)?;
        if matches!(at, MessagesAt::Text(_)) && !self.has(Field::OutputMessages) {
            return None;
        }
        if span_type != "LLM" {
            let is_plain = |text: &str| !with_parsed(text, is_conversation).unwrap_or(false);
            if matches!(&at, MessagesAt::Body(text) if is_plain(text)) {
                return None;
            }
            let answers = |message: &ChatMessage| message.text.as_deref().is_some_and(|text| !text.is_empty());
            let mut messages = self.read_all(at, "assistant", true);
            let last = messages.iter().rposition(|message| message.role == "assistant" && answers(message));
            return (!messages.is_empty()).then(|| messages.swap_remove(last.unwrap_or(0)));
        }
        match at {
            MessagesAt::Json(text) => with_parsed(&text, output_of)?,
            MessagesAt::Body(text) => with_parsed(&text, |value| is_conversation(value).then(|| output_of(value)))??,
            MessagesAt::Flattened(messages) => joined(messages.iter().map(|message| message.read(self.attributes))),
            MessagesAt::Conversation(text) => joined(split(&text).1.into_iter()),
            MessagesAt::Events(messages) => joined(messages.iter().cloned()),
            MessagesAt::Text(text) => Some(ChatMessage::said("assistant", &text)),
        }
    }

    /// Names of the tools that the model was offered, as the JSON of the `offered_tools` column.
    pub(crate) fn offered_tools(&self, span_type: &str) -> Option<String> {
        let mut names = Vec::new();
        let mut flattened = self.offered_tools.clone();
        flattened.sort_by_key(|(index, _)| *index);
        for text in flattened.iter().filter_map(|(_, value)| self.attributes.text(*value)) {
            if text.trim_start().starts_with('{') { tool_names(text, &mut names) } else { names.push(text.to_owned()) }
        }
        for field in [Field::ToolDefinitions, Field::InvocationParameters, Field::Input] {
            if names.is_empty()
                && (field != Field::Input || span_type == "LLM")
                && let Some(text) = self.text(field)
                // Parameters and requests hold much else; only ones with tools are worth parsing.
                && (field == Field::ToolDefinitions || has(&text, "\"tools\"") || has(&text, "\"functions\""))
            {
                tool_names(&text, &mut names);
            }
        }
        (!names.is_empty()).then(|| serde_json::Value::from(names).to_string())
    }
}

/// Whether a text holds a word. Requests run to megabytes.
fn has(text: &str, word: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()
}

/// Whether a text can be JSON with messages in it.
fn is_composite(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{'])
}

/// All messages of an attribute that holds messages, or the prompts that it lists.
fn all_messages(value: Json<'_, '_>) -> Vec<ChatMessage> {
    match message_list(value) {
        Some(_) => read_messages(value),
        None => value.items().filter_map(Json::text).map(|text| ChatMessage::said("", text)).collect(),
    }
}

/// Input and output of a conversation that is one list.
fn split(text: &str) -> (Vec<ChatMessage>, Vec<ChatMessage>) {
    let parts = with_parsed(text, |value| {
        let Some(list) = message_list(value).filter(|list| matches!(list.kind(), JsonKind::Array(_))) else {
            return (read_messages(value), Vec::new());
        };
        let mut input: Vec<ChatMessage> = list.items().map(read_message).collect();
        let output = input.split_off(output_start(list));
        (input, output)
    });
    parts.unwrap_or_default()
}

/// The first of some output messages, with the calls of the others: some list one message a call.
fn joined(mut messages: impl Iterator<Item = ChatMessage>) -> Option<ChatMessage> {
    let mut first = messages.next()?;
    for other in messages {
        if other.text.as_deref().unwrap_or_default().is_empty() {
            first.tool_calls.extend(other.tool_calls);
        }
        first.finish_reason = first.finish_reason.or(other.finish_reason);
    }
    Some(first)
}
