//! `describe_attributes`: which attributes there are, and the values of one of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::attribute_values::{ATTRIBUTE_VALUES_SHOWN, are_singles, survey};
use super::filters::TraceFilters;
use super::text::{DATA_NOTE, counted, one_line};
use super::tool_error;
use super::value_lines::{Span, share, value_lines};
use crate::attributes::{Attribute, Of, Survey, VALUES_MAX, Values, numbered_key};
use crate::engine_error::nearest;
use crate::scan::Tally;
use crate::{QueryError, TraceSession};

/// Keys on a page.
const KEYS_SHOWN: usize = 80;

/// Values of one key on a page.
pub(super) const VALUES_SHOWN: usize = 50;

/// Characters of a key and of a value among many.
const KEY_CHARS: usize = 80;
const VALUE_CHARS: usize = 60;

/// A value that is in fewer traces says nothing of when things changed.
const CHANGE_TRACES_MIN: u64 = 3;

/// The tool.
pub(crate) struct DescribeAttributes {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescribeAttributesArgs {
    /// One attribute, to see its values.
    key: Option<String>,
    /// Which traces; all when absent.
    filters: Option<TraceFilters>,
    offset: Option<usize>,
}

impl Tool for DescribeAttributes {
    type Args = DescribeAttributesArgs;

    fn name(&self) -> &'static str {
        "describe_attributes"
    }

    fn description(&self) -> &str {
        include_str!("describe_attributes.md")
    }

    async fn call(&self, args: DescribeAttributesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let condition = args.filters.unwrap_or_default().condition().map_err(tool_error)?;
        let survey = survey(&self.session, &condition, &context.cancel).await.map_err(tool_error)?;
        let offset = args.offset.unwrap_or(0);
        if survey.all.traces == 0 {
            return Ok(ToolOutput::text(match condition.as_str() {
                "true" => "the dataset is empty: it has no traces\n",
                _ => "no trace meets the filters\n",
            }));
        }
        let Some(key) = args.key else {
            return Ok(ToolOutput::text(all_keys(&survey, offset)));
        };
        let Some(found) = by_key(&survey).remove(numbered_key(&key).as_str()) else {
            return Err(self.no_key(&key, &survey, &condition, &context.cancel).await.map_err(tool_error)?);
        };
        let asked = Asked { key: &key, condition: &condition, offset };
        let text = self.one_key(&asked, &survey, &found, &context.cancel).await.map_err(tool_error)?;
        Ok(ToolOutput::text(text))
    }
}

/// What a call asks about one key.
pub(super) struct Asked<'a> {
    pub(super) key: &'a str,
    pub(super) condition: &'a str,
    pub(super) offset: usize,
}

impl DescribeAttributes {
    async fn no_key(
        &self,
        key: &str,
        found: &Survey,
        condition: &str,
        cancel: &CancellationToken,
    ) -> Result<ToolError, QueryError> {
        let shown = one_line(key, KEY_CHARS);
        if condition != "true" && by_key(&*survey(&self.session, "true", cancel).await?).contains_key(key) {
            return Ok(ToolError::for_model(format!(
                "no trace that meets the filters has an attribute `{shown}`; others have"
            )));
        }
        let keys = by_key(found);
        let near = nearest(key, keys.keys().copied());
        let like = match near.is_empty() {
            true => String::new(),
            false => format!("; keys that look like it: {}", near.join(", ")),
        };
        let hint = "hint: describe_attributes without a key lists all; keys are told apart by case";
        Ok(ToolError::for_model(format!("there is no attribute `{shown}`{like}\n{hint}")))
    }

    /// The values of one attribute.
    async fn one_key(
        &self,
        asked: &Asked<'_>,
        survey: &Survey,
        found: &[&Attribute],
        cancel: &CancellationToken,
    ) -> Result<String, QueryError> {
        let attribute = most_telling(found);
        let mut text = format!("{}\n", one_line(asked.key, KEY_CHARS));
        for attribute in found {
            let Tally { traces, spans, .. } = attribute.tally;
            let _ = writeln!(
                text,
                "of {}s: {} of {}, {} of {} in them; {}",
                attribute.of.name(),
                counted(traces, "trace"),
                survey.all.traces,
                counted(spans, "span"),
                survey.all.spans,
                number_of_values(attribute)
            );
        }
        if matches!(attribute.values, Values::Numbered) && numbered_key(asked.key) == asked.key {
            let _ = writeln!(
                text,
                "* stands for numbers: ask for one of these keys, such as {{\"key\": \"{}\"}}; messages are in the table messages",
                one_line(&asked.key.replace('*', "0"), KEY_CHARS)
            );
            return Ok(text);
        }
        let _ = writeln!(
            text,
            "of all {}, {} failed\n{DATA_NOTE}",
            counted(survey.all.traces, "trace"),
            share(&survey.all)
        );
        text.push_str(&value_lines(&self.session, asked, attribute, cancel).await?);
        for other in found.iter().filter(|other| other.of != attribute.of && !says_the_same(other, attribute)) {
            let _ = writeln!(
                text,
                "[values of {}s: sql, {}->>{}]",
                other.of.name(),
                column_of(other.of),
                super::sql_text(&one_line(asked.key, KEY_CHARS))
            );
        }
        Ok(text)
    }
}

/// Where SQL finds the attributes of a kind of carrier.
pub(super) fn column_of(of: Of) -> &'static str {
    match of {
        Of::Trace => "traces.attributes",
        Of::Span => "spans.attributes",
        Of::Resource => "spans.resource_attributes",
    }
}

