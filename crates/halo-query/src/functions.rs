//! The scalar functions that halo adds to SQL, and the two that make its views.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use tokio_util::sync::CancellationToken;

use crate::causes::Causes;
use crate::decoded;
use crate::search::SearchEngine;

mod bounded;
mod collecting;
mod concat;
mod growth;

pub(crate) use bounded::{TOO_MUCH, bounded, within};
pub(crate) use collecting::bounded_window;
pub(crate) use concat::text_concat;

/// `result_failure(text)`: the sign of failure in a tool's result, NULL when it has none.
pub(crate) fn result_failure() -> ScalarUDF {
    ScalarUDF::from(ResultFailure { signature: Signature::string(1, Volatility::Immutable) })
}

/// `error_signature(text)`: the text with ids, numbers, paths and quoted values replaced, so that one cause is one text.
pub(crate) fn error_signature() -> ScalarUDF {
    ScalarUDF::from(ErrorSignature { signature: Signature::string(1, Volatility::Immutable) })
}

/// `cause_of(signature)`: the template of the cause that a signature of this dataset is one wording of; itself when it stands alone.
pub(crate) fn cause_of(causes: &Arc<Causes>) -> ScalarUDF {
    ScalarUDF::from(CauseOf { signature: Signature::string(1, Volatility::Immutable), causes: Arc::clone(causes) })
}

/// A number that is the same for the same text, and next to never for another: it stands for the text where texts are only compared.
pub(crate) fn text_key() -> ScalarUDF {
    ScalarUDF::from(TextKey { signature: Signature::string(1, Volatility::Immutable) })
}

/// `json_matches(text, pattern)`: whether a pattern matches a text, or a text inside it where it is JSON.
pub(crate) fn json_matches() -> ScalarUDF {
    ScalarUDF::from(JsonMatches { signature: Signature::string(2, Volatility::Immutable) })
}

/// `trace_matches(trace_id, pattern)`: whether a pattern is found in a trace, in any text of any of its spans.
pub(crate) fn trace_matches(search: &Arc<SearchEngine>) -> ScalarUDF {
    ScalarUDF::from(TraceMatches { signature: Signature::string(2, Volatility::Immutable), search: Arc::clone(search) })
}

/// The true step of spans whose trace stands in several segments, by `row_id`; other spans keep theirs.
pub(crate) fn straddle_step(steps: HashMap<i64, i64>) -> ScalarUDF {
    ScalarUDF::from(StraddleStep {
        signature: Signature::exact(vec![DataType::Int64, DataType::Int64], Volatility::Immutable),
        steps: Arc::new(steps),
    })
}

/// Whether a trace stands in several segments.
pub(crate) fn straddles(trace_ids: HashSet<String>) -> ScalarUDF {
    ScalarUDF::from(Straddles {
        signature: Signature::exact(vec![DataType::Utf8View], Volatility::Immutable),
        trace_ids: Arc::new(trace_ids),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ResultFailure {
    signature: Signature,
}

impl ScalarUDFImpl for ResultFailure {
    fn name(&self) -> &'static str {
        "result_failure"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = cast(&argument(&args, 0)?, &DataType::Utf8View)?;
        let texts = texts.as_string_view();
        let mut failures = StringViewBuilder::with_capacity(texts.len());
        for text in texts {
            failures.append_option(text.and_then(halo_dataset::result_failure));
        }
        Ok(ColumnarValue::Array(Arc::new(failures.finish())))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ErrorSignature {
    signature: Signature,
}

impl ScalarUDFImpl for ErrorSignature {
    fn name(&self) -> &'static str {
        "error_signature"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = cast(&argument(&args, 0)?, &DataType::Utf8View)?;
        let texts = texts.as_string_view();
        let mut signatures = StringViewBuilder::with_capacity(texts.len());
        for text in texts {
            signatures.append_option(text.map(halo_dataset::error_signature));
        }
        Ok(ColumnarValue::Array(Arc::new(signatures.finish())))
    }
}

#[derive(Debug)]
struct CauseOf {
    signature: Signature,
    causes: Arc<Causes>,
}

impl PartialEq for CauseOf {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.causes, &other.causes)
    }
}

impl Eq for CauseOf {}

impl Hash for CauseOf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.causes).hash(state);
    }
}

