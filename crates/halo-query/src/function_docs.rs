//! What SQL over traces can call: halo's own functions, the JSON operators and functions, and all that the engine knows, each with its
//! signature and meaning, and those that matter with an example that runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::common::DataFusionError;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;

use crate::result::RowBatch;
use crate::{QueryError, QueryResult, functions, pattern, stream};

mod json;
mod lists;
mod rows;
mod texts;
mod values;

/// Descriptions of the engine that begin so are of one of these lengths at most; the first sentences tell what a function does.
const MEANING_CHARS_MAX: usize = 300;

/// What is said of a function that whoever writes SQL should know.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where it stands.
    pub(crate) group: Group,
    /// Its name; of an operator its sign.
    pub(crate) name: &'static str,
    /// How it is called.
    pub(crate) signature: &'static str,
    /// What it gives.
    pub(crate) meaning: &'static str,
    /// A statement that runs on any dataset.
    pub(crate) example: &'static str,
}

impl Entry {
    const fn new(
        group: Group,
        name: &'static str,
        signature: &'static str,
        meaning: &'static str,
        example: &'static str,
    ) -> Self {
        Self { group, name, signature, meaning, example }
    }
}

/// Functions that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Halo,
    Json,
    Texts,
    Patterns,
    Times,
    Values,
    Lists,
    Aggregates,
    Windows,
    Rows,
    /// Listed with what the engine itself says.
    Others,
}

impl Group {
    /// All of them, in the order they are told of.
    pub(crate) const ALL: [Self; 11] = [
        Self::Halo,
        Self::Json,
        Self::Texts,
        Self::Patterns,
        Self::Times,
        Self::Values,
        Self::Lists,
        Self::Aggregates,
        Self::Windows,
        Self::Rows,
        Self::Others,
    ];

    /// Its name in a list.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Halo => "halo",
            Self::Json => "json",
            Self::Texts => "text",
            Self::Patterns => "pattern",
            Self::Times => "time",
            Self::Values => "value",
            Self::Lists => "list",
            Self::Aggregates => "aggregate",
            Self::Windows => "window",
            Self::Rows => "rows",
            Self::Others => "other",
        }
    }

    /// Its heading on a page.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Halo => "For traces",
            Self::Json => "JSON",
            Self::Texts => "Texts",
            Self::Patterns => "Regular expressions",
            Self::Times => "Times",
            Self::Values => "Numbers, conditions and types",
            Self::Lists => "Lists and structs",
            Self::Aggregates => "Aggregates",
            Self::Windows => "Windows",
            Self::Rows => "Rows",
            Self::Others => "All others",
        }
    }
}

/// A function as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) group: Group,
    pub(crate) name: String,
    pub(crate) signature: String,
    pub(crate) meaning: String,
    /// Empty when there is none.
    pub(crate) example: String,
}

/// The functions that SQL can call, as rows: those whose names match a pattern, or else those whose meaning does; all without one. Needs
/// no dataset.
///
/// # Errors
/// The pattern is no regular expression.
pub fn list_functions(pattern: Option<&str>) -> Result<QueryResult, QueryError> {
    let started = Instant::now();
    let batch = batch(&matching(pattern)?)?;
    Ok(QueryResult {
        columns: stream::columns(batch.schema_ref()),
        truncated: false,
        elapsed: started.elapsed(),
        batches: if batch.num_rows() == 0 { Vec::new() } else { vec![RowBatch(batch)] },
    })
}

/// The same for `SHOW FUNCTIONS LIKE`, by names alone.
pub(crate) fn like(like: Option<&str>) -> Result<RecordBatch, QueryError> {
    let Some(like) = like else { return batch(&listed()?) };
    let (mut pattern, mut characters) = (String::new(), like.chars());
    while let Some(character) = characters.next() {
        match character {
            '%' => pattern.push_str(".*"),
            '_' => pattern.push('.'),
            '\\' => pattern.extend(characters.next().map(|next| regex::escape(&next.to_string()))),
            other => pattern.push_str(&regex::escape(&other.to_string())),
        }
    }
    let pattern = pattern::compile(&format!("(?is)^(?:{pattern})$"))?;
    batch(&listed()?.into_iter().filter(|function| pattern.is_match(&function.name)).collect::<Vec<_>>())
}

