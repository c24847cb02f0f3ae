//! What went wrong with one attempt: whether it may pass, and in whose words.

use std::time::Duration;

use serde_json::Value;

/// Why one attempt gave no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may be gone at the next attempt.
    Passing { error: String, retry_after: Option<Duration> },
    /// It would repeat. The code is the complaint's.
    Refused { status: u16, message: String, code: String },
    /// The conversation is too long.
    ContextLength { message: String },
}

impl Failure {
    pub(crate) fn passing(error: impl Into<String>) -> Self {
        Self::Passing { error: error.into(), retry_after: None }
    }

    /// The failure that a status and what came with it stand for.
    pub(crate) fn of_status(status: u16, complaint: Complaint, retry_after: Option<Duration>) -> Self {
        let Complaint { message, code } = complaint;
        if matches!(status, 400 | 413 | 422) && is_context_length(&code, &message) {
            return Self::ContextLength { message };
        }
        // A spent quota has the same status as a rate limit, and does not pass by waiting.
        let quota = code.contains("insufficient_quota");
        if matches!(status, 408 | 409 | 425 | 429 | 500..=599) && !quota {
            return Self::Passing { error: format!("it answered with status {status}: {message}"), retry_after };
        }
        Self::Refused { status, message, code }
    }

    /// The failure that an error object inside a stream stands for; its status has to be guessed.
    pub(crate) fn of_error_object(error: &Value) -> Self {
        let complaint = Complaint::of_value(error);
        let numbers = [&error["code"], &error["status"], &error["status_code"]];
        let number = numbers.iter().find_map(|value| {
            let text = value.as_str().and_then(|text| text.parse().ok());
            value.as_u64().or(text).filter(|n| (400..600).contains(n))
        });
        let has = |words: &[&str]| words.iter().any(|word| complaint.code.contains(word));
        let status = match number.and_then(|number| u16::try_from(number).ok()) {
            Some(status) => status,
            None if is_context_length(&complaint.code, &complaint.message) => 400,
            None if has(&["invalid_request", "invalid_prompt", "invalid_image"]) => 400,
            None if has(&["authentication", "invalid_api_key"]) => 401,
            None if has(&["billing"]) => 402,
            None if has(&["permission"]) => 403,
            None if has(&["not_found"]) => 404,
            None if has(&["insufficient_quota", "rate_limit"]) => 429,
            None if has(&["overloaded"]) => 529,
            None => 500,
        };
        Self::of_status(status, complaint, None)
    }
}

/// What an endpoint says about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Its words.
    pub(crate) message: String,
    /// Its code, type and parameter in lower case, for telling causes apart.
    pub(crate) code: String,
}

impl Complaint {
    /// Reads the body of an error: JSON in one of the usual shapes, or any text.
    pub(crate) fn of_body(body: &str) -> Self {
        let parsed: Option<Value> = serde_json::from_str(body).ok();
        match parsed {
            // Some gateways wrap the object into a list of one.
            Some(Value::Array(list)) if !list.is_empty() => {
                list.first().map_or_else(|| Self::of_value(&Value::Null), Self::of_document)
            }
            Some(value @ Value::Object(_)) => Self::of_document(&value),
            _ if body.trim().is_empty() => Self { message: "it gave no reason".to_owned(), code: String::new() },
            _ => Self { message: body.trim().to_owned(), code: String::new() },
        }
    }

    fn of_document(document: &Value) -> Self {
        match document.get("error") {
            Some(error) if !error.is_null() => Self::of_value(error),
            _ => Self::of_value(document),
        }
    }

    fn of_value(value: &Value) -> Self {
        let message = [&value["message"], &value["detail"], &value["error"], value]
            .into_iter()
            .find(|candidate| !candidate.is_null())
            .map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned))
            .unwrap_or_default();
        let word = |key: &str| value[key].as_str().unwrap_or_default();
        let code = format!("{} {} {}", word("code"), word("type"), word("param"));
        Self { message, code: code.trim_end().to_ascii_lowercase() }
    }
}

