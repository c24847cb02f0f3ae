//! Whether the result of a tool says that the call failed. Most failing calls leave their span's status UNSET.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a tool's result for an explicit sign of failure and names it, for example `ok=false`, `error`, `http_404`, `exception`.
/// `None` when nothing says so: an empty list or a text about errors is no failure.
///
/// Only the top level of a JSON object counts, or the first words of a text: a search result that talks of errors is fine.
#[must_use]
pub fn result_failure(result: &str) -> Option<String> {
    let text = result.trim();
    if text.starts_with('{') {
        return serde_json::from_str::<TopLevel>(text).ok().and_then(|TopLevel(map)| object_failure(&map));
    }
    text_failure(text)
}

/// What went wrong with a tool call by its result: as [`result_failure`], and `empty` where there is nothing in it.
#[must_use]
pub fn failure_code(result: &str) -> Option<String> {
    result_failure(result).or_else(|| is_nothing(result).then(|| "empty".to_owned()))
}

/// Whether a result is blank, `null`, or an empty string, list or object.
fn is_nothing(result: &str) -> bool {
    let mut shown = [0_u8; 4];
    let mut len = 0;
    for byte in result.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let Some(place) = shown.get_mut(len) else { return false };
        *place = byte;
        len += 1;
    }
    matches!(&shown[..len], b"" | b"[]" | b"{}" | b"null" | b"\"\"")
}

/// Members of an object that may tell of a failure. Results run to megabytes, and everything else in them is passed over.
struct TopLevel(Map<String, Value>);

/// Keys of such members.
const TELLING: &[&str] = &[
    "ok",
    "success",
    "succeeded",
    "accepted",
    "is_error",
    "isError",
    "status_code",
    "statusCode",
    "http_status",
    "code",
    "status",
    "error",
    "errors",
    "exception",
    "error_message",
];

impl<'de> Deserialize<'de> for TopLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = TopLevel;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<TopLevel, A::Error> {
                let mut map = Map::new();
                while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
                    if TELLING.contains(&key.as_ref()) {
                        map.insert(key.into_owned(), entries.next_value()?);
                    } else {
                        entries.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(TopLevel(map))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn object_failure(map: &Map<String, Value>) -> Option<String> {
    for key in ["ok", "success", "succeeded", "accepted"] {
        if map.get(key) == Some(&Value::Bool(false)) {
            return Some(format!("{key}=false"));
        }
    }
    for key in ["is_error", "isError"] {
        if map.get(key) == Some(&Value::Bool(true)) {
            return Some(format!("{key}=true"));
        }
    }
    for key in ["status_code", "statusCode", "http_status", "code", "status"] {
        if let Some(code) = map.get(key).and_then(Value::as_u64)
            && (400..600).contains(&code)
        {
            return Some(format!("http_{code}"));
        }
    }
    if let Some(Value::String(status)) = map.get("status") {
        let lower = status.to_ascii_lowercase();
        if ["error", "failed", "failure", "denied", "declined", "rejected"].contains(&lower.as_str()) {
            return Some(format!("status={lower}"));
        }
    }
    for key in ["error", "errors", "exception", "error_message"] {
        let says = match map.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(fields)) => !fields.is_empty(),
            Some(Value::Bool(true) | Value::Number(_)) => true,
        };
        if says {
            return Some(key.to_owned());
        }
    }
    None
}

fn text_failure(text: &str) -> Option<String> {
    let lower: String = text.chars().take(80).collect::<String>().to_ascii_lowercase();
    if lower.starts_with("traceback (most recent call last)") {
        return Some("exception".to_owned());
    }
    for (start, code) in [("error:", "error"), ("error ", "error"), ("exception:", "exception"), ("fatal:", "error")] {
        if lower.starts_with(start) {
            return Some(code.to_owned());
        }
    }
    // `HTTP 503 ...`, `HTTPError: 404 ...`, `TimeoutError: ...`: a class name or a protocol, then the reason.
    let first = lower.split([':', ' ']).next().unwrap_or_default();
    if lower.len() > first.len() && first.len() > 5 && (first.ends_with("error") || first.ends_with("exception")) {
        return Some(first.to_owned());
    }
    let code = lower.strip_prefix("http ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse::<u16>().ok());
    code.filter(|code| (400..600).contains(code)).map(|code| format!("http_{code}"))
}

#[cfg(test)]
mod tests {
    use super::{failure_code, result_failure};

    #[test]
    fn nothing_is_a_failure_of_its_own() {
        for text in ["", " \n", "[]", "{ }", "null", "\"\""] {
            assert_eq!(failure_code(text).as_deref(), Some("empty"), "{text:?}");
        }
        for text in ["0", "[0]", "nulls", "{}}", "none"] {
            assert_eq!(failure_code(text), None, "{text:?}");
        }
        assert_eq!(failure_code(r#"{"ok":false}"#).as_deref(), Some("ok=false"));
    }

    #[test]
    fn explicit_signs_only() {
        let cases = [
            (r#"{"ok": false, "reason": "closed"}"#, Some("ok=false")),
            (r#"{"success":false}"#, Some("success=false")),
            (r#"{"accepted":false,"problem":"date"}"#, Some("accepted=false")),
            (r#"{"status":"Declined"}"#, Some("status=declined")),
            (r#"{"ok": true, "error": null}"#, None),
            (r#"{"error": "no such order"}"#, Some("error")),
            (r#"{"error": ""}"#, None),
            (r#"{"errors": []}"#, None),
            (r#"{"status": 404, "detail": "x"}"#, Some("http_404")),
            (r#"{"status": "failed"}"#, Some("status=failed")),
            (r#"{"status": "shipped"}"#, None),
            (r#"{"isError": true}"#, Some("isError=true")),
            (r#"{"data": {"ok": false}}"#, None),
            ("Error: payment method not found", Some("error")),
            ("HTTP 503 Service Unavailable", Some("http_503")),
            ("TimeoutError: tool timed out", Some("timeouterror")),
            ("Traceback (most recent call last):\n ...", Some("exception")),
            ("Errors were discussed at length", None),
            ("No results", None),
            ("[]", None),
            ("", None),
            ("{not json, error", None),
        ];
        for (text, expected) in cases {
            assert_eq!(result_failure(text).as_deref(), expected, "{text}");
        }
    }
}
