//! The system prompt of an LLM span, found in the attributes of the conventions that keep messages there.

use serde_json::{Map, Value};

/// Attributes that hold messages or the prompt itself, as JSON or as text.
const MESSAGE_KEYS: &[&str] = &[
    "gen_ai.system_instructions",
    "llm.input_messages",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "ai.prompt.messages",
    "ai.prompt",
    "input.value",
    "inference.llm.input_messages",
    "mlflow.spanInputs",
];

/// Prefixes of messages that are spread over numbered keys, and the keys of role and text below the number.
const NUMBERED: &[(&str, &str, &[&str])] = &[
    ("llm.input_messages", "message.role", &["message.content", "message.contents.0.message_content.text"]),
    ("gen_ai.prompt", "role", &["content"]),
];

/// Messages in which a system prompt is looked for: it stands first.
const MESSAGES_MAX: usize = 4;

/// A system prompt and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SystemPrompt {
    /// Its text.
    pub(crate) text: String,
    /// Attribute that holds it, alone or among other messages.
    pub(crate) key: String,
}

/// Finds the system prompt in the attributes of a span, a JSON object.
pub(crate) fn find(attributes: &str) -> Option<SystemPrompt> {
    let Ok(Value::Object(attributes)) = serde_json::from_str(attributes) else {
        return None;
    };
    for (prefix, role_key, text_keys) in NUMBERED {
        for number in 0..MESSAGES_MAX {
            let at = |key: &str| attributes.get(&format!("{prefix}.{number}.{key}"));
            if !at(role_key).and_then(Value::as_str).is_some_and(is_system) {
                continue;
            }
            for key in *text_keys {
                if let Some(text) = at(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
                    return Some(SystemPrompt { text: text.to_owned(), key: format!("{prefix}.{number}.{key}") });
                }
            }
        }
    }
    MESSAGE_KEYS.iter().find_map(|key| {
        let value = attributes.get(*key)?;
        let value = decode(value);
        // Only this attribute is the prompt itself; the others hold conversations.
        let text = if *key == "gen_ai.system_instructions" { content(&value) } else { in_messages(&value) };
        text.map(|text| SystemPrompt { text, key: (*key).to_owned() })
    })
}

/// JSON inside a string is opened.
fn decode(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

fn in_messages(value: &Value) -> Option<String> {
    match value {
        Value::Array(messages) => messages.iter().take(MESSAGES_MAX).find_map(|message| {
            let message = message.as_object()?;
            let role = message.get("role").or_else(|| message.get("message.role")).or_else(|| message.get("type"));
            if !role.and_then(Value::as_str).is_some_and(is_system) {
                return None;
            }
            message_text(message)
        }),
        Value::Object(request) => {
            if let Some(text) = request.get("system").or_else(|| request.get("instructions")).and_then(content) {
                return Some(text);
            }
            in_messages(&decode(request.get("messages").or_else(|| request.get("input"))?))
        }
        _ => None,
    }
}

fn message_text(message: &Map<String, Value>) -> Option<String> {
    let parts = message.get("content").or_else(|| message.get("message.content")).or_else(|| message.get("parts"))?;
    content(parts)
}

/// Text of a content: a string, a part with a text, or several of these.
fn content(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(part) => part.get("text").or_else(|| part.get("content")).and_then(content)?,
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().filter_map(content).collect();
            texts.join("\n")
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

fn is_system(role: &str) -> bool {
    matches!(role, "system" | "developer")
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn every_convention_is_read() {
        let cases = [
            (
                r#"{"llm.input_messages.0.message.role":"system","llm.input_messages.0.message.content":"Be kind."}"#,
                Some("Be kind."),
            ),
            (r#"{"gen_ai.prompt.0.role":"system","gen_ai.prompt.0.content":"Be kind."}"#, Some("Be kind.")),
            (r#"{"gen_ai.system_instructions":"[{\"type\":\"text\",\"content\":\"Be kind.\"}]"}"#, Some("Be kind.")),
            (
                r#"{"gen_ai.input.messages":"[{\"role\":\"system\",\"parts\":[{\"type\":\"text\",\"content\":\"Be kind.\"}]}]"}"#,
                Some("Be kind."),
            ),
            (
                r#"{"input.value":"{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"Be kind.\"}]}]}"}"#,
                Some("Be kind."),
            ),
            (
                r#"{"llm.input_messages":[{"role":"user","content":"hi"},{"role":"developer","content":"Be kind."}]}"#,
                Some("Be kind."),
            ),
            (r#"{"input.value":"Be kind."}"#, None),
            (r#"{"llm.input_messages":[{"role":"user","content":"hi"}]}"#, None),
            ("not json", None),
        ];
        for (attributes, expected) in cases {
            let text = find(attributes).map(|prompt| prompt.text);
            assert_eq!(text.as_deref(), expected, "{attributes}");
        }
    }
}