fn is_context_length(code: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let words = [
        "context length",
        "context window",
        "context size",
        "maximum context",
        "prompt is too long",
        "input is too long",
        "too many tokens",
        "exceed context limit",
    ];
    let codes = ["context_length", "request_too_large"];
    codes.iter().any(|word| code.contains(word)) || words.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_the_shapes_that_providers_use() {
        let check = |body: &str, message: &str, code: &str| {
            let expected = Complaint { message: message.into(), code: code.into() };
            assert_eq!(Complaint::of_body(body), expected, "{body}");
        };
        check(r#"{"error": {"message": "no", "type": "A_b", "code": "c"}}"#, "no", "c a_b");
        check(r#"{"error": "plain"}"#, "plain", "");
        check(r#"{"object": "error", "message": "vllm says no", "code": 400}"#, "vllm says no", "");
        check(r#"{"detail": [{"loc": ["body"]}]}"#, r#"[{"loc":["body"]}]"#, "");
        check(r#"[{"error": {"message": "listed"}}]"#, "listed", "");
        check(r#"{"error": {"message": "no", "param": "reasoning.effort"}}"#, "no", "  reasoning.effort");
        check(
            r#"{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}"#,
            "Overloaded",
            " overloaded_error",
        );
        check("<h1>Bad Gateway</h1>\n", "<h1>Bad Gateway</h1>", "");
        check("", "it gave no reason", "");
    }

    #[test]
    fn tells_what_may_pass_from_what_would_repeat() {
        let check = |status: u16, code: &str, message: &str, expected: &str| {
            let complaint = Complaint { message: message.into(), code: code.into() };
            let kind = match Failure::of_status(status, complaint, None) {
                Failure::Passing { .. } => "passing",
                Failure::Refused { .. } => "refused",
                Failure::ContextLength { .. } => "context",
            };
            assert_eq!(kind, expected, "{status} {code} {message}");
        };
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            check(status, "", "", "passing");
        }
        for status in [301, 400, 401, 403, 404, 413, 422] {
            check(status, "", "", "refused");
        }
        check(429, "insufficient_quota", "", "refused");
        check(400, "context_length_exceeded", "", "context");
        check(400, "", "the request exceeds the available context size", "context");
        check(400, " invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum", "context");
        check(400, "", "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000", "context");
        check(400, "", "Your input exceeds the context window of this model.", "context");
        check(413, " request_too_large", "Request exceeds the maximum size", "context");
        check(500, "", "maximum context length", "passing");
    }

    #[test]
    fn guesses_the_status_of_an_error_in_a_stream() {
        let check = |error: Value, expected: Failure| {
            assert_eq!(Failure::of_error_object(&error), expected, "{error}");
        };
        let refused =
            |status, message: &str, code: &str| Failure::Refused { status, message: message.into(), code: code.into() };
        check(json!({"message": "busy"}), Failure::passing("it answered with status 500: busy"));
        check(json!({"message": "busy", "code": "503"}), Failure::passing("it answered with status 503: busy"));
        check(json!({"message": "who", "type": "authentication_error"}), refused(401, "who", " authentication_error"));
        check(json!({"message": "no", "code": 404}), refused(404, "no", ""));
        check(
            json!({"message": "long", "code": "context_length_exceeded"}),
            Failure::ContextLength { message: "long".into() },
        );
        check(
            json!({"message": "Overloaded", "type": "overloaded_error"}),
            Failure::passing("it answered with status 529: Overloaded"),
        );
        check(
            json!({"message": "slow down", "code": "rate_limit_exceeded"}),
            Failure::passing("it answered with status 429: slow down"),
        );
        check(
            json!({"message": "prompt is too long: 9 tokens > 8 maximum", "type": "invalid_request_error"}),
            Failure::ContextLength { message: "prompt is too long: 9 tokens > 8 maximum".into() },
        );
        check(json!({"message": "pay", "type": "billing_error"}), refused(402, "pay", " billing_error"));
        check(json!({"message": "spent", "code": "insufficient_quota"}), refused(429, "spent", "insufficient_quota"));
        check(json!("just words"), Failure::passing("it answered with status 500: just words"));
    }
}
