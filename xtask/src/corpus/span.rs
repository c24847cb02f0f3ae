//! Spans before a convention gives their attributes names.

use std::rc::Rc;

use serde_json::Value;

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An agent's run.
    Agent,
    /// A model call.
    Llm,
    /// A tool call.
    Tool,
    /// A look-up of documents.
    Retriever,
    /// A guardrail.
    Guardrail,
    /// An evaluator.
    Evaluator,
    /// Anything else.
    Chain,
}

/// A call inside of a message of the model.
#[derive(Clone)]
pub(crate) struct Asked {
    /// Its id, which the tool's message repeats.
    pub(crate) id: String,
    /// Tool.
    pub(crate) name: String,
    /// Arguments (JSON text as the model wrote it).
    pub(crate) args: String,
}

/// One message of a history.
#[derive(Clone, Default)]
pub(crate) struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub(crate) role: &'static str,
    /// Its text.
    pub(crate) text: String,
    /// Calls in it.
    pub(crate) calls: Vec<Asked>,
    /// The call that a tool's message answers.
    pub(crate) call_id: String,
}

/// What only model calls have.
pub(crate) struct ModelCall {
    /// Model.
    pub(crate) model: &'static str,
    /// The messages sent, the system prompt first.
    pub(crate) history: Vec<Rc<Message>>,
    /// The answer.
    pub(crate) answer: Rc<Message>,
    /// Why it ended.
    pub(crate) finish: &'static str,
    /// Tokens (in, out, cached), if they are told.
    pub(crate) tokens: Option<(i64, i64, i64)>,
    /// Limit of answer tokens.
    pub(crate) max_tokens: i64,
    /// Whether tools are offered.
    pub(crate) offers_tools: bool,
}

/// One span.
pub(crate) struct Span {
    /// 16 hexadecimal digits.
    pub(crate) id: String,
    /// Its parent's id, empty for a root.
    pub(crate) parent: String,
    /// What it stands for.
    pub(crate) kind: Kind,
    /// Agent, tool, retriever, guardrail or evaluator.
    pub(crate) name: String,
    /// The agent in whose run it is.
    pub(crate) agent: &'static str,
    /// Start in nanoseconds.
    pub(crate) start: i64,
    /// End in nanoseconds.
    pub(crate) end: i64,
    /// Status message of a span that is marked as an error.
    pub(crate) error: Option<String>,
    /// What went in.
    pub(crate) input: String,
    /// What came out.
    pub(crate) output: String,
    /// The call that a tool span carries out.
    pub(crate) call_id: String,
    /// Documents of a retriever.
    pub(crate) docs: Vec<String>,
    /// What only model calls have.
    pub(crate) model: Option<ModelCall>,
    /// Attributes of its own.
    pub(crate) extra: Vec<(&'static str, Value)>,
    /// Whether it is never exported.
    pub(crate) unexported: bool,
}

/// (provider, dollars per million tokens in, out) of a model.
pub(crate) fn price(model: &str) -> (&'static str, i64, i64) {
    match model {
        "gpt-4o" => ("openai", 250, 1000),
        "gpt-4.1-mini" => ("openai", 40, 160),
        "claude-sonnet-4" => ("anthropic", 300, 1500),
        "gemini-2.5-flash" => ("google", 30, 250),
        "mistral-large-2" => ("mistral_ai", 200, 600),
        _ => ("together_ai", 88, 88),
    }
}
