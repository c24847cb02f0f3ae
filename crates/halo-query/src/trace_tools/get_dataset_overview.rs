//! `get_dataset_overview`: what the dataset holds, in about a page.

use std::fmt::Write as _;

use halo_protocol::DatasetSummary;
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::attribute_values::{attributes, list};
use super::filters::TraceFilters;
use super::query_traces::seconds;
use super::text::{DATA_NOTE, counted, one_line};
use super::tool_error;
use crate::census::{Census, Tally, Trace};
use crate::{QueryError, TraceSession};

/// Groups of errors and of failed results that are listed.
const GROUPS_MAX: usize = 12;

/// Tools that are listed.
const TOOLS_MAX: usize = 40;

/// Traces that represent all of them.
const SAMPLE: usize = 6;

/// Traces of an extreme kind.
const EXTREMES: usize = 2;

/// A number of a trace.
type Size<T> = fn(&Trace) -> T;

/// Such a number for people.
type Show = fn(f64) -> String;

/// The tool.
pub(crate) struct GetDatasetOverview {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetDatasetOverviewArgs {
    /// Which traces; all when absent.
    filters: Option<TraceFilters>,
}

impl Tool for GetDatasetOverview {
    type Args = GetDatasetOverviewArgs;

    fn name(&self) -> &'static str {
        "get_dataset_overview"
    }

    fn description(&self) -> &str {
        include_str!("get_dataset_overview.md")
    }

    async fn call(&self, args: GetDatasetOverviewArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let condition = args.filters.unwrap_or_default().condition().map_err(tool_error)?;
        let text = overview(&self.session, &condition, &context.cancel).await;
        Ok(ToolOutput::text(text.map_err(tool_error)?))
    }
}

/// The overview of the traces that meet a condition.
async fn overview(session: &TraceSession, condition: &str, cancel: &CancellationToken) -> Result<String, QueryError> {
    let census = session.census(cancel).await?;
    let traces = session.select(&census, condition, cancel).await?;
    if traces.is_empty() {
        return Ok(if condition == "true" {
            "the dataset is empty: it has no traces\n".to_owned()
        } else {
            "no trace meets the filters\n".to_owned()
        });
    }
    let summary = census.summary(&traces);
    let mut text = head(&summary);
    text.push_str(&outcomes(&census, &traces));
    for (label, counts) in [("services", &summary.services), ("agents", &summary.agents), ("models", &summary.models)] {
        if !counts.is_empty() {
            let _ = writeln!(text, "{label} (traces): {}", list(counts));
        }
    }
    text.push_str(&tools(&census, &traces));
    text.push_str(&attributes(&census, &traces));
    text.push_str(&errors(&census, &traces));
    text.push_str(&failed_results(&census, &traces));
    text.push_str(&beginnings(&census, &traces));
    Ok(text)
}

fn head(summary: &DatasetSummary) -> String {
    let mut text = format!(
        "{}, {} ({} LLM, {} TOOL)",
        counted(summary.traces, "trace"),
        counted(summary.spans, "span"),
        summary.llm_spans,
        summary.tool_spans
    );
    if let (Some(first), Some(last)) = (&summary.first_time, &summary.last_time) {
        let _ = write!(text, ", {first} to {last}");
    }
    if summary.input_tokens + summary.output_tokens > 0 {
        let _ = write!(text, ", {}>{} tokens", summary.input_tokens, summary.output_tokens);
    }
    let _ = writeln!(text, "\n{DATA_NOTE}");
    text
}

/// Outcomes, failures and sizes of traces.
fn outcomes(census: &Census, traces: &[u32]) -> String {
    let count = |outcome: &str| traces.iter().filter(|trace| census.outcome(**trace) == outcome).count();
    let have = |of: fn(&Trace) -> bool| census.facts(traces).filter(|trace| of(trace)).count();
    let mut text = format!(
        "outcome by the root's status: {} success, {} failure, {} unknown (traces)\n",
        count("success"),
        count("failure"),
        count("unknown")
    );
    let _ = writeln!(
        text,
        "traces with a span of status ERROR: {}; with a failed tool call, by status or because its result says so or is empty: {}",
        have(|trace| trace.has_errors),
        have(|trace| trace.failed_tool_calls > 0)
    );
    let broken = have(|trace| trace.missing_parents > 0);
    if broken > 0 {
        let _ = writeln!(text, "traces with missing parent spans: {broken}");
    }
    let plain: Show = |value| format!("{value:.0}");
    #[expect(clippy::cast_precision_loss, reason = "sizes for people")]
    let sizes: [(&str, Size<Option<f64>>, Show); 5] = [
        ("spans", |trace| Some(trace.spans as f64), plain),
        ("LLM calls", |trace| Some(trace.llm_calls as f64), plain),
        ("tool calls", |trace| Some(trace.tool_calls as f64), plain),
        ("input tokens", |trace| Some(trace.input_tokens as f64), plain),
        ("duration", |trace| trace.duration_ms, seconds),
    ];
    let shown: Vec<String> = sizes
        .iter()
        .filter_map(|(label, of, show)| {
            let mut values: Vec<f64> = census.facts(traces).filter_map(of).collect();
            values.sort_by(f64::total_cmp);
            let max = values.last().copied().filter(|max| *max > 0.0)?;
            let at = |percent: usize| values[(values.len() * percent).div_ceil(100).saturating_sub(1)];
            Some(format!("{label} {}/{}/{}", show(at(50)), show(at(95)), show(max)))
        })
        .collect();
    let _ = writeln!(text, "per trace, median/95th/max: {}", shown.join(", "));
    text
}

