//! Whether the arguments of a tool call are what the definition of the tool asks for.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array as _, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::logical_expr::{ScalarUDF, Signature, Volatility};
use serde_json::{Map, Value};

use super::scalar::Function;
use crate::function_docs::{Entry, Group};

pub(super) const FAULT: Entry = Entry {
    group: Group::Halo,
    name: "arguments_fault",
    signature: "arguments_fault(arguments, definition)",
    meaning: "What is wrong with the arguments of a tool call by the tool's definition: one that is missing, unknown or of another type, or no JSON object. NULL when nothing is, or when the definition has no schema.",
    example: r#"SELECT arguments_fault('{"id": "7"}', '{"name": "get", "parameters": {"properties": {"id": {"type": "integer"}}}}') AS fault"#,
};

pub(super) fn fault() -> ScalarUDF {
    Function::documented(&FAULT, Signature::string(2, Volatility::Immutable), DataType::Utf8View, |arguments| {
        let (given, definitions) = (arguments.texts(0)?, arguments.texts(1)?);
        let mut faults = StringViewBuilder::with_capacity(given.len());
        // Calls of one tool come with one definition, mostly one after the other.
        let mut known: Option<(&str, Option<Value>)> = None;
        for (given, definition) in given.iter().zip(&definitions) {
            let (Some(given), Some(definition)) = (given, definition) else {
                faults.append_null();
                continue;
            };
            if known.as_ref().is_none_or(|(text, _)| *text != definition) {
                known = Some((definition, schema(definition)));
            }
            let schema = known.as_ref().and_then(|(_, schema)| schema.as_ref());
            faults.append_option(schema.and_then(|schema| wrong(given, schema)));
        }
        Ok(Arc::new(faults.finish()))
    })
}

/// The schema of the arguments in a tool's definition, by whichever provider's form.
fn schema(definition: &str) -> Option<Value> {
    let mut definition: Value = serde_json::from_str(definition).ok()?;
    if let Some(function) = definition.get_mut("function").filter(|function| function.is_object()) {
        definition = function.take();
    }
    let keys = ["parameters", "input_schema", "inputSchema", "args_schema", "json_schema"];
    let schema = keys.iter().find_map(|key| definition.get(key).cloned())?;
    let schema = match schema {
        Value::String(text) => serde_json::from_str(&text).ok()?,
        other => other,
    };
    schema.get("properties").is_some_and(Value::is_object).then_some(schema)
}

/// What is wrong with arguments, the first thing by name.
fn wrong(given: &str, schema: &Value) -> Option<Cow<'static, str>> {
    let given = if given.trim().is_empty() { "{}" } else { given };
    let given = match serde_json::from_str(given) {
        // Some exporters write the text of the JSON as a text.
        Ok(Value::String(text)) => serde_json::from_str(&text),
        other => other,
    };
    let Ok(Value::Object(given)) = given else {
        return Some("no JSON object".into());
    };
    object(&given, schema)
}

fn object(given: &Map<String, Value>, schema: &Value) -> Option<Cow<'static, str>> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let is_given = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    if let Some(missing) = required.into_iter().find(|name| !is_given(name)) {
        return Some(format!("missing `{missing}`").into());
    }
    // Definitions that take what they do not name say so.
    let is_open = !matches!(schema.get("additionalProperties"), None | Some(Value::Bool(false)));
    if let Some(unknown) = given.keys().find(|name| !is_open && !properties.contains_key(*name)) {
        return Some(format!("unknown `{unknown}`").into());
    }
    given.iter().filter(|(_, value)| !value.is_null()).find_map(|(name, value)| {
        let property = properties.get(name)?;
        match property.get("type") {
            Some(Value::String(kind)) if !is_of(value, kind) => {
                Some(format!("`{name}` is {}, not {kind}", kind_of(value)).into())
            }
            _ => not_listed(name, value, property),
        }
    })
}

fn not_listed(name: &str, value: &Value, property: &Value) -> Option<Cow<'static, str>> {
    let listed = property.get("enum")?.as_array()?;
    (!listed.contains(value)).then(|| format!("`{name}` is none of the values that it may have").into())
}

/// Whether a value is of a type of JSON schema; unknown types hold whatever there is.
fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFINITION: &str = r#"{"type": "function", "function": {"name": "get_order", "parameters": {"type": "object",
        "properties": {"id": {"type": "integer"}, "fields": {"type": "array"}, "state": {"enum": ["open", "closed"]}, "any": {"type": ["string", "null"]}},
        "required": ["id"]}}}"#;

    #[test]
    fn what_is_wrong_is_named() {
        let fault = |given: &str| wrong(given, &schema(DEFINITION).unwrap());
        let cases = [
            (r#"{"id": 7}"#, None),
            (r#"{"id": 7.0, "fields": null, "any": 3}"#, None),
            (r#""{\"id\": 7}""#, None),
            ("", Some("missing `id`")),
            (r#"{"id": null}"#, Some("missing `id`")),
            (r#"{"order_id": 7, "id": 7}"#, Some("unknown `order_id`")),
            (r#"{"id": "7"}"#, Some("`id` is string, not integer")),
            (r#"{"id": 7, "fields": "all"}"#, Some("`fields` is string, not array")),
            (r#"{"id": 7, "state": "lost"}"#, Some("`state` is none of the values that it may have")),
            ("id=7", Some("no JSON object")),
            ("[7]", Some("no JSON object")),
        ];
        for (given, expected) in cases {
            assert_eq!(fault(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn other_forms_of_definitions_are_read() {
        for definition in [
            r#"{"name": "x", "input_schema": {"properties": {"a": {}}, "required": ["a"]}}"#,
            r#"{"name": "x", "inputSchema": "{\"properties\": {\"a\": {}}, \"required\": [\"a\"]}"}"#,
        ] {
            assert_eq!(wrong("{}", &schema(definition).unwrap()).as_deref(), Some("missing `a`"), "{definition}");
        }
        let open = schema(r#"{"parameters": {"properties": {}, "additionalProperties": true}}"#).unwrap();
        assert_eq!(wrong(r#"{"b": 1}"#, &open), None);
        assert_eq!(schema(r#"{"name": "x"}"#), None);
        assert_eq!(schema("get_order"), None);
    }
}
