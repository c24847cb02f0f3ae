//! One message of any shape to a [`ChatMessage`]: OpenAI's chat and responses, Anthropic's blocks, OTel GenAI's parts, OpenInference,
//! LangChain, Bedrock, Gemini, Vercel's AI SDK, and the events of Logfire.

use super::{ChatMessage, RequestedCall, ToolResult};
use crate::json::{Json, JsonKind, with_parsed};

/// The first of these keys, in this order, that an object has with a value that is not null.
pub(super) fn pick<'t, 'i>(object: Json<'t, 'i>, keys: &[&str]) -> Option<Json<'t, 'i>> {
    keys.iter().find_map(|key| object.get(&[key]).filter(|value| !value.is_null()))
}

pub(super) fn is_object(value: Json<'_, '_>) -> bool {
    matches!(value.kind(), JsonKind::Object(_))
}

/// A string itself, anything else as JSON.
pub(super) fn text_or_json(value: Json<'_, '_>) -> String {
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

/// A role in the words of OpenAI; one that is not known stays as it is.
pub(crate) fn normal_role(role: &str) -> &str {
    const ROLES: &[(&str, &str)] = &[
        ("user", "user"),
        ("assistant", "assistant"),
        ("tool", "tool"),
        ("system", "system"),
        ("developer", "developer"),
        ("human", "user"),
        ("ai", "assistant"),
        ("model", "assistant"),
        ("function", "tool"),
        ("HumanMessage", "user"),
        ("HumanMessageChunk", "user"),
        ("AIMessage", "assistant"),
        ("AIMessageChunk", "assistant"),
        ("SystemMessage", "system"),
        ("ToolMessage", "tool"),
        ("FunctionMessage", "tool"),
        ("gen_ai.user.message", "user"),
        ("gen_ai.assistant.message", "assistant"),
        ("gen_ai.system.message", "system"),
        ("gen_ai.tool.message", "tool"),
        ("gen_ai.choice", "assistant"),
    ];
    ROLES.iter().find(|(name, _)| name.eq_ignore_ascii_case(role)).map_or(role, |(_, normal)| normal)
}

/// Whether a role is one that a message has, in any convention.
pub(super) fn is_role(role: &str) -> bool {
    matches!(normal_role(role), "user" | "assistant" | "tool" | "system" | "developer")
}

/// What a part of a message is, by its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    Call,
    Result,
    Reasoning,
    /// Images, files, sound: nothing to read.
    Media,
}

pub(super) fn part_kind(kind: &str) -> Option<PartKind> {
    Some(match kind {
        "tool_call" | "tool_use" | "tool-call" | "function_call" | "function" | "custom_tool_call"
        | "server_tool_use" | "mcp_tool_use" => PartKind::Call,
        "tool_call_response"
        | "tool_result"
        | "tool-result"
        | "function_call_output"
        | "custom_tool_call_output"
        | "mcp_tool_result"
        | "web_search_tool_result" => PartKind::Result,
        "reasoning" | "thinking" | "redacted_thinking" => PartKind::Reasoning,
        "blob" | "uri" | "file" | "image" | "image_url" | "image-url" | "input_image" | "input_file"
        | "input_audio" | "audio" | "video" | "media" | "document" => PartKind::Media,
        _ => return None,
    })
}

/// Field of a message: bare, or with the prefix that OpenInference gives it.
pub(super) fn field<'t, 'i>(message: Json<'t, 'i>, name: &str) -> Option<Json<'t, 'i>> {
    message
        .entries()
        .find(|(key, value)| (*key == name || key.strip_prefix("message.") == Some(name)) && !value.is_null())
        .map(|(_, value)| value)
}

/// The message in what some SDKs wrap around it: `message`, LangChain's `kwargs` and `data`, Gemini's `content`.
fn unwrapped<'t, 'i>(item: Json<'t, 'i>) -> Json<'t, 'i> {
    let mut message = item;
    // Wrappers in wrappers: LangChain's generations hold serialised messages. Few, and so bounded.
    for _ in 0..4 {
        let inner = pick(message, &["message", "kwargs", "data"]).or_else(|| {
            let content = pick(message, &["content"])?;
            pick(content, &["parts", "role"]).map(|_| content)
        });
        match inner.filter(|inner| is_object(*inner)) {
            Some(inner) => message = inner,
            None => break,
        }
    }
    message
}

