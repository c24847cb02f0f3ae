//! Where the messages stand in what went in or came out: a list, a request or response around one, a conversation of both.

use super::ChatMessage;
use super::shapes::{field, is_object, is_role, part_kind, pick, read_message, role_of, text_or_json};
use crate::json::{Json, JsonKind};

/// Keys under which requests and responses keep messages, in the order they are tried.
const WRAPPERS: &[&str] = &[
    "messages",
    "choices",
    "candidates",
    "generations",
    "input",
    "output",
    "contents",
    "prompt",
    "inputs",
    "response",
];

/// Finds the messages in a value: a list of them, one message alone, or the text of a prompt; directly, in a request or response (OpenAI,
/// Anthropic, Bedrock, Gemini, LangChain, Vercel), or in a list of one conversation. `None` when there are none.
pub(crate) fn message_list<'t, 'i>(value: Json<'t, 'i>) -> Option<Json<'t, 'i>> {
    find(value, 4)
}

fn find<'t, 'i>(value: Json<'t, 'i>, depth: usize) -> Option<Json<'t, 'i>> {
    let depth = depth.checked_sub(1)?;
    match value.kind() {
        JsonKind::Array(mut items) => {
            let first = items.next()?;
            match first.kind() {
                JsonKind::Array(_) => find(first, depth),
                _ => (is_message(first) || pick(first, &["content", "text"]).is_some()).then_some(value),
            }
        }
        JsonKind::Object(_) if is_message(value) => Some(value),
        JsonKind::Object(_) => WRAPPERS.iter().find_map(|key| {
            let inner = pick(value, &[key])?;
            match inner.kind() {
                JsonKind::Text(text) => (!text.is_empty() && *key != "response" && *key != "output").then_some(inner),
                _ => find(inner, depth),
            }
        }),
        _ => None,
    }
}

/// Whether an object can be nothing but a message: it has a role, or says in another way whose words it holds.
pub(super) fn is_message(item: Json<'_, '_>) -> bool {
    if !is_object(item) {
        return false;
    }
    if field(item, "role").is_some() || pick(item, &["event.name", "tool.name", "toolCallId", "parts"]).is_some() {
        return true;
    }
    if pick(item, &["message", "kwargs"]).is_some_and(|inner| is_object(inner) && has_words(inner)) {
        return true;
    }
    if pick(item, &["content"]).is_some_and(|content| pick(content, &["parts"]).is_some()) {
        return true;
    }
    let kind = pick(item, &["type"]).and_then(Json::text);
    kind.is_some_and(|kind| {
        part_kind(kind).is_some()
            || ((is_role(kind) || kind == "message" || kind == "text")
                && pick(item, &["content", "data", "text"]).is_some())
    })
}

fn has_words(message: Json<'_, '_>) -> bool {
    ["role", "content", "parts", "tool_calls"].iter().any(|name| field(message, name).is_some()) || is_message(message)
}

/// Whether a value holds messages and can't be, say, a reply that happens to be JSON.
pub(crate) fn is_conversation(value: Json<'_, '_>) -> bool {
    message_list(value).is_some_and(|list| match list.kind() {
        JsonKind::Array(mut items) => items.next().is_some_and(is_message),
        _ => is_message(list),
    })
}

/// The system prompt that a request keeps beside its messages.
pub(crate) fn system_of<'t, 'i>(value: Json<'t, 'i>) -> Option<Json<'t, 'i>> {
    const NAMES: &[&str] = &["system", "instructions", "system_instruction", "systemInstruction"];
    let configured = || pick(pick(value, &["config"])?, NAMES);
    // A message has a role "system" at most.
    pick(value, NAMES).or_else(configured).filter(|system| !matches!(system.kind(), JsonKind::Text("")))
}

/// A system prompt, however it is given: a text, a list of parts, or an object around either.
pub(crate) fn read_system(value: Json<'_, '_>) -> Option<ChatMessage> {
    let read = match value.kind() {
        JsonKind::Array(items) => {
            let texts: Vec<String> = items.filter_map(|part| read_message(part).text).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        JsonKind::Object(_) => read_message(value).text,
        _ => Some(text_or_json(value)).filter(|text| !text.is_empty()),
    };
    read.map(ChatMessage::system)
}

/// All messages of a value, in order, the system prompt of a request first. Empty when there are none.
pub(crate) fn read_messages(value: Json<'_, '_>) -> Vec<ChatMessage> {
    let Some(list) = message_list(value) else {
        return Vec::new();
    };
    let mut messages: Vec<ChatMessage> = match list.kind() {
        JsonKind::Array(items) => items.map(read_message).collect(),
        _ => vec![read_message(list)],
    };
    let says_system = messages.first().is_some_and(|first| first.role == "system");
    if is_object(value)
        && !is_message(value)
        && !says_system
        && let Some(system) = system_of(value).and_then(read_system)
    {
        messages.insert(0, system);
    }
    messages
}

/// In a list that is input and output in one, the position of the first message of the output: the first choice, or the reply at the end.
pub(crate) fn output_start(list: Json<'_, '_>) -> usize {
    let is_choice = |item: Json<'_, '_>| pick(item, &["event.name"]).and_then(Json::text) == Some("gen_ai.choice");
    let mut count = 0;
    let mut last = None;
    for item in list.items() {
        if is_choice(item) {
            return count;
        }
        count += 1;
        last = Some(item);
    }
    match last {
        Some(item) if role_of(item) == "assistant" => count - 1,
        _ => count,
    }
}
