//! Datasets as files: what is written reads back, and whatever a writer does, a reader sees a whole state.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use halo_dataset::{
    Commit, Content, Dataset, DatasetError, DatasetWriter, Effort, Manifest, Novelty, SpanBatchBuilder, SpanChunk,
    SpanRow,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Spans of a test: trace, span, parent, start in seconds, duration in seconds.
type Spans<'a> = &'a [(&'a str, &'a str, &'a str, i64, i64)];

fn chunk(spans: Spans<'_>) -> Arc<SpanChunk> {
    let mut builder = SpanBatchBuilder::default();
    for (line, (trace, span, parent, start, duration)) in (1..).zip(spans) {
        builder.push(&SpanRow {
            trace_id: Some(trace),
            span_id: Some(span),
            parent_span_id: (!parent.is_empty()).then_some(*parent),
            name: Some(span),
            span_type: Some("TOOL"),
            status: Some("UNSET"),
            start_time: Some(start * 1_000_000_000),
            end_time: Some((start + duration) * 1_000_000_000),
            input_tokens: Some(10),
            attributes: Some(r#"{"tenant":"acme","long":["x"]}"#),
            resource_attributes: Some(r#"{"release":"7"}"#),
            raw_bytes: Some(100),
            source_line: Some(line),
            content_hash: Some(line),
            tags: Some("tenant\u{1f}acme\u{1e}release\u{1f}7\u{1e}"),
            ..SpanRow::default()
        });
    }
    Arc::new(SpanChunk { batch: builder.finish().unwrap(), content: Content::default(), bytes: 0 })
}

fn write(root: &Path, segments: &[Spans<'_>]) -> Manifest {
    let mut writer = DatasetWriter::open_or_create(root).unwrap();
    for spans in segments {
        let job = writer.segment();
        writer.add(job.write_all(&[chunk(spans)], Effort::INGEST).unwrap()).unwrap();
    }
    writer.commit(Commit::default()).unwrap().clone()
}

fn read(files: &[std::path::PathBuf]) -> Vec<RecordBatch> {
    files
        .iter()
        .flat_map(|file| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(file).unwrap()).unwrap();
            reader.build().unwrap().map(Result::unwrap).collect::<Vec<_>>()
        })
        .collect()
}

fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let text = |batch: &RecordBatch| -> Vec<String> {
        let column = batch.column_by_name(column).unwrap();
        let array = column.as_string_view();
        (0..array.len())
            .map(|row| if array.is_valid(row) { array.value(row).to_owned() } else { "-".to_owned() })
            .collect()
    };
    batches.iter().flat_map(text).collect()
}

fn ints(batches: &[RecordBatch], column: &str) -> Vec<i64> {
    batches
        .iter()
        .flat_map(|batch| batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec())
        .collect()
}

#[test]
fn spans_are_sorted_by_trace_and_numbered_within_it() {
    let folder = tempfile::tempdir().unwrap();
    // As an exporter writes them: children end first, traces interleaved.
    write(
        folder.path(),
        &[&[("b", "b2", "b1", 5, 1), ("a", "a2", "a1", 2, 1), ("b", "b1", "", 5, 9), ("a", "a1", "", 1, 4)]],
    );
    let dataset = Dataset::open(folder.path()).unwrap();
    let spans = read(&dataset.span_files());
    assert_eq!(texts(&spans, "span_id"), ["a1", "a2", "b1", "b2"]);
    assert_eq!(ints(&spans, "step"), [1, 2, 1, 2]);
    assert!(spans[0].column_by_name("tags").is_none(), "the tags serve the roll-up and are not stored");
    let traces = read(&dataset.trace_files());
    assert_eq!(texts(&traces, "trace_id"), ["a", "b"]);
    assert_eq!(ints(&traces, "span_count"), [2, 2]);
    assert_eq!(ints(&traces, "max_depth"), [2, 2]);
    assert_eq!(texts(&traces, "attributes"), [r#"{"release":"7","tenant":"acme"}"#; 2]);
}

#[test]
fn a_trace_in_two_segments_is_one_trace() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[&[("a", "a3", "a1", 3, 1), ("z", "z1", "", 1, 1)]]);
    // A later writer brings the root and an earlier step.
    let manifest = write(folder.path(), &[&[("a", "a1", "", 1, 9), ("a", "a2", "a1", 2, 1)]]);
    assert_eq!((manifest.spans, manifest.traces), (4, 2));
    let dataset = Dataset::open(folder.path()).unwrap();
    let whole = read(&[dataset.straddle_trace_file().unwrap()]);
    assert_eq!(texts(&whole, "trace_id"), ["a"]);
    assert_eq!(ints(&whole, "span_count"), [3]);
    assert_eq!(ints(&whole, "missing_parents"), [0]);
    assert_eq!(texts(&whole, "root_name"), ["a1"]);
    assert_eq!(texts(&whole, "attributes"), [r#"{"release":"7","tenant":"acme"}"#]);
    // The true step of each span, found by its row id.
    let steps = read(&[dataset.straddle_step_file().unwrap()]);
    let by_row: std::collections::BTreeMap<i64, i64> =
        ints(&steps, "row_id").into_iter().zip(ints(&steps, "step")).collect();
    let spans = read(&dataset.span_files());
    let named: Vec<(String, Option<i64>)> = texts(&spans, "span_id")
        .into_iter()
        .zip(ints(&spans, "row_id").into_iter().map(|row| by_row.get(&row).copied()))
        .collect();
    let expected = [("a3", Some(3)), ("z1", None), ("a1", Some(1)), ("a2", Some(2))];
    assert_eq!(named, expected.map(|(span, step)| (span.to_owned(), step)));
}

#[test]
fn tokens_of_nested_spans_and_lost_parents_are_rolled_up_once() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[&[("a", "a1", "", 1, 9), ("a", "a2", "a1", 2, 1), ("a", "a3", "gone", 3, 1)]]);
    let traces = read(&Dataset::open(folder.path()).unwrap().trace_files());
    // a1 reports what its child a2 reports; a3 stands alone.
    assert_eq!(ints(&traces, "input_tokens"), [20]);
    assert_eq!(ints(&traces, "missing_parents"), [1]);
}

#[test]
fn what_a_killed_writer_left_does_not_count_and_is_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, &[&[("a", "a1", "", 1, 1)]]);
    {
        let mut writer = DatasetWriter::open_or_create(root).unwrap();
        let job = writer.segment();
        writer.add(job.write_all(&[chunk(&[("b", "b1", "", 1, 1)])], Effort::INGEST).unwrap()).unwrap();
        // Dropped without a commit, as if the process were gone.
    }
    assert_eq!(Dataset::open(root).unwrap().manifest().spans, 1);
    assert_eq!(fs::read_dir(root.join("segments")).unwrap().count(), 2);
    let manifest = write(root, &[&[("c", "c1", "", 1, 1)]]);
    assert_eq!((manifest.spans, manifest.traces), (2, 2));
    assert_eq!(fs::read_dir(root.join("segments")).unwrap().count(), 2);
}

