//! One look at the messages and calls of a dataset for their prompts.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use datafusion::common::Result;
use halo_dataset::holes::{Member, Need, find, members, needs};
use halo_dataset::{ContentStore, Dataset, Loaded, list};
use serde_json::Value;

use super::collect::{Collected, Seen, gathered};
use super::definitions::{PLACES, as_text, definitions, is_at};
use super::{Kind, Prompts};
use crate::content::{SpanColumns, failed};
use crate::scan::{Carrier, Rows, Runs, Traces, Watch, Work, text};

/// Attributes of a trace that name a release.
const RELEASE_KEYS: &[&str] = &[
    "release",
    "app.release",
    "langfuse.release",
    "sentry.release",
    "app.version",
    "version",
    "langfuse.version",
    "vcs.ref.head.revision",
];

/// Texts in memory at a time.
const TEXTS_AT_A_TIME: usize = 64;

/// Files of one segment.
struct Segment {
    spans: PathBuf,
    traces: PathBuf,
    messages: PathBuf,
}

/// Finds all prompts.
pub(super) fn all(dataset: &Dataset, store: &ContentStore, work: &Work) -> Result<Prompts> {
    let files = dataset.span_files().into_iter().zip(dataset.trace_files()).zip(dataset.message_files());
    let segments: Vec<Segment> = files.map(|((spans, traces), messages)| Segment { spans, traces, messages }).collect();
    let traces = Traces::read(dataset, None, None)?;
    let whole = dataset.straddle_trace_file().map_or_else(|| Ok(HashMap::new()), |file| releases(&file))?;
    let parts = work.segments(segments.len(), |collected: &mut Collected, at, watch: &mut Watch<'_>| {
        Reader { store, traces: &traces, whole: &whole }.segment(&segments[at], collected, watch)
    })?;
    Ok(gathered(parts))
}

struct Reader<'r> {
    store: &'r ContentStore,
    traces: &'r Traces,
    /// Releases of the traces that stand in several segments.
    whole: &'r HashMap<String, Vec<String>>,
}

impl Reader<'_> {
    fn segment(&self, segment: &Segment, collected: &mut Collected, watch: &mut Watch<'_>) -> Result<()> {
        let system = self.system_messages(segment, collected)?;
        let mut releases = releases(&segment.traces)?;
        releases.retain(|id, _| !self.traces.straddles(id));
        let mut columns = vec![
            "trace_id",
            "span_type",
            "start_time",
            "service_name",
            "service_version",
            "agent_name",
            "model",
            "input_messages",
        ];
        let with_tools = offers_tools(segment)?;
        if with_tools {
            columns.extend(["offered_tools", "attributes", "texts", "output_messages", "extra_messages"]);
        }
        // Definitions by what stands for them, which is of one segment.
        let mut known = HashMap::new();
        for rows in Rows::of(&segment.spans, &columns)? {
            let rows = rows?;
            let calls = Calls { rows: &rows, system: &system, releases: [&releases, self.whole] };
            calls.count_system(self.traces, collected)?;
            if with_tools {
                self.count_tools(&calls, collected, &mut known)?;
            }
            watch.goes_on(collected)?;
        }
        Ok(())
    }

    /// The text of each message by its row: `None` of one that is no system prompt.
    fn system_messages(&self, segment: &Segment, collected: &mut Collected) -> Result<Vec<Option<u32>>> {
        let mut texts: Vec<Option<i64>> = Vec::new();
        for rows in Rows::of(&segment.messages, &["role", "content_id"])? {
            let rows = rows?;
            let (roles, contents) = (rows.texts("role")?, rows.ints("content_id")?);
            texts.extend((0..rows.count()).map(|row| {
                let is_system = matches!(text(roles, row), Some("system" | "developer")) && contents.is_valid(row);
                is_system.then(|| contents.value(row))
            }));
        }
        let mut ids: Vec<i64> = texts.iter().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut numbers = HashMap::new();
        for ids in ids.chunks(TEXTS_AT_A_TIME) {
            let mut loaded = Loaded::default();
            self.store.load_texts(ids.iter().copied(), &mut loaded).map_err(failed)?;
            for id in ids {
                let text = loaded.text(*id);
                if !text.trim().is_empty() {
                    numbers.insert(*id, collected.text(Kind::System, text, Some(*id)));
                }
            }
        }
        Ok(texts.into_iter().map(|id| numbers.get(&id?).copied()).collect())
    }

    fn count_tools(
        &self,
        calls: &Calls<'_>,
        collected: &mut Collected,
        known: &mut HashMap<u64, Option<u32>>,
    ) -> Result<()> {
        let offered = calls.rows.texts("offered_tools")?;
        let attributes = calls.rows.texts("attributes")?;
        let parts = ["attributes", "texts", "input_messages", "output_messages", "extra_messages"];
        let parts: Vec<ArrayRef> =
            parts.iter().map(|name| calls.rows.column(name).map(Arc::clone)).collect::<Result<_>>()?;
        let spans = SpanColumns::of(&parts);
        let mut runs = std::mem::take(&mut collected.tool_runs);
        for row in 0..calls.rows.count() {
            let Some((names, json)) = text(offered, row).zip(text(attributes, row)) else { continue };
            let Some(carrier) = calls.carrier(row, self.traces, &mut runs)? else { continue };
            let mut number = None;
            for place in PLACES {
                let found = at_place(json, place);
                if found.is_empty() {
                    continue;
                }
                let key = fingerprint(&found, list(calls.rows.lists("texts")?, row));
                number = match known.get(&key) {
                    Some(number) => *number,
                    None => {
                        let filled: Vec<(&str, String)> = found
                            .iter()
                            .map(|(name, value)| Ok((*name, spans.filled(self.store, row, value)?)))
                            .collect::<Result<_>>()?;
                        let told = definitions(filled.iter().map(|(name, value)| (*name, value.as_str())));
                        let number = told.map(|told| collected.text(Kind::Tools, &told, None));
                        known.insert(key, number);
                        number
                    }
                };
                if number.is_some() {
                    break;
                }
            }
            let only_names = || {
                let names: Vec<Value> = serde_json::from_str(names).unwrap_or_default();
                as_text(&names)
            };
            let number = number.or_else(|| Some(collected.text(Kind::Tools, &only_names()?, None)));
            if let Some(number) = number {
                calls.count(row, number, &carrier, collected)?;
            }
        }
        collected.tool_runs = runs;
        Ok(())
    }
}

