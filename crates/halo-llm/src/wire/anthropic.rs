//! Anthropic's Messages API: the body of a request, and the blocks of a message put together to one reply.

use halo_protocol::{Message, ToolCall, Usage};
use serde_json::{Map, Value, json};

use super::{Assemble, Assembled, Body, Progress, arguments_object, number_at, tool_call, wire_id, wire_name};
use crate::dialect::Dialect;
use crate::effort::{self, Thinking};
use crate::failure::Failure;
use crate::{ModelOptions, ModelRequest, StopReason};

/// Tokens for an answer where the user sets no bound; the API insists on one. Enough for any report, and within what all
/// models since Claude 3.7 can write.
const ANSWER_TOKENS: u64 = 16_384;

/// The body of a request. Three places carry a cache marker: tools and system, which stay, and the end of the conversation,
/// so that each turn reads what the turn before has written.
pub(super) fn body(options: &ModelOptions, request: &ModelRequest<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = Body::default();
    let max_tokens = max_tokens(options, dialect);
    body.set("model", options.model.as_str());
    body.set("max_tokens", max_tokens);
    body.set("stream", true);
    let mut system: Vec<Value> = request.messages.iter().filter_map(system_block).collect();
    if mark(system.last_mut()) {
        body.set("system", system);
    }
    let mut messages = wire_messages(request.messages);
    mark(messages.last_mut().and_then(last_markable));
    body.set(
        "messages",
        messages.into_iter().map(|(role, blocks)| json!({"role": role, "content": blocks})).collect::<Vec<_>>(),
    );
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters}))
        .collect();
    if mark(tools.last_mut()) {
        body.set("tools", tools);
        if options.parallel_tool_calls == Some(false) {
            body.set("tool_choice", json!({"type": "auto", "disable_parallel_tool_use": true}));
        }
    }
    set_thinking(&mut body, dialect, max_tokens);
    body.set_some("temperature", dialect.temperature(options));
    body.0
}

/// The bound of a reply, thinking included.
fn max_tokens(options: &ModelOptions, dialect: &Dialect) -> u64 {
    let thinking = match (dialect.effort.as_deref(), dialect.thinking) {
        (_, Thinking::Never) => 0,
        (Some(effort), _) => effort::budget_tokens(effort).unwrap_or(0),
        // These think unless they are told not to.
        (None, Thinking::Adaptive) => ANSWER_TOKENS,
        (None, Thinking::Budget) => 0,
    };
    let wanted = options.max_output_tokens.unwrap_or(ANSWER_TOKENS + thinking);
    dialect.max_tokens_max.map_or(wanted, |max| wanted.min(max))
}

fn set_thinking(body: &mut Body, dialect: &Dialect, max_tokens: u64) {
    let Some(effort) = dialect.effort.as_deref() else {
        return;
    };
    match dialect.thinking {
        Thinking::Never => {}
        _ if effort::is_off(effort) => body.set("thinking", json!({"type": "disabled"})),
        Thinking::Adaptive => {
            body.set("thinking", json!({"type": "adaptive"}));
            body.set("output_config", json!({"effort": effort}));
        }
        Thinking::Budget => {
            let budget = effort::budget_tokens(effort).and_then(|budget| effort::fitted_budget(budget, max_tokens));
            body.set_some("thinking", budget.map(|tokens| json!({"type": "enabled", "budget_tokens": tokens})));
        }
    }
}

/// Sets the cache marker. `false` when there is nothing to mark.
fn mark(block: Option<&mut Value>) -> bool {
    let Some(Value::Object(block)) = block else {
        return false;
    };
    block.insert("cache_control".to_owned(), json!({"type": "ephemeral"}));
    true
}

/// The last block that may carry a marker: thinking may not.
fn last_markable((_, blocks): &mut Turn) -> Option<&mut Value> {
    let may = |block: &Value| matches!(block["type"].as_str(), Some("text" | "tool_use" | "tool_result"));
    blocks.iter_mut().rfind(|block| may(block))
}

fn system_block(message: &Message) -> Option<Value> {
    match message {
        Message::System { content } => text_block(content),
        _ => None,
    }
}

/// The API refuses texts of nothing but blanks.
fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "text", "text": text}))
}

