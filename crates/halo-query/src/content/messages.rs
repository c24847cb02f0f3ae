//! Chat messages by their rows. A place is twice the position in its list, and one more for a message that came out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, Int64Builder, ListBuilder, StringViewBuilder};
use arrow::datatypes::Int64Type;
use datafusion::common::Result;
use halo_dataset::holes::MessageParts as _;
use halo_dataset::{ContentStore, Loaded, StoredMessage, list, texts_hash};
use hashbrown::HashMap;
use serde_json::Value;

use super::calls::{calls_json, load_calls};
use super::{failed, json, texts};

/// Names of the member that holds the id of the call that a tool's message answers, in the words of its exporters.
const ANSWER_KEYS: &[&str] = &[
    "tool_call_id",
    "message.tool_call_id",
    "call_id",
    "toolCallId",
    "tool_use_id",
    "toolUseId",
    "tool_call.id",
    "id",
];

/// `message_rows(input_messages, output_messages)`: the rows of both, one after the other.
pub(super) fn rows(_: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    Ok(lists(columns, |messages, _, out| out.append_slice(messages)))
}

/// `message_places(input_messages, output_messages)`: the places of the same messages.
pub(super) fn places(_: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    Ok(lists(columns, |messages, is_output, out| {
        (1_i64..).zip(messages).for_each(|(position, _)| out.append_value(position * 2 + i64::from(is_output)));
    }))
}

fn lists(columns: &[ArrayRef], append: impl Fn(&[i64], bool, &mut Int64Builder)) -> ArrayRef {
    let (input, output) = (columns[0].as_list::<i32>(), columns[1].as_list::<i32>());
    let mut builder = ListBuilder::new(Int64Builder::new());
    for row in 0..input.len() {
        append(list(input, row), false, builder.values());
        append(list(output, row), true, builder.values());
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn ints(column: &ArrayRef) -> &Int64Array {
    column.as_primitive::<Int64Type>()
}

/// Messages of a column of rows, without their texts.
fn load(store: &ContentStore, rows: &Int64Array) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    store.load_messages(rows.iter().flatten(), &mut loaded).map_err(failed)?;
    Ok(loaded)
}

/// Who speaks in a message: where it does not say, the user in what went in and the assistant in what came out.
fn role_at<'a>(message: Option<&StoredMessage<'a>>, place: i64) -> &'a str {
    let default = if place % 2 == 1 { "assistant" } else { "user" };
    message.and_then(StoredMessage::role).unwrap_or(default)
}

/// `message_role(row, place)`
pub(super) fn role(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let (rows, places) = (ints(&columns[0]), ints(&columns[1]));
    let loaded = load(store, rows)?;
    let mut roles = StringViewBuilder::with_capacity(rows.len());
    for (row, place) in rows.iter().zip(places) {
        let message = row.and_then(|row| loaded.message(row));
        roles.append_option(place.map(|place| role_at(message.as_ref(), place)));
    }
    Ok(Arc::new(roles.finish()))
}

/// `message_content(row)`
pub(super) fn content(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = ints(&columns[0]);
    let loaded = load(store, rows)?;
    let ids: Vec<Option<i64>> = rows.iter().map(|row| loaded.message(row?)?.content_id()).collect();
    texts::texts(store, &ids)
}

/// `message_tool_calls(row)`
pub(super) fn tool_calls(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = ints(&columns[0]);
    let mut loaded = Loaded::default();
    load_calls(store, rows.iter().flatten(), &mut loaded)?;
    let mut known: HashMap<i64, Option<String>> = HashMap::new();
    let mut calls = StringViewBuilder::with_capacity(rows.len());
    for row in rows {
        calls
            .append_option(row.and_then(|row| known.entry(row).or_insert_with(|| calls_json(&loaded, row)).as_deref()));
    }
    Ok(Arc::new(calls.finish()))
}

