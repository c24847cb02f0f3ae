//! `search_trace`: a pattern in the texts of one trace.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::text::{DATA_NOTE, counted, one_line};
use super::{filled, must_know, sql_text, tool_error};
use crate::overview::number;
use crate::session::OWN_LIMITS;
use crate::{TraceSession, decoded, pattern};

const CONTEXT_CHARS_DEFAULT: usize = 100;
const CONTEXT_CHARS_MAX: usize = 2000;
const MATCHES_DEFAULT: u64 = 50;
const MATCHES_MAX: u64 = 500;

/// Characters of a hit itself; a greedy pattern can match a whole payload.
const HIT_CHARS_MAX: usize = 1000;

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
    /// Id of the trace, whole.
    trace_id: String,
    /// Regular expression to find.
    regex_pattern: String,
    /// Characters shown on each side of a hit, 100 when absent.
    context_buffer_chars: Option<usize>,
    /// Most hits to show, 50 when absent; all are counted.
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
        let pattern = pattern::compile(&args.regex_pattern).map_err(tool_error)?;
        must_know(&self.session, &args.trace_id, &context.cancel).await?;
        let mut hits = Hits {
            pattern,
            context_chars: args.context_buffer_chars.unwrap_or(CONTEXT_CHARS_DEFAULT).min(CONTEXT_CHARS_MAX),
            matches_max: args.max_matches.unwrap_or(MATCHES_DEFAULT).clamp(1, MATCHES_MAX),
            seen: HashSet::new(),
            text: String::new(),
            found: 0,
            shown: 0,
            spans: 0,
        };
        let sql = format!(
            "SELECT step, span_id, span_type, {} FROM spans WHERE trace_id = {} ORDER BY step",
            FIELDS.join(", "),
            sql_text(&args.trace_id)
        );
        let mut stream = self.session.stream(&sql, &OWN_LIMITS, &context.cancel).await.map_err(tool_error)?;
        let columns = stream.columns().to_vec();
        while let Some(batch) = stream.next().await.map_err(tool_error)? {
            for span in batch.objects(&columns) {
                hits.search(&span);
            }
        }
        let mut text = hits.finish(&args.trace_id);
        if stream.truncated() {
            text.push_str("[the trace is too large to read whole: later steps were not searched]\n");
        }
        Ok(ToolOutput::showing(text, vec![args.trace_id]))
    }
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
            let (start, end) =
                (before(leaf, hit.start(), self.context_chars), after(leaf, hit.end(), self.context_chars));
            let shown = format!(
                "{}{}{}",
                if start > 0 { "…" } else { "" },
                &leaf[start..end],
                if end < leaf.len() { "…" } else { "" }
            );
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

    fn finish(self, trace_id: &str) -> String {
        if self.found == 0 {
            return format!("no text of trace {} matches\n", one_line(trace_id, 100));
        }
        let mut text = format!(
            "{} in {} of trace {}\n{DATA_NOTE}\n{}",
            counted(self.found, "hit"),
            counted(self.spans, "span"),
            one_line(trace_id, 100),
            self.text
        );
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

/// Byte position this many characters before another.
fn before(text: &str, at: usize, chars: usize) -> usize {
    match chars {
        0 => at,
        _ => text[..at].char_indices().rev().nth(chars - 1).map_or(0, |(position, _)| position),
    }
}

/// Byte position this many characters after another.
fn after(text: &str, at: usize, chars: usize) -> usize {
    text[at..].char_indices().nth(chars).map_or(text.len(), |(position, _)| at + position)
}