/// Role and blocks of a message.
type Turn = (&'static str, Vec<Value>);

/// The conversation in turns: what follows one another in the same role is one message, and results of calls come first in
/// it.
fn wire_messages(messages: &[Message]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { content } => ("user", text_block(content).into_iter().collect()),
            Message::Tool { tool_call_id, content } => ("user", vec![result_block(tool_call_id, content)]),
            Message::Assistant { content, tool_calls, provider_items } => {
                ("assistant", assistant_blocks(content, tool_calls, provider_items))
            }
        };
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut().filter(|(last, _)| *last == role) {
            Some((_, turn)) if matches!(message, Message::Tool { .. }) => {
                let at = turn.iter().position(|block| block["type"] != "tool_result").unwrap_or(turn.len());
                turn.splice(at..at, blocks);
            }
            Some((_, turn)) => turn.extend(blocks),
            None => turns.push((role, blocks)),
        }
    }
    turns
}

fn result_block(call_id: &str, content: &str) -> Value {
    let mut block = json!({"type": "tool_result", "tool_use_id": wire_id(call_id)});
    if !content.trim().is_empty() {
        block["content"] = json!(content);
    }
    block
}

fn call_block(call: &ToolCall) -> Value {
    json!({"type": "tool_use", "id": wire_id(&call.id), "name": wire_name(&call.name), "input": arguments_object(call)})
}

/// A reply as it goes back. What the model thought has to stand where it stood, so the items give the order; text and calls
/// are the conversation's, which may have changed them.
fn assistant_blocks(content: &str, calls: &[ToolCall], items: &[Value]) -> Vec<Value> {
    let foreign = |item: &Value| matches!(item["type"].as_str(), Some("reasoning" | "message" | "function_call"));
    let items = if items.iter().any(foreign) { &[] } else { items };
    let texts: String =
        items.iter().filter(|item| item["type"] == "text").filter_map(|item| item["text"].as_str()).collect();
    let texts_fit = texts == content;
    let mut changed_text = text_block(content).filter(|_| !texts_fit);
    let mut calls = calls.iter();
    let mut blocks = Vec::new();
    for item in items {
        match item["type"].as_str() {
            Some("text") if texts_fit => blocks.extend(item["text"].as_str().and_then(text_block)),
            Some("text") => blocks.extend(changed_text.take()),
            Some("tool_use") => {
                blocks.extend(changed_text.take());
                blocks.extend(calls.next().map(call_block));
            }
            _ => blocks.push(item.clone()),
        }
    }
    blocks.extend(changed_text);
    blocks.extend(calls.map(call_block));
    blocks
}

/// A reply that is still coming in.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    blocks: Vec<Block>,
    stop_reason: Option<String>,
    /// Why the model refused.
    explanation: Option<String>,
    /// Fields of usage, each as it was last told.
    usage: Map<String, Value>,
    has_begun: bool,
    has_ended: bool,
}

/// A block of content.
#[derive(Debug)]
struct Block {
    index: Option<u64>,
    /// As it was opened, with its texts so far.
    value: Value,
    /// The input of a call as it comes in.
    input: String,
}

impl Assemble for Assembly {
    fn add(&mut self, event: &Value) -> Result<String, Failure> {
        if !event["error"].is_null() {
            return Err(Failure::of_error_object(&event["error"]));
        }
        match event["type"].as_str() {
            Some("message_start") => {
                self.has_begun = true;
                self.add_usage(&event["message"]["usage"]);
            }
            Some("content_block_start") => {
                return Ok(self.open_block(event["index"].as_u64(), &event["content_block"]));
            }
            Some("content_block_delta") => return Ok(self.add_delta(event["index"].as_u64(), &event["delta"])),
            Some("message_delta") => {
                self.add_stop(&event["delta"]);
                self.add_stop(event);
                self.add_usage(&event["usage"]);
            }
            Some("message_stop") => self.has_ended = self.has_begun,
            Some("message") => return Ok(self.add_document(event)),
            // `ping`, `content_block_stop`, and what is yet to come.
            _ => {}
        }
        Ok(String::new())
    }

    fn progress(&self) -> Progress {
        match (self.has_ended, self.stop_reason.is_some(), self.has_begun) {
            (true, ..) => Progress::Ended,
            (_, true, _) => Progress::Stopped,
            (_, _, true) => Progress::Begun,
            _ => Progress::Nothing,
        }
    }

