//! The functions that put together what a dataset stores once: texts, messages, and JSON with holes. They make the views and have no
//! place in what users write.
//!
//! All of them are one [`ContentFunction`]: a name, types, and a function from columns to a column.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use halo_dataset::{ContentStore, DatasetError};

mod calls;
mod errors;
mod json;
mod messages;
mod texts;

pub(crate) use json::Spans as SpanColumns;

/// Gives the text of an id.
pub(crate) const TEXT_OF: &str = "text_of";
/// Gives a JSON text with its holes filled.
pub(crate) const FILL_JSON: &str = "fill_json";
/// Gives one member of such a text, as an object with this member alone.
pub(crate) const PICK_JSON: &str = "pick_json";
/// The same with the holes of the value left: enough to tell whether there is such a member.
pub(crate) const PICK_KEY: &str = "pick_key";
/// Gives what the attributes and events of a span say went wrong.
pub(crate) const ERROR_MESSAGE: &str = "error_message";
/// Gives the tool calls that an LLM span asks for.
pub(crate) const TOOL_CALLS: &str = "requested_calls";
/// Tells whether it asks for any.
pub(crate) const HAS_TOOL_CALLS: &str = "has_requested_calls";

type Run = fn(&ContentStore, &[ArrayRef]) -> Result<ArrayRef>;

/// A function over what a dataset stores once.
#[derive(Debug)]
pub(crate) struct ContentFunction {
    name: &'static str,
    signature: Signature,
    returns: DataType,
    store: Arc<ContentStore>,
    run: Run,
}

impl ContentFunction {
    /// The function that an expression calls, and its arguments, when it is one of these.
    pub(crate) fn called(expr: &Expr) -> Option<(&'static str, &[Expr])> {
        match expr {
            Expr::ScalarFunction(call) => Some((call.func.inner().downcast_ref::<Self>()?.name, call.args.as_slice())),
            Expr::Alias(alias) => Self::called(&alias.expr),
            _ => None,
        }
    }
}

impl PartialEq for ContentFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.store, &other.store)
    }
}

impl Eq for ContentFunction {}

impl Hash for ContentFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        Arc::as_ptr(&self.store).hash(state);
    }
}

impl ScalarUDFImpl for ContentFunction {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays: Vec<ArrayRef> =
            args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array((self.run)(&self.store, &arrays)?))
    }
}

/// All functions, over one store.
pub(crate) fn functions(store: &Arc<ContentStore>) -> Vec<Arc<ScalarUDF>> {
    let ids = || DataType::new_list(DataType::Int64, true);
    let (text, int) = (|| DataType::Utf8View, || DataType::Int64);
    let json = || vec![text(), ids(), ids(), ids(), ids()];
    let picked = || [json(), vec![text()]].concat();
    let all: [(&'static str, Vec<DataType>, DataType, Run); 19] = [
        (TEXT_OF, vec![int()], text(), texts::text_of),
        (FILL_JSON, json(), text(), json::fill),
        (PICK_JSON, picked(), text(), json::pick),
        (PICK_KEY, picked(), text(), json::pick_key),
        (ERROR_MESSAGE, picked(), text(), errors::message),
        (TOOL_CALLS, vec![ids()], text(), calls::requested),
        (HAS_TOOL_CALLS, vec![ids()], DataType::Boolean, calls::has_requested),
        ("message_rows", vec![ids(), ids()], ids(), messages::rows),
        ("message_places", vec![ids(), ids()], ids(), messages::places),
        ("message_role", vec![int(), int()], text(), messages::role),
        ("message_content", vec![int()], text(), messages::content),
        ("message_tool_calls", vec![int()], text(), messages::tool_calls),
        ("message_answers", vec![int()], text(), messages::answers),
        ("message_identity", vec![int(), int()], text(), messages::identity),
        ("call_messages", vec![ids()], ids(), calls::messages),
        ("call_places", vec![ids()], ids(), calls::places),
        ("call_id", vec![int(), int()], text(), calls::id),
        ("call_name", vec![int(), int()], text(), calls::name),
        ("call_arguments", vec![int(), int()], text(), calls::arguments),
    ];
    let make = |(name, arguments, returns, run)| {
        let signature = Signature::exact(arguments, Volatility::Immutable);
        Arc::new(ScalarUDF::from(ContentFunction { name, signature, returns, store: Arc::clone(store), run }))
    };
    all.into_iter().map(make).collect()
}

pub(crate) use messages::{ToldMessage, load_told, told_message};

/// An error of the store as one of the engine. The engine hands some errors on as text, so the text says all: see
/// `engine_error::dataset_error`, which reads it.
#[expect(clippy::needless_pass_by_value, reason = "for use in `map_err`")]
pub(crate) fn failed(error: DatasetError) -> DataFusionError {
    let damaged = |path: &std::path::Path, reason: String| DatasetError::Damaged { path: path.to_owned(), reason };
    DataFusionError::Execution(match &error {
        DatasetError::Io { path, source, .. } => damaged(path, source.to_string()).to_string(),
        DatasetError::Parquet { path, source } => damaged(path, source.to_string()).to_string(),
        other => other.to_string(),
    })
}
