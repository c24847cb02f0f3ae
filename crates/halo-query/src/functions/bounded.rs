//! The engine's functions within bounds: what one call makes is told before it makes it, and a long call is made in parts, between which
//! it ends when its query is over.
//!
//! The engine counts what its operators keep, and not what a function makes: `repeat('x', 1000000000)` would take a gigabyte for each row
//! of a batch.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, BooleanArray, UInt64Array, new_null_array};
use arrow::buffer::Buffer;
use arrow::compute::{concat, filter, take};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::growth::{Arguments, GROWING, Growth};
use super::regexp_like;
use crate::stop::Stop;

/// The part of the memory of queries that one call may make.
pub(super) const CALL_SHARE: usize = 8;

/// Steps of a part of a call: some milliseconds.
const PART_STEPS: u64 = 1_000_000;

/// Most steps for one row: about a second.
const ROW_STEPS_MAX: u64 = 400_000_000;

/// Bytes of constants that are joined while planning.
const CONSTANT_BYTES: usize = 1024 * 1024;

/// A column of cut texts may hold this many bytes, or this many times what it needs.
const HELD_BYTES: usize = 64 * 1024;
const HELD_TIMES: usize = 2;

/// How the message of a call that makes too much begins: `engine_error.rs` passes it on as it is.
pub(crate) const TOO_MUCH: &str = "a call of ";

/// A function within bounds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    bytes_max: u64,
}

/// The function within bounds, where it needs any and has none.
pub(crate) fn bounded(function: &Arc<ScalarUDF>, memory_bytes: usize) -> Option<Arc<ScalarUDF>> {
    let (_, growth) = GROWING.iter().find(|(name, _)| *name == function.name())?;
    let inner: &dyn Any = function.inner().as_ref();
    if inner.is::<Bounded>() {
        return None;
    }
    let bytes_max = (memory_bytes / CALL_SHARE) as u64;
    Some(Arc::new(ScalarUDF::from(Bounded { inner: Arc::clone(function), growth: *growth, bytes_max })))
}

impl Bounded {
    /// The name that people know.
    fn shown_name(&self) -> &str {
        if self.name() == super::concat::NAME { "||" } else { self.name() }
    }

    fn check(&self, args: &Arguments) -> Result<()> {
        let bytes = self.growth.bytes(args, self.bytes_max)?;
        if bytes > self.bytes_max {
            return Err(DataFusionError::ResourcesExhausted(too_much(self.shown_name(), bytes, self.bytes_max)));
        }
        if self.growth == Growth::Compared && (0..args.rows).any(|row| self.growth.steps(args, row) > ROW_STEPS_MAX) {
            return Err(DataFusionError::Execution(format!(
                "the texts are too long for {}: compare their beginnings, as in substr(x, 1, 5000)",
                self.name()
            )));
        }
        Ok(())
    }

    /// Ends of the parts that a call is made in.
    fn parts(&self, args: &Arguments) -> Vec<usize> {
        let (mut ends, mut steps) = (Vec::new(), 0_u64);
        for row in 0..args.rows {
            steps = steps.saturating_add(self.growth.steps(args, row));
            if steps > PART_STEPS {
                ends.push(row + 1);
                steps = 0;
            }
        }
        if ends.last() != Some(&args.rows) {
            ends.push(args.rows);
        }
        ends
    }

    fn in_parts(&self, args: ScalarFunctionArgs, stop: &Stop) -> Result<ColumnarValue> {
        let arguments = Arguments::of(&args)?;
        self.check(&arguments)?;
        let ends = self.parts(&arguments);
        if ends.len() < 2 {
            return self.inner.invoke_with_args(args);
        }
        let mut parts = Vec::with_capacity(ends.len());
        let mut start = 0;
        for end in ends {
            stop.check()?;
            let mut part = args.clone();
            part.number_rows = end - start;
            for arg in &mut part.args {
                if let ColumnarValue::Array(array) = arg {
                    *arg = ColumnarValue::Array(array.slice(start, end - start));
                }
            }
            parts.push(self.inner.invoke_with_args(part)?.into_array(end - start)?);
            start = end;
        }
        let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }

