//! The pieces of a completion, in whatever form an endpoint sends them, put together to one reply.

use halo_protocol::{ToolCall, Usage};
use serde_json::Value;

use crate::failure::Failure;

/// A reply that is still coming in.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    pub(crate) content: String,
    pub(crate) refusal: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Usage,
    calls: Vec<PartialCall>,
    /// Whether any choice was seen: without one there is no reply.
    has_choice: bool,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Assembly {
    /// Adds a chunk of a stream, or a whole completion. Gives the text it adds.
    pub(crate) fn add(&mut self, chunk: &Value) -> Result<String, Failure> {
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

    /// Whether anything of a reply has come in.
    pub(crate) fn has_reply(&self) -> bool {
        self.has_choice
    }

    /// The tool calls. Those without an id get one that no other call of the conversation has, as long as `turn` differs.
    pub(crate) fn take_calls(&mut self, turn: usize) -> Vec<ToolCall> {
        std::mem::take(&mut self.calls)
            .into_iter()
            .filter(|call| !(call.name.is_empty() && call.arguments.trim().is_empty()))
            .enumerate()
            .map(|(position, call)| ToolCall {
                id: if call.id.is_empty() { format!("call_{turn}_{position}") } else { call.id },
                name: call.name,
                arguments: call.arguments,
            })
            .collect()
    }

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
        match &function["arguments"] {
            Value::Null => {}
            Value::String(piece) => call.arguments.push_str(piece),
            // Sent as an object and not as its text, against the specification.
            other => call.arguments.push_str(&other.to_string()),
        }
    }

    /// The call a delta belongs to; `None` when it opens a new one.
    fn find(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let opens = |call: &PartialCall| !id.is_empty() && !call.id.is_empty() && call.id != id;
        if let Some(index) = index {
            let position = self.calls.iter().rposition(|call| call.index == Some(index))?;
            // Some endpoints give every call the index 0: then a new id together with a name is a new call.
            let is_new = opens(&self.calls[position]) && !name.is_empty();
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

/// Text that comes as a string or as a list of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn read_usage(usage: &Value) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let first = |paths: &[&str]| paths.iter().find_map(|path| usage.pointer(path).and_then(Value::as_u64)).unwrap_or(0);
    Some(Usage {
        requests: 1,
        input_tokens: first(&["/prompt_tokens", "/input_tokens"]),
        output_tokens: first(&["/completion_tokens", "/output_tokens"]),
        cached_input_tokens: first(&[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/prompt_cache_hit_tokens",
        ]),
        reasoning_tokens: first(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
        ]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Assembles tool-call deltas, each in a chunk of its own, and compares ids, names and arguments.
    fn check(deltas: &[Value], expected: &[(&str, &str, &str)]) {
        let mut assembly = Assembly::default();
        for delta in deltas {
            assembly.add(&json!({"choices": [{"delta": {"tool_calls": [delta]}}]})).unwrap();
        }
        let calls = assembly.take_calls(7);
        let calls: Vec<(&str, &str, &str)> =
            calls.iter().map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.as_str())).collect();
        assert_eq!(calls, expected, "{deltas:?}");
    }

    #[test]
    fn puts_tool_calls_together_in_every_dialect() {
        let open = |index: Value, id: Value, name: &str, arguments: &str| {
            let function = json!({"name": name, "arguments": arguments});
            json!({"index": index, "id": id, "function": function})
        };
        let more = |index: Value, arguments: &str| json!({"index": index, "function": {"arguments": arguments}});
        // As specified, two calls whose pieces alternate.
        check(
            &[
                open(json!(0), json!("a"), "sql", ""),
                open(json!(1), json!("b"), "view", "{"),
                more(json!(0), "{\"q\":"),
                more(json!(1), "}"),
                more(json!(0), "1}"),
            ],
            &[("a", "sql", "{\"q\":1}"), ("b", "view", "{}")],
        );
        // No index and no id, each call in one piece.
        check(
            &[open(Value::Null, Value::Null, "sql", "{}"), open(Value::Null, Value::Null, "sql", "{}")],
            &[("call_7_0", "sql", "{}"), ("call_7_1", "sql", "{}")],
        );
        // No index, pieces without a name follow.
        check(
            &[
                open(Value::Null, json!("a"), "sql", "{"),
                more(Value::Null, "}"),
                open(Value::Null, json!("b"), "view", "{}"),
            ],
            &[("a", "sql", "{}"), ("b", "view", "{}")],
        );
        // Every call has index 0; ids tell them apart.
        check(
            &[open(json!(0), json!("a"), "sql", "{}"), open(json!(0), json!("b"), "view", "{}")],
            &[("a", "sql", "{}"), ("b", "view", "{}")],
        );
        // Id and name come again with each piece.
        check(&[open(json!(0), json!("a"), "sql", "{"), open(json!(0), json!("a"), "sql", "}")], &[("a", "sql", "{}")]);
        // The name comes in pieces.
        check(
            &[open(json!(0), json!("a"), "view_", ""), open(json!(0), Value::Null, "trace", "{}")],
            &[("a", "view_trace", "{}")],
        );
        // Arguments as an object.
        check(
            &[json!({"index": 0, "id": "a", "function": {"name": "sql", "arguments": {"q": 1}}})],
            &[("a", "sql", "{\"q\":1}")],
        );
        // An empty call is none.
        check(&[json!({"index": 0, "function": {}})], &[]);
    }

    #[test]
    fn reads_text_refusal_usage_and_errors() {
        let mut assembly = Assembly::default();
        assert!(!assembly.has_reply());
        assert_eq!(assembly.add(&json!({"choices": [{"delta": {"content": "a"}}]})).unwrap(), "a");
        let parts = json!({"choices": [{"delta": {"content": [{"type": "text", "text": "b"}], "refusal": "no"}}]});
        assert_eq!(assembly.add(&parts).unwrap(), "b");
        assembly.add(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})).unwrap();
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}});
        assembly.add(&json!({"choices": [], "usage": usage})).unwrap();
        assert_eq!(
            (assembly.content.as_str(), assembly.refusal.as_str(), assembly.finish_reason.as_deref()),
            ("ab", "no", Some("stop"))
        );
        let expected =
            Usage { requests: 1, input_tokens: 9, output_tokens: 3, cached_input_tokens: 4, reasoning_tokens: 2 };
        assert_eq!(assembly.usage, expected);
        assert!(assembly.has_reply());
        assert!(assembly.add(&json!({"error": {"message": "x"}})).is_err());
        assert_eq!(
            assembly.add(&json!({"object": "error", "message": "no such model", "code": 404})),
            Err(Failure::Refused { status: 404, message: "no such model".into() })
        );
        assert!(assembly.add(&json!({"choices": [{"delta": {}, "finish_reason": "error"}]})).is_err());
    }
}
