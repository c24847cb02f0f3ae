//! Chat completions: the body of a request, and the pieces of a completion, in whatever dialect an endpoint sends them, put
//! together to one reply.

use halo_protocol::{Message, ToolCall, Usage};
use serde_json::{Map, Value, json};

use super::{
    Assemble, Assembled, Body, Progress, arguments_of, arguments_text, cache_key, number_at, text_of, tool_call,
    wire_name,
};
use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::{ModelOptions, ModelRequest, StopReason};

/// The body of a request.
pub(super) fn body(options: &ModelOptions, request: &ModelRequest<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = Body::default();
    body.set("model", options.model.as_str());
    body.set("messages", request.messages.iter().map(wire_message).collect::<Vec<_>>());
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| json!({"type": "function", "function": tool}));
        body.set("tools", tools.collect::<Vec<_>>());
        // Endpoints refuse the flag when there are no tools.
        body.set_some("parallel_tool_calls", options.parallel_tool_calls);
    }
    body.set("stream", true);
    if dialect.stream_options {
        body.set("stream_options", json!({"include_usage": true}));
    }
    body.set_some("temperature", dialect.temperature(options));
    let bound = if dialect.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    body.set_some(bound, options.max_output_tokens);
    body.set_some("reasoning_effort", dialect.effort.as_deref());
    body.set_some("prompt_cache_key", cache_key(options, request));
    if let Some(schema) = request.output_schema.filter(|_| dialect.output_schema) {
        let schema = json!({"name": schema.name, "schema": schema.schema, "strict": false});
        body.set("response_format", json!({"type": "json_schema", "json_schema": schema}));
    }
    body.0
}

fn wire_message(message: &Message) -> Value {
    match message {
        Message::System { content } => json!({"role": "system", "content": content}),
        Message::User { content } => json!({"role": "user", "content": content}),
        Message::Tool { tool_call_id, content } => {
            json!({"role": "tool", "content": content, "tool_call_id": tool_call_id})
        }
        Message::Assistant { content, tool_calls, .. } if tool_calls.is_empty() => {
            json!({"role": "assistant", "content": content})
        }
        Message::Assistant { content, tool_calls, .. } => {
            // Several endpoints refuse an empty text here.
            let content = Some(content).filter(|content| !content.is_empty());
            let calls: Vec<Value> = tool_calls.iter().map(wire_call).collect();
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
    }
}

fn wire_call(call: &ToolCall) -> Value {
    let function = json!({"name": wire_name(&call.name), "arguments": arguments_text(call)});
    json!({"id": call.id, "type": "function", "function": function})
}

/// A reply that is still coming in.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    content: String,
    refusal: String,
    finish_reason: Option<String>,
    usage: Usage,
    calls: Vec<PartialCall>,
    /// Whether any choice was seen: without one there is no reply.
    has_choice: bool,
    is_done: bool,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Assemble for Assembly {
    fn add(&mut self, chunk: &Value) -> Result<String, Failure> {
        let choice = &chunk["choices"][0];
        for error in [&chunk["error"], &choice["error"]] {
            if !error.is_null() {
                return Err(Failure::of_error_object(error));
            }
        }
        // Others send the error bare, in place of a chunk.
        if choice.is_null() && (chunk["object"] == "error" || chunk["type"] == "error") {
            return Err(Failure::of_error_object(chunk));
        }
        if let Some(usage) = read_usage(&chunk["usage"]) {
            self.usage = usage;
        }
        if choice.is_null() {
            return Ok(String::new());
        }
        self.has_choice = true;
        let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
        let text = text_of(&delta["content"]);
        self.content.push_str(&text);
        self.refusal.push_str(&text_of(&delta["refusal"]));
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            self.add_call(call);
        }
        if let Some(reason) = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty()) {
            if reason == "error" {
                return Err(Failure::passing("it stopped in the middle of its reply"));
            }
            self.finish_reason = Some(reason.to_owned());
        }
        Ok(text)
    }

    fn progress(&self) -> Progress {
        match (self.is_done, self.finish_reason.is_some(), self.has_choice) {
            (true, _, true) => Progress::Ended,
            (_, true, _) => Progress::Stopped,
            (_, _, true) => Progress::Begun,
            _ => Progress::Nothing,
        }
    }

    /// Some endpoints give no reason why the model stopped: then this is the end.
    fn add_done(&mut self) {
        self.is_done = true;
    }

    fn finish(self: Box<Self>, turn: usize) -> Assembled {
        let tool_calls: Vec<ToolCall> = self
            .calls
            .into_iter()
            .filter(|call| !(call.name.is_empty() && call.arguments.trim().is_empty()))
            .enumerate()
            .map(|(position, call)| tool_call(call.id, call.name, call.arguments, turn, position))
            .collect();
        let refusal = Some(self.refusal).filter(|refusal| !refusal.is_empty());
        let stop = match self.finish_reason.as_deref() {
            Some("length") => StopReason::Length,
            Some("content_filter") => StopReason::Refusal,
            // Many say `stop` where the specification has `tool_calls`.
            _ if !tool_calls.is_empty() => StopReason::ToolCalls,
            _ if refusal.is_some() => StopReason::Refusal,
            Some("stop") | None => StopReason::EndTurn,
            Some(_) => StopReason::Other,
        };
        Assembled {
            content: self.content,
            tool_calls,
            provider_items: Vec::new(),
            stop,
            finish_reason: self.finish_reason,
            refusal,
            usage: self.usage,
        }
    }
}

