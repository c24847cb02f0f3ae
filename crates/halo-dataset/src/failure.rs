//! Whether the result of a tool says that the call failed. Most failing calls leave their span's status UNSET.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Reads a tool's result for an explicit sign of failure and names it, for example `ok=false`, `error`, `http_404`, `exception`.
/// `None` when nothing says so: an empty list or a text about errors is no failure.
///
/// Only the top level of a JSON object counts, or of the one that it wraps as its result, or the first words of a text: a search result that
/// talks of errors is fine.
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

/// Keys under which a protocol wraps the result itself.
const ENVELOPES: &[&str] = &["result", "response", "output", "body", "toolResult", "tool_result"];

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
                    } else if ENVELOPES.contains(&key.as_ref()) {
                        let inner = entries.next_value::<&RawValue>()?.get();
                        // What the envelope says stands before what is in it.
                        if let Some(TopLevel(inner)) =
                            inner.starts_with('{').then(|| serde_json::from_str(inner).ok()).flatten()
                        {
                            for (key, value) in inner {
                                map.entry(key).or_insert(value);
                            }
                        }
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
    if let Some(code) = exit_code(&lower) {
        return Some(format!("exit_{code}"));
    }
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return html_failure(text);
    }
    if let Some((code, rest)) = lower.split_once(' ')
        && let Ok(code) = code.parse::<u16>()
        && (400..600).contains(&code)
        && HTTP_REASONS.iter().any(|reason| rest.starts_with(reason))
    {
        return Some(format!("http_{code}"));
    }
    // `HTTP 503 ...`, `HTTPError: 404 ...`, `TimeoutError: ...`: a class name or a protocol, then the reason.
    let first = lower.split([':', ' ']).next().unwrap_or_default();
    if lower.len() > first.len() && first.len() > 5 && (first.ends_with("error") || first.ends_with("exception")) {
        return Some(first.to_owned());
    }
    let code = lower.strip_prefix("http ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse::<u16>().ok());
    code.filter(|code| (400..600).contains(code)).map(|code| format!("http_{code}"))
}

/// How the reason phrases of HTTP's errors begin.
const HTTP_REASONS: &[&str] = &[
    "bad ",
    "unauthori",
    "payment",
    "forbidden",
    "not ",
    "method",
    "proxy",
    "request",
    "conflict",
    "gone",
    "too many",
    "unprocess",
    "internal",
    "service",
    "gateway",
    "http",
    "error",
    "client",
    "server",
];

/// The code in `exit code 1`, `exited with status 2` and the like at the beginning of a text; zero is none.
fn exit_code(lower: &str) -> Option<u32> {
    let rest = [
        "exit code",
        "exit status",
        "exited with code",
        "exited with status",
        "process exited with code",
        "command exited with code",
    ]
    .iter()
    .find_map(|start| lower.strip_prefix(start))?;
    let digits = rest.trim_start_matches([':', ' ', '=']).split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|code| *code != 0)
}

/// A page whose title or heading is that of an error: what a gateway answers in a tool's place.
fn html_failure(text: &str) -> Option<String> {
    const HEAD_CHARS: usize = 600;
    let head: String = text.chars().take(HEAD_CHARS).collect::<String>().to_ascii_lowercase();
    let said = ["<title>", "<h1>"].iter().filter_map(|tag| head.split_once(tag)?.1.split('<').next());
    let is_error = |said: &str| {
        said.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
            matches!(word, "error" | "unavailable" | "forbidden" | "unauthorized" | "gateway")
                || word.len() == 3 && word.parse::<u16>().is_ok_and(|code| (400..600).contains(&code))
        })
    };
    said.into_iter().any(is_error).then(|| "html_error".to_owned())
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
            (r#"{"result": {"ok": false, "errors": [{"code": "E1"}]}}"#, Some("ok=false")),
            (r#"{"result": {"errors": []}, "status": "ok"}"#, None),
            (r#"{"result": "failed"}"#, None),
            ("exit code 127\nstderr: no such file", Some("exit_127")),
            ("Exit code: 0\nall good", None),
            ("503 Service Unavailable: upstream connect error", Some("http_503")),
            ("404 results were found", None),
            ("<html><head><title>502 Bad Gateway</title></head></html>", Some("html_error")),
            (
                "<html><head><title>Error</title></head><body><h1>conflict</h1><p>locked</p></body></html>",
                Some("html_error"),
            ),
            ("<html><head><title>Our best recipes</title></head><p>500 of them</p></html>", None),
            ("<html><head><title>Terms of service</title></head></html>", None),
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
