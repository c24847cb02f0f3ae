//! What code may ask of the host: functions that look like Python's own and are answered by the parent process.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

/// Answers host functions.
pub trait CodeHost: Send + Sync {
    /// Does what a host function is for. All parameters are there, those with defaults, too, and of the kind that was declared.
    ///
    /// # Errors
    /// One sentence for the model; the code gets it as `HaloError`.
    fn call(&self, call: HostCall, cancel: CancellationToken) -> BoxFuture<'_, Result<Value, String>>;
}

/// One call of a host function.
#[derive(Debug, Clone, PartialEq)]
pub struct HostCall {
    /// Name of the function.
    pub function: String,
    /// Its arguments by name.
    pub arguments: Map<String, Value>,
}

/// A function that code can call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostFunction {
    /// Name in Python.
    pub name: String,
    /// Parameters in their order; those with defaults come last.
    pub parameters: Vec<HostParameter>,
    /// What it gives, written as a Python annotation.
    pub returns: String,
    /// One or two sentences for the model.
    pub doc: String,
}

/// A parameter of a host function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostParameter {
    /// Name in Python.
    pub name: String,
    /// Which values fit.
    pub kind: ParameterKind,
    /// The value when it is left out; without one it must be given.
    pub default: Option<Value>,
}

/// Which values fit a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// `str`
    Text,
    /// `int`
    Integer,
    /// `list[str]`
    Texts,
    /// Anything that has a JSON form.
    Any,
}

impl ParameterKind {
    /// The Python annotation.
    #[must_use]
    pub fn annotation(self) -> &'static str {
        match self {
            Self::Text => "str",
            Self::Integer => "int",
            Self::Texts => "list[str]",
            Self::Any => "object",
        }
    }

    /// Whether a value is of this kind.
    #[must_use]
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Any => true,
        }
    }
}

impl HostFunction {
    /// A function without parameters.
    #[must_use]
    pub fn new(name: &str, returns: &str, doc: &str) -> Self {
        Self { name: name.to_owned(), parameters: Vec::new(), returns: returns.to_owned(), doc: doc.to_owned() }
    }

    /// Adds a parameter that must be given.
    #[must_use]
    pub fn with(mut self, name: &str, kind: ParameterKind) -> Self {
        self.parameters.push(HostParameter { name: name.to_owned(), kind, default: None });
        self
    }

    /// Adds a parameter that may be left out.
    #[must_use]
    pub fn with_default(mut self, name: &str, kind: ParameterKind, default: Value) -> Self {
        self.parameters.push(HostParameter { name: name.to_owned(), kind, default: Some(default) });
        self
    }

    /// The head of the function as Python writes it: `search(pattern: str, limit: int = 100) -> list[dict]`.
    #[must_use]
    pub fn signature(&self) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|parameter| {
                let annotation = parameter.kind.annotation();
                match &parameter.default {
                    Some(default) => format!("{}: {annotation} = {default}", parameter.name),
                    None => format!("{}: {annotation}", parameter.name),
                }
            })
            .collect();
        format!("{}({}) -> {}", self.name, parameters.join(", "), self.returns)
    }
}

/// The functions that code in halo has, to look into traces and to ask a model.
#[must_use]
pub fn trace_functions() -> Vec<HostFunction> {
    use ParameterKind::{Integer, Text, Texts};
    vec![
        HostFunction::new("sql", "list[dict]", "Rows of one read-only statement, a dict a row.").with("query", Text),
        HostFunction::new("view_trace", "str", "A page of a trace.").with("trace_id", Text).with_default(
            "page",
            Integer,
            Value::from(1),
        ),
        HostFunction::new("search", "list[dict]", "Texts that match a regular expression.")
            .with("pattern", Text)
            .with_default("limit", Integer, Value::from(100)),
        HostFunction::new("llm", "str", "Asks a small model; it sees the prompt alone.").with("prompt", Text),
        HostFunction::new("llm_batch", "list[str]", "Answers in order; one that failed begins with \"ERROR:\".")
            .with("prompts", Texts),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_read_as_python() {
        let signatures: Vec<String> = trace_functions().iter().map(HostFunction::signature).collect();
        assert_eq!(
            signatures,
            [
                "sql(query: str) -> list[dict]",
                "view_trace(trace_id: str, page: int = 1) -> str",
                "search(pattern: str, limit: int = 100) -> list[dict]",
                "llm(prompt: str) -> str",
                "llm_batch(prompts: list[str]) -> list[str]",
            ]
        );
    }
}
