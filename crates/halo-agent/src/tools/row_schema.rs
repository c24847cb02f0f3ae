//! The form of an answer about a row: a small part of JSON schema, which becomes columns, and against which answers are checked.

use halo_tool::ColumnType;
use serde_json::{Map, Value, json};

/// Fields an answer may have.
const FIELDS_MAX: usize = 20;

/// Fields with their types, in the order they were given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RowSchema {
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: String,
    column: ColumnType,
    /// The only values allowed; empty when there is no such list.
    values: Vec<Value>,
    /// The field's schema as the model wrote it.
    schema: Value,
}

impl RowSchema {
    /// Reads a schema: an object of properties, or a JSON schema that has them. A property is a schema or just the name of a type.
    ///
    /// # Errors
    /// Says what is wrong, with an example.
    pub(crate) fn parse(schema: &Value) -> Result<Self, String> {
        let example =
            r#"for example {"lost": {"type": "boolean"}, "why": {"type": "string"}, "kind": {"enum": ["a", "b"]}}"#;
        let properties = schema.get("properties").unwrap_or(schema);
        let Some(properties) = properties.as_object().filter(|map| !map.is_empty()) else {
            return Err(format!("`schema` must name the fields of an answer, {example}"));
        };
        if properties.len() > FIELDS_MAX {
            return Err(format!("{} fields are too many; ask for at most {FIELDS_MAX}", properties.len()));
        }
        let fields =
            properties.iter().map(|(name, schema)| Field::parse(name, schema, example)).collect::<Result<_, _>>()?;
        Ok(Self { fields })
    }

    /// The same as a whole JSON schema.
    pub(crate) fn to_json(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.clone(), field.schema.clone())).collect();
        let required: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    /// Columns for the answers.
    pub(crate) fn columns(&self) -> Vec<(String, ColumnType)> {
        self.fields.iter().map(|field| (field.name.clone(), field.column)).collect()
    }

    /// Fields whose values are worth counting: those of few values.
    pub(crate) fn countable(&self) -> impl Iterator<Item = &str> {
        let few = |field: &&Field| !field.values.is_empty() || field.column == ColumnType::Boolean;
        self.fields.iter().filter(few).map(|field| field.name.as_str())
    }

    /// Takes the answer out of a model's text and checks it.
    ///
    /// # Errors
    /// Says to the model what does not fit.
    pub(crate) fn read(&self, text: &str) -> Result<Map<String, Value>, String> {
        let Some(Value::Object(answer)) = json_of(text) else {
            return Err("the answer is no JSON object".to_owned());
        };
        let mut row = Map::new();
        for field in &self.fields {
            let value = answer.get(&field.name).ok_or_else(|| format!("the field `{}` is missing", field.name))?;
            field.check(value)?;
            row.insert(field.name.clone(), value.clone());
        }
        Ok(row)
    }
}

impl Field {
    fn parse(name: &str, schema: &Value, example: &str) -> Result<Self, String> {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !is_name {
            return Err(format!("the field `{name}` becomes a column; name it with letters, digits and `_`"));
        }
        let schema = match schema {
            Value::String(kind) => json!({"type": kind}),
            other => other.clone(),
        };
        let values: Vec<Value> = schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default();
        let column = match schema.get("type").and_then(Value::as_str) {
            Some("string" | "text" | "array" | "object") => ColumnType::Text,
            Some("integer") => ColumnType::Integer,
            Some("number") => ColumnType::Number,
            Some("boolean") => ColumnType::Boolean,
            None if !values.is_empty() => ColumnType::Text,
            _ => {
                return Err(format!(
                    "the field `{name}` needs a type: string, integer, number, boolean, array or object, or an enum; {example}"
                ));
            }
        };
        let schema = match schema.get("type").and_then(Value::as_str) {
            Some("text") => json!({"type": "string"}),
            _ => schema,
        };
        Ok(Self { name: name.to_owned(), column, values, schema })
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        if !self.values.is_empty() && !self.values.contains(value) {
            let allowed = Value::from(self.values.clone());
            return Err(format!("`{}` is {value}, and not one of {allowed}", self.name));
        }
        let kind = self.schema.get("type").and_then(Value::as_str).unwrap_or_default();
        let fits = match kind {
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        };
        if fits { Ok(()) } else { Err(format!("`{}` is {value}, which is no {kind}", self.name)) }
    }
}

/// The JSON of a text that may have words or a fence around it.
fn json_of(text: &str) -> Option<Value> {
    let text = text.trim();
    serde_json::from_str(text).ok().or_else(|| {
        let (start, end) = (text.find('{')?, text.rfind('}')?);
        serde_json::from_str(text.get(start..=end)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_becomes_columns_and_checks_answers() {
        let given = json!({"lost": "boolean", "why": {"type": "string", "description": "In a sentence."},
            "kind": {"enum": ["a", "b"]}, "score": {"type": "number"}, "n": "integer", "list": {"type": "array"}});
        let schema = RowSchema::parse(&given).unwrap();
        assert_eq!(RowSchema::parse(&schema.to_json()).unwrap(), schema, "a whole JSON schema says the same");
        let columns: Vec<(String, ColumnType)> = schema.columns();
        let types: Vec<ColumnType> = columns.iter().map(|(_, column)| *column).collect();
        use ColumnType::{Boolean, Integer, Number, Text};
        let expected: Vec<(&str, ColumnType)> =
            vec![("kind", Text), ("list", Text), ("lost", Boolean), ("n", Integer), ("score", Number), ("why", Text)];
        let mut sorted: Vec<(&str, ColumnType)> =
            columns.iter().map(|(name, column)| (name.as_str(), *column)).collect();
        sorted.sort_by_key(|(name, _)| *name);
        assert_eq!((sorted, types.len()), (expected, 6));
        let mut countable: Vec<&str> = schema.countable().collect();
        countable.sort_unstable();
        assert_eq!(countable, ["kind", "lost"]);

        let good = json!({"lost": true, "why": "x", "kind": "b", "score": 1, "n": 3, "list": [1], "extra": 0});
        let read = schema.read(&format!("Here it is:\n```json\n{good}\n```")).unwrap();
        assert_eq!(read.len(), 6, "what was not asked for is left out: {read:?}");
        let wrong = |key: &str, value: Value| {
            let mut answer = good.clone();
            answer[key] = value;
            schema.read(&answer.to_string()).unwrap_err()
        };
        assert_eq!(wrong("kind", json!("c")), r#"`kind` is "c", and not one of ["a","b"]"#);
        assert_eq!(wrong("n", json!(1.5)), "`n` is 1.5, which is no integer");
        assert_eq!(wrong("lost", json!("yes")), r#"`lost` is "yes", which is no boolean"#);
        assert_eq!(schema.read("{}").unwrap_err().split('`').nth(2).unwrap(), " is missing");
        assert_eq!(schema.read("no idea").unwrap_err(), "the answer is no JSON object");
    }

    #[test]
    fn a_schema_that_is_none_is_told_how_to_be_one() {
        for schema in
            [json!({}), json!("boolean"), json!({"a": {"type": "date"}}), json!({"a b": "string"}), json!({"a": 1})]
        {
            assert!(!RowSchema::parse(&schema).unwrap_err().is_empty(), "{schema}");
        }
    }
}
