//! A model's reply as events or as one document: a chat completion in all the forms that endpoints have, or the same in
//! another API's form.

use serde_json::{Value, json};

use super::{blocks, items};

/// Characters of text or arguments in one delta: small enough that every reply comes in several.
const DELTA_CHARS: usize = 12;

/// The API a reply is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Chat,
    Responses,
    Anthropic,
}

/// A reply and the form it is sent in.
#[derive(Debug, Clone)]
pub(super) struct Completion {
    pub(super) form: Form,
    /// What the model thought, opaque to the client; chat completions have nothing of the sort.
    pub(super) reasoning: Option<String>,
    pub(super) text: String,
    pub(super) refusal: Option<String>,
    /// Name and arguments of each call; ids are made when the reply is sent.
    pub(super) calls: Vec<(String, String)>,
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Option<Value>,
    pub(super) error: Option<Value>,
    pub(super) with_ids: bool,
    pub(super) with_indexes: bool,
    pub(super) in_pieces: bool,
    pub(super) with_done: bool,
    pub(super) with_comments: bool,
    pub(super) streamed: bool,
}

impl Completion {
    /// A completion in the form that the specification describes.
    pub(super) fn new(text: String, calls: Vec<(String, String)>, finish_reason: &str) -> Self {
        Self {
            form: Form::Chat,
            reasoning: None,
            text,
            refusal: None,
            calls,
            finish_reason: Some(finish_reason.to_owned()),
            usage: Some(json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110})),
            error: None,
            with_ids: true,
            with_indexes: true,
            in_pieces: true,
            with_done: true,
            with_comments: false,
            streamed: true,
        }
    }

    /// The same reply in another form: with the usual usage, finish reason and end of that form.
    pub(super) fn turn_into(&mut self, form: Form) {
        self.form = form;
        self.with_done = false;
        self.usage = self.usage.take().map(|_| json!({"input_tokens": 100, "output_tokens": 10}));
        let reason = match form {
            Form::Anthropic if self.refusal.is_some() => "refusal",
            Form::Anthropic if !self.calls.is_empty() => "tool_use",
            Form::Anthropic => "end_turn",
            Form::Responses | Form::Chat => "completed",
        };
        self.finish_reason = Some(reason.to_owned());
    }

    /// The events of the stream.
    pub(super) fn pieces(&self, number: usize) -> Vec<String> {
        let events = match self.form {
            Form::Chat => return self.chunks(number),
            Form::Responses => items::events(self, number),
            Form::Anthropic => blocks::events(self, number),
        };
        let comment = if self.with_comments { ": keep-alive\n\n" } else { "" };
        let name = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
        let mut pieces: Vec<String> =
            events.iter().map(|event| format!("{comment}event: {}\ndata: {event}\n\n", name(event))).collect();
        if self.with_done && self.error.is_none() {
            pieces.push("data: [DONE]\n\n".to_owned());
        }
        pieces
    }

    fn chunks(&self, number: usize) -> Vec<String> {
        let mut chunks = vec![chunk(number, &json!({"role": "assistant", "content": ""}), None)];
        for text in self.split(&self.text) {
            chunks.push(chunk(number, &json!({"content": text}), None));
        }
        for text in self.refusal.iter().flat_map(|refusal| self.split(refusal)) {
            chunks.push(chunk(number, &json!({"refusal": text}), None));
        }
        for (index, (name, arguments)) in self.calls.iter().enumerate() {
            let mut opening = json!({"type": "function", "function": {"name": name, "arguments": ""}});
            if self.with_ids {
                opening["id"] = json!(call_id(number, index));
            }
            let mut deltas = Vec::new();
            for arguments in self.split(arguments) {
                deltas.push(json!({"function": {"arguments": arguments}}));
            }
            if !self.in_pieces {
                opening["function"]["arguments"] = json!(arguments);
                deltas.clear();
            }
            deltas.insert(0, opening);
            for mut delta in deltas {
                if self.with_indexes {
                    delta["index"] = json!(index);
                }
                chunks.push(chunk(number, &json!({"tool_calls": [delta]}), None));
            }
        }
        if let Some(error) = &self.error {
            chunks.push(json!({"error": error}));
        } else {
            if let Some(reason) = &self.finish_reason {
                chunks.push(chunk(number, &json!({}), Some(reason)));
            }
            if let Some(usage) = &self.usage {
                chunks.push(json!({"id": completion_id(number), "choices": [], "usage": usage}));
            }
        }
        let comment = if self.with_comments { ": keep-alive\n\n" } else { "" };
        let mut pieces: Vec<String> = chunks.iter().map(|chunk| format!("{comment}data: {chunk}\n\n")).collect();
        if self.with_done && self.error.is_none() {
            pieces.push("data: [DONE]\n\n".to_owned());
        }
        pieces
    }

    /// The same as one document.
    pub(super) fn document(&self, number: usize) -> Value {
        match self.form {
            Form::Chat => {}
            Form::Responses => return items::document(self, number),
            Form::Anthropic => return blocks::document(self, number),
        }
        if let Some(error) = &self.error {
            return json!({"error": error});
        }
        let calls: Vec<Value> = self
            .calls
            .iter()
            .enumerate()
            .map(|(index, (name, arguments))| {
                json!({"id": call_id(number, index), "type": "function",
                       "function": {"name": name, "arguments": arguments}})
            })
            .collect();
        let mut message = json!({"role": "assistant", "content": self.text, "refusal": self.refusal});
        if !calls.is_empty() {
            message["tool_calls"] = json!(calls);
        }
        json!({
            "id": completion_id(number),
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason}],
            "usage": self.usage,
        })
    }

    /// The pieces of several texts in turn, each with the number of its text: one of each, then the next of each.
    pub(super) fn alternate<'a>(&self, texts: impl IntoIterator<Item = &'a String>) -> Vec<(usize, String)> {
        let split: Vec<Vec<String>> = texts.into_iter().map(|text| self.split(text)).collect();
        let longest = split.iter().map(Vec::len).max().unwrap_or(0);
        let of =
            |round: usize| split.iter().enumerate().filter_map(move |(n, list)| Some((n, list.get(round)?.clone())));
        (0..longest).flat_map(of).collect()
    }

    pub(super) fn split(&self, text: &str) -> Vec<String> {
        if !self.in_pieces {
            return vec![text.to_owned()];
        }
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(DELTA_CHARS).map(|piece| piece.iter().collect()).collect()
    }
}

fn chunk(number: usize, delta: &Value, finish_reason: Option<&String>) -> Value {
    json!({
        "id": completion_id(number),
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
}

fn completion_id(number: usize) -> String {
    format!("scripted-{number}")
}

/// Ids that a reader of a failing test can follow: request 3, first call.
pub(super) fn call_id(number: usize, index: usize) -> String {
    format!("call_{number}_{}", index + 1)
}
