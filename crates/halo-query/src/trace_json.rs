//! One trace as a JSON document, for programs.

use std::io::Write;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::trace_steps::{self, chunks};
use crate::trace_tools::{TraceTree, sql_text};
use crate::{QueryError, TraceSession};

/// Columns that hold JSON as text. They are opened, so that a program need not parse twice.
const JSON_COLUMNS: &[&str] =
    &["attributes", "resource_attributes", "events", "links", "extra", "requested_tool_calls", "offered_tools"];

/// Why a trace was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteTraceError {
    /// It can't be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// It can't be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Writes a trace as `{"trace": {…}, "spans": [{…}]}` and tells whether there is one: its row of `traces`, and its rows of `spans` in order
/// of their steps with all columns, each with its `depth` in the tree and the steps of its `children`. The tree is not nested: a chain of
/// spans may be deeper than parsers of JSON go.
///
/// # Errors
/// The dataset can't be read, or `out` not written to.
pub async fn write_trace_json(
    session: &TraceSession,
    trace_id: &str,
    out: &mut impl Write,
    cancel: &CancellationToken,
) -> Result<bool, WriteTraceError> {
    let condition = format!("trace_id = {}", sql_text(trace_id));
    let trace = session.own_query(&format!("SELECT * FROM traces WHERE {condition}"), cancel).await?.rows().pop();
    let Some(trace) = trace else {
        return Ok(false);
    };
    write!(out, "{{\"trace\": {},\n \"spans\": [", Value::Object(opened(trace)))?;
    let steps = trace_steps::read(session, trace_id, cancel).await?;
    let tree = TraceTree::of(&steps);
    let mut children = vec![Vec::new(); steps.len()];
    for (place, step) in steps.iter().enumerate() {
        if let Some(parent) = tree.node(place).and_then(|node| node.parent) {
            children[parent].push(step.step);
        }
    }
    let places: Vec<usize> = (0..steps.len()).collect();
    let mut written = 0;
    for chunk in chunks(&steps, &places, trace_steps::MANY) {
        let (first, last) = (steps[chunk[0]].step, steps[chunk[chunk.len() - 1]].step);
        let sql = format!("SELECT * FROM spans WHERE {condition} AND step BETWEEN {first} AND {last} ORDER BY step");
        for row in session.own_query(&sql, cancel).await?.rows() {
            let mut row = opened(row);
            row.insert("depth".to_owned(), json!(tree.node(written).map_or(0, |node| node.depth)));
            row.insert("children".to_owned(), json!(children.get(written)));
            write!(out, "{}\n  {}", if written > 0 { "," } else { "" }, Value::Object(row))?;
            written += 1;
        }
    }
    out.write_all(b"\n ]}\n")?;
    Ok(true)
}

/// A row with the JSON of its columns opened.
fn opened(mut row: Map<String, Value>) -> Map<String, Value> {
    for column in JSON_COLUMNS {
        if let Some(value) = row.get_mut(*column)
            && let Some(json) = value.as_str().and_then(|text| serde_json::from_str(text).ok())
        {
            *value = json;
        }
    }
    row
}
