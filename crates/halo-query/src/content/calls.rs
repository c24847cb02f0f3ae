//! Tool calls that output messages ask for. A place is 2^20 times the message's place in its list, and the call's place in the message.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Builder, ListArray, ListBuilder, StringViewBuilder};
use arrow::datatypes::Int64Type;
use datafusion::common::Result;
use halo_dataset::holes::write_message_json;
use halo_dataset::{ContentStore, Loaded, StoredMessage, list, write_string};
use hashbrown::HashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{failed, json};

const CALLS_MAX: i64 = 1 << 20;

/// A call as it is stored: its parts are JSON, in which holes may stand.
#[derive(Deserialize)]
struct StoredCall<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    arguments: &'a RawValue,
}

fn stored<'a>(message: &StoredMessage<'a>) -> Vec<StoredCall<'a>> {
    message.tool_calls().and_then(|calls| serde_json::from_str(calls).ok()).unwrap_or_default()
}

/// A part of a call as text; the texts of its holes are loaded.
fn written(part: &RawValue, message: &StoredMessage<'_>) -> Option<String> {
    let mut json = String::new();
    write_message_json(&mut json, part.get(), message);
    serde_json::from_str(&json).ok()
}

/// The calls of a message as `[{id, name, arguments}]`, in one spelling whatever the exporter's; `None` when it has none. The texts
/// of its holes are loaded.
pub(super) fn calls_json(loaded: &Loaded, message: i64) -> Option<String> {
    let message = loaded.message(message)?;
    let mut out = String::new();
    for call in stored(&message) {
        out.push(if out.is_empty() { '[' } else { ',' });
        for (name, part) in [("{\"id\":", call.id), (",\"name\":", call.name), (",\"arguments\":", call.arguments)] {
            out.push_str(name);
            write_string(&mut out, &written(part, &message).unwrap_or_default());
        }
        out.push('}');
    }
    if !out.is_empty() {
        out.push(']');
    }
    Some(out).filter(|calls| !calls.is_empty())
}

fn messages_of(lists: &ListArray) -> impl Iterator<Item = i64> {
    (0..lists.len()).flat_map(|row| list(lists, row)).copied()
}

/// Loads messages, and the texts of the calls they ask for.
pub(super) fn load_calls(
    store: &ContentStore,
    messages: impl Iterator<Item = i64> + Clone,
    loaded: &mut Loaded,
) -> Result<()> {
    store.load_messages(messages.clone(), loaded).map_err(failed)?;
    let with_calls = messages.filter(|message| has_calls(loaded, *message)).collect();
    json::load_messages(store, with_calls, loaded)
}

fn has_calls(loaded: &Loaded, message: i64) -> bool {
    loaded.message(message).is_some_and(|message| message.tool_calls().is_some())
}

fn load(store: &ContentStore, messages: impl Iterator<Item = i64>) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    store.load_messages(messages, &mut loaded).map_err(failed)?;
    Ok(loaded)
}

/// `requested_calls(output_messages)`: the calls of all of them as one JSON array; null when there are none.
pub(super) fn requested(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let lists = columns[0].as_list::<i32>();
    let mut loaded = Loaded::default();
    load_calls(store, messages_of(lists).collect::<Vec<_>>().into_iter(), &mut loaded)?;
    let mut calls = StringViewBuilder::with_capacity(lists.len());
    for row in 0..lists.len() {
        let mut together = String::new();
        for written in list(lists, row).iter().filter_map(|message| calls_json(&loaded, *message)) {
            let Some(items) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { continue };
            together.push(if together.is_empty() { '[' } else { ',' });
            together.push_str(items);
        }
        if !together.is_empty() {
            together.push(']');
        }
        calls.append_option(Some(together).filter(|calls| !calls.is_empty()));
    }
    Ok(Arc::new(calls.finish()))
}

/// `has_requested_calls(output_messages)`
pub(super) fn has_requested(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let lists = columns[0].as_list::<i32>();
    let loaded = load(store, messages_of(lists))?;
    let has = |row: usize| Some(list(lists, row).iter().any(|message| has_calls(&loaded, *message)));
    Ok(Arc::new((0..lists.len()).map(has).collect::<BooleanArray>()))
}

/// `call_messages(output_messages)`: for each call the row of the message that asks for it.
pub(super) fn messages(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    of_calls(store, columns, |message, _, _| message)
}

/// `call_places(output_messages)`: for each call its place.
pub(super) fn places(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    of_calls(store, columns, |_, index, call| index * CALLS_MAX + call)
}

fn of_calls(store: &ContentStore, columns: &[ArrayRef], value: impl Fn(i64, i64, i64) -> i64) -> Result<ArrayRef> {
    let lists = columns[0].as_list::<i32>();
    let loaded = load(store, messages_of(lists))?;
    let mut values = ListBuilder::new(Int64Builder::new());
    for row in 0..lists.len() {
        for (index, message) in (0_i64..).zip(list(lists, row)) {
            let count = loaded.message(*message).map_or(0, |message| stored(&message).len());
            (0..CALLS_MAX).take(count).for_each(|call| values.values().append_value(value(*message, index, call)));
        }
        values.append(true);
    }
    Ok(Arc::new(values.finish()))
}

/// `call_id(message, place)`; null when it is empty.
pub(super) fn id(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    parts(store, columns, false, |call| call.id)
}

/// `call_name(message, place)`
pub(super) fn name(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    parts(store, columns, false, |call| call.name)
}

/// `call_arguments(message, place)`
pub(super) fn arguments(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    parts(store, columns, true, |call| call.arguments)
}

/// One part of each call.
fn parts(
    store: &ContentStore,
    columns: &[ArrayRef],
    with_texts: bool,
    part: for<'a> fn(&StoredCall<'a>) -> &'a RawValue,
) -> Result<ArrayRef> {
    let (rows, places) = (columns[0].as_primitive::<Int64Type>(), columns[1].as_primitive::<Int64Type>());
    let messages = rows.iter().flatten();
    let loaded = if with_texts {
        let mut loaded = Loaded::default();
        load_calls(store, messages.collect::<Vec<_>>().into_iter(), &mut loaded)?;
        loaded
    } else {
        load(store, messages)?
    };
    let mut known: HashMap<(i64, i64), Option<String>> = HashMap::new();
    let mut parts = StringViewBuilder::with_capacity(places.len());
    for (row, place) in rows.iter().zip(places) {
        let found = row.zip(place).and_then(|(row, place)| {
            let call = place % CALLS_MAX;
            let find = || {
                let message = loaded.message(row)?;
                let calls = stored(&message);
                let text = written(part(calls.get(usize::try_from(call).ok()?)?), &message)?;
                Some(text).filter(|text| !text.is_empty() || with_texts)
            };
            known.entry((row, call)).or_insert_with(find).as_deref()
        });
        parts.append_option(found);
    }
    Ok(Arc::new(parts.finish()))
}
