//! Aggregates that collect what they see, used as window functions: each row gets all that stood before it, and together that is as much as
//! the square of the rows. The engine counts none of it.

use std::any::Any;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, ReversedUDAF, Signature, WindowFrame};

use super::bounded::{CALL_SHARE, too_much};

const COLLECTING: &[&str] = &["array_agg", "string_agg"];

/// The aggregate within bounds as a window function, where it needs any and has none.
pub(crate) fn bounded_window(
    function: &Arc<AggregateUDF>,
    frame: &WindowFrame,
    memory_bytes: usize,
) -> Option<Arc<AggregateUDF>> {
    let inner: &dyn Any = function.inner().as_ref();
    if !COLLECTING.contains(&function.name()) || inner.is::<Collecting>() {
        return None;
    }
    let bytes_max = memory_bytes / CALL_SHARE;
    let is_whole = frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded();
    Some(Arc::new(AggregateUDF::from(Collecting { inner: Arc::clone(function), is_whole, bytes_max })))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Collecting {
    inner: Arc<AggregateUDF>,
    /// Whether every row gets the same, which is asked for once and then written out for each.
    is_whole: bool,
    bytes_max: usize,
}

impl Collecting {
    fn counted(&self, inner: Box<dyn Accumulator>) -> Box<dyn Accumulator> {
        Box::new(Counted {
            inner,
            name: self.inner.name().to_owned(),
            rows: self.is_whole.then_some(0),
            given: 0,
            bytes_max: self.bytes_max,
        })
    }
}

impl AggregateUDFImpl for Collecting {
    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args).map(|inner| self.counted(inner))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args).map(|inner| self.counted(inner))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        // Reversed, it would be one without bounds.
        match self.inner.reverse_udf() {
            ReversedUDAF::Identical => ReversedUDAF::Identical,
            ReversedUDAF::NotSupported | ReversedUDAF::Reversed(_) => ReversedUDAF::NotSupported,
        }
    }

    // All else is the function's own.

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.inner.return_field(arg_fields)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }
}

/// Counts what it gives.
#[derive(Debug)]
struct Counted {
    inner: Box<dyn Accumulator>,
    name: String,
    /// Rows that each get what is asked for once; `None` when each row asks.
    rows: Option<usize>,
    given: usize,
    bytes_max: usize,
}

impl Accumulator for Counted {
    fn evaluate(&mut self) -> Result<ScalarValue> {
        // What it has collected is a bound on what it gives, and known before it is written out.
        self.given = self.given.saturating_add(self.inner.size().saturating_mul(self.rows.unwrap_or(1)));
        if self.given > self.bytes_max {
            return Err(DataFusionError::ResourcesExhausted(too_much(
                &format!("{} over a window", self.name),
                self.given as u64,
                self.bytes_max as u64,
            )));
        }
        self.inner.evaluate()
    }

    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(rows) = &mut self.rows {
            *rows += values.first().map_or(0, |array| array.len());
        }
        self.inner.update_batch(values)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}