/// The role of a message in the words of OpenAI; empty when nothing tells.
pub(crate) fn role_of<'i>(item: Json<'_, 'i>) -> &'i str {
    let inner = unwrapped(item);
    let said = [inner, item].into_iter().find_map(|message| field(message, "role").and_then(Json::text));
    let typed = || {
        let kind = [inner, item].into_iter().find_map(|message| pick(message, &["type"]).and_then(Json::text))?;
        match part_kind(kind) {
            Some(PartKind::Result) => Some("tool"),
            Some(PartKind::Call | PartKind::Reasoning) => Some("assistant"),
            _ => Some(kind).filter(|kind| is_role(kind)),
        }
    };
    // LangChain's serialised messages name their class; Logfire's events themselves.
    let class = || {
        let outer = [Some(item), pick(item, &["message"])].into_iter().flatten();
        outer.filter_map(|outer| pick(outer, &["id"])?.items().last()?.text()).find(|class| is_role(class))
    };
    let event = || pick(item, &["event.name"])?.text();
    let called = || pick(item, &["tool.name", "toolName"]).map(|_| "assistant");
    normal_role(said.or_else(typed).or_else(class).or_else(event).or_else(called).unwrap_or_default())
}

/// Reads one item of a list of messages, whatever its shape.
pub(crate) fn read_message(item: Json<'_, '_>) -> ChatMessage {
    let mut parts = Parts::default();
    if let Some(text) = item.text() {
        parts.texts.push(text.to_owned());
        return parts.into_message(ChatMessage::default());
    }
    let message = unwrapped(item);
    let role = role_of(item);
    for name in ["content", "contents", "parts", "text", "blocks"] {
        if parts.is_empty()
            && let Some(value) = field(message, name)
        {
            parts.read_content(value, role == "tool");
        }
    }
    // Items that are a part themselves: OpenAI's responses, and calls without a message around them.
    let kind = pick(message, &["type"]).and_then(Json::text).and_then(part_kind);
    if kind.is_some() || pick(message, &["tool.name", "toolCallId", "toolUse", "functionCall"]).is_some() {
        parts = Parts::default();
        parts.read_part(message);
    }
    parts.read_calls(message);
    let tool_call_id = pick(message, &["message.tool_call_id", "tool_call_id", "toolCallId", "tool_use_id", "call_id"])
        .or_else(|| pick(message, &["id"]))
        .filter(|_| role == "tool")
        .map(text_or_json);
    let finish_reason = finish_reason(message).or_else(|| finish_reason(item));
    parts.into_message(ChatMessage { role: role.to_owned(), tool_call_id, finish_reason, ..ChatMessage::default() })
}

fn finish_reason(message: Json<'_, '_>) -> Option<String> {
    const NAMES: &[&str] = &["finish_reason", "message.finish_reason", "finishReason", "stop_reason", "stopReason"];
    let around = || pick(message, &["response_metadata", "generation_info"]).and_then(|inner| pick(inner, NAMES));
    pick(message, NAMES).or_else(around).and_then(Json::text).filter(|reason| !reason.is_empty()).map(str::to_owned)
}

/// What the parts of a message come to.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) texts: Vec<String>,
    reasoning: Vec<String>,
    pub(super) calls: Vec<RequestedCall>,
    results: Vec<ToolResult>,
}

