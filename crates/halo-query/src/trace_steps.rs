//! The steps of one trace as they are stored: first all of them without their texts, then the texts of those that are wanted. A trace of a
//! hundred thousand spans fits in memory that way, and what is not looked at is not read.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampNanosecondType};
use datafusion::prelude::{Expr, col, lit};
use halo_dataset::{Loaded, list};
use tokio_util::sync::CancellationToken;

use crate::content::{self, ToldMessage};
use crate::session::OWN_LIMITS;
use crate::{QueryError, QueryLimits, TraceSession, cell};

/// Columns of a step, in the order that `Steps::take` reads them in.
const COLUMNS: [&str; 21] = [
    "step",
    "span_id",
    "parent_span_id",
    "span_type",
    "name",
    "status",
    "error_type",
    "failure_code",
    "service_name",
    "agent_name",
    "model",
    "tool_name",
    "finish_reason",
    "start_time",
    "duration_ms",
    "input_tokens",
    "output_tokens",
    "raw_bytes",
    "input_id",
    "output_id",
    "input_messages",
];

/// One step of a trace without its texts.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Its order in the trace, from 1.
    pub(crate) step: u64,
    pub(crate) span_id: String,
    pub(crate) parent_span_id: Option<Arc<str>>,
    pub(crate) span_type: Option<Arc<str>>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) status: Option<Arc<str>>,
    pub(crate) error_type: Option<Arc<str>>,
    pub(crate) failure_code: Option<Arc<str>>,
    pub(crate) service_name: Option<Arc<str>>,
    pub(crate) agent_name: Option<Arc<str>>,
    pub(crate) model: Option<Arc<str>>,
    pub(crate) tool_name: Option<Arc<str>>,
    pub(crate) finish_reason: Option<Arc<str>>,
    pub(crate) start_ns: Option<i64>,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) raw_bytes: u64,
    pub(crate) input_id: Option<i64>,
    pub(crate) output_id: Option<i64>,
    /// Messages that went in, of an LLM step; by their rows.
    pub(crate) input_messages: Vec<i64>,
    /// Messages that came out, of an LLM step.
    pub(crate) output_messages: Vec<i64>,
    /// Whether it has a status message or events.
    pub(crate) has_notes: bool,
}

impl Step {
    /// Whether it is of a type.
    pub(crate) fn is(&self, span_type: &str) -> bool {
        self.span_type.as_deref() == Some(span_type)
    }

    /// Whether its status is ERROR.
    pub(crate) fn is_error(&self) -> bool {
        self.status.as_deref() == Some("ERROR")
    }

    /// What its result says went wrong, of a tool.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure_code.as_deref().filter(|_| self.is("TOOL"))
    }

    /// Whether it failed, by its status or by what it says.
    pub(crate) fn failed(&self) -> bool {
        self.is_error() || self.failure().is_some()
    }
}

/// Steps as they come, with texts that many of them share kept once.
#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    shared: HashMap<String, Arc<str>>,
}

impl Steps {
    fn take(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            let column = |at: usize| batch.column(at);
            let [step, input_tokens, output_tokens, raw_bytes] =
                [0, 15, 16, 17].map(|at| int(column(at), row).and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
            let [parent_span_id, span_type, name, status, error_type, failure_code, service_name, agent_name] =
                [2, 3, 4, 5, 6, 7, 8, 9].map(|at| self.shared(column(at), row));
            let [model, tool_name, finish_reason] = [10, 11, 12].map(|at| self.shared(column(at), row));
            let is_llm = span_type.as_deref() == Some("LLM");
            let messages = |lists: Option<&ListArray>| match lists {
                Some(lists) if is_llm => list(lists, row).to_vec(),
                _ => Vec::new(),
            };
            let last = COLUMNS.len();
            self.steps.push(Step {
                step,
                span_id: cell::text(column(1), row).unwrap_or_default().into_owned(),
                parent_span_id,
                span_type,
                name,
                status,
                error_type,
                failure_code,
                service_name,
                agent_name,
                model,
                tool_name,
                finish_reason,
                start_ns: valid(column(13), row)
                    .map(|row| column(13).as_primitive::<TimestampNanosecondType>().value(row)),
                duration_ms: valid(column(14), row).map(|row| column(14).as_primitive::<Float64Type>().value(row)),
                input_tokens,
                output_tokens,
                raw_bytes,
                input_id: int(column(18), row),
                output_id: int(column(19), row),
                input_messages: messages(column(20).as_list_opt()),
                output_messages: messages(column(last).as_list_opt()),
                has_notes: valid(column(last + 1), row).is_some_and(|row| column(last + 1).as_boolean().value(row)),
            });
        }
    }

    /// A text of which there is one in memory however often it comes; `None` when it is empty.
    fn shared(&mut self, array: &ArrayRef, row: usize) -> Option<Arc<str>> {
        let text = cell::text(array, row).filter(|text| !text.is_empty())?;
        if let Some(known) = self.shared.get(text.as_ref()) {
            return Some(Arc::clone(known));
        }
        let shared: Arc<str> = Arc::from(text.as_ref());
        self.shared.insert(text.into_owned(), Arc::clone(&shared));
        Some(shared)
    }
}

