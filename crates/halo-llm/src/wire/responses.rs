//! OpenAI's Responses API without state on the server: the body of a request, and the items of a response put together to
//! one reply.

use halo_protocol::{Message, ToolCall, Usage};
use serde_json::{Map, Value, json};

use super::{
    Assemble, Assembled, Body, Progress, arguments_of, arguments_text, cache_key, number_at, tool_call, wire_name,
};
use crate::dialect::Dialect;
use crate::failure::Failure;
use crate::{ModelOptions, ModelRequest, StopReason, effort};

/// The body of a request.
pub(super) fn body(options: &ModelOptions, request: &ModelRequest<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = Body::default();
    body.set("model", options.model.as_str());
    let (instructions, messages) = match request.messages {
        [Message::System { content }, rest @ ..] => (Some(content.as_str()), rest),
        all => (None, all),
    };
    body.set_some("instructions", instructions);
    body.set("input", messages.iter().flat_map(input_items).collect::<Vec<_>>());
    if !request.tools.is_empty() {
        // Strict is the default here, and refuses schemas that other forms take.
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "name": tool.name, "description": tool.description,
                   "parameters": tool.parameters, "strict": false})
        });
        body.set("tools", tools.collect::<Vec<_>>());
        body.set_some("parallel_tool_calls", options.parallel_tool_calls);
    }
    body.set("stream", true);
    body.set("store", false);
    if dialect.encrypted_reasoning && reasons(options, dialect) {
        body.set("include", json!(["reasoning.encrypted_content"]));
    }
    body.set_some("reasoning", dialect.effort.as_deref().map(|effort| json!({"effort": effort})));
    body.set_some("temperature", dialect.temperature(options));
    body.set_some("max_output_tokens", options.max_output_tokens);
    body.set_some("prompt_cache_key", cache_key(options, request));
    if let Some(schema) = request.output_schema.filter(|_| dialect.output_schema) {
        let format = json!({"type": "json_schema", "name": schema.name, "schema": schema.schema, "strict": false});
        body.set("text", json!({"format": format}));
    }
    body.0
}

/// Whether the model is going to reason: it was told to, or its family does unless told otherwise.
fn reasons(options: &ModelOptions, dialect: &Dialect) -> bool {
    match dialect.effort.as_deref() {
        Some(effort) => effort != "none",
        None => effort::accepted(&options.model).is_some_and(|levels| !levels.is_empty()),
    }
}

fn input_items(message: &Message) -> Vec<Value> {
    match message {
        Message::System { content } => vec![json!({"role": "system", "content": content})],
        Message::User { content } => vec![json!({"role": "user", "content": content})],
        Message::Tool { tool_call_id, content } => {
            vec![json!({"type": "function_call_output", "call_id": tool_call_id, "output": content})]
        }
        Message::Assistant { content, tool_calls, provider_items } => {
            assistant_items(content, tool_calls, provider_items)
        }
    }
}

/// A reply as it goes back. Reasoning belongs to the item behind it, so all items go back as they came and in their order;
/// calls, and a text that the conversation changed, are the conversation's.
fn assistant_items(content: &str, calls: &[ToolCall], items: &[Value]) -> Vec<Value> {
    let ours = |item: &&Value| matches!(item["type"].as_str(), Some("reasoning" | "message" | "function_call"));
    let texts: String = items.iter().filter(|item| item["type"] == "message").map(message_text).collect();
    let texts_fit = texts == content;
    let plain = |text: &str| json!({"role": "assistant", "content": text});
    let mut changed_text = Some(plain(content)).filter(|_| !texts_fit && !content.is_empty());
    let mut calls = calls.iter();
    let mut input = Vec::new();
    for item in items.iter().filter(ours) {
        match item["type"].as_str() {
            Some("message") if texts_fit => input.push(item.clone()),
            Some("message") => input.extend(changed_text.take()),
            Some("function_call") => {
                input.extend(changed_text.take());
                input.extend(calls.next().map(|call| call_item(item.clone(), call)));
            }
            _ => input.push(item.clone()),
        }
    }
    input.extend(changed_text);
    input.extend(calls.map(|call| call_item(json!({"type": "function_call"}), call)));
    input
}

