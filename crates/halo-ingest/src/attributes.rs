//! Attributes of one span or resource, as any input format gives them.

use crate::json::{Json, JsonKind, push_int, write_float, write_key, write_string};
use crate::key::Key;

/// A value of an attribute. Composite values are kept as JSON text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'i> {
    Null,
    Bool(bool),
    Int(i64),
    Big(u64),
    Float(f64),
    Text(&'i str),
    /// JSON text of an array or object: a range of the arena.
    Json(usize, usize),
}

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute<'i> {
    pub(crate) key: &'i str,
    /// What the key tells.
    pub(crate) tells: Key,
    pub(crate) value: Value<'i>,
}

/// Attributes in the order of the input.
#[derive(Debug, Default)]
pub(crate) struct Attributes<'i> {
    list: Vec<Attribute<'i>>,
    arena: String,
    /// Whether OTLP's list says more than plain JSON can: bytes, numbers beyond JSON, values of no known type.
    is_odd: bool,
}

/// Attributes that a span has room for at first.
const ATTRIBUTES_USUAL: usize = 32;

impl Attribute<'_> {
    /// Appends the key as [`write_key`] does.
    pub(crate) fn write_key(&self, out: &mut String, first: bool) {
        if !self.tells.is_plain {
            return write_key(out, self.key, first);
        }
        out.push_str(if first { "\"" } else { ",\"" });
        out.push_str(self.key);
        out.push_str("\":");
    }
}

impl<'i> Attributes<'i> {
    /// Reads a plain JSON object.
    pub(crate) fn of_object(object: Json<'_, 'i>) -> Self {
        let mut attributes = Self { list: Vec::with_capacity(ATTRIBUTES_USUAL), ..Self::default() };
        for (key, value) in object.entries() {
            let value = match value.kind() {
                JsonKind::Object(_) | JsonKind::Array(_) => attributes.composite(|out| value.write(out)),
                _ => scalar(value),
            };
            attributes.list.push(Attribute { key, tells: Key::of(key), value });
        }
        attributes
    }

    /// Reads OTLP's list of `{key, value: AnyValue}`.
    pub(crate) fn of_otlp(list: Json<'_, 'i>) -> Self {
        let mut attributes = Self::default();
        for entry in list.items() {
            let Some(key) = entry.get(&["key"]).and_then(Json::text) else {
                attributes.is_odd = true;
                continue;
            };
            attributes.is_odd |= entry.get(&["value"]).is_none_or(is_odd);
            let value = match entry.get(&["value"]).map(any_value) {
                None => Value::Null,
                Some(AnyValue::Scalar(value)) => value,
                Some(AnyValue::Composite(value)) => attributes.composite(|out| write_any_value(out, value)),
            };
            attributes.list.push(Attribute { key, tells: Key::of(key), value });
        }
        attributes
    }

    /// Whether OTLP's list says more than these attributes do: an export needs the list itself then.
    pub(crate) fn is_odd(&self) -> bool {
        self.is_odd
    }

    /// Whether a key stands twice.
    pub(crate) fn has_twice(&self) -> bool {
        let mut keys: Vec<&str> = self.list.iter().map(|attribute| attribute.key).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }

    fn composite(&mut self, write: impl FnOnce(&mut String)) -> Value<'i> {
        let start = self.arena.len();
        write(&mut self.arena);
        Value::Json(start, self.arena.len())
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Attribute<'i>> {
        self.list.iter().copied()
    }

    /// The text of a value: a string itself, composite values as JSON. `None` of anything else.
    pub(crate) fn text<'a>(&'a self, value: Value<'i>) -> Option<&'a str>
    where
        'i: 'a,
    {
        match value {
            Value::Text(text) => Some(text),
            Value::Json(start, end) => self.arena.get(start..end),
            _ => None,
        }
    }

    /// A short scalar as the text of a tag.
    pub(crate) fn with_tag_text(&self, value: Value<'i>, take: impl FnOnce(&str)) {
        match value {
            Value::Text(text) => take(text),
            Value::Bool(value) => take(if value { "true" } else { "false" }),
            Value::Int(value) => take(itoa::Buffer::new().format(value)),
            _ => {}
        }
    }

    /// Appends all as one JSON object, in the order of the input.
    pub(crate) fn write(&self, out: &mut String) {
        self.write_list(self.list.iter(), out);
    }

    /// Appends all as one JSON object with sorted keys: the same resource gives the same text whatever the exporter's order.
    pub(crate) fn write_sorted(&self, out: &mut String) {
        let mut sorted: Vec<_> = self.list.iter().collect();
        sorted.sort_by_key(|attribute| attribute.key);
        self.write_list(sorted.into_iter(), out);
    }

    fn write_list<'a>(&'a self, list: impl Iterator<Item = &'a Attribute<'i>>, out: &mut String)
    where
        'i: 'a,
    {
        out.push('{');
        for (index, attribute) in list.enumerate() {
            attribute.write_key(out, index == 0);
            self.write_value(out, attribute.value);
        }
        out.push('}');
    }

    /// Appends one value as JSON.
    pub(crate) fn write_value(&self, out: &mut String, value: Value<'_>) {
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            Value::Int(value) => push_int(out, value),
            Value::Big(value) => push_int(out, value),
            Value::Float(value) => write_float(out, value),
            Value::Text(text) => write_string(out, text),
            Value::Json(start, end) => out.push_str(&self.arena[start..end]),
        }
    }
}

