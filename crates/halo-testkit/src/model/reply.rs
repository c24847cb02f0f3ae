//! What the scripted model answers: builders for the well-behaved replies and for the many ways to misbehave.

use std::time::Duration;

use serde_json::{Value, json};

use super::completion::{Completion, Form};

/// One reply of the script.
#[derive(Debug, Clone)]
pub struct Reply {
    body: Body,
    headers: Vec<(String, String)>,
    events_max: Option<(usize, Ending)>,
    delay: Duration,
}

#[derive(Debug, Clone)]
enum Body {
    Completion(Completion),
    Whole { status: u16, content_type: &'static str, body: Vec<u8> },
    RawStream(Vec<String>),
    Reset,
    Stall,
}

/// How a streamed body ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// As HTTP wants it.
    Complete,
    /// The socket closes in the middle.
    Cut,
    /// Nothing more comes, and the socket stays open.
    Stall,
}

/// A reply as it goes over the wire.
pub(super) enum Wire {
    Reset,
    Stall,
    Whole { status: u16, headers: Vec<(String, String)>, content_type: &'static str, body: Vec<u8> },
    Stream { headers: Vec<(String, String)>, pieces: Vec<String>, ending: Ending },
}

impl Reply {
    /// A streamed text with finish reason `stop`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::completion(text.into(), Vec::new(), "stop")
    }

    /// A streamed call of one tool.
    pub fn tool_call(name: impl Into<String>, arguments: Value) -> Self {
        Self::raw_arguments(name, arguments.to_string())
    }

    /// A streamed reply with several tool calls, as names and arguments.
    pub fn tool_calls<N: Into<String>>(calls: impl IntoIterator<Item = (N, Value)>) -> Self {
        let calls = calls.into_iter().map(|(name, arguments)| (name.into(), arguments.to_string())).collect();
        Self::completion(String::new(), calls, "tool_calls")
    }

    /// A streamed tool call whose arguments are this text, JSON or not.
    pub fn raw_arguments(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::completion(String::new(), vec![(name.into(), arguments.into())], "tool_calls")
    }

    /// A streamed refusal.
    pub fn refusal(text: impl Into<String>) -> Self {
        Self::completion(String::new(), Vec::new(), "stop").map(|c| c.refusal = Some(text.into()))
    }

    /// A bare status with an empty body.
    pub fn status(status: u16) -> Self {
        Self::whole(status, "text/plain", Vec::new())
    }

    /// A status with an error object as OpenAI writes it.
    pub fn error(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(status, &json!({"error": {"message": message, "type": "error", "code": null}}))
    }

    /// Status 400 for a conversation that is too long.
    #[must_use]
    pub fn context_length_exceeded() -> Self {
        let message = "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.";
        Self::json(
            400,
            &json!({"error": {"message": message, "type": "invalid_request_error", "code": "context_length_exceeded"}}),
        )
    }

