//! The engine's errors in the words of whoever wrote the statement: what is wrong, where, and which names would fit.

use std::path::Path;

use datafusion::common::{Column, DataFusionError, SchemaError, Span};
use datafusion::sql::sqlparser::parser::ParserError;
use halo_dataset::DatasetError;

use crate::functions::TOO_MUCH;
use crate::tables::TABLES;
use crate::{LimitKind, QueryError};

/// Longest message taken over from the engine, in characters.
const MESSAGE_CHARS_MAX: usize = 400;

/// Names in a hint when none is near.
const NAMES_MAX: usize = 60;

/// What the engine says of a pattern that is too large, each of its functions in its own words.
const TOO_LARGE: &[&str] = &["CompiledTooBig", "exceeds size limit", "is too large"];

/// What an error needs to know of the session to name what would fit.
pub(crate) struct Surroundings<'a> {
    /// Folder of the dataset.
    pub(crate) root: &'a Path,
    /// Names of all functions.
    pub(crate) functions: &'a [String],
    /// Names of the tables that were saved.
    pub(crate) saved: &'a [String],
    /// Memory that all queries together may take.
    pub(crate) memory_bytes: usize,
}

/// Translates an error of planning or running a statement.
pub(crate) fn translate(error: &DataFusionError, surroundings: &Surroundings<'_>) -> QueryError {
    let (span, cause) = innermost(error, None);
    match cause {
        DataFusionError::SQL(..) => syntax(cause),
        DataFusionError::SchemaError(error, _) => schema(error, span),
        DataFusionError::Plan(message) => plan(message, span, surroundings),
        // The engine names its own data structure here.
        DataFusionError::NotImplemented(message) if message.contains("Subquery") => QueryError::statement_with_hint(
            at(span, "not supported: a subquery in this place, such as inside CASE"),
            "join with the subquery, or put it into WHERE",
        ),
        DataFusionError::NotImplemented(message) => {
            QueryError::statement(at(span, &format!("not supported: {}", clean(message))))
        }
        DataFusionError::Execution(message)
        | DataFusionError::Configuration(message)
        | DataFusionError::Substrait(message)
        | DataFusionError::Ffi(message) => running(message, span),
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            arrow::error::ArrowError::ParquetError(reason) => damaged(surroundings, reason),
            arrow::error::ArrowError::IoError(reason, _) => damaged(surroundings, reason),
            other => running(&other.to_string(), span),
        },
        DataFusionError::ParquetError(error) => damaged(surroundings, &error.to_string()),
        DataFusionError::ObjectStore(error) => damaged(surroundings, &error.to_string()),
        DataFusionError::IoError(error) => damaged(surroundings, &error.to_string()),
        DataFusionError::ResourcesExhausted(message) if message.starts_with(TOO_MUCH) => {
            QueryError::Limit { kind: LimitKind::Call, message: message.clone() }
        }
        DataFusionError::ResourcesExhausted(_) => QueryError::Limit {
            kind: LimitKind::Memory,
            message: format!(
                "the query needs more memory than the {} MiB that queries may take",
                surroundings.memory_bytes / (1024 * 1024)
            ),
        },
        DataFusionError::External(error) => running(&error.to_string(), span),
        // The kernels call a pattern that they can't compile their own fault.
        DataFusionError::Internal(message) if message.contains("Regular expression did not compile") => {
            running(message, span)
        }
        other => QueryError::internal(clean(&other.strip_backtrace())),
    }
}

/// Translates an error of parsing.
pub(crate) fn syntax(error: &DataFusionError) -> QueryError {
    let (_, cause) = innermost(error, None);
    let DataFusionError::SQL(parser_error, _) = cause else {
        return QueryError::statement(clean(&cause.strip_backtrace()));
    };
    match parser_error.as_ref() {
        ParserError::RecursionLimitExceeded => {
            QueryError::statement("the statement nests too deep; split it with WITH")
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
            // `Expected: an expression, found: FROM at Line: 1, Column: 8`
            let (what, place) = match text.rsplit_once(" at Line: ") {
                Some((what, place)) => (what, Some(place)),
                None => (text.as_str(), None),
            };
            let what = what.replacen("Expected: ", "expected ", 1).replacen("found: ", "found ", 1).replacen(
                "found EOF",
                "found the end of the statement",
                1,
            );
            let message = match place.and_then(|place| place.split_once(", Column: ")) {
                Some((line, column)) => format!("line {line}, column {column}: {what}"),
                None => what,
            };
            QueryError::statement(clean(&message))
        }
    }
}