impl Parts {
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.calls.is_empty() && self.results.is_empty() && self.reasoning.is_empty()
    }

    /// Content of a message: a text, or parts of which some are text and some are tool calls and results. A tool's result that is
    /// neither is kept as JSON.
    fn read_content(&mut self, value: Json<'_, '_>, is_result: bool) {
        match value.kind() {
            JsonKind::Text(text) => self.texts.push(text.to_owned()),
            JsonKind::Array(parts) => parts.for_each(|part| self.read_part(part)),
            JsonKind::Object(_) => self.read_part(value),
            JsonKind::Null => {}
            _ => self.texts.push(text_or_json(value)),
        }
        let empty_list = matches!(value.kind(), JsonKind::Array(_)) && value.items().next().is_none();
        if self.is_empty() && !empty_list && !value.is_null() && (is_result || is_object(value)) {
            self.texts.push(text_or_json(value));
        }
    }

    /// Content that is text, but may be parts as JSON. Anything else stays the text that it is.
    pub(super) fn read_text(&mut self, text: &str) {
        let parsed = with_parsed(text, |value| {
            let is_part = |part: Json<'_, '_>| {
                pick(part, &["type"])
                    .and_then(Json::text)
                    .is_some_and(|kind| kind == "text" || part_kind(kind).is_some())
                    || pick(part, &["toolUse", "toolResult", "functionCall"]).is_some()
            };
            if value.items().next().is_some() && value.items().all(is_part) {
                value.items().for_each(|part| self.read_part(part));
            }
        });
        if parsed.is_none() || self.is_empty() {
            self.texts.push(text.to_owned());
        }
    }

    pub(super) fn read_part(&mut self, part: Json<'_, '_>) {
        if let Some(text) = part.text() {
            return self.texts.push(text.to_owned());
        }
        let part = pick(part, &["message_content"]).unwrap_or(part);
        let kind = pick(part, &["type", "message_content.type", "kind"]).and_then(Json::text).and_then(part_kind);
        match kind {
            Some(PartKind::Call) => self.push_call(read_call(part)),
            Some(PartKind::Result) => self.results.push(read_result(part)),
            Some(PartKind::Reasoning) => self.reasoning.extend(reasoning(part)),
            Some(PartKind::Media) => {}
            None => self.read_untyped(part),
        }
    }

    /// Parts that their keys tell apart: Bedrock's, Gemini's, and plain text.
    fn read_untyped(&mut self, part: Json<'_, '_>) {
        if let Some(call) = pick(part, &["toolUse", "functionCall", "function_call"]) {
            self.push_call(read_call(call));
        } else if let Some(result) = pick(part, &["toolResult", "functionResponse", "function_response"]) {
            self.results.push(read_result(result));
        } else if pick(part, &["tool.name"]).is_some()
            || (pick(part, &["toolCallId"]).is_some() && pick(part, &["result", "output"]).is_none())
        {
            self.push_call(read_call(part));
        } else if let Some(thought) = pick(part, &["reasoningContent"]) {
            self.reasoning.extend(pick(thought, &["reasoningText"]).and_then(reasoning));
        } else if let Some(text) = pick(part, &["text", "message_content.text", "content", "refusal"]) {
            // The assistants API says {"text": {"value": ...}}.
            let text = pick(text, &["value"]).unwrap_or(text).text().map(str::to_owned);
            let is_thought = pick(part, &["thought"]).is_some_and(|flag| matches!(flag.kind(), JsonKind::Bool(true)));
            if is_thought { &mut self.reasoning } else { &mut self.texts }.extend(text);
        }
    }

    /// Calls that stand beside the content.
    fn read_calls(&mut self, message: Json<'_, '_>) {
        for call in
            field(message, "tool_calls").or_else(|| field(message, "toolCalls")).into_iter().flat_map(Json::items)
        {
            self.push_call(read_call(call));
        }
        let extra = pick(message, &["additional_kwargs"]);
        for call in extra.and_then(|extra| pick(extra, &["tool_calls"])).into_iter().flat_map(Json::items) {
            self.push_call(read_call(call));
        }
        let legacy = field(message, "function_call").or_else(|| pick(extra?, &["function_call"]));
        if let Some(call) = legacy.filter(|call| is_object(*call) && self.calls.is_empty()) {
            self.push_call(read_call(call));
        }
        if let Some(name) = pick(message, &["message.function_call_name"]) {
            let arguments = pick(message, &["message.function_call_arguments_json"]).map(text_or_json);
            let (name, arguments) = (text_or_json(name), arguments.unwrap_or_default());
            self.push_call(RequestedCall { id: String::new(), name, arguments });
        }
    }

    /// LangChain repeats a call in up to three places: each id counts once.
    pub(super) fn push_call(&mut self, call: RequestedCall) {
        let known = !call.id.is_empty() && self.calls.iter().any(|known| known.id == call.id);
        let empty = call.name.is_empty() && call.arguments.is_empty();
        if !known && !empty {
            self.calls.push(call);
        }
    }

    pub(super) fn into_message(mut self, message: ChatMessage) -> ChatMessage {
        let mut role = message.role;
        // A result is the tool's, whoever hands it on; and a tool asks for nothing.
        if !self.results.is_empty() && self.texts.is_empty() && self.calls.is_empty() {
            role = "tool".into();
        } else if role == "tool" && !self.calls.is_empty() && self.texts.is_empty() {
            role = "assistant".into();
        }
        let answered = self.results.first().map(|result| result.call_id.clone()).filter(|id| !id.is_empty());
        let mut texts: Vec<String> = self.results.iter().map(|result| result.text.clone()).collect();
        texts.append(&mut self.texts);
        // Reasoning is not what was said, but it is all there is when a reply was cut off in it.
        if texts.is_empty() && self.calls.is_empty() {
            texts = self.reasoning;
        }
        let one_result = self.results.len() == 1;
        ChatMessage {
            role,
            text: (!texts.is_empty()).then(|| texts.join("\n")),
            tool_calls: self.calls,
            tool_call_id: answered.or(message.tool_call_id),
            tool_results: if one_result && !self.results[0].failed { Vec::new() } else { self.results },
            finish_reason: message.finish_reason,
        }
    }
}

