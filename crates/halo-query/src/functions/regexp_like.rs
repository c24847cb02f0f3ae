//! `regexp_like` and the operators `~`, with one pattern for all rows: compiled once for as long as it is asked for. The engine compiles it for
//! each batch, which takes longer than matching a batch of short texts. `regexp_match` looks with it for the texts that match at all: to find
//! the groups of a match takes many times as long.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array as _, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF};
use regex::{Regex, RegexBuilder};

use crate::stop::Stop;

/// Name of the function.
pub(super) const NAME: &str = "regexp_like";
/// Name of the function that gives the groups of the first match.
pub(super) const WITH_GROUPS: &str = "regexp_match";

/// Patterns that are kept compiled, those that were asked for last.
const KEPT_MAX: usize = 48;

/// Bytes that a pattern may take for the states that it was seen in, in each thread. Patterns with counted repetitions have many, and are compiled
/// again and again where they don't fit.
const STATES_BYTES: usize = 8 << 20;

/// Bytes of text that are matched between two looks at whether the query is over.
const PART_BYTES: usize = 1 << 20;

/// Whether the patterns of these arguments are constants, so that the engine need not turn the call into an operator.
pub(super) fn is_constant(args: &[Expr]) -> bool {
    let is_text = |arg: &Expr| arg.as_literal().is_some_and(|value| text(value).is_some());
    // Without flags in it, the third argument means the two alone.
    let has_empty_flags = args.get(2).and_then(Expr::as_literal).and_then(text) == Some("");
    args.len() > 1 && args[1..].iter().all(is_text) && !has_empty_flags
}

/// A call in the place of an operator with a constant pattern.
pub(crate) fn of_operator(binary: &BinaryExpr, function: &Arc<ScalarUDF>) -> Option<Expr> {
    let (flags, is_negated) = match binary.op {
        Operator::RegexMatch => (None, false),
        Operator::RegexIMatch => (Some("i"), false),
        Operator::RegexNotMatch => (None, true),
        Operator::RegexNotIMatch => (Some("i"), true),
        _ => return None,
    };
    let pattern = binary.right.as_literal().and_then(text)?;
    let mut args = vec![binary.left.as_ref().clone(), constant(pattern)];
    args.extend(flags.map(constant));
    let call = function.call(args);
    Some(if is_negated { Expr::Not(Box::new(call)) } else { call })
}

fn constant(text: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8(Some(text.to_owned())), None)
}

fn text(value: &ScalarValue) -> Option<&str> {
    value.try_as_str().flatten()
}

/// Which texts match, in a call on a column with a constant pattern; `None` of any other call.
pub(super) fn call(args: &ScalarFunctionArgs, stop: &Stop) -> Result<Option<BooleanArray>> {
    let [ColumnarValue::Array(texts), ColumnarValue::Scalar(pattern), flags @ ..] = args.args.as_slice() else {
        return Ok(None);
    };
    let flags = match flags {
        [] => None,
        [ColumnarValue::Scalar(flags)] => match text(flags) {
            Some("") => None,
            // What the engine says of the global option is left to it.
            Some(flags) if !flags.contains('g') => Some(flags),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let Some(pattern) = text(pattern) else {
        return Ok(None);
    };
    let pattern = flags.map_or_else(|| pattern.to_owned(), |flags| format!("(?{flags}){pattern}"));
    let pattern = compiled(&pattern)?;
    matched(texts, &pattern, stop).map(Some)
}

fn matched(texts: &ArrayRef, pattern: &Regex, stop: &Stop) -> Result<BooleanArray> {
    let mut since_look = 0;
    let mut is_match = |text: &str| {
        since_look += text.len();
        if since_look > PART_BYTES {
            since_look = 0;
            stop.check()?;
        }
        Ok::<_, DataFusionError>(pattern.is_match(text))
    };
    let mut found = Vec::with_capacity(texts.len());
    let mut all = |texts: &mut dyn Iterator<Item = Option<&str>>| -> Result<()> {
        for text in texts {
            found.push(text.map_or(Ok(false), &mut is_match)?);
        }
        Ok(())
    };
    match texts.data_type() {
        DataType::Utf8 => all(&mut texts.as_string::<i32>().iter())?,
        DataType::LargeUtf8 => all(&mut texts.as_string::<i64>().iter())?,
        _ => all(&mut texts.as_string_view().iter())?,
    }
    Ok(BooleanArray::new(BooleanBuffer::from(found), texts.logical_nulls()))
}

/// The pattern compiled, now or before.
fn compiled(pattern: &str) -> Result<Arc<Regex>> {
    static KEPT: Mutex<VecDeque<(String, Arc<Regex>)>> = Mutex::new(VecDeque::new());
    let take = |kept: &mut VecDeque<(String, Arc<Regex>)>| {
        let at = kept.iter().position(|(known, _)| known == pattern)?;
        let entry = kept.remove(at)?;
        let regex = Arc::clone(&entry.1);
        kept.push_back(entry);
        Some(regex)
    };
    if let Some(regex) = take(&mut KEPT.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(regex);
    }
    let regex = RegexBuilder::new(pattern)
        .dfa_size_limit(STATES_BYTES)
        .build()
        .map_err(|error| DataFusionError::Execution(format!("Regular expression did not compile: {error:?}")))?;
    let regex = Arc::new(regex);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push_back((pattern.to_owned(), Arc::clone(&regex)));
    if kept.len() > KEPT_MAX {
        kept.pop_front();
    }
    Ok(regex)
}
