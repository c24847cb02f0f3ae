//! The scalar functions that halo adds to SQL, and those that its views are made with.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array as _, BooleanArray, Int64Array, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ScalarUDF, Signature, Volatility};

use crate::causes::Causes;
use crate::function_docs::{Entry, Group};
use crate::search::SearchEngine;

mod arguments;
mod bounded;
mod collecting;
mod concat;
mod growth;
mod json;
mod regexp_like;
mod scalar;
mod texts;

pub(crate) use bounded::{TOO_MUCH, bounded, within};
pub(crate) use collecting::bounded_window;
pub(crate) use concat::text_concat;
pub(crate) use regexp_like::of_operator;
use scalar::{Function, map_texts};

/// `diff_lines(a, b)`, which the views call as well.
pub(crate) fn diff_lines() -> ScalarUDF {
    texts::diff()
}

/// What whoever writes SQL reads of the functions that halo adds.
pub(crate) const ENTRIES: &[&Entry] = &[
    &RESULT_FAILURE,
    &ERROR_SIGNATURE,
    &json::MATCHES,
    &json::AT,
    &json::LEAVES,
    &texts::EXCERPT,
    &texts::TOKENS,
    &texts::SIMILARITY,
    &texts::DIFF,
    &arguments::FAULT,
    &TEXT_KEY,
    &TRACE_MATCHES,
];

/// The functions that halo adds for whoever writes SQL.
pub(crate) fn public() -> Vec<ScalarUDF> {
    vec![
        result_failure(),
        error_signature(),
        json::matches(),
        json::at(),
        json::leaves(),
        texts::excerpt(),
        texts::tokens(),
        texts::similarity(),
        texts::diff(),
        arguments::fault(),
        text_key(),
        trace_matches(None),
    ]
}

const RESULT_FAILURE: Entry = Entry {
    group: Group::Halo,
    name: "result_failure",
    signature: "result_failure(text)",
    meaning: "The sign of failure in what a tool gave back (ok=false, error, http_404, empty, ...); NULL when it shows none.",
    example: "SELECT tool_name, result_failure(output) AS failure, count(*) AS spans FROM spans WHERE span_type = 'TOOL' GROUP BY 1, 2 ORDER BY 1",
};

fn result_failure() -> ScalarUDF {
    Function::documented(
        &RESULT_FAILURE,
        Signature::string(1, Volatility::Immutable),
        DataType::Utf8View,
        |arguments| Ok(map_texts(&arguments.texts(0)?, |text| halo_dataset::result_failure(text).map(Cow::from))),
    )
}

const ERROR_SIGNATURE: Entry = Entry {
    group: Group::Halo,
    name: "error_signature",
    signature: "error_signature(text)",
    meaning: "The text with ids, numbers, paths and quoted values replaced, so that errors of one cause are one text.",
    example: "SELECT error_signature(status_message) AS cause, count(*) AS spans FROM spans WHERE status = 'ERROR' GROUP BY 1 ORDER BY 2 DESC, 1",
};

/// `error_signature(text)`, which the views call as well.
pub(crate) fn error_signature() -> ScalarUDF {
    Function::documented(
        &ERROR_SIGNATURE,
        Signature::string(1, Volatility::Immutable),
        DataType::Utf8View,
        |arguments| Ok(map_texts(&arguments.texts(0)?, |text| Some(halo_dataset::error_signature(text).into()))),
    )
}

/// `cause_of(signature)`: the template of the cause that a signature of this dataset is one wording of; itself when it stands alone.
pub(crate) fn cause_of(causes: &Arc<Causes>) -> ScalarUDF {
    let causes = Arc::clone(causes);
    Function::holding("cause_of", Signature::string(1, Volatility::Immutable), DataType::Utf8View, move |arguments| {
        let texts = arguments.texts(0)?;
        let mut told = StringViewBuilder::with_capacity(texts.len());
        for text in &texts {
            let cause = text.map(|text| causes.of(text)).transpose();
            told.append_option(cause.map_err(|error| DataFusionError::Execution(error.to_string()))?);
        }
        Ok(Arc::new(told.finish()))
    })
}