fn call_item(mut item: Value, call: &ToolCall) -> Value {
    item["call_id"] = json!(call.id);
    item["name"] = json!(wire_name(&call.name));
    item["arguments"] = json!(arguments_text(call));
    item
}

/// Text of a message item, without refusals.
fn message_text(item: &Value) -> String {
    parts_of(item, "output_text", "text")
}

fn parts_of(item: &Value, kind: &str, key: &str) -> String {
    let parts = item["content"].as_array().into_iter().flatten();
    parts.filter(|part| part["type"] == kind).filter_map(|part| part[key].as_str()).collect()
}

/// A reply that is still coming in.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    items: Vec<Item>,
    /// How the response ended, and why it did when that is not the model's own end.
    end: Option<(String, Option<String>)>,
    usage: Usage,
    has_begun: bool,
}

/// An item of the response's output.
#[derive(Debug, Default)]
struct Item {
    index: Option<u64>,
    id: String,
    /// As it was opened, and once it is done, as it is.
    value: Value,
    text: String,
    refusal: String,
    arguments: String,
    is_done: bool,
}

impl Assemble for Assembly {
    fn add(&mut self, event: &Value) -> Result<String, Failure> {
        let kind = event["type"].as_str().unwrap_or_default();
        if kind == "error" || !event["error"].is_null() {
            let error = if event["error"].is_object() { &event["error"] } else { event };
            return Err(Failure::of_error_object(error));
        }
        if event["object"] == "response" {
            return self.add_end(event);
        }
        let delta = event["delta"].as_str().unwrap_or_default();
        match kind {
            "response.output_item.added" => return Ok(self.add_item(event, &event["item"], false)),
            "response.output_item.done" => return Ok(self.add_item(event, &event["item"], true)),
            "response.output_text.delta" => {
                self.item(event, &Value::Null).text.push_str(delta);
                return Ok(delta.to_owned());
            }
            "response.refusal.delta" => self.item(event, &Value::Null).refusal.push_str(delta),
            "response.function_call_arguments.delta" => self.item(event, &Value::Null).arguments.push_str(delta),
            "response.completed" | "response.incomplete" | "response.failed" => {
                return self.add_end(&event["response"]);
            }
            _ => self.has_begun |= kind.starts_with("response."),
        }
        Ok(String::new())
    }

    fn progress(&self) -> Progress {
        match (self.end.is_some(), self.has_begun) {
            (true, _) => Progress::Ended,
            (_, true) => Progress::Begun,
            _ => Progress::Nothing,
        }
    }

    fn finish(self: Box<Self>, turn: usize) -> Assembled {
        let mut content = String::new();
        let mut refusal = String::new();
        let mut tool_calls: Vec<ToolCall> = Vec::new();
        let mut provider_items = Vec::new();
        let mut has_opaque = false;
        for item in self.items {
            match item.value["type"].as_str() {
                Some("function_call") => {
                    let word = |key: &str| item.value[key].as_str().unwrap_or_default().to_owned();
                    let id = [word("call_id"), item.id.clone()].into_iter().find(|id| !id.is_empty());
                    let call = tool_call(id.unwrap_or_default(), word("name"), item.arguments, turn, tool_calls.len());
                    tool_calls.push(call);
                }
                Some("reasoning") => {
                    if !can_go_back(&item.value) {
                        continue;
                    }
                    has_opaque = true;
                }
                // An item without a type was opened by its text.
                Some("message") | None => {
                    content.push_str(&item.text);
                    refusal.push_str(&item.refusal);
                    has_opaque |= !item.value["phase"].is_null();
                }
                Some(_) => continue,
            }
            provider_items.extend(kept(item.value));
        }
        let refusal = Some(refusal).filter(|refusal| !refusal.is_empty());
        let (status, reason) = self.end.unwrap_or_default();
        let stop = match reason.as_deref() {
            Some("max_output_tokens" | "max_tokens") => StopReason::Length,
            Some("content_filter") => StopReason::Refusal,
            Some(_) => StopReason::Other,
            None if !tool_calls.is_empty() => StopReason::ToolCalls,
            None if refusal.is_some() => StopReason::Refusal,
            None if status == "completed" => StopReason::EndTurn,
            None => StopReason::Other,
        };
        Assembled {
            provider_items: if has_opaque { provider_items } else { Vec::new() },
            finish_reason: reason.or(Some(status)).filter(|word| !word.is_empty()),
            usage: self.usage,
            content,
            tool_calls,
            stop,
            refusal,
        }
    }
}

