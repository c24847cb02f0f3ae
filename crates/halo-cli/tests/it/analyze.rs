//! `halo analyze` without a model: the bundled example, the report in all its forms, and the gate.

use std::collections::HashMap;

use halo_protocol::{Finding, Report, RunEnd, RunMode, Severity};
use insta::assert_snapshot;
use serde_json::Value;

use crate::run_log;
use crate::sandbox::Sandbox;

const EXAMPLE: &str = "support-agent.jsonl.zst";

/// One story, because the checks take seconds on the example: analyse it as a newcomer does, prove what the report says with other
/// commands, and analyse it again as a gate in CI does.
#[test]
fn the_bundled_example_as_a_newcomer_and_as_a_gate() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture(EXAMPLE);
    let first = sandbox.run(&["analyze", &name]);
    first.expect_code(0);
    assert!(
        first.stderr.contains("no key and no --model: the report comes from the built-in checks alone\n"),
        "{}",
        first.stderr
    );
    let report = report_named(&first.stdout);
    assert_eq!((&report.run.mode, &report.run.end), (&RunMode::Offline, &RunEnd::Complete));
    assert_eq!((report.dataset.traces, report.dataset.spans), (150, 1904));
    assert_eq!(report.coverage.traces_checked, 150);
    assert!(!report.findings.is_empty());

    sandbox.run(&["ingest", "-q", &name, "-o", "example.halo"]).expect_code(0);
    counts_stand(&sandbox, &report.findings);
    quotes_stand(&sandbox, &report.findings);

    let second =
        sandbox.run(&["analyze", &name, "--offline", "--out", "gate", "--fail-on", "high", "--format", "json"]);
    second.expect_code(1);
    let high = report.findings.iter().filter(|finding| finding.severity >= Severity::High).count();
    assert_eq!(
        second.stderr,
        format!(
            "the traces were read before and are unchanged\nreport: gate/report.html\n--fail-on high: {high} findings\n"
        )
    );
    assert_eq!(second.stdout, sandbox.read("gate/report.json"));
    let again: Report = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(without_times(again), without_times(report));
    for name in ["run.json", "events.jsonl", "findings.json", "report.md", "report.html"] {
        assert!(!sandbox.read(&format!("gate/{name}")).is_empty(), "{name}");
    }
    let events = run_log::events(&sandbox.read("gate/events.jsonl"));
    run_log::check(&events);
    sandbox.run(&["verify", "gate"]).expect_code(0);
}

/// The report whose files the summary names.
fn report_named(summary: &str) -> Report {
    let mut report = None;
    for (word, ending) in [("read", ".html"), ("or", ".md"), ("data", ".json"), ("log", ".jsonl")] {
        let line = summary.lines().find(|line| line.split_whitespace().next() == Some(word));
        let path =
            line.unwrap_or_else(|| panic!("no line `{word}` in\n{summary}")).trim().split_once(' ').unwrap().1.trim();
        assert!(path.ends_with(ending), "{path}");
        let text = std::fs::read_to_string(path).unwrap();
        if word == "data" {
            report = Some(serde_json::from_str(&text).unwrap());
        }
    }
    report.unwrap()
}

/// Runs the queries of all findings again, by another command.
fn counts_stand(sandbox: &Sandbox, findings: &[Finding]) {
    let counts: Vec<String> = findings
        .iter()
        .enumerate()
        .map(|(number, finding)| {
            let (affected, population) = (&finding.affected_sql, &finding.population_sql);
            format!(
                "SELECT {number} AS number, hit.traces AS affected, all_of.traces AS population, out.traces AS outside
                 FROM (SELECT count(DISTINCT trace_id) AS traces FROM ({affected})) AS hit,
                      (SELECT count(DISTINCT trace_id) AS traces FROM ({population})) AS all_of,
                      (SELECT count(*) AS traces FROM ({affected})
                       WHERE trace_id NOT IN (SELECT trace_id FROM ({population}))) AS out"
            )
        })
        .collect();
    let rows = sandbox.rows("example.halo", &format!("{} ORDER BY number", counts.join(" UNION ALL ")));
    assert_eq!(rows.len(), findings.len());
    for (row, finding) in rows.iter().zip(findings) {
        let counted = (row["affected"].as_u64(), row["population"].as_u64(), row["outside"].as_u64());
        let told = (Some(finding.affected), Some(finding.population), Some(0));
        assert_eq!(counted, told, "{}", finding.title);
        assert!(finding.verified && !finding.evidence.is_empty(), "{}", finding.title);
    }
}

