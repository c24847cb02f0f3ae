//! Figures and words that are not what they were said to be, found by comparing two values part by part.

use serde::Serialize;
use serde_json::Value;

/// Shares and statistics are told apart above this part of them: what was written as text and read again may differ in the last digit.
const TOLERANCE: f64 = 1e-9;

/// Longest text that is shown of a value.
const SHOWN_CHARS: usize = 100;

/// One part that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// What it is a part of.
    what: String,
    /// The part, as a path.
    figure: String,
    report: String,
    measured: String,
}

impl Difference {
    pub(super) fn new(what: &str, figure: &str, report: &str, measured: &str) -> Self {
        let [what, figure, report, measured] = [what, figure, report, measured].map(str::to_owned);
        Self { what, figure, report, measured }
    }
}

/// All parts in which what a report says differs from what was measured.
pub(super) fn differences<T: Serialize>(what: &str, report: &T, measured: &T) -> Vec<Difference> {
    let mut found = Vec::new();
    match (serde_json::to_value(report), serde_json::to_value(measured)) {
        (Ok(report), Ok(measured)) => compare(what, String::new(), &report, &measured, &mut found),
        _ => found.push(Difference::new(what, "", "a value", "no value")),
    }
    found
}

fn compare(what: &str, path: String, report: &Value, measured: &Value, found: &mut Vec<Difference>) {
    match (report, measured) {
        (Value::Object(one), Value::Object(other)) => {
            let added = other.keys().filter(|key| !one.contains_key(*key));
            for key in one.keys().chain(added) {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                compare(what, joined(&path, key), &of(one), &of(other), found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(what, format!("{path}[{index}]"), one, other, found);
            }
        }
        _ if same(report, measured) => {}
        _ => found.push(Difference::new(what, &path, &shown(report), &shown(measured))),
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        // Counts are counts.
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
            _ => false,
        },
        _ => one == other,
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_named_by_its_place() {
        let report = json!({"affected": 53, "rate": 0.1 + 0.2, "scope": [{"key": "model", "lift": 2.0}], "title": "t", "gone": 1});
        let measured =
            json!({"affected": 54, "rate": 0.3, "scope": [{"key": "model", "lift": 2.1}], "title": "t", "come": []});
        let expected = [
            ("affected", "53", "54"),
            ("gone", "1", "null"),
            ("scope[0].lift", "2.0", "2.1"),
            ("come", "null", "nothing"),
        ];
        let expected = expected.map(|(figure, report, measured)| Difference::new("finding", figure, report, measured));
        let mut found = differences("finding", &report, &measured);
        found.sort_by_key(|difference| expected.iter().position(|known| known == difference));
        assert_eq!(found, expected);
        assert_eq!(differences("finding", &report, &report), []);
        assert_eq!(differences("counts", &json!([1, 2]), &json!([1])), [Difference::new("counts", "", "[1,2]", "[1]")]);
    }
}
