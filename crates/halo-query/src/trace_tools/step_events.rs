//! The status message and the events of a step, where they say more than each other.

use halo_tool::clip_middle;
use serde_json::{Map, Value};

use super::text::{one_line, push_data};
use crate::trace_steps::{Notes, Step};
use crate::{MarkedText, decoded};

/// Events of a step that are shown; loops that log make thousands.
const EVENTS_MAX: usize = 10;

/// Characters of a status message, of a stack trace, and of the attributes of another event.
const MESSAGE_CHARS_MAX: usize = 1_600;
const STACK_CHARS_MAX: usize = 800;
const EVENT_CHARS_MAX: usize = 400;

/// Adds what a step says of its end, and tells whether something is cut.
pub(crate) fn push_events(out: &mut MarkedText, indent: usize, step: &Step, notes: &Notes) -> bool {
    let mut shown = Shown { out, indent, is_cut: false };
    let message = notes.status_message.as_deref().unwrap_or_default();
    if !message.is_empty() {
        shown.push("error", message, MESSAGE_CHARS_MAX);
    }
    let events = notes.events.as_deref().and_then(|events| serde_json::from_str::<Value>(events).ok());
    let Some(Value::Array(events)) = events else {
        return shown.is_cut;
    };
    // Messages that an exporter tells as events are told as messages.
    let is_message = |event: &Value| name(event).starts_with("gen_ai.");
    let others: Vec<&Value> = events.iter().filter(|event| !is_message(event)).collect();
    for event in others.iter().take(EVENTS_MAX) {
        shown.event(event, step, message);
    }
    if others.len() > EVENTS_MAX {
        shown.is_cut = true;
        shown.push("events", &format!("{} more", others.len() - EVENTS_MAX), EVENT_CHARS_MAX);
    }
    shown.is_cut
}

struct Shown<'a> {
    out: &'a mut MarkedText,
    indent: usize,
    is_cut: bool,
}

impl Shown<'_> {
    fn push(&mut self, label: &str, text: &str, chars_max: usize) {
        self.is_cut |= text.chars().count() > chars_max;
        push_data(self.out, self.indent, label, &clip_middle(text, chars_max));
    }

    fn event(&mut self, event: &Value, step: &Step, status_message: &str) {
        let empty = Map::new();
        let attributes = event.get("attributes").and_then(Value::as_object).unwrap_or(&empty);
        let text = |key: &str| attributes.get(key).and_then(Value::as_str).unwrap_or_default().trim();
        if name(event) != "exception" {
            let label = format!("event {}", one_line(name(event), 80));
            self.push(&label, &facts(attributes), EVENT_CHARS_MAX);
            return;
        }
        let (kind, message, stack) = (text("exception.type"), text("exception.message"), text("exception.stacktrace"));
        let says_more =
            !status_message.contains(message) || !kind.is_empty() && step.error_type.as_deref() != Some(kind);
        if says_more {
            let parts: Vec<&str> = [kind, message].into_iter().filter(|part| !part.is_empty()).collect();
            self.push("exception", &parts.join(": "), MESSAGE_CHARS_MAX);
        }
        if !stack.is_empty() {
            self.push("stack", stack, STACK_CHARS_MAX);
        }
    }
}

fn name(event: &Value) -> &str {
    event.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Attributes on a line: `key=value, …`.
fn facts(attributes: &Map<String, Value>) -> String {
    let mut facts = Vec::new();
    decoded::visit_leaves(&Value::Object(attributes.clone()).to_string(), "", &mut |path, leaf| {
        facts.push(format!("{path}={leaf}"));
        true
    });
    facts.join(", ")
}