/// Looks every quote up in its span, in what stands in the file.
fn quotes_stand(sandbox: &Sandbox, findings: &[Finding]) {
    let rows = sandbox.rows("example.halo", "SELECT * FROM spans");
    let spans: HashMap<(&str, &str), &Value> =
        rows.iter().map(|row| ((row["trace_id"].as_str().unwrap(), row["span_id"].as_str().unwrap()), row)).collect();
    for finding in findings {
        for evidence in &finding.evidence {
            let span = spans[&(evidence.trace_id.as_str(), evidence.span_id.as_str())];
            let mut texts = Vec::new();
            decode(span, &mut texts);
            assert!(!evidence.quote.trim().is_empty(), "{}", finding.title);
            assert!(
                texts.iter().any(|text| text.contains(&evidence.quote)),
                "{}: {} is not in {span}",
                finding.title,
                evidence.quote
            );
        }
    }
}

/// Every text of a span: those of its columns, and those within the JSON that stands in them.
fn decode(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            texts.push(text.clone());
            if let Ok(inner @ (Value::Object(_) | Value::Array(_) | Value::String(_))) = serde_json::from_str(text) {
                decode(&inner, texts);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| decode(item, texts)),
        Value::Object(fields) => fields.values().for_each(|item| decode(item, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn without_times(mut report: Report) -> Report {
    report.run.started_at.clear();
    report.run.elapsed_ms = 0;
    report
}

#[test]
fn raw_input_is_read_once_while_it_is_unchanged() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    let analyze = || {
        let ended = sandbox.run(&["analyze", &name, "--offline", "--out", "run"]);
        ended.expect_code(0);
        sandbox.normal(&ended.stderr)
    };
    let mut shown = vec![analyze(), analyze()];
    let mut text = sandbox.read(&name);
    let mut grown: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    grown["span_id"] = "00000003000000ff".into();
    text.push_str(&grown.to_string());
    sandbox.write(&name, &text);
    shown.push(analyze());
    assert_snapshot!(shown.join("\n"), @r"
    14 new spans from 1 input in [TIME]

    the traces were read before and are unchanged

    15 new spans from 1 input in [TIME]
    ");
    let report: Report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    assert_eq!(report.dataset.spans, 15);
}

#[test]
fn checks_are_kept_until_the_dataset_changes() {
    let sandbox = Sandbox::new();
    let example = sandbox.fixture(EXAMPLE);
    sandbox.run(&["ingest", "-q", &example, "-o", "traces.halo"]).expect_code(0);
    let analyze = || -> Report {
        sandbox.run(&["analyze", "-q", "traces.halo", "--offline", "--out", "run"]).expect_code(0);
        without_times(serde_json::from_str(&sandbox.read("run/report.json")).unwrap())
    };
    let found = analyze();
    assert!(!found.findings.is_empty());
    let written = sandbox.read("run/findings.json");
    assert_eq!(analyze(), found);
    assert_eq!(sandbox.read("run/findings.json"), written, "to the last digit");

    // The second time they were read and not looked for again.
    let mut kept: Value = serde_json::from_str(&sandbox.read("traces.halo/checks.json")).unwrap();
    kept["report"]["findings"] = Value::Array(Vec::new());
    sandbox.write("traces.halo/checks.json", kept.to_string());
    assert_eq!(analyze().findings, []);

    // What other checks found, or what can't be read, is not taken.
    kept["key"]["checks"] = "others".into();
    for text in [kept.to_string(), "{\"key\":".to_owned()] {
        sandbox.write("traces.halo/checks.json", &text);
        assert_eq!(analyze(), found);
    }

    // Another dataset is looked through anew.
    sandbox.fixture("small.jsonl");
    sandbox.run(&["ingest", "-q", "small.jsonl", "-o", "traces.halo"]).expect_code(0);
    let grown = analyze();
    assert!(grown.dataset.spans > found.dataset.spans);
    assert!(grown.coverage.checks.iter().all(|check| check.population <= grown.dataset.traces));
    assert!(grown.coverage.checks.iter().any(|check| check.population > found.dataset.traces));
}

#[test]
fn the_report_on_stdout_in_every_form() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    let analyze = |format: &str| {
        let ended = sandbox.run(&["analyze", "traces.halo", "--offline", "--out", "run", "--format", format]);
        ended.expect_code(0);
        assert_eq!(ended.stderr, "report: run/report.html\n");
        ended.stdout
    };
    assert_eq!(analyze("markdown"), sandbox.read("run/report.md"));
    assert_eq!(analyze("html"), sandbox.read("run/report.html"));
    assert!(sandbox.read("run/report.html").trim_start().to_lowercase().starts_with("<!doctype html"));
    let json = analyze("json");
    assert_eq!(json, sandbox.read("run/report.json"));
    let report: Report = serde_json::from_str(&json).unwrap();
    assert_eq!((report.dataset.traces, report.dataset.spans), (3, 14));
    let events = analyze("events");
    assert_eq!(events, sandbox.read("run/events.jsonl"));
    run_log::check(&run_log::events(&events));
}

#[test]
fn halos_own_command_line_quietly_and_with_a_gate_that_does_not_fire() {
    let sandbox = Sandbox::new();
    let name = sandbox.fixture("small.jsonl");
    let question = "Why do runs fail?";
    let ended = sandbox.run(&[&name, "-p", question, "--offline", "-q", "--out", "run", "--fail-on", "critical"]);
    assert_eq!(ended.shown(), "exit code 0\n");
    for name in ["run.json", "events.jsonl", "findings.json", "report.json", "report.md", "report.html"] {
        assert!(sandbox.path(&format!("run/{name}")).is_file(), "{name}");
    }
    let report: Report = serde_json::from_str(&sandbox.read("run/report.json")).unwrap();
    // Nobody was asked: the checks look for the same faults whatever the question.
    assert_eq!(report.run.prompt, None);
    assert_eq!(report.run.input, name);
}

#[test]
fn words_that_make_no_sense() {
    let sandbox = Sandbox::with_dataset("small.jsonl");
    sandbox.write("file", "x");
    let shown = [
        &[][..],
        &["analyse", "traces.halo"],
        &["analyze"],
        &["analyze", "traces.halo", "--max-turns", "0"],
        &["analyze", "traces.halo", "--fail-on", "worst"],
        &["analyze", "traces.halo", "--offline", "--model", "m"],
        &["analyze", "traces.halo", "--offline", "--out", "file"],
        &["analyze", "traces.halo", "-m", "m", "--api-key", "k", "--base-url", "ftp://models"],
        &["analyze", "traces.halo", "-m", "m", "--api-key", "k", "--context", "missing.md"],
        &["analyze", "traces.halo", "-m", "m", "-H", "Authorization sk-secret"],
    ]
    .map(|arguments: &[&str]| format!("$ halo {}\n{}", arguments.join(" "), sandbox.run(arguments).shown()));
    let shown = shown.join("\n");
    let (answers, value) =
        (shown.replace("$ halo analyze traces.halo -m m -H Authorization sk-secret\n", ""), "sk-secret");
    assert!(!answers.contains(value), "a header's value may be a key, and is not repeated");
    assert_snapshot!(shown);
}