const TRACE_MATCHES: Entry = Entry {
    group: Group::Halo,
    name: "trace_matches",
    signature: "trace_matches(trace_id, pattern)",
    meaning: "Whether a pattern is found in any text of any span of a trace, decoded. Quicker than conditions on columns, because each distinct text is looked at once.",
    example: "SELECT trace_id FROM traces WHERE trace_matches(trace_id, 'customers') AND NOT trace_matches(trace_id, '(?i)refund') ORDER BY 1",
};

/// `trace_matches(trace_id, pattern)`. Without a dataset, it knows no trace.
pub(crate) fn trace_matches(search: Option<&Arc<SearchEngine>>) -> ScalarUDF {
    let search = search.map(Arc::clone);
    let takes = Signature::string(2, Volatility::Immutable);
    Function::documented_holding(&TRACE_MATCHES, takes, DataType::Boolean, move |arguments| {
        let (pattern, stop) = (arguments.pattern(1)?, arguments.stop());
        let found =
            search.as_ref().map(|search| search.traces(pattern.as_str(), &|| stop.check().is_err())).transpose();
        let found = found.map_err(|error| DataFusionError::Execution(error.to_string()))?;
        let found = found.as_ref().and_then(|found| found.get()).and_then(|found| found.as_ref());
        let is_in = |id: &str| found.is_some_and(|found| found.contains(id));
        let matching: BooleanArray = arguments.texts(0)?.iter().map(|id| id.map(is_in)).collect();
        Ok(Arc::new(matching))
    })
}

const TEXT_KEY: Entry = Entry {
    group: Group::Halo,
    name: "text_key",
    signature: "text_key(text)",
    meaning: "A number that is the same for the same text, and next to never for another. It stands for long texts where they are only compared, grouped or sorted.",
    example: "SELECT text_key(input) AS arguments, count(*) AS calls FROM spans WHERE span_type = 'TOOL' GROUP BY 1 ORDER BY 2 DESC, 1",
};

/// `text_key(text)`, which the views call as well.
pub(crate) fn text_key() -> ScalarUDF {
    Function::documented(&TEXT_KEY, Signature::string(1, Volatility::Immutable), DataType::Int64, |arguments| {
        let key = |text: &str| halo_dataset::texts_hash(&[text]).cast_signed();
        let keys: Int64Array = arguments.texts(0)?.iter().map(|text| text.map(key)).collect();
        Ok(Arc::new(keys))
    })
}

/// The true step of spans whose trace stands in several segments, by `row_id`; other spans keep theirs.
pub(crate) fn straddle_step(steps: HashMap<i64, i64>) -> ScalarUDF {
    let takes = Signature::exact(vec![DataType::Int64, DataType::Int64], Volatility::Immutable);
    Function::holding("straddle_step", takes, DataType::Int64, move |arguments| {
        let (row_ids, stored) = (arguments.ints(0)?, arguments.ints(1)?);
        let found: Int64Array = row_ids
            .iter()
            .zip(&stored)
            .map(|(row_id, step)| row_id.and_then(|row_id| steps.get(&row_id).copied()).or(step))
            .collect();
        Ok(Arc::new(found))
    })
}

/// A text that is looked up by another.
pub(crate) fn lookup(
    name: &'static str,
    takes: Signature,
    find: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
) -> ScalarUDF {
    Function::holding(name, takes, DataType::Utf8View, move |arguments| {
        Ok(map_texts(&arguments.texts(0)?, |text| find(text).map(Cow::from)))
    })
}

/// Whether a trace stands in several segments.
pub(crate) fn straddles(trace_ids: HashSet<String>) -> ScalarUDF {
    let takes = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
    Function::holding("straddles", takes, DataType::Boolean, move |arguments| {
        let found: BooleanArray =
            arguments.texts(0)?.iter().map(|id| Some(id.is_some_and(|id| trace_ids.contains(id)))).collect();
        Ok(Arc::new(found))
    })
}