/// A table that does not exist.
pub(crate) fn no_table(name: &str, span: Option<Span>, saved: &[String]) -> QueryError {
    let known = TABLES.iter().map(|table| table.name).chain(saved.iter().map(String::as_str));
    // The engine puts its own names for catalog and schema before it.
    let short = name.strip_prefix("halo.").unwrap_or(name);
    let short = short.strip_prefix("public.").unwrap_or(short).trim_matches(['"', '\'', '`']);
    let all = listed(saved);
    let hint = match nearest(short, known).first() {
        Some(near) => format!("did you mean `{near}`? The tables are {all}"),
        None => {
            format!("the tables are {all}; DESCRIBE spans shows columns; files can't be queried by their path")
        }
    };
    QueryError::statement_with_hint(at(span, &format!("there is no table `{short}`")), hint)
}

/// The names of all tables, as in a sentence.
fn listed(saved: &[String]) -> String {
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).chain(saved.iter().map(String::as_str)).collect();
    match names.split_last() {
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Up to three names that look like the wanted one, nearest first.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let contains = wanted.len() >= 4 && (lower.contains(&wanted) || wanted.contains(&lower));
            let distance = strsim::osa_distance(&wanted, &lower);
            let near = distance <= 1 + wanted.chars().count() / 4;
            // A name that holds the wanted one is as good as one with two typing errors.
            match (near, contains) {
                (true, _) => Some((distance, name)),
                (false, true) => Some((2, name)),
                (false, false) => None,
            }
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The error at the bottom of contexts and collections, and the place it points to.
fn innermost(error: &DataFusionError, span: Option<Span>) -> (Option<Span>, &DataFusionError) {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => innermost(inner, span.or(diagnostic.span)),
        DataFusionError::Context(_, inner) => innermost(inner, span),
        DataFusionError::Shared(inner) => innermost(inner, span),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => innermost(first, span),
            None => (span, error),
        },
        DataFusionError::ArrowError(arrow_error, _) => match arrow_error.as_ref() {
            arrow::error::ArrowError::ExternalError(external) => match external.downcast_ref::<DataFusionError>() {
                Some(inner) => innermost(inner, span),
                None => (span, error),
            },
            _ => (span, error),
        },
        DataFusionError::External(external) => match external.downcast_ref::<DataFusionError>() {
            Some(inner) => innermost(inner, span),
            None => (span, error),
        },
        _ => (span, error),
    }
}

fn schema(error: &SchemaError, span: Option<Span>) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => no_column(field, valid_fields, span),
        SchemaError::AmbiguousReference { field } => QueryError::statement_with_hint(
            at(span, &format!("the column `{}` is in more than one table here", field.name)),
            format!("put the table before it, as in spans.{}", field.name),
        ),
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            QueryError::statement_with_hint(
                at(span, &format!("there are two columns `{name}`")),
                format!("give one another name: {name} AS other_name"),
            )
        }
    }
}

fn no_column(field: &Column, valid: &[Column], span: Option<Span>) -> QueryError {
    let mut names: Vec<&str> = valid.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // A dotted attribute key reads as a table and a column.
    let written = field.flat_name();
    let near = nearest(&field.name, names.iter().copied());
    // Names are lower case unless they were quoted, and what is quoted like a name was often meant as a text.
    let was_quoted = field.name.contains(|c: char| c.is_uppercase() || c.is_whitespace());
    let hint = if was_quoted && field.relation.is_none() {
        format!("a text stands in single quotes: '{}'", field.name)
    } else if near.is_empty() && written.contains('.') {
        format!("an attribute without a column of its own is read as attributes->>'{written}'")
    } else if near.is_empty() {
        let mut hint =
            format!("the columns here are {}", names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", "));
        if names.len() > NAMES_MAX {
            hint.push_str(", …");
        }
        hint.push_str("; a text stands in single quotes, an attribute is read as attributes->>'key'");
        hint
    } else {
        format!("did you mean `{}`?", near.join("` or `"))
    };
    QueryError::statement_with_hint(at(span, &format!("there is no column `{written}`")), hint)
}

fn plan(message: &str, span: Option<Span>, surroundings: &Surroundings<'_>) -> QueryError {
    if let Some(name) = message.strip_prefix("Invalid function '").and_then(|rest| rest.split('\'').next()) {
        let near = nearest(name, surroundings.functions.iter().map(String::as_str));
        let hint = if near.is_empty() {
            "see SELECT DISTINCT routine_name FROM information_schema.routines for what there is".to_owned()
        } else {
            format!("did you mean `{}`?", near.join("` or `"))
        };
        return QueryError::statement_with_hint(at(span, &format!("there is no function `{name}`")), hint);
    }
    if let Some(name) = message.strip_prefix("table function '").and_then(|rest| rest.split('\'').next()) {
        return QueryError::statement_with_hint(
            at(span, &format!("there is no table function `{name}`")),
            format!("only the tables of the dataset can be read: {}", listed(surroundings.saved)),
        );
    }
    if let Some(name) = message.strip_suffix(" not found") {
        let name = name.trim_start_matches("table ").trim_matches('\'');
        return no_table(name, span, surroundings.saved);
    }
    let message = clean(message);
    if message.contains("failed to match any signature") || message.contains("Cannot coerce") {
        let what = message.split(", errors:").next().unwrap_or_default();
        return QueryError::statement_with_hint(
            at(span, what),
            "the types do not fit: convert with try_cast(x AS double), which gives NULL where x does not fit; DESCRIBE spans shows types",
        );
    }
    QueryError::statement(at(span, &message))
}