    fn finish(self: Box<Self>, turn: usize) -> Assembled {
        let Self { blocks, stop_reason, explanation, usage, .. } = *self;
        let mut content = String::new();
        let mut tool_calls: Vec<ToolCall> = Vec::new();
        let mut items = Vec::new();
        let mut has_opaque = false;
        let stop = stop_of(stop_reason.as_deref());
        for block in blocks {
            let word = |key: &str| block.value[key].as_str().unwrap_or_default().to_owned();
            match block.value["type"].as_str() {
                Some("text") => {
                    content.push_str(&word("text"));
                    items.push(json!({"type": "text", "text": word("text")}));
                }
                Some("tool_use") => {
                    items.push(json!({"type": "tool_use", "id": word("id")}));
                    let call = tool_call(word("id"), word("name"), block.arguments(), turn, tool_calls.len());
                    tool_calls.push(call);
                }
                // Cut before it was signed: the API would refuse it.
                Some("thinking") if stop == StopReason::Length && word("signature").is_empty() => {}
                _ => {
                    has_opaque = true;
                    items.push(block.into_value());
                }
            }
        }
        let refusal = (stop == StopReason::Refusal).then(|| {
            let said = Some(&content).filter(|said| !said.trim().is_empty()).cloned();
            explanation.or(said).unwrap_or_else(|| "The model refused to answer and did not say why.".to_owned())
        });
        Assembled {
            provider_items: if has_opaque { items } else { Vec::new() },
            usage: read_usage(&Value::Object(usage)),
            finish_reason: stop_reason,
            content,
            tool_calls,
            stop,
            refusal,
        }
    }
}

impl Assembly {
    fn open_block(&mut self, index: Option<u64>, value: &Value) -> String {
        self.has_begun = true;
        let is_text = value["type"] == "text";
        let text = value["text"].as_str().filter(|_| is_text).unwrap_or_default().to_owned();
        self.blocks.push(Block { index, value: value.clone(), input: String::new() });
        text
    }

    fn add_delta(&mut self, index: Option<u64>, delta: &Value) -> String {
        // Without an index, or with one that was never opened, it belongs to the block that came last.
        let known = self.blocks.iter().rposition(|block| block.index == index);
        let position = known.unwrap_or(self.blocks.len().saturating_sub(1));
        let Some(block) = self.blocks.get_mut(position) else {
            return String::new();
        };
        for key in ["text", "thinking", "signature"] {
            if let (Some(piece), Some(fields)) = (delta[key].as_str(), block.value.as_object_mut()) {
                let so_far = fields.get(key).and_then(Value::as_str).unwrap_or_default();
                let whole = format!("{so_far}{piece}");
                fields.insert(key.to_owned(), Value::String(whole));
            }
        }
        block.input.push_str(delta["partial_json"].as_str().unwrap_or_default());
        let is_text = block.value["type"] == "text";
        delta["text"].as_str().filter(|_| is_text).unwrap_or_default().to_owned()
    }

    fn add_stop(&mut self, delta: &Value) {
        if let Some(reason) = delta["stop_reason"].as_str() {
            self.stop_reason = Some(reason.to_owned());
        }
        if let Some(words) = delta.pointer("/stop_details/explanation").and_then(Value::as_str) {
            self.explanation = Some(words.to_owned());
        }
    }

    fn add_usage(&mut self, usage: &Value) {
        let fields = usage.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        self.usage.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
    }

    /// A whole message in place of a stream.
    fn add_document(&mut self, message: &Value) -> String {
        let blocks = message["content"].as_array().into_iter().flatten();
        let text = blocks.map(|block| self.open_block(None, block)).collect();
        self.add_stop(message);
        self.add_usage(&message["usage"]);
        self.has_begun = true;
        self.has_ended = true;
        text
    }
}

impl Block {
    fn arguments(&self) -> String {
        match &self.value["input"] {
            _ if !self.input.is_empty() => self.input.clone(),
            Value::Null => String::new(),
            input => super::arguments_of(input),
        }
    }

    /// The block as it goes back.
    fn into_value(mut self) -> Value {
        if let Ok(input) = serde_json::from_str::<Value>(&self.input) {
            self.value["input"] = input;
        }
        self.value
    }
}

fn stop_of(reason: Option<&str>) -> StopReason {
    match reason {
        Some("end_turn" | "stop_sequence") => StopReason::EndTurn,
        Some("tool_use") => StopReason::ToolCalls,
        Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
        Some("refusal") => StopReason::Refusal,
        _ => StopReason::Other,
    }
}

/// Anthropic counts cached tokens apart from the others; here they are a part of them, as with other providers.
fn read_usage(usage: &Value) -> Usage {
    let cached_input_tokens = number_at(usage, &["/cache_read_input_tokens"]);
    let cache_write_input_tokens = number_at(usage, &["/cache_creation_input_tokens"]);
    Usage {
        requests: 1,
        input_tokens: number_at(usage, &["/input_tokens"]) + cached_input_tokens + cache_write_input_tokens,
        output_tokens: number_at(usage, &["/output_tokens"]),
        cached_input_tokens,
        cache_write_input_tokens,
        reasoning_tokens: number_at(usage, &["/output_tokens_details/thinking_tokens"]),
    }
}

#[cfg(test)]
mod tests;
