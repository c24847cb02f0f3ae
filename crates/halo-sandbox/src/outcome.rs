//! What came of a piece of code, and how a model reads it.

use std::fmt::Write as _;
use std::time::Duration;

use crate::hints;
use crate::host::HostFunction;
use crate::protocol::Raised;

/// What came of a piece of code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeOutcome {
    /// What it printed. When that was too much, its beginning and its end with a note between them.
    pub printed: String,
    /// `repr` of its last expression, when that is not None.
    pub value: Option<String>,
    /// The exception that ended it.
    pub error: Option<CodeError>,
    /// How it ended.
    pub ending: Ending,
    /// Why the variables of earlier calls were not there, when a worker of this session was lost before.
    pub variables_lost: Option<String>,
    /// Calls of host functions.
    pub host_calls: usize,
    /// Time on the clock in all.
    pub time: Duration,
    /// Time that host functions took.
    pub host_time: Duration,
}

/// An exception that nobody caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeError {
    /// Name of its class.
    pub class: String,
    /// Its text.
    pub message: String,
    /// The lines of code it went through, then class and text.
    pub traceback: String,
    /// What to do instead, when there is something to say.
    pub hint: Option<String>,
}

impl CodeError {
    pub(crate) fn new(raised: Raised, chars_max: usize) -> Self {
        let clip = |text: String| halo_tool::clip_middle(&text, chars_max);
        Self { class: clip(raised.class), message: clip(raised.message), traceback: clip(raised.traceback), hint: None }
    }

    pub(crate) fn too_long(bytes_max: usize) -> Self {
        let message = format!("the code is longer than {bytes_max} bytes; get data with the host functions instead");
        Self { class: "SyntaxError".to_owned(), traceback: message.clone(), message, hint: None }
    }
}

/// How code ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with or without an exception.
    #[default]
    Finished,
    /// By `exit()`.
    Exited,
    /// Its time was up; it was interrupted and its variables are kept.
    Interrupted,
    /// Its time was up and it did not let itself be interrupted: the worker was killed.
    TimedOut,
    /// It used too much memory: the worker was killed.
    OutOfMemory,
    /// Code or data were nested too deep for the interpreter's stack.
    StackOverflow,
    /// The interpreter itself failed, or somebody killed it.
    Crashed,
    /// The worker sent what it must not; it was killed.
    Misbehaved,
    /// The run was interrupted from outside; the worker was killed.
    Cancelled,
}

impl Ending {
    /// Whether the variables are there for the next call.
    #[must_use]
    pub fn keeps_variables(self) -> bool {
        self.loss().is_none()
    }

    /// Why there are no variables any more.
    pub(crate) fn loss(self) -> Option<&'static str> {
        match self {
            Self::Finished | Self::Exited | Self::Interrupted => None,
            Self::TimedOut => Some("its time was up"),
            Self::OutOfMemory => Some("it used too much memory"),
            Self::StackOverflow => Some("it was nested too deep for the interpreter"),
            Self::Crashed => Some("the Python process broke down"),
            Self::Misbehaved => Some("the Python process misbehaved"),
            Self::Cancelled => Some("it was interrupted"),
        }
    }

    fn advice(self) -> Option<&'static str> {
        match self {
            Self::Finished | Self::Exited => None,
            Self::Interrupted => Some(
                "Its time was up. Its variables are kept. Do less at once: filter and count in sql(), and loop over fewer rows.",
            ),
            Self::TimedOut => Some(
                "Its time was up and it had to be killed. Do less at once: filter and count in sql(), use simpler patterns and smaller numbers.",
            ),
            Self::OutOfMemory => Some(
                "It used too much memory and was killed. Fetch fewer rows or shorter columns, and keep counts instead of texts.",
            ),
            Self::StackOverflow => Some(
                "Code or data were nested too deep, and the Python process broke down. Use a loop instead of recursion, and flat data.",
            ),
            Self::Crashed | Self::Misbehaved => {
                Some("The Python process broke down on this code. Write it in another, simpler way.")
            }
            Self::Cancelled => Some("It was interrupted."),
        }
    }
}

impl CodeOutcome {
    /// Whether the code did what it was written for: no exception, no limit.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.error.is_none() && matches!(self.ending, Ending::Finished | Ending::Exited)
    }

    /// The outcome as text for a model.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(reason) = &self.variables_lost {
            let _ = writeln!(text, "(A fresh Python: variables of earlier calls are gone, because {reason}.)");
        }
        text.push_str(&self.printed);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if let Some(value) = &self.value {
            let _ = writeln!(text, "=> {value}");
        }
        // An interruption raises an exception, too; where it struck is worth knowing.
        if let Some(error) = &self.error {
            let _ = writeln!(text, "{}", error.traceback);
            if let Some(hint) = &error.hint {
                let _ = writeln!(text, "Hint: {hint}");
            }
        }
        if self.ending == Ending::Exited {
            text.push_str("(The code ended with exit(); variables are kept.)\n");
        }
        if let Some(advice) = self.ending.advice() {
            let _ = write!(text, "{advice}");
            if !self.ending.keeps_variables() {
                text.push_str(" All variables are gone.");
            }
            text.push('\n');
        }
        if self.printed.is_empty() && self.value.is_none() && self.error.is_none() && self.ending == Ending::Finished {
            text.push_str("(It ran and printed nothing.)\n");
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// Adds what to do about the exception, if there is something to say.
    pub(crate) fn add_hint(&mut self, functions: &[HostFunction]) {
        let lost = self.variables_lost.is_some();
        if let Some(error) = &mut self.error {
            error.hint = hints::hint(&error.class, &error.message, functions, lost);
        }
    }
}