#[test]
fn one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = DatasetWriter::open_or_create(folder.path()).unwrap();
    let second = DatasetWriter::open_or_create(folder.path());
    assert!(matches!(second, Err(DatasetError::Locked { .. })), "{second:?}");
    drop(first);
    DatasetWriter::open_or_create(folder.path()).unwrap();
}

#[test]
fn the_ledger_tells_duplicates_from_conflicts() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[&[("a", "a1", "", 1, 1)]]);
    let mut ledger = DatasetWriter::open_or_create(folder.path()).unwrap().ledger().unwrap();
    assert_eq!(ledger.note("a", "a1", 1), Novelty::Duplicate);
    assert_eq!(ledger.note("a", "a1", 2), Novelty::Conflict);
    assert_eq!(ledger.note("a", "a2", 1), Novelty::New);
    assert_eq!(ledger.note("a", "a2", 1), Novelty::Duplicate);
}

#[test]
fn what_is_no_dataset_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| Dataset::open(path).map(|_| ()).map_err(|error| error.to_string());
    let missing = folder.path().join("missing");
    assert_eq!(open(&missing), Err(format!("there is no dataset at `{}`", missing.display())));
    assert_eq!(
        open(folder.path()),
        Err(format!("`{}` is no halo dataset: it has no manifest.json", folder.path().display()))
    );
    let manifest = folder.path().join("manifest.json");
    fs::write(&manifest, "{\"format_version\": 999, \"shape\": \"unknown\"}").unwrap();
    assert!(open(folder.path()).unwrap_err().contains("has format version 999, and this halo reads up to 2"));
    fs::write(&manifest, "{\"format_ver").unwrap();
    assert!(open(folder.path()).unwrap_err().contains("is damaged: EOF while parsing"));
    // A folder of somebody else's is never written into.
    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("letter.txt"), "hello").unwrap();
    let refused = DatasetWriter::open_or_create(&theirs);
    assert!(matches!(refused, Err(DatasetError::NotADataset { .. })), "{refused:?}");
}