/// Whether two kinds of carriers have the same values in the same traces, as far as counts tell.
fn says_the_same(a: &Attribute, b: &Attribute) -> bool {
    match (&a.values, &b.values) {
        (Values::Few(a), Values::Few(b)) => {
            let told = |values: &[(String, Tally)]| -> Vec<(String, u64)> {
                values.iter().map(|(value, tally)| (value.clone(), tally.traces)).collect()
            };
            told(a) == told(b)
        }
        _ => a.tally.traces == b.tally.traces,
    }
}

fn number_of_values(attribute: &Attribute) -> String {
    match &attribute.values {
        Values::Few(values) => counted(values.len() as u64, "value"),
        Values::Many(_) => format!("more than {VALUES_MAX} values"),
        Values::Long => "long texts".to_owned(),
        Values::Numbered => "over numbered keys".to_owned(),
    }
}

/// The attributes of each key, those of traces first.
fn by_key(survey: &Survey) -> BTreeMap<&str, Vec<&Attribute>> {
    let mut keys: BTreeMap<&str, Vec<&Attribute>> = BTreeMap::new();
    for attribute in &survey.attributes {
        keys.entry(&attribute.key).or_default().push(attribute);
    }
    keys
}

/// The kind of carrier that tells most of a key: that of most traces, and of equal ones the nearest to the trace.
fn most_telling<'a>(found: &[&'a Attribute]) -> &'a Attribute {
    let by_nearness = [Of::Trace, Of::Resource, Of::Span];
    let rank = |attribute: &&&Attribute| {
        let nearness = by_nearness.iter().position(|of| *of == attribute.of);
        (std::cmp::Reverse(attribute.tally.traces), nearness)
    };
    found.iter().min_by_key(rank).copied().unwrap_or(found[0])
}

/// Groups of keys, in the order they are told.
const GROUPS: &[&str] = &[
    "with values that group traces, those of most traces first (value and its traces)",
    "with one value (traces)",
    "with a value of its own in each trace",
    "with more than 200 values",
    "with long texts",
    "over numbered keys, * for the number",
];

/// A key as it stands in the list of all.
struct Entry {
    group: usize,
    traces: u64,
    text: String,
}

/// All keys, a page of them.
fn all_keys(survey: &Survey, offset: usize) -> String {
    let mut entries: Vec<Entry> = by_key(survey).values().map(|found| entry(found, survey)).collect();
    entries.sort_by(|a, b| (a.group, b.traces, &a.text).cmp(&(b.group, a.traces, &b.text)));
    let total = entries.len();
    let mut text = format!(
        "{} on {}, {}; [of] what has it; sql: {}->>'key' and so on\n{DATA_NOTE}\n",
        counted(total as u64, "attribute key"),
        counted(survey.all.traces, "trace"),
        counted(survey.all.spans, "span"),
        column_of(Of::Span)
    );
    let page: Vec<Entry> = entries.into_iter().skip(offset).take(KEYS_SHOWN).collect();
    for (group, title) in GROUPS.iter().enumerate() {
        let shown: Vec<&str> =
            page.iter().filter(|entry| entry.group == group).map(|entry| entry.text.as_str()).collect();
        if shown.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{title}:");
        // Values deserve lines; what only has a name goes on one.
        let between = if group == 0 { "\n  | " } else { "; " };
        let _ = writeln!(text, "  | {}", shown.join(between));
    }
    let last = offset + page.len();
    if last < total {
        let _ = writeln!(text, "[{} more keys: the same call with \"offset\": {last}]", total - last);
    }
    if survey.left_out > 0 {
        text.push_str("[there are too many keys to tell all apart: find others in spans.attributes with sql]\n");
    }
    text
}

fn entry(found: &[&Attribute], survey: &Survey) -> Entry {
    let attribute = most_telling(found);
    let traces = attribute.tally.traces;
    let of: Vec<&str> = found.iter().map(|attribute| attribute.of.name()).collect();
    let name = format!("{} [{}]", one_line(&attribute.key, KEY_CHARS), of.join(" "));
    let (group, text) = match &attribute.values {
        Values::Few(values) => match values.as_slice() {
            [(value, _)] => (1, format!("{name} = {} {traces}", one_line(value, VALUE_CHARS))),
            values if are_singles(attribute, values) => (2, format!("{name} {traces}")),
            values => (0, format!("{name} {}: {}", counted(traces, "trace"), first_values(values, attribute, survey))),
        },
        Values::Many(examples) => {
            let examples: Vec<String> = examples.iter().map(|value| one_line(value, 30)).collect();
            (3, format!("{name} {traces}, such as {}", examples.join(", ")))
        }
        Values::Long => (4, format!("{name} {traces}")),
        Values::Numbered => (5, format!("{name} {traces}")),
    };
    Entry { group, traces, text }
}

/// The most frequent values, and when they came up or went away where they did.
fn first_values(values: &[(String, Tally)], attribute: &Attribute, survey: &Survey) -> String {
    let whole = Span::of(&survey.all);
    let (first, rest) = values.split_at(values.len().min(ATTRIBUTE_VALUES_SHOWN));
    let mut shown: Vec<String> = first
        .iter()
        .map(|(value, tally)| {
            let change = match tally.traces >= CHANGE_TRACES_MIN {
                true => whole.change(tally, &attribute.tally),
                false => String::new(),
            };
            format!("{} {}{change}", one_line(value, VALUE_CHARS), tally.traces)
        })
        .collect();
    if !rest.is_empty() {
        shown.push(format!("{} more values", rest.len()));
    }
    shown.join(", ")
}
