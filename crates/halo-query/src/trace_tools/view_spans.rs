//! `view_spans`: some spans of a trace whole, by page.

use std::collections::HashSet;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::pager::{PAGE_TOKENS, Pager};
use super::reader::View;
use super::span_writer::SpanWriter;
use super::text::{clean, counted, one_line, ranges};
use super::{sql_text, tool_error, unknown_trace};
use crate::trace_steps::{self, Step, chunks};
use crate::{Mark, MarkedText, TraceSession};

/// Spans of one call.
const SPANS_MAX: usize = 200;

/// The tool.
pub(crate) struct ViewSpans {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewSpansArgs {
    trace_id: String,
    /// At most 200.
    #[serde(default)]
    span_ids: Option<Vec<String>>,
    /// Numbers that view_trace shows.
    #[serde(default)]
    steps: Option<Vec<u64>>,
    page: Option<usize>,
}

impl Tool for ViewSpans {
    type Args = ViewSpansArgs;

    fn name(&self) -> &'static str {
        "view_spans"
    }

    fn description(&self) -> &str {
        include_str!("view_spans.md")
    }

    async fn call(&self, args: ViewSpansArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let choice = SpanChoice { span_ids: args.span_ids.unwrap_or_default(), steps: args.steps.unwrap_or_default() };
        let view = View::for_model(args.page);
        let shown = show_spans(&self.session, &args.trace_id, &choice, &view, &context.cancel).await?;
        Ok(ToolOutput::showing(shown.into_text(), vec![args.trace_id]))
    }
}

/// Spans of a trace, by their ids or by their steps.
#[derive(Debug, Clone, Default)]
pub struct SpanChoice {
    /// Ids of spans.
    pub span_ids: Vec<String>,
    /// Their order in the trace, from 1.
    pub steps: Vec<u64>,
}

impl SpanChoice {
    /// The places of these spans among all steps, in their order.
    fn places(&self, trace_id: &str, steps: &[Step]) -> Result<Vec<usize>, ToolError> {
        let known_ids: HashSet<&str> = steps.iter().map(|step| step.span_id.as_str()).collect();
        let known_steps: HashSet<u64> = steps.iter().map(|step| step.step).collect();
        let trace = one_line(trace_id, 100);
        if let Some(id) = self.span_ids.iter().find(|id| !known_ids.contains(id.as_str())) {
            return Err(ToolError::for_model(format!(
                "trace {trace} has no span `{}`\nhint: span ids stand in [brackets] in what view_trace shows",
                one_line(id, 80)
            )));
        }
        if let Some(step) = self.steps.iter().find(|step| !known_steps.contains(step)) {
            return Err(ToolError::for_model(format!(
                "trace {trace} has no step {step}: its last is {}",
                steps.last().map_or(0, |step| step.step)
            )));
        }
        let ids: HashSet<&str> = self.span_ids.iter().map(String::as_str).collect();
        let numbers: HashSet<u64> = self.steps.iter().copied().collect();
        let is_wanted = |step: &Step| ids.contains(step.span_id.as_str()) || numbers.contains(&step.step);
        let places: Vec<usize> = (0..steps.len()).filter(|index| is_wanted(&steps[*index])).collect();
        match places.len() {
            0 => Err(ToolError::for_model(
                "no span is named\nhint: give span_ids, which stand in [brackets] in what view_trace shows, or steps",
            )),
            1..=SPANS_MAX => Ok(places),
            count => Err(ToolError::for_model(format!(
                "{count} spans are more than the {SPANS_MAX} of one call\nhint: name the rest in another call"
            ))),
        }
    }
}

/// One page of some spans, whole.
///
/// # Errors
/// There is no such trace, span or page, or the dataset can't be read.
pub async fn show_spans(
    session: &TraceSession,
    trace_id: &str,
    choice: &SpanChoice,
    view: &View,
    cancel: &CancellationToken,
) -> Result<MarkedText, ToolError> {
    let (page, reader) = (view.page.max(1), &view.reader);
    let steps = trace_steps::read(session, trace_id, cancel).await.map_err(tool_error)?;
    if steps.is_empty() {
        return Err(unknown_trace(session, trace_id, cancel).await);
    }
    let places = choice.places(trace_id, &steps)?;
    let mut pager = Pager::new(page, PAGE_TOKENS);
    let mut writer = SpanWriter::new(&mut pager);
    for chunk in chunks(&steps, &places, trace_steps::FEW) {
        let numbers: Vec<String> = chunk.iter().map(|place| steps[*place].step.to_string()).collect();
        let condition = format!("trace_id = {} AND step IN ({})", sql_text(trace_id), numbers.join(", "));
        let sql = format!("SELECT * FROM spans WHERE {condition} ORDER BY step");
        let rows = session.own_query(&sql, cancel).await.map_err(tool_error)?.rows();
        let chosen: Vec<&Step> = chunk.iter().map(|place| &steps[*place]).collect();
        let texts = trace_steps::texts(session, trace_id, &chosen, cancel).await.map_err(tool_error)?;
        rows.iter().zip(chosen).take_while(|(row, step)| writer.write(row, step, &texts)).for_each(drop);
        if writer.is_done() {
            break;
        }
    }
    let shown = writer.into_shown();
    if shown.is_empty() {
        let last = pager.page();
        return Err(ToolError::for_model(format!("there is no page {page}: the last is page {last}")));
    }
    let mut text = MarkedText::default();
    text.mark(Mark::Title, &format!("{} of trace {}", counted(places.len() as u64, "span"), one_line(trace_id, 100)));
    text.push("\n");
    reader.push_data_note(&mut text);
    text.push("\n");
    let is_past = pager.is_past();
    text.append(&pager.into_text());
    if is_past || page > 1 {
        let numbers: Vec<u64> = places.iter().map(|place| steps[*place].step).collect();
        let next = if is_past {
            format!("the next: {}", reader.steps_call(trace_id, &numbers, page + 1))
        } else {
            "the last".to_owned()
        };
        text.push("\n");
        text.mark(Mark::Note, &clean(&format!("[page {page}: steps {}; {next}]", ranges(&shown, 30))));
        text.push("\n");
    }
    Ok(text)
}