fn valid(array: &ArrayRef, row: usize) -> Option<usize> {
    array.is_valid(row).then_some(row)
}

fn int(array: &ArrayRef, row: usize) -> Option<i64> {
    valid(array, row).map(|row| array.as_primitive::<Int64Type>().value(row))
}

/// All steps of a trace in their order, none of a trace that is not there.
pub(crate) async fn read(
    session: &TraceSession,
    trace_id: &str,
    cancel: &CancellationToken,
) -> Result<Vec<Step>, QueryError> {
    let mut columns: Vec<Expr> = COLUMNS.iter().map(|name| col(*name)).collect();
    columns.push(col("output_messages"));
    columns.push(col("status_message").is_not_null().or(col("events").is_not_null()).alias("has_notes"));
    // What is read here is small; how many there are is not for a limit to say.
    let limits = QueryLimits { bytes_max: usize::MAX, ..OWN_LIMITS };
    let mut stream = session.stored_spans(col("trace_id").eq(lit(trace_id)), columns, &limits, cancel).await?;
    let mut steps = Steps::default();
    while let Some(batch) = stream.next().await? {
        steps.take(&batch.0);
    }
    steps.steps.sort_by_key(|step| step.step);
    Ok(steps.steps)
}

/// Steps whose texts are read at a time where a page may be full soon.
pub(crate) const FEW: usize = 64;

/// Steps that are read at a time where all of them are wanted.
pub(crate) const MANY: usize = 4096;

/// How many bytes of input the steps of a part may have been.
const CHUNK_BYTES_MAX: u64 = 8 << 20;

/// Steps, by their places, in parts whose texts fit in memory together, of at most so many steps.
pub(crate) fn chunks<'p>(steps: &[Step], places: &'p [usize], steps_max: usize) -> Vec<&'p [usize]> {
    let mut chunks = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (end, place) in places.iter().enumerate() {
        bytes += steps[*place].raw_bytes;
        if end > start && (end - start == steps_max || bytes > CHUNK_BYTES_MAX) {
            chunks.push(&places[start..end]);
            (start, bytes) = (end, steps[*place].raw_bytes);
        }
    }
    if start < places.len() {
        chunks.push(&places[start..]);
    }
    chunks
}

/// Status message and events of a step, as JSON.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) status_message: Option<String>,
    pub(crate) events: Option<String>,
}

/// The texts of some steps while they are shown.
#[derive(Default)]
pub(crate) struct StepTexts {
    loaded: Loaded,
    notes: HashMap<u64, Notes>,
}

impl StepTexts {
    /// What went in, as a text.
    pub(crate) fn input(&self, step: &Step) -> Option<&str> {
        self.text(step.input_id)
    }

    /// What came out, as a text.
    pub(crate) fn output(&self, step: &Step) -> Option<&str> {
        self.text(step.output_id)
    }

    /// A text; `None` when it is empty.
    pub(crate) fn text(&self, id: Option<i64>) -> Option<&str> {
        id.map(|id| self.loaded.text(id)).filter(|text| !text.is_empty())
    }

    /// Id of the text of a message.
    pub(crate) fn content_id(&self, row: i64) -> Option<i64> {
        self.loaded.message(row)?.content_id()
    }

    /// A message that went in or came out.
    pub(crate) fn message(&self, row: i64, came_out: bool) -> ToldMessage {
        content::told_message(&self.loaded, row, came_out)
    }

    /// Status message and events.
    pub(crate) fn notes(&self, step: &Step) -> Option<&Notes> {
        self.notes.get(&step.step)
    }
}

/// Reads the texts of steps.
pub(crate) async fn texts(
    session: &TraceSession,
    trace_id: &str,
    steps: &[&Step],
    cancel: &CancellationToken,
) -> Result<StepTexts, QueryError> {
    let mut messages: Vec<i64> = steps.iter().flat_map(|step| step.input_messages.iter().copied()).collect();
    messages.extend(steps.iter().flat_map(|step| &step.output_messages));
    let texts: Vec<i64> = steps.iter().flat_map(|step| [step.input_id, step.output_id]).flatten().collect();
    let store = Arc::clone(&session.shared.store);
    let read = move || content::load_told(&store, messages, texts);
    let loaded = tokio::task::spawn_blocking(read);
    let noted: Vec<String> = steps.iter().filter(|step| step.has_notes).map(|step| step.step.to_string()).collect();
    let mut notes = HashMap::new();
    if !noted.is_empty() {
        let sql = format!(
            "SELECT step, status_message, events FROM spans WHERE trace_id = {} AND step IN ({})",
            crate::trace_tools::sql_text(trace_id),
            noted.join(", ")
        );
        for row in session.own_query(&sql, cancel).await?.rows() {
            let text = |column: &str| row.get(column).and_then(|value| value.as_str()).map(str::to_owned);
            let note = Notes { status_message: text("status_message"), events: text("events") };
            notes.insert(crate::overview::number(&row, "step"), note);
        }
    }
    let loaded = loaded
        .await
        .map_err(|error| QueryError::internal(error.to_string()))?
        .map_err(|error| session.shared.translate(&error))?;
    Ok(StepTexts { loaded, notes })
}
