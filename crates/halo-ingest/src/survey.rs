//! What a dataset holds and how well it was mapped: per service and dialect how often each column is filled, and the attributes that no column
//! knows.

use std::collections::BTreeMap;

use halo_dataset::{Dataset, DatasetError, StoredSpan};
use serde::Serialize;

use crate::conventions::mapped_attribute;
use crate::json::with_parsed;

/// Columns whose filling is told, and the span types for which it says something; no type at all means every span.
const COLUMNS: &[(&str, &str, &[&str])] = &[
    ("service_name", "service_name", &[]),
    ("agent_name", "agent_name", &[]),
    ("session_id", "session_id", &[]),
    ("user_id", "user_id", &[]),
    ("end_time", "end_time", &[]),
    ("model", "model", &["LLM"]),
    ("provider", "provider", &["LLM"]),
    ("input_tokens", "input_tokens", &["LLM"]),
    ("output_tokens", "output_tokens", &["LLM"]),
    ("cached_input_tokens", "cached_input_tokens", &["LLM"]),
    ("cost_usd", "cost_usd", &["LLM"]),
    ("finish_reason", "finish_reason", &["LLM"]),
    ("offered_tools", "offered_tools", &["LLM"]),
    ("input messages", "input_messages", &["LLM"]),
    ("output messages", "output_messages", &["LLM"]),
    ("tool_name", "tool_name", &["TOOL"]),
    ("tool_call_id", "tool_call_id", &["TOOL"]),
    ("input", "input_id", &["LLM", "TOOL", "AGENT"]),
    ("output", "output_id", &["LLM", "TOOL", "AGENT"]),
];

/// Keys of attributes that are kept apart per group; beyond, they are only counted.
const KEYS_MAX: usize = 2000;

/// How well the spans of one service and dialect were mapped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Spans.
    pub spans: u64,
    /// Spans by type.
    pub span_types: BTreeMap<String, u64>,
    /// For each column in how many spans it is filled, of how many that it can be filled in; columns of types that do not occur are left out.
    pub filled: Vec<Filled>,
    /// Spans whose id another, different span has too.
    pub id_conflicts: u64,
    /// Attributes that no column knows, by key with numbers in it as `N`, and the spans that have them. They stand in `attributes`.
    pub unmapped: BTreeMap<String, u64>,
}

/// How often a column is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// The column.
    pub column: &'static str,
    /// Spans in which it has a value.
    pub filled: u64,
    /// Spans of the types for which it says something.
    pub of: u64,
}

/// What a dataset holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// By service (empty when there is none) and dialect.
    pub groups: BTreeMap<String, BTreeMap<String, Mapping>>,
}

/// Surveys a dataset.
///
/// # Errors
/// A file is missing or damaged.
pub fn survey(dataset: &Dataset) -> Result<Survey, DatasetError> {
    let mut columns = vec!["span_type", "dialect", "attributes", "id_conflict"];
    columns.extend(COLUMNS.iter().map(|(_, stored, _)| *stored));
    let mut survey = Survey::default();
    dataset.for_each_row(&columns, |span| -> Result<(), DatasetError> {
        let service = span.text("service_name").unwrap_or_default();
        let dialect = span.text("dialect").unwrap_or("other");
        if !survey.groups.contains_key(service) {
            survey.groups.insert(service.to_owned(), BTreeMap::new());
        }
        if let Some(dialects) = survey.groups.get_mut(service) {
            if !dialects.contains_key(dialect) {
                dialects.insert(dialect.to_owned(), Mapping::empty());
            }
            if let Some(mapping) = dialects.get_mut(dialect) {
                mapping.take(span);
            }
        }
        Ok(())
    })?;
    for mapping in survey.groups.values_mut().flat_map(BTreeMap::values_mut) {
        mapping.filled.retain(|filled| filled.of > 0);
    }
    Ok(survey)
}

impl Mapping {
    fn empty() -> Self {
        let filled = COLUMNS.iter().map(|(column, _, _)| Filled { column, filled: 0, of: 0 }).collect();
        Self { filled, ..Self::default() }
    }

    fn take(&mut self, span: &StoredSpan<'_>) {
        self.spans += 1;
        let span_type = span.text("span_type").unwrap_or("SPAN");
        match self.span_types.get_mut(span_type) {
            Some(count) => *count += 1,
            None => drop(self.span_types.insert(span_type.to_owned(), 1)),
        }
        self.id_conflicts += u64::from(span.bool("id_conflict") == Some(true));
        for (counted, (_, stored, types)) in self.filled.iter_mut().zip(COLUMNS) {
            if types.is_empty() || types.contains(&span_type) {
                counted.of += 1;
                counted.filled += u64::from(span.has(stored));
            }
        }
        let Some(attributes) = span.text("attributes") else { return };
        with_parsed(attributes, |attributes| {
            for (key, _) in attributes.entries().filter(|(key, _)| mapped_attribute(key).is_none()) {
                if !key.starts_with(halo_dataset::holes::MARK) {
                    self.note_unmapped(key);
                }
            }
        });
    }

    fn note_unmapped(&mut self, key: &str) {
        let name = without_numbers(key);
        if let Some(count) = self.unmapped.get_mut(name.as_ref()) {
            *count += 1;
            return;
        }
        let has_room = self.unmapped.len() < KEYS_MAX;
        let name = if has_room { name.into_owned() } else { "(more)".to_owned() };
        *self.unmapped.entry(name).or_default() += 1;
    }
}

/// A key with the numbers between its dots as `N`: the members of a list are one key.
fn without_numbers(key: &str) -> std::borrow::Cow<'_, str> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !key.split('.').any(is_number) {
        return key.into();
    }
    let parts: Vec<&str> = key.split('.').map(|part| if is_number(part) { "N" } else { part }).collect();
    parts.join(".").into()
}
