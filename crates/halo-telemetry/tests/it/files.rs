//! Spans in a file.

use std::path::Path;

use halo_telemetry::{FileExporter, Span, SpanBuilder, Telemetry, TelemetryError, TelemetryReport};
use serde_json::{Value, json};

use crate::script::eventful_run;

fn spans() -> Vec<Span> {
    let mut builder = SpanBuilder::new("run-7");
    eventful_run().iter().flat_map(|event| builder.on_event(event)).collect()
}

/// What a line around one span has to be.
fn document(span: &Span) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let attribute = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
    json!({"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", "halo"), attribute("service.version", version)]},
        "scopeSpans": [{"scope": {"name": "halo", "version": version}, "spans": [span]}],
    }]})
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_line_a_span_as_soon_as_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telemetry.jsonl");
    std::fs::write(&path, "older\n").unwrap();
    let telemetry = Telemetry::to_file(SpanBuilder::new("run-7"), &path).unwrap();
    let mut observer = telemetry.observer();
    let mut counts = Vec::new();
    for event in eventful_run() {
        observer(&event);
        counts.push(std::fs::read_to_string(&path).unwrap().lines().count());
    }
    assert_eq!(counts, [0, 0, 0, 0, 0, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 7, 7, 8, 9, 10, 11, 12, 12, 13]);
    let report = runtime().block_on(telemetry.finish());
    assert_eq!(report, TelemetryReport { spans: 13, dropped: 0, error: None });
    assert_eq!(lines(&path), spans().iter().map(document).collect::<Vec<_>>());
    // Who still holds an observer can't write behind the end.
    observer(&eventful_run()[5]);
    assert_eq!(lines(&path).len(), 13);
}

#[test]
fn what_is_open_at_the_end_is_written_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telemetry.jsonl");
    let telemetry = Telemetry::to_file(SpanBuilder::new("run-7"), &path).unwrap();
    let mut observer = telemetry.observer();
    eventful_run()[..6].iter().for_each(&mut observer);
    assert_eq!(lines(&path).len(), 1);
    let report = runtime().block_on(telemetry.finish());
    assert_eq!((report.spans, lines(&path).len()), (4, 4));
}

#[test]
fn a_file_goes_on_and_a_cut_line_stays_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telemetry.jsonl");
    let spans = spans();
    let write = |spans: &[Span]| {
        let mut exporter = FileExporter::append(&path).unwrap();
        exporter.export(spans);
        assert_eq!(exporter.finish(), TelemetryReport { spans: spans.len() as u64, dropped: 0, error: None });
    };
    write(&spans[..1]);
    write(&spans[1..2]);
    assert_eq!(lines(&path), spans[..2].iter().map(document).collect::<Vec<_>>());

    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 10]).unwrap();
    write(&spans[2..4]);
    let text = std::fs::read_to_string(&path).unwrap();
    let parsed: Vec<bool> = text.lines().map(|line| serde_json::from_str::<Value>(line).is_ok()).collect();
    assert_eq!(parsed, [true, false, true, true]);
}

#[test]
fn a_file_that_cannot_be_made_or_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/telemetry.jsonl");
    let error = Telemetry::to_file(SpanBuilder::new("run-7"), &path).unwrap_err();
    assert!(matches!(&error, TelemetryError::File { path: told, .. } if *told == path), "{error}");
    assert!(error.to_string().starts_with("cannot write telemetry to `"), "{error}");
}

/// A disk that is full the moment one writes to it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_spans_and_not_the_run() {
    let mut exporter = FileExporter::create(Path::new("/dev/full")).unwrap();
    exporter.export(&spans());
    let report = exporter.finish();
    assert_eq!((report.spans, report.dropped), (0, 13));
    assert!(report.error.unwrap().starts_with("cannot write telemetry to `/dev/full`: "));
}
