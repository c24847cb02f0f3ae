//! `search`: a pattern in all texts of the dataset.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use halo_dataset::texts_hash;
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::excerpt::{excerpt, sentence};
use super::filters::TraceFilters;
use super::text::{DATA_NOTE, counted, one_line};
use super::tool_error;
use crate::pattern::Matcher;
use crate::search::{Found, FoundText, Scope};
use crate::{QueryError, TraceSession};

const CONTEXT_CHARS_DEFAULT: usize = 100;
const CONTEXT_CHARS_MAX: usize = 2000;
const LIMIT_MAX: usize = 500;
/// Wordings and hits that are shown; ids are shorter.
const LIMIT_DEFAULT: usize = 20;
const IDS_DEFAULT: usize = 100;

/// Texts that are grouped by wording; of more, those in the most traces.
const GROUPED_MAX: usize = 5_000;

/// Characters of all lines together, about 6,000 tokens.
const TEXT_CHARS_MAX: usize = 24_000;

/// The tool.
pub(crate) struct Search {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchArgs {
    pattern: String,
    /// The pattern is no regular expression.
    literal: Option<bool>,
    ignore_case: Option<bool>,
    filters: Option<TraceFilters>,
    /// texts when absent.
    show: Option<Show>,
    /// Lines, 20 when absent, at most 500.
    limit: Option<usize>,
    offset: Option<usize>,
    context_buffer_chars: Option<usize>,
}

/// What a search shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Show {
    Texts,
    Hits,
    Traces,
}

impl Tool for Search {
    type Args = SearchArgs;

    fn name(&self) -> &'static str {
        "search"
    }

    fn description(&self) -> &str {
        include_str!("search.md")
    }

    async fn call(&self, args: SearchArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        self.search(args, &context.cancel).await.map(ToolOutput::text).map_err(tool_error)
    }
}

impl Search {
    async fn search(&self, args: SearchArgs, cancel: &CancellationToken) -> Result<String, QueryError> {
        let mut pattern = if args.literal == Some(true) { regex::escape(&args.pattern) } else { args.pattern.clone() };
        if args.ignore_case == Some(true) {
            pattern.insert_str(0, "(?i)");
        }
        let matcher = Matcher::new(&pattern)?;
        let condition = args.filters.as_ref().map(TraceFilters::condition).transpose()?;
        let sql = format!("SELECT trace_id FROM traces WHERE {}", condition.as_deref().unwrap_or("true"));
        let searched = self.session.own_query(&sql, cancel).await?;
        let searched: HashSet<String> = searched.texts("trace_id").unwrap_or_default().into_iter().flatten().collect();
        let engine = Arc::clone(&self.session.shared.search);
        let stop = cancel.clone();
        let answer = self.session.shared.blocking(move || {
            let found = engine.find(&matcher, &|| stop.is_cancelled())?;
            Answer { found: &found, searched: &searched, args: &args }.text()
        });
        let answer = answer.await?;
        if cancel.is_cancelled() { Err(QueryError::Cancelled) } else { answer }
    }
}

/// What was found, told.
struct Answer<'a> {
    found: &'a Found<'a>,
    /// The traces that were asked about.
    searched: &'a HashSet<String>,
    args: &'a SearchArgs,
}

