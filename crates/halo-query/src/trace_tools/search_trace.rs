//! `search_trace`: a pattern in the texts of one trace.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::excerpt::{HIT_CHARS_MAX, around};
use super::text::{DATA_NOTE, counted, one_line};
use super::{filled, must_know, sql_text, tool_error};
use crate::overview::number;
use crate::session::OWN_LIMITS;
use crate::{TraceSession, decoded, pattern};

const CONTEXT_CHARS_DEFAULT: usize = 100;
const CONTEXT_CHARS_MAX: usize = 2000;
const MATCHES_DEFAULT: u64 = 50;
const MATCHES_MAX: u64 = 500;

/// Characters of all hits together, about 6,000 tokens.
const TEXT_CHARS_MAX: usize = 24_000;

/// Fields in the order they are searched. Texts of the first ones stand in attributes too, and count where they are found first.
const FIELDS: &[&str] = &[
    "name",
    "status_message",
    "input",
    "output",
    "requested_tool_calls",
    "events",
    "attributes",
    "resource_attributes",
];

/// The tool.
pub(crate) struct SearchTrace {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchTraceArgs {
    trace_id: String,
    regex_pattern: String,
    context_buffer_chars: Option<usize>,
    /// 50 when absent.
    max_matches: Option<u64>,
}

impl Tool for SearchTrace {
    type Args = SearchTraceArgs;

    fn name(&self) -> &'static str {
        "search_trace"
    }

    fn description(&self) -> &str {
        include_str!("search_trace.md")
    }

    async fn call(&self, args: SearchTraceArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let wanted = Search {
            trace_id: &args.trace_id,
            span_id: None,
            pattern: &args.regex_pattern,
            context_chars: args.context_buffer_chars,
            matches_max: args.max_matches,
        };
        search(&self.session, &wanted, &context.cancel).await
    }
}

/// What to find, and where.
pub(super) struct Search<'a> {
    pub(super) trace_id: &'a str,
    /// One span of it; all when absent.
    pub(super) span_id: Option<&'a str>,
    pub(super) pattern: &'a str,
    pub(super) context_chars: Option<usize>,
    pub(super) matches_max: Option<u64>,
}

/// Finds a pattern in the texts of a trace or of one of its spans.
pub(super) async fn search(
    session: &TraceSession,
    wanted: &Search<'_>,
    cancel: &CancellationToken,
) -> Result<ToolOutput, ToolError> {
    let pattern = pattern::compile(wanted.pattern).map_err(tool_error)?;
    must_know(session, wanted.trace_id, cancel).await?;
    let trace = format!("trace_id = {}", sql_text(wanted.trace_id));
    let condition = match wanted.span_id {
        Some(span_id) => format!("{trace} AND span_id = {}", sql_text(span_id)),
        None => trace,
    };
    let mut hits = Hits {
        pattern,
        context_chars: wanted.context_chars.unwrap_or(CONTEXT_CHARS_DEFAULT).min(CONTEXT_CHARS_MAX),
        matches_max: wanted.matches_max.unwrap_or(MATCHES_DEFAULT).clamp(1, MATCHES_MAX),
        seen: HashSet::new(),
        text: String::new(),
        found: 0,
        shown: 0,
        spans: 0,
    };
    let sql =
        format!("SELECT step, span_id, span_type, {} FROM spans WHERE {condition} ORDER BY step", FIELDS.join(", "));
    let mut stream = session.stream(&sql, &OWN_LIMITS, cancel).await.map_err(tool_error)?;
    let columns = stream.columns().to_vec();
    let mut is_there = false;
    while let Some(batch) = stream.next().await.map_err(tool_error)? {
        for span in batch.objects(&columns) {
            is_there = true;
            hits.search(&span);
        }
    }
    if let Some(span_id) = wanted.span_id.filter(|_| !is_there) {
        return Err(ToolError::for_model(format!(
            "trace {} has no span `{}`\nhint: span ids stand in [brackets] in what view_trace shows",
            one_line(wanted.trace_id, 100),
            one_line(span_id, 80)
        )));
    }
    let mut text = hits.finish(wanted);
    if stream.truncated() {
        text.push_str("[the trace is too large to read whole: later steps were not searched]\n");
    }
    Ok(ToolOutput::showing(text, vec![wanted.trace_id.to_owned()]))
}

/// Hits found so far.
struct Hits {
    pattern: Regex,
    context_chars: usize,
    matches_max: u64,
    /// Hashes of the texts with hits that were searched.
    seen: HashSet<u64>,
    text: String,
    found: u64,
    shown: u64,
    spans: u64,
}

impl Hits {
    fn search(&mut self, span: &Map<String, Value>) {
        let before = self.found;
        for field in FIELDS {
            if let Some(text) = filled(span, field) {
                decoded::visit_leaves(text, field, &mut |path, leaf| {
                    self.search_leaf(span, path, leaf);
                    true
                });
            }
        }
        self.spans += u64::from(self.found > before);
    }

    fn search_leaf(&mut self, span: &Map<String, Value>, path: &str, leaf: &str) {
        if !self.pattern.is_match(leaf) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        leaf.hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        for hit in self.pattern.find_iter(leaf) {
            self.found += 1;
            if self.shown >= self.matches_max || self.text.len() > TEXT_CHARS_MAX {
                continue;
            }
            self.shown += 1;
            let shown = around(leaf, hit.start(), hit.end(), self.context_chars);
            let _ = writeln!(
                self.text,
                "step {} {} [{}] {} | {}",
                number(span, "step"),
                filled(span, "span_type").unwrap_or("SPAN"),
                one_line(filled(span, "span_id").unwrap_or("?"), 40),
                one_line(path, 80),
                one_line(&shown, 2 * self.context_chars + HIT_CHARS_MAX)
            );
        }
    }

    fn finish(self, wanted: &Search<'_>) -> String {
        let trace = format!("trace {}", one_line(wanted.trace_id, 100));
        let place = wanted.span_id.map(|span_id| format!("span {} of {trace}", one_line(span_id, 80)));
        if self.found == 0 {
            return format!("no text of {} matches\n", place.unwrap_or(trace));
        }
        let place = place.unwrap_or_else(|| format!("{} of {trace}", counted(self.spans, "span")));
        let mut text = format!("{} in {place}\n{DATA_NOTE}\n{}", counted(self.found, "hit"), self.text);
        if self.shown < self.found {
            let _ = writeln!(
                text,
                "[{} hits not shown: make the pattern narrower, or give a larger max_matches with a smaller context_buffer_chars]",
                self.found - self.shown
            );
        }
        text
    }
}
