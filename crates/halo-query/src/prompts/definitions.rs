//! The tools that a model was offered: where the conventions keep their definitions, and these in one form. The names of the attributes are
//! those of the ingest's table (`ToolDefinitions` and what it falls back on in halo-ingest).

use serde_json::{Map, Value};

/// Attributes that hold definitions, or a request or parameters with a list of them, in the order in which they are believed. Of a prefix
/// that ends with a dot, the definitions are spread over numbered keys.
pub(super) const PLACES: &[&[&str]] = &[
    &["llm.tools.", "llm.request.functions."],
    &["llm.tools"],
    &["gen_ai.tool.definitions"],
    &["ai.prompt.tools"],
    &["mlflow.chat.tools"],
    &["model_request_parameters"],
    &["llm.invocation_parameters"],
    &["langfuse.observation.model.parameters"],
    &["input.value"],
    &["langfuse.observation.input"],
    &["mlflow.spanInputs"],
    &["traceloop.entity.input"],
    &["lmnr.span.input"],
    &["gcp.vertex.agent.llm_request"],
    &["request_data"],
];

/// Whether an attribute of this name is in such a place.
pub(super) fn is_at(place: &[&str], key: &str) -> bool {
    place.iter().any(|known| if known.ends_with('.') { key.starts_with(known) } else { key == *known })
}

/// The definitions in some attributes of one place, as a JSON array with a line for each; `None` when there are none. Members are sorted
/// and wrappers taken off, so that a list is one text whichever exporter wrote it.
pub(super) fn definitions<'a>(attributes: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut found = Vec::new();
    let mut spread: Vec<(usize, Map<String, Value>)> = Vec::new();
    for (key, json) in attributes {
        let Ok(value) = serde_json::from_str::<Value>(json) else { continue };
        match numbered(key) {
            Some((number, member)) => {
                let at = spread.iter().position(|(known, _)| *known == number).unwrap_or_else(|| {
                    spread.push((number, Map::new()));
                    spread.len() - 1
                });
                spread[at].1.insert(member.to_owned(), opened(value));
            }
            None => push_all(&opened(value), &mut found),
        }
    }
    spread.sort_by_key(|(number, _)| *number);
    for (_, mut members) in spread {
        // OpenInference keeps the whole definition in one member.
        match members.remove("tool.json_schema").or_else(|| members.remove("json_schema")) {
            Some(schema) => push(&schema, &mut found),
            None => push(&Value::Object(members), &mut found),
        }
    }
    as_text(&found)
}

/// Definitions, or names where no more is known, as one text. Commas stand before the lines, so that a tool that is added changes no other
/// line.
pub(super) fn as_text(definitions: &[Value]) -> Option<String> {
    let lines: Vec<String> = definitions.iter().map(Value::to_string).collect();
    (!lines.is_empty()).then(|| format!("[\n{}\n]", lines.join("\n,")))
}

/// The number and the member of a key of definitions that are spread over keys.
fn numbered(key: &str) -> Option<(usize, &str)> {
    let rest = PLACES[0].iter().find_map(|prefix| key.strip_prefix(prefix))?;
    let (number, member) = rest.split_once('.')?;
    Some((number.parse().ok()?, member))
}

/// JSON inside a text is opened.
fn opened(value: Value) -> Value {
    match value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        other => other,
    }
}

/// Takes a list of definitions, what holds such lists, or one definition.
fn push_all(value: &Value, found: &mut Vec<Value>) {
    if let Value::Array(items) = value {
        return items.iter().for_each(|item| push(item, found));
    }
    let around = ["toolConfig", "config"].iter().find_map(|key| value.get(key).filter(|inner| inner.is_object()));
    let lists = ["tools", "functions", "function_tools", "output_tools"];
    let before = found.len();
    for list in lists.iter().filter_map(|key| around.and_then(|around| around.get(key)).or_else(|| value.get(key))) {
        list.as_array().into_iter().flatten().for_each(|item| push(item, found));
    }
    if found.len() == before && (value.get("name").is_some() || value.get("function").is_some()) {
        push(value, found);
    }
}

fn push(tool: &Value, found: &mut Vec<Value>) {
    if let Value::String(text) = tool {
        // A list of names, or of definitions that are themselves JSON text.
        return match opened(tool.clone()) {
            Value::String(_) => found.push(Value::String(text.clone())),
            inner => push(&inner, found),
        };
    }
    let declared = ["functionDeclarations", "function_declarations"].iter().find_map(|key| tool.get(key));
    if let Some(declared) = declared.and_then(Value::as_array) {
        return declared.iter().for_each(|declaration| push(declaration, found));
    }
    let inner = ["function", "toolSpec", "tool"].iter().find_map(|key| tool.get(key).filter(|inner| inner.is_object()));
    let mut definition = inner.unwrap_or(tool).clone();
    if let Value::Object(members) = &mut definition {
        for (name, member) in members.iter_mut() {
            // Schemas are JSON inside JSON with some exporters.
            if matches!(name.as_str(), "parameters" | "input_schema" | "tool.parameters") {
                *member = opened(member.take());
            }
        }
    }
    found.push(definition);
}

#[cfg(test)]
mod tests {
    use super::definitions;

    #[test]
    fn the_same_tools_are_one_text_in_every_convention() {
        let expected = "[\n{\"description\":\"Finds it.\",\"name\":\"find\",\"parameters\":{\"type\":\"object\"}}\n]";
        let plain = r#"{"name":"find","description":"Finds it.","parameters":{"type":"object"}}"#;
        let function = format!(r#"{{"type":"function","function":{plain}}}"#);
        let text = |json: &str| serde_json::to_string(json).unwrap();
        let cases: Vec<Vec<(&str, String)>> = vec![
            vec![("llm.tools.0.tool.json_schema", text(&function))],
            vec![("llm.tools.0.tool.json_schema", function.clone())],
            vec![("gen_ai.tool.definitions", text(&format!("[{function}]")))],
            vec![("gen_ai.tool.definitions", format!("[{plain}]"))],
            vec![("ai.prompt.tools", format!("[{}]", text(plain)))],
            vec![("model_request_parameters", text(&format!(r#"{{"function_tools":[{plain}],"output_tools":[]}}"#)))],
            vec![("llm.invocation_parameters", text(&format!(r#"{{"temperature":0,"tools":[{function}]}}"#)))],
            vec![(
                "llm.invocation_parameters",
                format!(r#"{{"config":{{"tools":[{{"function_declarations":[{plain}]}}]}}}}"#),
            )],
            vec![("input.value", format!(r#"{{"toolConfig":{{"tools":[{{"toolSpec":{plain}}}]}}}}"#))],
            vec![
                ("llm.request.functions.0.name", text("find")),
                ("llm.request.functions.0.parameters", text(r#"{"type":"object"}"#)),
                ("llm.request.functions.0.description", text("Finds it.")),
            ],
        ];
        for case in cases {
            let told = definitions(case.iter().map(|(key, json)| (*key, json.as_str())));
            assert_eq!(told.as_deref(), Some(expected), "{case:?}");
        }
        let names = definitions([("llm.tools", r#"["find","pay"]"#)].into_iter());
        assert_eq!(names.as_deref(), Some("[\n\"find\"\n,\"pay\"\n]"));
        assert_eq!(definitions([("llm.invocation_parameters", r#"{"temperature":0}"#)].into_iter()), None);
    }
}
