//! An exception as short text: where in the code it came from, without the interpreter's own frames.

use rustpython_vm::builtins::PyBaseExceptionRef;
use rustpython_vm::compiler::CompileError;
use rustpython_vm::{AsObject as _, VirtualMachine};

use crate::protocol::Raised;

/// Characters of a line of code or of a message that are shown.
const LINE_CHARS_MAX: usize = 200;
const MESSAGE_CHARS_MAX: usize = 4_000;

/// Lines of code that are shown of the outermost and of the innermost calls; deep recursion repeats itself.
const OUTER_FRAMES_MAX: usize = 3;
const INNER_FRAMES_MAX: usize = 4;

/// The texts of all code of a session, to show the lines of functions that were defined in earlier calls.
#[derive(Default)]
pub(super) struct Sources {
    texts: Vec<String>,
}

/// Earlier code whose lines can be shown.
const SOURCES_MAX: usize = 200;

impl Sources {
    /// Remembers code, and gives the name its frames will have.
    pub(super) fn add(&mut self, code: &str) -> String {
        self.texts.push(code.to_owned());
        // The latest are the ones that are still called.
        let old = self.texts.len().checked_sub(SOURCES_MAX + 1);
        if let Some(text) = old.and_then(|old| self.texts.get_mut(old)) {
            *text = String::new();
        }
        format!("<code {}>", self.texts.len())
    }

    fn line(&self, file: &str, line: usize) -> Option<&str> {
        let number: usize = file.strip_prefix("<code ")?.strip_suffix('>')?.parse().ok()?;
        let text = self.texts.get(number.checked_sub(1)?)?;
        text.lines().nth(line.checked_sub(1)?).map(str::trim)
    }

    fn is_latest(&self, file: &str) -> bool {
        file.strip_prefix("<code ").and_then(|rest| rest.strip_suffix('>'))
            == Some(self.texts.len().to_string().as_str())
    }

    fn shown(&self, file: &str, line: usize, function: Option<&str>) -> String {
        let mut place = format!("  line {line}");
        if !self.is_latest(file) {
            place.push_str(" of earlier code");
        }
        if let Some(function) = function {
            place.push_str(", in ");
            place.push_str(function);
        }
        match self.line(file, line) {
            Some(text) if !text.is_empty() => format!("{place}: {}\n", clipped(text, LINE_CHARS_MAX)),
            _ => format!("{place}\n"),
        }
    }
}

/// An exception that code raised. Asking it for its text runs code of its class, which may raise again.
pub(super) fn raised(exception: &PyBaseExceptionRef, sources: &Sources, vm: &VirtualMachine) -> Raised {
    let class = clipped(&exception.class().name(), LINE_CHARS_MAX);
    let message = match exception.as_object().str(vm) {
        Ok(text) => clipped(text.to_string_lossy().trim_end(), MESSAGE_CHARS_MAX),
        Err(_) => "(its text can't be made: __str__ raised an exception)".to_owned(),
    };
    let mut frames = Vec::new();
    if let Some(traceback) = exception.__traceback__() {
        for step in traceback.iter() {
            let file = step.frame.code.source_path().as_str();
            if file.starts_with("<code ") {
                let function = step.frame.code.obj_name.as_str();
                let function = (function != "<module>").then_some(function);
                frames.push(sources.shown(file, step.lineno.get(), function));
            }
        }
    }
    let mut text = String::from("Traceback (most recent call last):\n");
    let inner = frames.len().saturating_sub(INNER_FRAMES_MAX).max(OUTER_FRAMES_MAX);
    for (index, frame) in frames.iter().enumerate() {
        if index < OUTER_FRAMES_MAX || index >= inner {
            text.push_str(frame);
        } else if index == OUTER_FRAMES_MAX {
            text.push_str(&format!("  ({} calls left out)\n", inner - OUTER_FRAMES_MAX));
        }
    }
    text.push_str(&last_line(&class, &message));
    Raised { class, message, traceback: text }
}

/// Code that can't be read as Python.
pub(super) fn unreadable(error: &CompileError, file: &str, sources: &Sources) -> Raised {
    let class = "SyntaxError".to_owned();
    let message = clipped(&error.to_string(), MESSAGE_CHARS_MAX);
    let (line, column) = error.python_location();
    let mut text = sources.shown(file, line, None);
    let indented = sources.line(file, line).is_some_and(|line| line.chars().count() <= LINE_CHARS_MAX);
    if indented {
        text.push_str(&format!("  at column {column}\n"));
    }
    text.push_str(&last_line(&class, &message));
    Raised { class, message, traceback: text }
}

fn last_line(class: &str, message: &str) -> String {
    if message.is_empty() { class.to_owned() } else { format!("{class}: {message}") }
}

fn clipped(text: &str, chars_max: usize) -> String {
    halo_tool::clip_middle(text, chars_max)
}
