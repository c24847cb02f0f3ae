//! The tools that a model was offered, by name.

use super::shapes::{is_object, pick};
use crate::json::{Json, JsonKind, with_parsed};

/// Names of the tools that definitions offer: OpenAI's, Anthropic's, Bedrock's, Gemini's, OTel's, OpenInference's and pydantic-ai's shapes;
/// a list, a list of JSON texts, a request with such a list, or one definition.
pub(crate) fn tool_names(definitions: &str, names: &mut Vec<String>) {
    let _parsed = with_parsed(definitions, |value| push_tools(value, names));
}

fn push_tools(value: Json<'_, '_>, names: &mut Vec<String>) {
    if matches!(value.kind(), JsonKind::Array(_)) {
        return value.items().for_each(|tool| push_tool(tool, names));
    }
    let around = pick(value, &["toolConfig", "config"]).filter(|inner| is_object(*inner)).unwrap_or(value);
    let lists = ["tools", "functions", "function_tools", "output_tools"];
    let found: Vec<_> = lists.iter().filter_map(|key| pick(around, &[key]).or_else(|| pick(value, &[key]))).collect();
    match found.is_empty() {
        true => push_tool(value, names),
        false => found.into_iter().flat_map(Json::items).for_each(|tool| push_tool(tool, names)),
    }
}

fn push_tool(tool: Json<'_, '_>, names: &mut Vec<String>) {
    if let Some(text) = tool.text() {
        // A list of names, or of definitions that are themselves JSON text.
        if text.trim_start().starts_with('{') {
            let _parsed = with_parsed(text, |inner| push_tool(inner, names));
        } else {
            names.push(text.to_owned());
        }
        return;
    }
    if let Some(declarations) = pick(tool, &["functionDeclarations", "function_declarations"]) {
        return declarations.items().for_each(|declaration| push_tool(declaration, names));
    }
    let inner = pick(tool, &["function", "toolSpec", "tool"]).filter(|inner| is_object(*inner)).unwrap_or(tool);
    names.extend(pick(inner, &["name", "tool.name"]).and_then(Json::text).map(str::to_owned));
}