fn reasoning(part: Json<'_, '_>) -> Option<String> {
    let said = pick(part, &["thinking", "content", "text", "summary", "reasoning"])?;
    let texts: Vec<&str> = match said.kind() {
        JsonKind::Text(text) => vec![text],
        _ => said.items().filter_map(|item| item.text().or_else(|| pick(item, &["text"])?.text())).collect(),
    };
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// Reads a call of any shape.
pub(super) fn read_call(call: Json<'_, '_>) -> RequestedCall {
    const ARGUMENTS: &[&str] =
        &["arguments", "args", "input", "tool_call.function.arguments", "tool.args", "parameters"];
    let call = pick(call, &["tool_call"]).filter(|inner| is_object(*inner)).unwrap_or(call);
    let function = pick(call, &["function"]).filter(|inner| is_object(*inner)).unwrap_or(call);
    let text = |keys: &[&str]| pick(function, keys).or_else(|| pick(call, keys)).map(text_or_json).unwrap_or_default();
    RequestedCall {
        id: pick(call, &["call_id", "toolCallId", "tool_call_id", "toolUseId", "id", "tool_call.id", "tool.id"])
            .map(text_or_json)
            .unwrap_or_default(),
        name: text(&["name", "toolName", "tool_name", "tool_call.function.name", "tool.name"]),
        arguments: text(ARGUMENTS),
    }
}

/// Reads a part that is a tool's result.
fn read_result(part: Json<'_, '_>) -> ToolResult {
    let value = pick(part, &["response", "result", "output", "content"]);
    let kind = value.and_then(|value| pick(value, &["type"])).and_then(Json::text).unwrap_or_default();
    let flag = pick(part, &["is_error", "isError"]).is_some_and(|flag| matches!(flag.kind(), JsonKind::Bool(true)));
    let status = pick(part, &["status"]).and_then(Json::text) == Some("error");
    ToolResult {
        call_id: pick(part, &["tool_use_id", "toolCallId", "tool_call_id", "toolUseId", "call_id", "id"])
            .map(text_or_json)
            .unwrap_or_default(),
        text: value.map(result_text).unwrap_or_default(),
        failed: flag || status || kind.starts_with("error"),
    }
}

/// Text of a result: parts of text joined, what stands in an envelope, anything else as JSON.
fn result_text(value: Json<'_, '_>) -> String {
    let part_text = |part: Json<'_, '_>| {
        if let Some(json) = pick(part, &["json"]) {
            return Some(text_or_json(json));
        }
        let kind = pick(part, &["type"]).and_then(Json::text);
        let text = pick(part, &["text"])?.text()?;
        (kind.is_none_or(|kind| kind.contains("text")) && part.entries().count() <= 3).then(|| text.to_owned())
    };
    match value.kind() {
        JsonKind::Array(mut parts) => {
            let texts: Option<Vec<String>> = parts.map(part_text).collect();
            match texts.filter(|_| parts.next().is_some()) {
                Some(texts) => texts.join("\n"),
                None => text_or_json(value),
            }
        }
        // The AI SDK's envelope: {"type": "json", "value": ...}.
        JsonKind::Object(_) => match (pick(value, &["type"]).and_then(Json::text), pick(value, &["value"])) {
            (Some("text" | "json" | "error-text" | "error-json" | "content"), Some(inner)) => text_or_json(inner),
            _ => text_or_json(value),
        },
        _ => text_or_json(value),
    }
}