impl Assembly {
    fn add_call(&mut self, delta: &Value) {
        let index = delta["index"].as_u64();
        let id = delta["id"].as_str().unwrap_or_default();
        let function = &delta["function"];
        let name = function["name"].as_str().unwrap_or_default();
        let position = self.find(index, id, name).unwrap_or_else(|| {
            self.calls.push(PartialCall { index, ..PartialCall::default() });
            self.calls.len() - 1
        });
        let Some(call) = self.calls.get_mut(position) else {
            return;
        };
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        // Some endpoints repeat the name with each piece, others send the name itself in pieces.
        if call.name != name {
            call.name.push_str(name);
        }
        call.arguments.push_str(&arguments_of(&function["arguments"]));
    }

    /// The call a delta belongs to; `None` when it opens a new one.
    fn find(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let opens = |call: &PartialCall| !id.is_empty() && !call.id.is_empty() && call.id != id;
        if let Some(index) = index {
            let position = self.calls.iter().rposition(|call| call.index == Some(index))?;
            // Some endpoints give every call the index 0: then a new id together with a name is a new call.
            let is_new = self.calls.get(position).is_some_and(opens) && !name.is_empty();
            return (!is_new).then_some(position);
        }
        if !id.is_empty() {
            return self.calls.iter().position(|call| call.id == id);
        }
        let last = self.calls.last()?;
        let continues = name.is_empty() || last.name.is_empty();
        continues.then(|| self.calls.len() - 1)
    }
}

fn read_usage(usage: &Value) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    Some(Usage {
        requests: 1,
        input_tokens: number_at(usage, &["/prompt_tokens", "/input_tokens"]),
        output_tokens: number_at(usage, &["/completion_tokens", "/output_tokens"]),
        cached_input_tokens: number_at(
            usage,
            &[
                "/prompt_tokens_details/cached_tokens",
                "/input_tokens_details/cached_tokens",
                "/prompt_cache_hit_tokens",
            ],
        ),
        cache_write_input_tokens: number_at(
            usage,
            &["/prompt_tokens_details/cache_write_tokens", "/cache_creation_input_tokens"],
        ),
        reasoning_tokens: number_at(
            usage,
            &["/completion_tokens_details/reasoning_tokens", "/output_tokens_details/reasoning_tokens"],
        ),
    })
}

#[cfg(test)]
mod tests;