    /// The call on those rows alone, and null for the others.
    fn of_rows(&self, mut args: ScalarFunctionArgs, is_wanted: &BooleanArray, stop: &Stop) -> Result<ColumnarValue> {
        args.number_rows = is_wanted.true_count();
        if args.number_rows == 0 {
            return Ok(ColumnarValue::Array(new_null_array(args.return_field.data_type(), is_wanted.len())));
        }
        for arg in &mut args.args {
            if let ColumnarValue::Array(array) = arg {
                *arg = ColumnarValue::Array(filter(array, is_wanted)?);
            }
        }
        let rows = args.number_rows;
        let found = self.in_parts(args, stop)?.into_array(rows)?;
        let mut places = 0_u64..;
        let places: UInt64Array =
            is_wanted.iter().map(|is_wanted| if is_wanted == Some(true) { places.next() } else { None }).collect();
        Ok(ColumnarValue::Array(take(&found, &places, None)?))
    }
}

/// Texts without what they were cut from, where that is much more and they are not too long to be written out: a sort that keeps the first words
/// of long texts would keep the texts.
fn on_its_own(cut: ColumnarValue, bytes_max: u64) -> ColumnarValue {
    let ColumnarValue::Array(array) = &cut else { return cut };
    let Some(texts) = array.as_string_view_opt() else { return cut };
    let held: usize = texts.data_buffers().iter().map(Buffer::len).sum();
    let needed = texts.total_buffer_bytes_used();
    if held > HELD_BYTES && held / HELD_TIMES > needed && needed as u64 <= bytes_max {
        ColumnarValue::Array(Arc::new(texts.gc()))
    } else {
        cut
    }
}

/// An error when a call makes more than it may, of the memory that queries may take.
pub(crate) fn within(name: &str, bytes: usize, memory_bytes: usize) -> Result<()> {
    let bytes_max = memory_bytes / CALL_SHARE;
    if bytes > bytes_max {
        return Err(DataFusionError::ResourcesExhausted(too_much(name, bytes as u64, bytes_max as u64)));
    }
    Ok(())
}

/// What is said of a call that would make too much.
pub(super) fn too_much(name: &str, bytes: u64, bytes_max: u64) -> String {
    format!("{TOO_MUCH}{name} would make {}, and may make {} at a time", mebibytes(bytes), mebibytes(bytes_max))
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

impl ScalarUDFImpl for Bounded {
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let stop = Stop::of(&args.config_options);
        stop.check()?;
        if self.name() == regexp_like::NAME
            && let Some(matched) = regexp_like::call(&args, &stop)?
        {
            return Ok(ColumnarValue::Array(Arc::new(matched)));
        }
        if self.name() == regexp_like::WITH_GROUPS
            && let Some(matched) = regexp_like::call(&args, &stop)?
        {
            return self.of_rows(args, &matched, &stop);
        }
        if self.growth == Growth::Cut {
            return Ok(on_its_own(self.inner.invoke_with_args(args)?, self.bytes_max));
        }
        self.in_parts(args, &stop)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // Long constants are not joined while planning.
        let bytes = |arg: &Expr| arg.as_literal().and_then(ScalarValue::try_as_str).flatten().map_or(0, str::len);
        if matches!(self.growth, Growth::Joined | Growth::Separated)
            && args.len() * args.iter().map(bytes).sum::<usize>() > CONSTANT_BYTES
        {
            return Ok(ExprSimplifyResult::Original(args));
        }
        if self.name() == regexp_like::NAME && regexp_like::is_constant(&args) {
            return Ok(ExprSimplifyResult::Original(args));
        }
        Ok(match self.inner.simplify(args, info)? {
            // Simplified to a call of the same function, it would be the one without bounds.
            ExprSimplifyResult::Simplified(Expr::ScalarFunction(call)) if call.func.name() == self.name() => {
                let bounded = Self { inner: call.func, growth: self.growth, bytes_max: self.bytes_max };
                let func = Arc::new(ScalarUDF::from(bounded));
                ExprSimplifyResult::Simplified(Expr::ScalarFunction(ScalarFunction { func, args: call.args }))
            }
            other => other,
        })
    }

    // All else is the function's own.

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        self.inner.evaluate_bounds(inputs)
    }

    fn propagate_constraints(&self, interval: &Interval, inputs: &[&Interval]) -> Result<Option<Vec<Interval>>> {
        self.inner.propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.preserves_lex_ordering(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
