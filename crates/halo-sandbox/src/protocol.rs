//! What parent and worker say to each other: one JSON value a line.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::host::HostFunction;
use crate::limits::CodeLimits;

/// Longest line in either direction, in bytes. A longer one from a worker is the end of it.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// To the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Request {
    /// The first line, once.
    Start(Start),
    /// Runs code; answered by [`Reply::Done`].
    Run { code: String },
    /// Answers a [`Reply::Call`].
    Answer { answer: Result<Value, String> },
    /// Time is up: the code shall end with an exception. Nothing answers it, and it may come too late.
    Interrupt,
}

/// What a worker must know before it runs code.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) functions: Vec<HostFunction>,
    pub(crate) cpu: Duration,
    pub(crate) memory_bytes: u64,
    pub(crate) output_chars: usize,
}

impl Start {
    pub(crate) fn new(functions: &[HostFunction], limits: &CodeLimits) -> Self {
        Self {
            functions: functions.to_vec(),
            cpu: limits.cpu,
            memory_bytes: limits.memory_bytes,
            output_chars: limits.output_chars,
        }
    }
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// Answers [`Request::Start`].
    Ready,
    /// The next part of the beginning of what the code printed.
    Printed { text: String },
    /// The code called a host function and waits.
    Call { function: String, arguments: Map<String, Value> },
    /// The code is over.
    Done(Done),
}

/// How code ended.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The end of what was printed; its beginning was sent before.
    pub(crate) printed_end: String,
    /// Characters between that beginning and that end, which are lost.
    pub(crate) printed_missing: usize,
    /// `repr` of the last expression, when that is not None.
    pub(crate) value: Option<String>,
    /// The exception that ended it.
    pub(crate) error: Option<Raised>,
    /// The code left with `exit()`.
    pub(crate) has_exited: bool,
}

/// An exception as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Raised {
    /// Name of the class.
    pub(crate) class: String,
    /// `str` of the exception.
    pub(crate) message: String,
    /// The lines of the code it went through, then class and message.
    pub(crate) traceback: String,
}