impl ScalarUDFImpl for CauseOf {
    fn name(&self) -> &'static str {
        "cause_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = cast(&argument(&args, 0)?, &DataType::Utf8View)?;
        if texts.null_count() == texts.len() {
            return Ok(ColumnarValue::Array(texts));
        }
        let mut told = StringViewBuilder::with_capacity(texts.len());
        for text in texts.as_string_view() {
            let cause = text.map(|text| self.causes.of(text)).transpose();
            told.append_option(cause.map_err(|error| DataFusionError::Execution(error.to_string()))?);
        }
        Ok(ColumnarValue::Array(Arc::new(told.finish())))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextKey {
    signature: Signature,
}

impl ScalarUDFImpl for TextKey {
    fn name(&self) -> &'static str {
        "text_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = cast(&argument(&args, 0)?, &DataType::Utf8View)?;
        let key = |text: &str| halo_dataset::texts_hash(&[text]).cast_signed();
        let keys: Int64Array = texts.as_string_view().iter().map(|text| text.map(key)).collect();
        Ok(ColumnarValue::Array(Arc::new(keys)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonMatches {
    signature: Signature,
}

impl ScalarUDFImpl for JsonMatches {
    fn name(&self) -> &'static str {
        "json_matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(pattern) = &args.args[1] else {
            return exec_err!("the pattern of json_matches must be one text, not a column");
        };
        let Some(Some(pattern)) = pattern.try_as_str() else {
            return exec_err!("the pattern of json_matches must be a text");
        };
        // Compiled once a batch, which costs little beside matching the batch.
        let pattern =
            crate::pattern::compile(pattern).map_err(|error| DataFusionError::Execution(error.to_string()))?;
        // An anchored pattern can match a text inside and nowhere in the whole.
        let anchored = ["^", "$", r"\A", r"\z"].iter().any(|anchor| pattern.as_str().contains(anchor));
        let matches = |text: &str| pattern.is_match(text);
        let texts = cast(&argument(&args, 0)?, &DataType::Utf8View)?;
        let found: BooleanArray = texts
            .as_string_view()
            .iter()
            .map(|text| {
                text.map(|text| {
                    matches(text)
                        || (anchored || decoded::may_hold(text, &matches))
                            && decoded::any_inside(text, anchored, &matches)
                })
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

#[derive(Debug)]
struct TraceMatches {
    signature: Signature,
    search: Arc<SearchEngine>,
}

impl PartialEq for TraceMatches {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.search, &other.search)
    }
}

impl Eq for TraceMatches {}

impl Hash for TraceMatches {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.search).hash(state);
    }
}

impl ScalarUDFImpl for TraceMatches {
    fn name(&self) -> &'static str {
        "trace_matches"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(pattern) = &args.args[1] else {
            return exec_err!("the pattern of trace_matches must be one text, not a column");
        };
        let Some(Some(pattern)) = pattern.try_as_str() else {
            return exec_err!("the pattern of trace_matches must be a text");
        };
        let found = self.search.traces(pattern, &CancellationToken::new());
        let found = found.map_err(|error| DataFusionError::Execution(error.to_string()))?;
        let found = found.get().and_then(|found| found.as_ref().ok());
        let ids = cast(&argument(&args, 0)?, &DataType::Utf8View)?;
        let is_in = |id: &str| found.is_some_and(|found| found.contains(id));
        let matching: BooleanArray = ids.as_string_view().iter().map(|id| id.map(is_in)).collect();
        Ok(ColumnarValue::Array(Arc::new(matching)))
    }
}

#[derive(Debug)]
struct StraddleStep {
    signature: Signature,
    steps: Arc<HashMap<i64, i64>>,
}

impl PartialEq for StraddleStep {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.steps, &other.steps)
    }
}

impl Eq for StraddleStep {}

impl Hash for StraddleStep {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.steps).hash(state);
    }
}

impl ScalarUDFImpl for StraddleStep {
    fn name(&self) -> &'static str {
        "straddle_step"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (row_ids, steps) = (argument(&args, 0)?, argument(&args, 1)?);
        let row_ids = row_ids.as_primitive::<Int64Type>();
        let steps = steps.as_primitive::<Int64Type>();
        let found: Int64Array = row_ids
            .iter()
            .zip(steps)
            .map(|(row_id, step)| row_id.and_then(|row_id| self.steps.get(&row_id).copied()).or(step))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

#[derive(Debug)]
struct Straddles {
    signature: Signature,
    trace_ids: Arc<HashSet<String>>,
}

impl PartialEq for Straddles {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.trace_ids, &other.trace_ids)
    }
}

impl Eq for Straddles {}

impl Hash for Straddles {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.trace_ids).hash(state);
    }
}

impl ScalarUDFImpl for Straddles {
    fn name(&self) -> &'static str {
        "straddles"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let trace_ids = argument(&args, 0)?;
        let found: BooleanArray = trace_ids
            .as_string_view()
            .iter()
            .map(|id| Some(id.is_some_and(|id| self.trace_ids.contains(id))))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

fn argument(args: &ScalarFunctionArgs, index: usize) -> Result<ArrayRef> {
    args.args[index].to_array(args.number_rows)
}