/// `message_answers(row)`: the id of the call that a tool's message answers.
pub(super) fn answers(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = ints(&columns[0]);
    let mut loaded = load(store, rows)?;
    let is_tool = |row: &i64| loaded.message(*row).is_some_and(|message| message.role() == Some("tool"));
    let tools = rows.iter().flatten().filter(is_tool).collect();
    json::load_messages(store, tools, &mut loaded)?;
    // Each turn sends the history again.
    let mut known: HashMap<i64, Option<String>> = HashMap::new();
    let mut ids = StringViewBuilder::with_capacity(rows.len());
    for row in rows {
        let find = |row| answered(&loaded.message(row).filter(|message| message.role() == Some("tool"))?);
        ids.append_option(row.and_then(|row| known.entry(row).or_insert_with(|| find(row)).as_deref()));
    }
    Ok(Arc::new(ids.finish()))
}

fn answered(message: &StoredMessage<'_>) -> Option<String> {
    let shape: Value = serde_json::from_str(message.shape()?).ok()?;
    let whole = shape.get("halo$json").and_then(number);
    let shape = match whole {
        Some(number) => serde_json::from_str(message.text(number)).ok()?,
        None => shape,
    };
    ANSWER_KEYS.iter().find_map(|key| member(&shape, key, message))
}

fn number(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

/// The first text under a name in a message, at any depth.
fn member(value: &Value, key: &str, message: &StoredMessage<'_>) -> Option<String> {
    match value {
        Value::Object(members) => {
            let text = |value: &Value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Object(hole) => {
                    let id = hole.get("halo$id").and_then(number).map(|number| message.id(number));
                    let text = hole.get("halo$text").and_then(number).map(|number| message.text(number));
                    id.or(text).map(str::to_owned)
                }
                _ => None,
            };
            let own = members.get(key).and_then(text).filter(|id| !id.is_empty());
            own.or_else(|| members.values().find_map(|value| member(value, key, message)))
        }
        Value::Array(items) => items.iter().find_map(|item| member(item, key, message)),
        _ => None,
    }
}

/// `message_identity(row, place)`: a hash of what a message says, in sixteen hex digits.
pub(super) fn identity(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let (rows, places) = (ints(&columns[0]), ints(&columns[1]));
    let loaded = load_told(store, rows.iter().flatten().collect(), Vec::new())?;
    let mut known: HashMap<(i64, bool), String> = HashMap::new();
    let mut ids = StringViewBuilder::with_capacity(rows.len());
    for (row, place) in rows.iter().zip(places) {
        let id = row.zip(place).map(|(row, place)| {
            known.entry((row, place % 2 == 1)).or_insert_with(|| identity_of(&loaded, row, place)).as_str()
        });
        ids.append_option(id);
    }
    Ok(Arc::new(ids.finish()))
}

fn identity_of(loaded: &Loaded, row: i64, place: i64) -> String {
    format!("{:016x}", told_message(loaded, row, place % 2 == 1).identity)
}

/// What a message says.
#[derive(Debug)]
pub(crate) struct ToldMessage {
    /// Who speaks.
    pub(crate) role: String,
    /// Id of its text.
    pub(crate) content_id: Option<i64>,
    /// Tool calls that it asks for: a JSON array of `{id, name, arguments}`.
    pub(crate) calls: Option<String>,
    /// Hash of all this: equal for equal messages. As hex digits it is the `message_id` of SQL.
    pub(crate) identity: u64,
}

/// A message that was loaded.
pub(crate) fn told_message(loaded: &Loaded, row: i64, came_out: bool) -> ToldMessage {
    let message = loaded.message(row);
    let role = role_at(message.as_ref(), i64::from(came_out)).to_owned();
    let content_id = message.and_then(|message| message.content_id());
    let calls = calls_json(loaded, row);
    let content = content_id.map_or("", |id| loaded.text(id));
    let identity = texts_hash(&[&role, content, calls.as_deref().unwrap_or_default()]);
    ToldMessage { role, content_id, calls, identity }
}

/// Brings messages into memory with their texts, and other texts with them.
pub(crate) fn load_told(store: &ContentStore, mut messages: Vec<i64>, mut texts: Vec<i64>) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    messages.sort_unstable();
    messages.dedup();
    load_calls(store, messages.iter().copied(), &mut loaded)?;
    texts.extend(messages.iter().filter_map(|row| loaded.message(*row)?.content_id()));
    texts.sort_unstable();
    store.load_texts(texts.into_iter(), &mut loaded).map_err(failed)?;
    Ok(loaded)
}
