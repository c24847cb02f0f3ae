//! `view_trace`: one trace as a tree of its steps, by page.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::pager::{PAGE_TOKENS, Pager};
use super::reader::{Reader, View};
use super::step_writer::{StepWriter, WHOLE};
use super::text::{clean, one_line};
use super::trace_facts::TraceFacts;
use super::trace_header::{push_attributes, push_landmarks, push_names, push_numbers};
use super::{sql_text, tool_error, unknown_trace};
use crate::trace_steps::{self, Step, chunks};
use crate::{Mark, MarkedText, TraceSession};

/// The tool.
pub(crate) struct ViewTrace {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewTraceArgs {
    trace_id: String,
    /// From 1.
    page: Option<usize>,
}

impl Tool for ViewTrace {
    type Args = ViewTraceArgs;

    fn name(&self) -> &'static str {
        "view_trace"
    }

    fn description(&self) -> &str {
        include_str!("view_trace.md")
    }

    async fn call(&self, args: ViewTraceArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let view = View::for_model(args.page);
        let shown = show_trace(&self.session, &args.trace_id, &view, &context.cancel).await?;
        Ok(ToolOutput::showing(shown.into_text(), vec![args.trace_id]))
    }
}

/// The row of a trace and its steps, without their texts.
pub(super) struct Outline {
    pub(super) row: Map<String, Value>,
    pub(super) steps: Vec<Step>,
    pub(super) facts: TraceFacts,
}

/// Reads the row and the steps of a trace.
pub(super) async fn outline(
    session: &TraceSession,
    trace_id: &str,
    cancel: &CancellationToken,
) -> Result<Outline, ToolError> {
    let sql = format!("SELECT * FROM traces WHERE trace_id = {}", sql_text(trace_id));
    let (rows, steps) = tokio::join!(session.own_query(&sql, cancel), trace_steps::read(session, trace_id, cancel));
    let Some(row) = rows.map_err(tool_error)?.rows().pop() else {
        return Err(unknown_trace(session, trace_id, cancel).await);
    };
    let steps = steps.map_err(tool_error)?;
    let facts = TraceFacts::of(&steps, row.get("duration_ms").and_then(Value::as_f64));
    Ok(Outline { row, steps, facts })
}

/// One page of a trace as a tree of its steps.
///
/// # Errors
/// There is no such trace or page, or the dataset can't be read.
pub async fn show_trace(
    session: &TraceSession,
    trace_id: &str,
    view: &View,
    cancel: &CancellationToken,
) -> Result<MarkedText, ToolError> {
    let (page, reader) = (view.page.max(1), &view.reader);
    let outline = outline(session, trace_id, cancel).await?;
    let steps = &outline.steps;
    let mut pager = Pager::new(page, PAGE_TOKENS);
    let mut writer = StepWriter::new(&outline.facts, steps, WHOLE);
    let (mut shown, mut cut) = (Vec::new(), Vec::new());
    let all: Vec<usize> = (0..steps.len()).collect();
    // What was told before a page depends on all that stands before it, and on nothing that comes after it.
    'pages: for chunk in chunks(steps, &all, trace_steps::FEW) {
        let wanted: Vec<&Step> = chunk.iter().map(|index| &steps[*index]).collect();
        let texts = trace_steps::texts(session, trace_id, &wanted, cancel).await.map_err(tool_error)?;
        for index in chunk {
            let blocks = writer.write(*index, &texts);
            let first = std::iter::once((&blocks.first, None));
            for (block, heading) in first.chain(blocks.more.iter().map(|block| (block, Some(&blocks.heading)))) {
                if pager.push(&block.text, heading) {
                    note(&mut shown, steps[*index].step);
                    if block.is_cut {
                        note(&mut cut, steps[*index].step);
                    }
                }
            }
            if pager.is_past() {
                break 'pages;
            }
        }
    }
    if shown.is_empty() && page > 1 {
        return Err(ToolError::for_model(format!(
            "there is no page {page}: the trace ends with page {}",
            pager.page()
        )));
    }
    let is_past = pager.is_past();
    let mut text = header(&outline, page, reader);
    text.append(&pager.into_text());
    reader.push_cut_note(&mut text, trace_id, &cut, shown.first().copied().unwrap_or(1));
    if is_past || page > 1 {
        let place = format!(
            "page {page}: steps {}-{} of {}",
            shown.first().unwrap_or(&0),
            shown.last().unwrap_or(&0),
            steps.len()
        );
        let next = if is_past {
            format!("; the next: {}", reader.trace_call(trace_id, page + 1))
        } else {
            "; the last".to_owned()
        };
        text.mark(Mark::Note, &clean(&format!("[{place}{next}]")));
        text.push("\n");
    }
    Ok(text)
}

fn note(steps: &mut Vec<u64>, step: u64) {
    if steps.last() != Some(&step) {
        steps.push(step);
    }
}

/// What the steps have in common; on later pages only whose they are.
fn header(outline: &Outline, page: usize, reader: &Reader) -> MarkedText {
    let mut text = MarkedText::default();
    if page == 1 {
        push_numbers(&mut text, &outline.row);
        push_names(&mut text, &outline.row);
        push_attributes(&mut text, &outline.row);
        push_landmarks(&mut text, &outline.steps, &outline.facts);
    } else {
        let trace_id = outline.row.get("trace_id").and_then(Value::as_str).unwrap_or("?");
        text.mark(Mark::Title, &format!("trace {}, page {page}", one_line(trace_id, 100)));
        text.push("\n");
    }
    reader.push_data_note(&mut text);
    text.push("\n");
    text
}
