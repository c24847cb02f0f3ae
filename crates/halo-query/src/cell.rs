//! One cell of a result as text or JSON, and the names of column types. All output goes through here, so that a time or a list
//! looks the same in every format.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::temporal_conversions::{
    timestamp_ms_to_datetime, timestamp_ns_to_datetime, timestamp_s_to_datetime, timestamp_us_to_datetime,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use regex::{Captures, Regex};
use serde_json::{Map, Number, Value};

/// The type of a column, as users write it in SQL.
pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text".to_owned(),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt16 => "integer".to_owned(),
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "bigint".to_owned(),
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".to_owned(),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "decimal".to_owned()
        }
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            format!("{}[]", sql_type(field.data_type()))
        }
        DataType::Dictionary(_, value) => sql_type(value),
        // The only unions are those of the `->` operator.
        DataType::Union(..) => "json".to_owned(),
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Map(..) => "map".to_owned(),
        DataType::Null => "null".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "bytea".to_owned()
        }
        other => other.to_string().to_lowercase(),
    }
}

/// The name of a column. A column without an alias is named by the engine after its expression, in the engine's notation
/// (`date_part(Utf8("HOUR"),spans.start_time)`); here it becomes SQL again.
pub(crate) fn column_name(engine_name: &str) -> String {
    static LITERALS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"\b(?:Utf8View|LargeUtf8|Utf8)\("((?:[^"\\]|\\.)*)"\)|\b(?:U?Int\d+|Float\d+|Boolean)\(([^()]*)\)"#,
        )
        .ok()
    });
    if !engine_name.contains(['(', '.']) {
        return engine_name.to_owned();
    }
    let Some(literals) = LITERALS.as_ref() else {
        return engine_name.to_owned();
    };
    literals
        .replace_all(engine_name, |found: &Captures<'_>| match (found.get(1), found.get(2)) {
            (Some(text), _) => format!("'{}'", text.as_str()),
            (None, Some(number)) => number.as_str().to_owned(),
            (None, None) => String::new(),
        })
        .replace(" RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "")
        .replace("spans.", "")
        .replace("traces.", "")
}

/// Whether a column of this type is aligned to the right.
pub(crate) fn is_number(sql_type: &str) -> bool {
    matches!(sql_type, "smallint" | "integer" | "bigint" | "real" | "double" | "decimal")
}

/// The cell as text, `None` for NULL: times as RFC 3339, lists and objects as JSON.
pub(crate) fn text(array: &ArrayRef, row: usize) -> Option<Cow<'_, str>> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(Cow::Borrowed(array.as_string::<i32>().value(row))),
        DataType::Utf8View => Some(Cow::Borrowed(array.as_string_view().value(row))),
        DataType::LargeUtf8 => Some(Cow::Borrowed(array.as_string::<i64>().value(row))),
        DataType::Union(..) => {
            let union = array.as_union();
            let child = union.child(union.type_id(row));
            text(child, union.value_offset(row)).map(|text| Cow::Owned(text.into_owned()))
        }
        // JSON has no word for NaN and infinity, and text has.
        DataType::Float64 => Some(Cow::Owned(float(array.as_primitive::<Float64Type>().value(row)))),
        DataType::Float32 => Some(Cow::Owned(float(f64::from(array.as_primitive::<Float32Type>().value(row))))),
        _ => match value(array, row) {
            Value::Null => None,
            Value::String(text) => Some(Cow::Owned(text)),
            other => Some(Cow::Owned(other.to_string())),
        },
    }
}

/// The cell as JSON.
pub(crate) fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => number(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Timestamp(unit, zone) => timestamp(array, row, *unit, zone.is_some()),
        DataType::List(_) => list(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let object: Map<String, Value> =
                columns.map(|(field, column)| (field.name().clone(), value(column, row))).collect();
            Value::Object(object)
        }
        DataType::Union(fields, _) => {
            let union = array.as_union();
            let id = union.type_id(row);
            let found = value(union.child(id), union.value_offset(row));
            let nested =
                fields.iter().any(|(known, field)| known == id && matches!(field.name().as_str(), "array" | "object"));
            match found {
                // Arrays and objects are kept as their JSON text.
                Value::String(text) if nested => serde_json::from_str(&text).unwrap_or(Value::String(text)),
                other => other,
            }
        }
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::BinaryView => hex(array.as_binary_view().value(row)),
        DataType::LargeBinary => hex(array.as_binary::<i64>().value(row)),
        _ => formatted(array, row),
    }
}

/// Bytes of a cell: what a limit on bytes counts.
pub(crate) fn bytes(array: &ArrayRef, row: usize) -> usize {
    if array.is_null(row) {
        return 1;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value_length(row).unsigned_abs() as usize,
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| bytes(&items, item)).sum()
        }
        DataType::LargeUtf8 | DataType::LargeList(_) | DataType::Struct(_) | DataType::Union(..) => {
            text(array, row).map_or(1, |text| text.len())
        }
        _ => 8,
    }
}

/// A float as text: plain where a person can read it so, with an exponent where it would be a row of zeros.
fn float(number: f64) -> String {
    if number == 0.0 || !number.is_finite() || (1e-6..1e16).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

fn number(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn list(items: &ArrayRef) -> Value {
    (0..items.len()).map(|item| value(items, item)).collect()
}

fn hex(bytes: &[u8]) -> Value {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}

/// A time in nanoseconds since 1970 as text.
pub(crate) fn time_text(ns: i64) -> String {
    timestamp_ns_to_datetime(ns).map_or_else(|| ns.to_string(), |time| format!("{time:?}Z"))
}

fn timestamp(array: &ArrayRef, row: usize, unit: TimeUnit, zoned: bool) -> Value {
    let time = match unit {
        TimeUnit::Second => timestamp_s_to_datetime(array.as_primitive::<TimestampSecondType>().value(row)),
        TimeUnit::Millisecond => timestamp_ms_to_datetime(array.as_primitive::<TimestampMillisecondType>().value(row)),
        TimeUnit::Microsecond => timestamp_us_to_datetime(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        TimeUnit::Nanosecond => timestamp_ns_to_datetime(array.as_primitive::<TimestampNanosecondType>().value(row)),
    };
    // A time with a zone is stored as UTC; one without is what the query made of it.
    time.map_or_else(
        || formatted(array, row),
        |time| Value::String(format!("{time:?}{}", if zoned { "Z" } else { "" })),
    )
}

/// Anything else, as Arrow writes it.
fn formatted(array: &ArrayRef, row: usize) -> Value {
    let options = FormatOptions::default().with_null("null");
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => Value::String(formatter.value(row).to_string()),
        Err(_) => Value::Null,
    }
}