impl Answer<'_> {
    fn text(&self) -> Result<String, QueryError> {
        let spans = self.found.spans().filter(|place| self.searched.contains(self.found.trace_id(*place))).count();
        let traces: BTreeSet<(u64, Box<str>)> = self
            .found
            .trace_ids()
            .into_iter()
            .filter(|id| self.searched.contains(id.as_ref()))
            // The hash of an id is as good as chance, and the same each time.
            .map(|id| (texts_hash(&[&id]), id))
            .collect();
        let all = counted(self.searched.len() as u64, "trace");
        if traces.is_empty() {
            return Ok(format!("found in none of {all}{}\n", self.advice()));
        }
        let head = format!("found in {} of {all}, {}", traces.len(), counted(spans as u64, "span"));
        match self.args.show.unwrap_or(Show::Texts) {
            Show::Traces => Ok(self.ids(&head, &traces)),
            Show::Texts => self.wordings(&head),
            Show::Hits => self.hits(&head, &traces),
        }
    }

    /// What else to try when nothing is found.
    fn advice(&self) -> String {
        let pattern = &self.args.pattern;
        let mut advice = String::new();
        if pattern.contains("\":") {
            advice.push_str(
                "\nhint: JSON is searched as it was written: allow for blanks, as in \"status\":\\s*\"open\"",
            );
        } else if pattern.contains("\\\\\"") || pattern.contains("\\\\n") {
            advice.push_str(
                "\nhint: texts are decoded: write \" and a line break as they are, without doubled backslashes",
            );
        } else if self.args.ignore_case != Some(true)
            && !pattern.contains("(?i)")
            && pattern.chars().any(char::is_alphabetic)
        {
            advice.push_str("\nhint: (?i) at the front of the pattern ignores case");
        }
        advice
    }

    fn page(&self, default: usize) -> (usize, usize) {
        (self.args.limit.unwrap_or(default).clamp(1, LIMIT_MAX), self.args.offset.unwrap_or(0))
    }

    fn more(&self, shown: usize, all: usize, noun: &str) -> String {
        let (_, offset) = self.page(1);
        match all.saturating_sub(offset + shown) {
            0 => String::new(),
            more => format!("[{more} more {noun}: the same call with \"offset\": {}]\n", offset + shown),
        }
    }

    fn ids(&self, head: &str, traces: &BTreeSet<(u64, Box<str>)>) -> String {
        let (limit, offset) = self.page(IDS_DEFAULT);
        let shown: Vec<&str> = traces.iter().skip(offset).take(limit).map(|(_, id)| id.as_ref()).collect();
        format!("{head}\n{DATA_NOTE}\n{}\n{}", shown.join("\n"), self.more(shown.len(), traces.len(), "ids"))
    }

    /// The distinct texts, those of one wording together.
    fn wordings(&self, head: &str) -> Result<String, QueryError> {
        let mut texts = self.found.texts(Scope::Dataset, |id| self.searched.contains(id))?;
        texts.sort_by(|a, b| b.traces.len().cmp(&a.traces.len()).then_with(|| a.key.cmp(&b.key)));
        let mut groups: HashMap<String, Wording<'_>> = HashMap::new();
        for text in texts.iter().take(GROUPED_MAX) {
            let matcher = self.found.matcher();
            let key = self.found.read(text, |whole| halo_dataset::error_signature(&sentence(whole, matcher)))?;
            let group =
                groups.entry(key).or_insert_with(|| Wording { texts: 0, traces: HashSet::new(), example: text });
            group.texts += 1;
            group.traces.extend(&text.traces);
        }
        let mut groups: Vec<(String, Wording<'_>)> = groups.into_iter().collect();
        groups.sort_by(|(a, one), (b, other)| other.traces.len().cmp(&one.traces.len()).then_with(|| a.cmp(b)));
        let (limit, offset) = self.page(LIMIT_DEFAULT);
        let mut text = format!(
            "{head}, {} in {} (traces/texts, an example of each):\n{DATA_NOTE}\n",
            counted(texts.len() as u64, "distinct text"),
            counted(groups.len() as u64, "wording")
        );
        let mut shown = 0;
        for (_, group) in groups.iter().skip(offset).take(limit) {
            if text.len() > TEXT_CHARS_MAX {
                break;
            }
            let _ = writeln!(text, "{}/{} {}", group.traces.len(), group.texts, self.line(group.example)?);
            shown += 1;
        }
        text.push_str(&self.more(shown, groups.len(), "wordings"));
        if texts.len() > GROUPED_MAX {
            let _ = writeln!(
                text,
                "[{} texts that fewer traces hold are not grouped: make the pattern narrower]",
                texts.len() - GROUPED_MAX
            );
        }
        Ok(text)
    }

    /// The hits of some traces.
    fn hits(&self, head: &str, traces: &BTreeSet<(u64, Box<str>)>) -> Result<String, QueryError> {
        let (limit, offset) = self.page(LIMIT_DEFAULT);
        let page: Vec<&str> = traces.iter().skip(offset).take(limit).map(|(_, id)| id.as_ref()).collect();
        let wanted: HashSet<&str> = page.iter().copied().collect();
        let mut texts = self.found.texts(Scope::Trace, |id| wanted.contains(id))?;
        texts.sort_by_key(|text| (self.found.order(text.first), text.key));
        let mut by_trace: HashMap<&str, Vec<&FoundText>> = HashMap::new();
        for text in &texts {
            by_trace.entry(self.found.trace_id(text.first)).or_default().push(text);
        }
        let mut text = format!("{head}\n{DATA_NOTE}\n");
        let mut shown = 0;
        for id in page {
            if text.len() > TEXT_CHARS_MAX {
                break;
            }
            shown += 1;
            let hits = by_trace.remove(id).unwrap_or_default();
            for hit in hits.iter().take(limit) {
                let _ = writeln!(text, "{}", self.line(hit)?);
            }
            if hits.len() > limit {
                let _ = writeln!(text, "[{} more texts of trace {id}: search_trace]", hits.len() - limit);
            }
        }
        text.push_str(&self.more(shown, traces.len(), "traces"));
        Ok(text)
    }

    /// A hit: where, and what stands around it.
    fn line(&self, text: &FoundText) -> Result<String, QueryError> {
        let chars = self.args.context_buffer_chars.unwrap_or(CONTEXT_CHARS_DEFAULT).min(CONTEXT_CHARS_MAX);
        let shown = self.found.read(text, |whole| excerpt(whole, self.found.matcher(), chars))?;
        Ok(format!(
            "trace {} {} [{}] {} | {}",
            one_line(self.found.trace_id(text.first), 100),
            self.found.span_type(text.first),
            one_line(self.found.span_id(text.first), 40),
            self.found.field(text),
            one_line(&shown, 2 * chars + 1000)
        ))
    }
}

/// Texts of one wording.
struct Wording<'a> {
    texts: u64,
    traces: HashSet<u32>,
    example: &'a FoundText,
}