fn running(message: &str, span: Option<Span>) -> QueryError {
    if let Some(error) = dataset_error(message) {
        return error.into();
    }
    let message = clean(message);
    if message.contains("DivideByZero") || message.contains("Divide by zero") {
        return QueryError::statement_with_hint(
            "division by zero",
            "divide by nullif(x, 0): the result is NULL where x is 0",
        );
    }
    if message.contains("is no regular expression") {
        return QueryError::statement_with_hint(at(span, &message), crate::pattern::ESCAPE);
    }
    let beyond_regular = message.contains("look-around") || message.contains("backreference");
    if TOO_LARGE.iter().any(|sign| message.contains(sign)) {
        return QueryError::statement_with_hint(at(span, "the pattern is too large"), crate::pattern::SMALLER);
    }
    if message.contains("regex parse error") && !beyond_regular {
        // What comes before the reason draws the pattern over several lines.
        let reason = message.rsplit("error: ").next().unwrap_or_default();
        return QueryError::statement_with_hint(
            at(span, &format!("the pattern is no regular expression: {reason}")),
            crate::pattern::ESCAPE,
        );
    }
    if beyond_regular {
        return QueryError::statement_with_hint(
            at(span, "the pattern uses look-around or a back-reference"),
            crate::pattern::NO_LOOK_AROUND,
        );
    }
    if message.contains("Error parsing timestamp") {
        return QueryError::statement_with_hint(at(span, &message), "write times as 2026-01-31T12:00:00Z");
    }
    if message.contains("Cannot cast") || message.contains("Cast error") {
        return QueryError::statement_with_hint(
            at(span, &message),
            "use try_cast(x AS type): the result is NULL where x does not fit",
        );
    }
    QueryError::statement(at(span, &message))
}

fn damaged(surroundings: &Surroundings<'_>, reason: &str) -> QueryError {
    // A condition that fails on a row is evaluated while the file is read, and its error comes as the text of a reading error.
    if let Some((_, cause)) = reason.split_once("Error evaluating filter predicate: ") {
        return running(quoted(cause).as_deref().unwrap_or(cause), None);
    }
    DatasetError::Damaged { path: surroundings.root.to_owned(), reason: clean(reason) }.into()
}

/// The error of a dataset that `content.rs` put into the engine's words.
fn dataset_error(message: &str) -> Option<DatasetError> {
    let message = message.trim_start_matches("Execution error: ");
    let (path, reason) = message.strip_prefix("the dataset file `")?.split_once("` is damaged: ")?;
    Some(DatasetError::Damaged { path: path.into(), reason: clean(reason) })
}

/// The message inside an error that was written for developers, as in `Execution("the message")`.
fn quoted(debug: &str) -> Option<String> {
    let mut message = String::new();
    let mut characters = debug.split_once('"')?.1.chars();
    loop {
        match characters.next()? {
            '"' => return Some(message),
            '\\' => match characters.next()? {
                'n' => message.push('\n'),
                other => message.push(other),
            },
            other => message.push(other),
        }
    }
}

fn at(span: Option<Span>, message: &str) -> String {
    match span {
        Some(span) => format!("line {}, column {}: {message}", span.start.line, span.start.column),
        None => message.to_owned(),
    }
}

/// The engine's message without what only its own developers can use.
fn clean(message: &str) -> String {
    let mut text = message;
    for end in [
        "\n\nbacktrace:",
        "\nThis issue was likely caused by a bug in DataFusion's code",
        ".\nThis issue was likely caused",
        " No function matches the given name and argument types",
    ] {
        if let Some(position) = text.find(end) {
            text = &text[..position];
        }
    }
    for prefix in [
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "Internal error: ",
        "Parser error: ",
        "External error: ",
        "This feature is not implemented: ",
        "Invalid argument error: ",
    ] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (engine, sql) in [
        ("While expanding wildcard, ", ""),
        ("Utf8View", "text"),
        ("LargeUtf8", "text"),
        ("Utf8", "text"),
        ("UInt64", "bigint"),
        ("Int64", "bigint"),
        ("Int32", "integer"),
        ("Float64", "double"),
    ] {
        line = line.replace(engine, sql);
    }
    halo_tool::clip_middle(line.trim_end_matches('.'), MESSAGE_CHARS_MAX)
}