impl Assembly {
    /// The item that an event is about; opened when it is not there yet. Ids tell items apart better than indexes, which
    /// some servers do not count.
    fn item(&mut self, event: &Value, value: &Value) -> &mut Item {
        self.has_begun = true;
        let id = [&event["item_id"], &value["id"]].into_iter().find_map(Value::as_str).unwrap_or_default();
        let index = event["output_index"].as_u64();
        let same_id = |item: &Item| !id.is_empty() && item.id == id;
        let same_index = |item: &Item| index.is_some() && item.index == index && (id.is_empty() || item.id.is_empty());
        let found = self.items.iter().position(same_id).or_else(|| self.items.iter().rposition(same_index));
        let position = found.unwrap_or_else(|| {
            self.items.push(Item { index, id: id.to_owned(), ..Item::default() });
            self.items.len() - 1
        });
        // The position is one of the list's; the list is never empty here.
        &mut self.items[position]
    }

    /// An item that begins, or is done. Gives its text when no piece of that came in before.
    fn add_item(&mut self, event: &Value, value: &Value, is_done: bool) -> String {
        let item = self.item(event, value);
        let had_text = !item.text.is_empty();
        let said = |text: String, so_far: &String| if text.is_empty() { so_far.clone() } else { text };
        item.text = said(message_text(value), &item.text);
        item.refusal = said(parts_of(value, "refusal", "refusal"), &item.refusal);
        item.arguments = said(arguments_of(&value["arguments"]), &item.arguments);
        item.value = value.clone();
        item.is_done = is_done;
        if had_text { String::new() } else { item.text.clone() }
    }

    /// The response at its end, or a whole one in place of a stream.
    fn add_end(&mut self, response: &Value) -> Result<String, Failure> {
        self.has_begun = true;
        let status = response["status"].as_str().unwrap_or("completed");
        if !response["error"].is_null() {
            return Err(Failure::of_error_object(&response["error"]));
        }
        if !matches!(status, "completed" | "incomplete") {
            return Err(Failure::passing(format!("it ended its reply with the status {status}")));
        }
        let mut text = String::new();
        // Where the items came in one by one, some servers leave them out here.
        if !self.items.iter().any(|item| item.is_done) {
            for (index, item) in response["output"].as_array().into_iter().flatten().enumerate() {
                text.push_str(&self.add_item(&json!({"output_index": index}), item, true));
            }
        }
        if response["usage"].is_object() {
            self.usage = read_usage(&response["usage"]);
        }
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str);
        let reason = reason.or((status == "incomplete").then_some(status));
        self.end = Some((status.to_owned(), reason.map(str::to_owned)));
        Ok(text)
    }
}

/// Whether the server, which has kept nothing, can read a reasoning item again.
fn can_go_back(item: &Value) -> bool {
    item["encrypted_content"].is_string() || item["content"].as_array().is_some_and(|parts| !parts.is_empty())
}

/// An item as it goes back. `null` stands for a field that is not there, and as input some are refused.
fn kept(item: Value) -> Option<Value> {
    let Value::Object(fields) = item else {
        return None;
    };
    Some(Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()))
}

fn read_usage(usage: &Value) -> Usage {
    Usage {
        requests: 1,
        input_tokens: number_at(usage, &["/input_tokens"]),
        output_tokens: number_at(usage, &["/output_tokens"]),
        cached_input_tokens: number_at(usage, &["/input_tokens_details/cached_tokens"]),
        cache_write_input_tokens: number_at(usage, &["/input_tokens_details/cache_write_tokens"]),
        reasoning_tokens: number_at(usage, &["/output_tokens_details/reasoning_tokens"]),
    }
}

#[cfg(test)]
mod tests;