fn tools(census: &Census, traces: &[u32]) -> String {
    let mut tools = census.tally(traces, |group| (group.span_type == "TOOL").then_some(group.step.as_str()));
    tools.sort_by(|(a, one), (b, other)| other.spans.cmp(&one.spans).then_with(|| a.cmp(b)));
    let more = tools.len().saturating_sub(TOOLS_MAX);
    tools.truncate(TOOLS_MAX);
    let mut shown: Vec<String> = tools
        .iter()
        .map(|(tool, tally)| {
            let failed = match tally.failed {
                0 => String::new(),
                failed => format!(" {failed} failed"),
            };
            format!("{} {}/{}{failed}", one_line(tool, 60), tally.spans, tally.traces)
        })
        .collect();
    if more > 0 {
        shown.push(format!("{more} more tools"));
    }
    line("tools (calls/traces)", &shown)
}

fn errors(census: &Census, traces: &[u32]) -> String {
    let causes = census.tally(traces, |group| {
        let cause = group.cause.as_deref().unwrap_or("no message");
        group.is_error.then_some((cause, group.span_type.as_str(), group.step.as_str()))
    });
    let place = |key: &(&str, &str, &str)| one_line(&format!("{} {}", key.1, key.2), 80);
    groups("ERROR spans by cause", census, &causes, |key| (place(key), key.0))
}

fn failed_results(census: &Census, traces: &[u32]) -> String {
    let signs = census.tally(traces, |group| Some((group.step.as_str(), group.failure.as_deref()?)));
    groups("tool results that say they failed, or are empty", census, &signs, |key| (one_line(key.0, 60), key.1))
}

/// Groups of spans, each with an example.
fn groups<K>(title: &str, census: &Census, groups: &[(K, Tally)], tell: impl Fn(&K) -> (String, &str)) -> String {
    if groups.is_empty() {
        return format!("{title}: none\n");
    }
    let mut text = format!("{title} (spans/traces):\n");
    for (key, tally) in groups.iter().take(GROUPS_MAX) {
        let (place, cause) = tell(key);
        let _ = writeln!(
            text,
            "  {}/{} {place}, as in {} | {}",
            tally.spans,
            tally.traces,
            census.id(tally.example),
            one_line(cause, 160)
        );
    }
    if groups.len() > GROUPS_MAX {
        let _ = writeln!(text, "  {} more groups", groups.len() - GROUPS_MAX);
    }
    text
}

/// Traces to begin with: ones that represent all, and extreme ones.
fn beginnings(census: &Census, traces: &[u32]) -> String {
    let mut shown = Vec::new();
    let mut add = |label: &str, traces: &[u32]| {
        let ids: Vec<&str> = traces.iter().map(|trace| census.id(*trace)).collect();
        if !ids.is_empty() {
            shown.push(format!("{label} {}", ids.join(" ")));
        }
    };
    add("a sample (by outcome, failure, service, size, time)", &census.sample(traces, SAMPLE, 0));
    #[expect(clippy::cast_precision_loss, reason = "compared only")]
    let extremes: [(&str, Size<f64>); 4] = [
        ("most failed tool calls", |trace| trace.failed_tool_calls as f64),
        ("most ERROR spans", |trace| trace.error_spans as f64),
        ("longest", |trace| trace.duration_ms.unwrap_or(0.0)),
        ("most steps", |trace| trace.spans.saturating_sub(1) as f64),
    ];
    for (label, of) in extremes {
        add(label, &most(census, traces, of));
    }
    line("traces to begin with", &shown)
}

/// The traces with the most of something, if they have any of it.
fn most(census: &Census, traces: &[u32], of: fn(&Trace) -> f64) -> Vec<u32> {
    let mut ranked: Vec<(f64, u32)> = traces.iter().map(|trace| (of(census.trace(*trace)), *trace)).collect();
    ranked.retain(|(value, _)| *value > 0.0);
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| census.id(a.1).cmp(census.id(b.1))));
    ranked.into_iter().take(EXTREMES).map(|(_, trace)| trace).collect()
}

fn line(label: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    format!("{label}: {}\n", parts.join(", "))
}
