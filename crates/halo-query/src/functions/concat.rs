//! `a || b || c` as one function, so that it has bounds like the others. The rule of `bounds.rs` puts it in, and no statement names it.

use arrow::array::{Array as _, AsArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// Its name in plans.
pub(super) const NAME: &str = "text_concat";

/// Texts one after the other; null when one is.
pub(crate) fn text_concat() -> ScalarUDF {
    ScalarUDF::from(TextConcat { signature: Signature::variadic_any(Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextConcat {
    signature: Signature,
}

impl ScalarUDFImpl for TextConcat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(arg_types.first().cloned().unwrap_or(DataType::Utf8))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut columns = Vec::with_capacity(args.args.len());
        for index in 0..args.args.len() {
            columns.push(cast(&args.args[index].to_array(args.number_rows)?, &DataType::Utf8View)?);
        }
        let mut texts = StringViewBuilder::with_capacity(args.number_rows);
        let mut text = String::new();
        for row in 0..args.number_rows {
            if columns.iter().any(|column| column.is_null(row)) {
                texts.append_null();
                continue;
            }
            text.clear();
            columns.iter().for_each(|column| text.push_str(column.as_string_view().value(row)));
            texts.append_value(&text);
        }
        Ok(ColumnarValue::Array(cast(&texts.finish(), args.return_field.data_type())?))
    }
}