/// All functions: groups in their order, in each what is documented best first.
pub(crate) fn listed() -> Result<Vec<Listed>, QueryError> {
    let entries = || functions::ENTRIES.iter().copied().chain(entries());
    let documented: BTreeSet<&str> = entries().map(|entry| entry.name).collect();
    let mut all: Vec<Listed> = entries()
        .map(|entry| Listed {
            group: entry.group,
            name: entry.name.to_owned(),
            signature: entry.signature.to_owned(),
            meaning: entry.meaning.to_owned(),
            example: entry.example.to_owned(),
        })
        .collect();
    all.sort_by_key(|function| function.group);
    all.extend(others(&state()?, &documented));
    Ok(all)
}

fn matching(wanted: Option<&str>) -> Result<Vec<Listed>, QueryError> {
    let all = listed()?;
    let Some(wanted) = wanted else { return Ok(all) };
    // An operator stands for itself.
    if all.iter().any(|function| function.name == wanted) {
        return Ok(all.into_iter().filter(|function| function.name == wanted).collect());
    }
    // As it was given first, so that an error names it so.
    pattern::compile(wanted)?;
    let pattern = pattern::compile(&format!("(?i){wanted}"))?;
    let (named, others): (Vec<Listed>, Vec<Listed>) =
        all.into_iter().partition(|function| pattern.is_match(&function.name));
    if !named.is_empty() {
        return Ok(named);
    }
    Ok(others.into_iter().filter(|function| pattern.is_match(&function.meaning)).collect())
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    [json::ENTRIES, texts::ENTRIES, values::ENTRIES, lists::ENTRIES, rows::ENTRIES].into_iter().flatten()
}

/// An engine with all functions and no data.
fn state() -> Result<SessionState, QueryError> {
    let mut context = SessionContext::new_with_state(SessionStateBuilder::new().with_default_features().build());
    register(&mut context).map_err(|error| QueryError::internal(error.strip_backtrace()))?;
    Ok(context.state())
}

/// Makes the functions that are not the engine's own known to it.
pub(crate) fn register(context: &mut SessionContext) -> Result<(), DataFusionError> {
    datafusion_functions_json::register_all(context)?;
    functions::public().into_iter().for_each(|function| context.register_udf(function));
    Ok(())
}

/// What the engine knows beyond the documented ones, in its own words; other names of a function send to it.
fn others(state: &SessionState, documented: &BTreeSet<&str>) -> Vec<Listed> {
    let mut found: BTreeMap<String, Listed> = BTreeMap::new();
    let mut add = |name: &str, own_name: &str, documentation: Option<&Documentation>| {
        if documented.contains(name) || found.contains_key(name) {
            return;
        }
        let signature = documentation.map_or(name, |known| known.syntax_example.as_str());
        let meaning = match documentation {
            _ if name != own_name => format!("The same as {own_name}."),
            Some(known) => first_sentences(&known.description),
            None => String::new(),
        };
        found.insert(
            name.to_owned(),
            Listed {
                group: Group::Others,
                name: name.to_owned(),
                // The engine gives all names of a function the signature of its own.
                signature: one_line(&signature.replacen(&format!("{own_name}("), &format!("{name}("), 1)),
                meaning,
                example: String::new(),
            },
        );
    };
    for (name, function) in state.scalar_functions() {
        add(name, function.name(), function.documentation());
    }
    for (name, function) in state.aggregate_functions() {
        add(name, function.name(), function.documentation());
    }
    for (name, function) in state.window_functions() {
        add(name, function.name(), function.documentation());
    }
    for name in state.table_functions().keys() {
        add(name, name, None);
    }
    found.into_values().collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As many sentences from the start of a text as have room.
fn first_sentences(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= MEANING_CHARS_MAX {
        return line;
    }
    let end = line.char_indices().nth(MEANING_CHARS_MAX).map_or(line.len(), |(at, _)| at);
    match line[..end].rfind(". ") {
        Some(at) => line[..=at].to_owned(),
        None => format!("{}…", &line[..end]),
    }
}

fn batch(functions: &[Listed]) -> Result<RecordBatch, QueryError> {
    let column = |of: fn(&Listed) -> &str| -> ArrayRef {
        Arc::new(functions.iter().map(|function| Some(of(function))).collect::<StringArray>())
    };
    RecordBatch::try_from_iter([
        ("function_name", column(|function| &function.name)),
        ("about", column(|function| function.group.name())),
        ("signature", column(|function| &function.signature)),
        ("meaning", column(|function| &function.meaning)),
        ("example", column(|function| &function.example)),
    ])
    .map_err(|error| QueryError::internal(error.to_string()))
}