/// Members of stored attributes that are in a place, with their names without quotes. Names of such members need no escapes.
fn at_place<'a>(json: &'a str, place: &[&str]) -> Vec<(&'a str, &'a str)> {
    let plain = |name: &'a str| name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    members(json)
        .filter_map(|(name, value)| Some((plain(name)?, value)))
        .filter(|(name, _)| is_at(place, name))
        .collect()
}

/// A number that stands for some stored members of a segment, without reading their texts. Messages among them hold no definitions.
fn fingerprint(members: &[(&str, &str)], texts: &[i64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, value) in members {
        name.hash(&mut hasher);
        // The number of a text is its place in the row; the text itself is the same in many rows at many places.
        match value.strip_prefix("{\"halo$text\":").and_then(|rest| rest.strip_suffix('}')) {
            Some(_) => {}
            None => value.hash(&mut hasher),
        }
        needs(value, &mut |need| {
            if let Need::Text(number) = need {
                texts.get(number).hash(&mut hasher);
            }
        });
    }
    hasher.finish()
}

/// Whether any call of a segment was offered tools: only then are attributes worth reading.
fn offers_tools(segment: &Segment) -> Result<bool> {
    for rows in Rows::of(&segment.spans, &["offered_tools"])? {
        let rows = rows?;
        let offered = rows.texts("offered_tools")?;
        if offered.null_count() < offered.len() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The releases that the traces of a file name.
fn releases(file: &Path) -> Result<HashMap<String, Vec<String>>> {
    let mut releases = HashMap::new();
    for rows in Rows::of(file, &["trace_id", "attributes"])? {
        let rows = rows?;
        let (ids, attributes) = (rows.texts("trace_id")?, rows.texts("attributes")?);
        for row in 0..rows.count() {
            let Some((id, json)) = text(ids, row).zip(text(attributes, row)) else { continue };
            let named = RELEASE_KEYS.iter().filter_map(|key| match find(json, key)? {
                Member::Value(value) => serde_json::from_str::<String>(value).ok(),
                Member::Flat { .. } | Member::Whole(_) => None,
            });
            let named: Vec<String> = named.collect();
            if !named.is_empty() {
                releases.insert(id.to_owned(), named);
            }
        }
    }
    Ok(releases)
}

/// Some spans of a segment.
struct Calls<'c> {
    rows: &'c Rows,
    system: &'c [Option<u32>],
    /// Of the traces of the segment, and of those that stand in several.
    releases: [&'c HashMap<String, Vec<String>>; 2],
}

impl Calls<'_> {
    /// A span as a carrier of prompts; `None` when it calls no model.
    fn carrier(&self, row: usize, traces: &Traces, runs: &mut Runs) -> Result<Option<Carrier>> {
        if !matches!(text(self.rows.texts("span_type")?, row), Some("LLM" | "AGENT")) {
            return Ok(None);
        }
        let starts = self.rows.times("start_time")?;
        let trace = text(self.rows.texts("trace_id")?, row).and_then(|id| runs.trace(traces, id));
        Ok(trace.map(|trace| Carrier::one(trace, starts.is_valid(row).then(|| starts.value(row)))))
    }

    fn count_system(&self, traces: &Traces, collected: &mut Collected) -> Result<()> {
        let input = self.rows.lists("input_messages")?;
        let mut runs = std::mem::take(&mut collected.system_runs);
        let mut of_row: Vec<u32> = Vec::new();
        for row in 0..self.rows.count() {
            let Some(carrier) = self.carrier(row, traces, &mut runs)? else { continue };
            of_row.clear();
            for message in list(input, row) {
                // Ids are the segment and the row in it.
                let at = usize::try_from(*message & i64::from(u32::MAX)).unwrap_or(usize::MAX);
                if let Some(Some(text)) = self.system.get(at)
                    && !of_row.contains(text)
                {
                    of_row.push(*text);
                }
            }
            for text in &of_row {
                self.count(row, *text, &carrier, collected)?;
            }
        }
        collected.system_runs = runs;
        Ok(())
    }

    fn count(&self, row: usize, prompt: u32, carrier: &Carrier, collected: &mut Collected) -> Result<()> {
        let name = |column: &str| -> Result<Option<&str>> {
            Ok(text(self.rows.texts(column)?, row).filter(|name| !name.is_empty()))
        };
        let of_trace = text(self.rows.texts("trace_id")?, row)
            .and_then(|id| self.releases.iter().find_map(|releases| releases.get(id)));
        let mut versions: Vec<&str> = of_trace.into_iter().flatten().map(String::as_str).collect();
        versions.extend(name("service_version")?);
        let seen = Seen {
            agent: name("agent_name")?,
            service: name("service_name")?,
            model: name("model")?,
            versions: &versions,
        };
        collected.count(prompt, &seen, carrier);
        Ok(())
    }
}
