//! The checks as SARIF 2.1.0 (OASIS), which code scanning services read.

use halo_checks::{Change, FindingChange};
use halo_protocol::Severity;
use serde_json::{Value, json};

use super::Outcome;

/// The whole document.
pub(super) fn document(outcome: &Outcome) -> String {
    let rules: Vec<Value> = outcome
        .checked
        .outcomes
        .iter()
        .map(|check| json!({"id": check.name, "shortDescription": {"text": check.title}}))
        .collect();
    let results: Vec<Value> = outcome
        .changes
        .iter()
        // What is not there is no result: services that know no baseline would show it as one.
        .filter(|change| !matches!(change.change, Change::Gone | Change::Unmeasured))
        .map(|change| result(outcome, change))
        .collect();
    let errors = outcome.checked.outcomes.iter().filter_map(|check| {
        let error = check.error.as_ref()?;
        Some(json!({"level": "error", "message": {"text": format!("check {}: {error}", check.name)}}))
    });
    let invocation = json!({
        "executionSuccessful": outcome.checked.outcomes.iter().all(|check| check.error.is_none()),
        "toolExecutionNotifications": errors.collect::<Vec<_>>(),
    });
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "halo", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "invocations": [invocation],
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn result(outcome: &Outcome, change: &FindingChange) -> Value {
    let finding = outcome.finding(change);
    let message = match finding {
        Some(finding) => {
            let quotes: String = finding
                .evidence
                .iter()
                .map(|evidence| format!("\ntrace {}, span {}: {}", evidence.trace_id, evidence.span_id, evidence.quote))
                .collect();
            format!(
                "{}\n\n{}\n\nCause: {}\n\nFix: {}\n{quotes}",
                finding.title, finding.claim, finding.cause, finding.fix
            )
        }
        None => change.title.clone(),
    };
    let mut result = json!({
        "level": level(change.severity),
        "message": {"text": message},
        // Traces have no lines: a result stands for the whole of what was read.
        "locations": outcome.inputs.iter().map(|input| location(input)).collect::<Vec<_>>(),
        "partialFingerprints": {"haloFindingId/v1": change.id},
        "properties": {"before": change.before, "now": change.now, "severity": change.severity.as_str()},
    });
    if let Some(check) = &change.check {
        result["ruleId"] = check.as_str().into();
    }
    if outcome.has_baseline {
        result["baselineState"] = state(change.change).into();
        result["properties"]["change"] = change.change.as_str().into();
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// SARIF's words for it.
fn state(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Worse | Change::Better => "updated",
        Change::Held | Change::Unmeasured => "unchanged",
        Change::Gone => "absent",
    }
}

/// A file or folder as a place.
fn location(input: &str) -> Value {
    json!({"physicalLocation": {"artifactLocation": {"uri": uri(input)}}})
}

/// A path as a URI reference: what has a meaning there, or none, is written by its bytes (RFC 3986).
fn uri(path: &str) -> String {
    let path = path.replace(std::path::MAIN_SEPARATOR, "/");
    let mut uri = String::with_capacity(path.len());
    for byte in path.strip_prefix("./").unwrap_or(&path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_places() {
        assert_eq!(uri("./logs/week 1/[a]*%.jsonl"), "logs/week%201/%5Ba%5D%2A%25.jsonl");
    }
}