fn scalar<'i>(value: Json<'_, 'i>) -> Value<'i> {
    match value.kind() {
        JsonKind::Bool(value) => Value::Bool(value),
        JsonKind::Int(value) => Value::Int(value),
        JsonKind::Big(value) => Value::Big(value),
        JsonKind::Float(value) => Value::Float(value),
        JsonKind::Text(text) => Value::Text(text),
        JsonKind::Null | JsonKind::Object(_) | JsonKind::Array(_) => Value::Null,
    }
}

/// An OTLP value, told apart by what it needs.
enum AnyValue<'t, 'i> {
    Scalar(Value<'i>),
    Composite(Json<'t, 'i>),
}

/// Reads one `AnyValue` in the JSON encoding of OTLP, in camelCase or snake_case.
fn any_value<'t, 'i>(value: Json<'t, 'i>) -> AnyValue<'t, 'i> {
    for (key, inner) in value.entries() {
        return AnyValue::Scalar(match key {
            "stringValue" | "string_value" | "bytesValue" | "bytes_value" | "boolValue" | "bool_value" => scalar(inner),
            "intValue" | "int_value" => inner.int().map_or_else(|| scalar(inner), Value::Int),
            "doubleValue" | "double_value" => match inner.kind() {
                #[expect(clippy::cast_precision_loss, reason = "the exporter says it is a double")]
                JsonKind::Int(value) => Value::Float(value as f64),
                _ => scalar(inner),
            },
            "arrayValue" | "array_value" | "kvlistValue" | "kvlist_value" => {
                return AnyValue::Composite(value);
            }
            _ => continue,
        });
    }
    AnyValue::Scalar(Value::Null)
}

/// Whether a value would not come back from plain JSON as it is.
fn is_odd(value: Json<'_, '_>) -> bool {
    let mut entries = value.entries();
    let (Some((key, inner)), None) = (entries.next(), entries.next()) else {
        // An empty value is null, and comes back as it.
        return !matches!(value.kind(), JsonKind::Object(_)) || value.entries().next().is_some();
    };
    let list = |key: &[&str]| inner.get(key).into_iter().flat_map(Json::items);
    match key {
        "stringValue" | "string_value" => inner.text().is_none(),
        "boolValue" | "bool_value" => !matches!(inner.kind(), JsonKind::Bool(_)),
        "intValue" | "int_value" => inner.int().is_none(),
        "doubleValue" | "double_value" => !matches!(inner.kind(), JsonKind::Float(_) | JsonKind::Int(_)),
        "arrayValue" | "array_value" => {
            inner.entries().any(|(key, _)| key != "values") || list(&["values"]).any(is_odd)
        }
        "kvlistValue" | "kvlist_value" => {
            inner.entries().any(|(key, _)| key != "values")
                || list(&["values"])
                    .any(|entry| entry.get(&["key"]).is_none() || entry.get(&["value"]).is_none_or(is_odd))
        }
        _ => true,
    }
}

/// Appends an OTLP `AnyValue` as plain JSON.
pub(crate) fn write_any_value(out: &mut String, value: Json<'_, '_>) {
    let AnyValue::Composite(_) = any_value(value) else {
        return match any_value(value) {
            AnyValue::Scalar(Value::Text(text)) => write_string(out, text),
            AnyValue::Scalar(Value::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
            AnyValue::Scalar(Value::Int(value)) => push_int(out, value),
            AnyValue::Scalar(Value::Big(value)) => push_int(out, value),
            AnyValue::Scalar(Value::Float(value)) => write_float(out, value),
            _ => out.push_str("null"),
        };
    };
    if let Some(array) = value.get(&["arrayValue", "array_value"]) {
        out.push('[');
        for (index, item) in array.get(&["values"]).into_iter().flat_map(Json::items).enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_any_value(out, item);
        }
        out.push(']');
    } else if let Some(list) = value.get(&["kvlistValue", "kvlist_value"]) {
        write_otlp_object(out, list.get(&["values"]));
    }
}

/// Appends OTLP's list of `{key, value}` as a plain JSON object.
pub(crate) fn write_otlp_object(out: &mut String, list: Option<Json<'_, '_>>) {
    out.push('{');
    let mut first = true;
    for entry in list.into_iter().flat_map(Json::items) {
        if let Some(key) = entry.get(&["key"]).and_then(Json::text) {
            write_key(out, key, first);
            first = false;
            match entry.get(&["value"]) {
                Some(value) => write_any_value(out, value),
                None => out.push_str("null"),
            }
        }
    }
    out.push('}');
}