    /// A status with an error object as Anthropic writes it, its type for example `overloaded_error`.
    pub fn anthropic_error(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        let (kind, message): (String, String) = (kind.into(), message.into());
        Self::json(
            status,
            &json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}),
        )
    }

    /// Status 429 with a `Retry-After` header.
    pub fn rate_limited(retry_after: impl Into<String>) -> Self {
        Self::error(429, "Rate limit reached").header("retry-after", retry_after)
    }

    /// Any status with any JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::whole(status, "application/json", body.to_string().into_bytes())
    }

    /// Status 200 and bytes that are no event stream.
    #[must_use]
    pub fn garbage() -> Self {
        Self::whole(200, "text/event-stream", b"\x00\xffnot an event stream\n".to_vec())
    }

    /// Status 200 and a web page, as a portal or a wrong address answers.
    #[must_use]
    pub fn web_page() -> Self {
        Self::whole(200, "text/html", b"<!doctype html><title>Sign in</title>".to_vec())
    }

    /// The socket is reset before anything is answered.
    #[must_use]
    pub fn reset() -> Self {
        Self::of(Body::Reset)
    }

    /// Nothing is ever answered; ends when the client gives up or the model is dropped.
    #[must_use]
    pub fn stall() -> Self {
        Self::of(Body::Stall)
    }

    /// Status 200 and these pieces of an event stream, sent as they are.
    pub fn raw_stream<P: Into<String>>(pieces: impl IntoIterator<Item = P>) -> Self {
        Self::of(Body::RawStream(pieces.into_iter().map(Into::into).collect()))
    }

    /// The same reply in the form of OpenAI's Responses API, with that form's usage and finish reason. Pieces of several
    /// texts and calls alternate. A finish reason other than `completed` makes the response incomplete for that reason.
    #[must_use]
    pub fn as_responses(self) -> Self {
        self.map(|c| c.turn_into(Form::Responses))
    }

    /// The same reply in the form of Anthropic's Messages API, with that form's usage and finish reason. Pieces of several
    /// texts and calls alternate.
    #[must_use]
    pub fn as_anthropic(self) -> Self {
        self.map(|c| c.turn_into(Form::Anthropic))
    }

    /// Reasoning that has to be sent back: encrypted for the Responses API, signed for Anthropic's.
    #[must_use]
    pub fn with_reasoning(self, reasoning: impl Into<String>) -> Self {
        self.map(|c| c.reasoning = Some(reasoning.into()))
    }

    /// Text before the tool calls.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        self.map(|c| c.text = text.into())
    }

    /// Another header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Another finish reason.
    #[must_use]
    pub fn finish_reason(self, reason: impl Into<String>) -> Self {
        self.map(|c| c.finish_reason = Some(reason.into()))
    }

    /// No finish reason at all.
    #[must_use]
    pub fn without_finish_reason(self) -> Self {
        self.map(|c| c.finish_reason = None)
    }

    /// Another usage object.
    #[must_use]
    pub fn usage(self, usage: Value) -> Self {
        self.map(|c| c.usage = Some(usage))
    }

    /// No usage, even when the request asks for it.
    #[must_use]
    pub fn without_usage(self) -> Self {
        self.map(|c| c.usage = None)
    }

    /// Tool calls without ids.
    #[must_use]
    pub fn without_ids(self) -> Self {
        self.map(|c| c.with_ids = false)
    }

    /// Tool calls without indexes.
    #[must_use]
    pub fn without_indexes(self) -> Self {
        self.map(|c| c.with_indexes = false)
    }

    /// Text and arguments each in one delta.
    #[must_use]
    pub fn in_one_piece(self) -> Self {
        self.map(|c| c.in_pieces = false)
    }

    /// No `[DONE]` at the end.
    #[must_use]
    pub fn without_done(self) -> Self {
        self.map(|c| c.with_done = false)
    }

    /// Keep-alive comments between the events.
    #[must_use]
    pub fn with_comments(self) -> Self {
        self.map(|c| c.with_comments = true)
    }

    /// One JSON document instead of a stream.
    #[must_use]
    pub fn not_streamed(self) -> Self {
        self.map(|c| c.streamed = false)
    }

    /// An error object in the stream, after the content and in place of the end.
    #[must_use]
    pub fn error_in_stream(self, error: Value) -> Self {
        self.map(|c| c.error = Some(error))
    }

    /// Closes the socket after so many events.
    #[must_use]
    pub fn cut_after(mut self, events: usize) -> Self {
        self.events_max = Some((events, Ending::Cut));
        self
    }

    /// Waits so long before it answers.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long it waits.
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// Falls silent after so many events.
    #[must_use]
    pub fn stall_after(mut self, events: usize) -> Self {
        self.events_max = Some((events, Ending::Stall));
        self
    }

    fn of(body: Body) -> Self {
        Self { body, headers: Vec::new(), events_max: None, delay: Duration::ZERO }
    }

    fn whole(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self::of(Body::Whole { status, content_type, body })
    }

    fn completion(text: String, calls: Vec<(String, String)>, finish_reason: &str) -> Self {
        Self::of(Body::Completion(Completion::new(text, calls, finish_reason)))
    }

    /// Changes a completion; the other kinds of reply have nothing of the sort to change.
    fn map(mut self, change: impl FnOnce(&mut Completion)) -> Self {
        if let Body::Completion(completion) = &mut self.body {
            change(completion);
        }
        self
    }

    /// The reply as it goes out to request `number`.
    pub(super) fn wire(&self, number: usize) -> Wire {
        let headers = self.headers.clone();
        let pieces = match &self.body {
            Body::Reset => return Wire::Reset,
            Body::Stall => return Wire::Stall,
            Body::Whole { status, content_type, body } => {
                return Wire::Whole { status: *status, headers, content_type, body: body.clone() };
            }
            Body::Completion(completion) if !completion.streamed => {
                return Wire::Whole {
                    status: 200,
                    headers,
                    content_type: "application/json",
                    body: completion.document(number).to_string().into_bytes(),
                };
            }
            Body::RawStream(pieces) => pieces.clone(),
            Body::Completion(completion) => completion.pieces(number),
        };
        let (events_max, ending) = self.events_max.unwrap_or((usize::MAX, Ending::Complete));
        Wire::Stream { headers, pieces: pieces.into_iter().take(events_max).collect(), ending }
    }
}
