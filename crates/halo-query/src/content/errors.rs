//! What a span says went wrong, beside its status.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use datafusion::common::Result;
use halo_dataset::ContentStore;
use halo_dataset::holes::{Member, find};
use serde_json::Value;

use super::json::Spans;

/// Attributes that hold the message, in the order in which the ingest believes them.
const MESSAGE_KEYS: &[&str] = &["exception.message", "langfuse.observation.status_message"];

/// `error_message(attributes, texts, input_messages, output_messages, extra_messages, events)`: the message of the error in the attributes,
/// else that of the exception event.
pub(super) fn message(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let spans = Spans::of(columns);
    let events = columns[5].as_string_view();
    let mut messages = StringViewBuilder::with_capacity(events.len());
    for row in 0..events.len() {
        let in_attributes = MESSAGE_KEYS.iter().find_map(|key| match find(spans.json(row)?, key)? {
            Member::Value(value) => Some(value),
            Member::Flat { .. } | Member::Whole(_) => None,
        });
        let mut message = None;
        if let Some(value) = in_attributes {
            message = serde_json::from_str(&spans.filled(store, row, value)?).ok();
        }
        if message.is_none() && events.is_valid(row) && events.value(row).contains("exception.message") {
            message = of_exception(&spans.filled(store, row, events.value(row))?);
        }
        messages.append_option(message.filter(|message: &String| !message.trim().is_empty()));
    }
    Ok(Arc::new(messages.finish()))
}

fn of_exception(events: &str) -> Option<String> {
    let events: Value = serde_json::from_str(events).ok()?;
    let message = |event: &Value| event["attributes"]["exception.message"].as_str().map(str::to_owned);
    events.as_array()?.iter().find_map(message)
}
