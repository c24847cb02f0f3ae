//! Whole ingests: sources in, a committed dataset and a report out.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod lossless;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use halo_dataset::Dataset;
use halo_ingest::{IngestError, IngestOptions, IngestReport, LineCounts, RejectKind, Source, ingest};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn read(inputs: &[&Path], root: &Path) -> IngestReport {
    read_with(inputs, root, &IngestOptions::for_threads(2))
}

fn read_with(inputs: &[&Path], root: &Path, options: &IngestOptions) -> IngestReport {
    let names: Vec<String> = inputs.iter().map(|path| path.display().to_string()).collect();
    ingest(&Source::find(&names).unwrap(), root, options).unwrap()
}

fn line(trace: usize, span: usize) -> String {
    let start = 1_700_000_000 + span;
    format!(
        "{{\"trace_id\":\"{trace:032x}\",\"span_id\":\"{span:016x}\",\"start_time\":{start},\"attributes\":{{\"n\":{span}}}}}\n"
    )
}

/// `spans` spans of `traces` traces, interleaved as an exporter writes them.
fn lines(spans: usize, traces: usize) -> String {
    (1..=spans).map(|span| line(span % traces + 1, span)).collect()
}

#[test]
fn plain_gzip_zstd_and_several_members_give_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read(fixtures().join("small.jsonl")).unwrap();
    let (head, tail) = text.split_at(text.len() / 2);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let forms: [(&str, Vec<u8>); 5] = [
        ("plain.jsonl", text.clone()),
        ("one.gz", gzip(&text)),
        ("two-members.gz", [gzip(head), gzip(tail)].concat()),
        ("one.zst", zstd::encode_all(text.as_slice(), 1).unwrap()),
        ("two-frames.zst", [zstd::encode_all(head, 1).unwrap(), zstd::encode_all(tail, 1).unwrap()].concat()),
    ];
    for (name, bytes) in forms {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let report = read(&[&file], &folder.path().join(format!("{name}.ds")));
        assert_eq!((report.spans, report.dataset_traces, report.rejects.count()), (14, 3, 0), "{name}");
    }
}

#[test]
fn the_whole_lines_of_a_cut_stream_count() {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(lines(2000, 10).as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let file = folder.path().join("cut.jsonl.gz");
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let report = read(&[&file], &folder.path().join("ds"));
    assert!(report.spans > 100, "{report:?}");
    assert_eq!(report.rejects.kept.len(), 1);
    assert_eq!(report.rejects.kept[0].kind, RejectKind::BrokenStream);
    assert_eq!(report.rejects.kept[0].line, report.counts.lines);
    assert_eq!(report.counts.lines, report.spans + 1);
}

#[test]
fn the_same_input_twice_adds_nothing_and_a_grown_one_adds_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    fs::write(&file, lines(20, 4)).unwrap();
    assert_eq!(read(&[&file], &root).spans, 20);
    let again = read(&[&file], &root);
    assert_eq!((again.spans, again.sources.len(), again.unchanged.len()), (0, 0, 1));
    fs::write(&file, lines(30, 4)).unwrap();
    let grown = read(&[&file], &root);
    assert_eq!((grown.spans, grown.duplicates, grown.dataset_spans, grown.dataset_traces), (10, 0, 30, 4));
}

#[test]
fn half_a_line_at_the_end_is_read_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    let text = lines(30, 4);
    let half = text.match_indices('\n').nth(19).unwrap().0 + 40;
    fs::write(&file, &text[..half]).unwrap();
    let first = read(&[&file], &root);
    assert_eq!((first.spans, first.rejects.count(), first.counts.lines), (20, 1, 21));
    fs::write(&file, &text).unwrap();
    let second = read(&[&file], &root);
    assert_eq!((second.spans, second.duplicates, second.rejects.count(), second.dataset_spans), (10, 0, 0, 30));
    let mut lines = Vec::new();
    let dataset = Dataset::open(&root).unwrap();
    dataset
        .for_each_row::<halo_dataset::DatasetError>(&["source_line"], |span| {
            lines.push(span.int("source_line").unwrap());
            Ok(())
        })
        .unwrap();
    lines.sort_unstable();
    assert_eq!(lines, (1..=30).collect::<Vec<_>>());
}

#[test]
fn a_log_that_was_rotated_is_known_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    fs::write(&file, lines(20, 4)).unwrap();
    read(&[&file], &root);
    let rotated = folder.path().join("t.jsonl.1");
    fs::rename(&file, &rotated).unwrap();
    fs::write(&file, lines(30, 4).split_inclusive('\n').skip(20).collect::<String>()).unwrap();
    let report = read(&[&file, &rotated], &root);
    assert_eq!((report.spans, report.duplicates, report.unchanged.len(), report.dataset_spans), (10, 0, 1, 30));
}

#[test]
fn what_is_being_written_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    let text = lines(30, 4);
    let half = text.match_indices('\n').nth(9).unwrap().0 + 40;
    let options = IngestOptions::for_threads(2);
    let mut looks = 0;
    let mut find = || {
        looks += 1;
        match looks {
            1 => fs::write(&file, &text[..half]).unwrap(),
            // Nothing new, then the rest.
            2 => {}
            3 => fs::write(&file, &text).unwrap(),
            _ => options.progress.cancel.store(true, std::sync::atomic::Ordering::Relaxed),
        }
        Ok(vec![Source::File(file.clone())])
    };
    let mut told = Vec::new();
    let mut tell = |report: &IngestReport| told.push((report.spans, report.rejects.count(), report.dataset_spans));
    halo_ingest::follow(&mut find, &root, &options, std::time::Duration::ZERO, &mut tell).unwrap();
    assert_eq!(told, [(10, 0, 10), (20, 0, 30)]);
}

#[test]
fn what_is_masked_stands_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    let secret = "ada@example.org";
    let span = serde_json::json!({"trace_id": "aa", "span_id": "ff", "name": secret, "resource": {"attributes": {"owner": secret}},
        "attributes": {"input.value": format!("write to {secret}"),
            "llm.input_messages": format!("[{{\"role\":\"user\",\"content\":\"I am {secret}\"}}]")}});
    fs::write(&file, format!("{span}\n{{\"broken\": \"{secret}\n")).unwrap();
    let mut options = IngestOptions::for_threads(1);
    options.redactor = Some(halo_ingest::Redactor::builtin().unwrap());
    let report = read_with(&[&file], &root, &options);
    assert_eq!((report.spans, report.rejects.count()), (1, 1));
    assert_eq!(report.redacted.get("email"), 5, "{}", report.redacted);
    let mut exported = Vec::new();
    halo_ingest::export(&Dataset::open(&root).unwrap(), halo_ingest::ExportFormat::AsItCame, &mut exported).unwrap();
    let everything = String::from_utf8(exported).unwrap() + &fs::read_to_string(root.join("rejects.jsonl")).unwrap();
    assert_eq!(
        (everything.contains(secret), everything.matches("[REDACTED:email:").count()),
        (false, 5),
        "{everything}"
    );
}

#[test]
fn the_three_encodings_are_one_set_of_spans() {
    let folder = tempfile::tempdir().unwrap();
    let report =
        read(&[&fixtures().join("small.jsonl"), &fixtures().join("small.otlp.jsonl")], &folder.path().join("ds"));
    // Flat and OTLP say the same: the second file's spans are exact duplicates.
    assert_eq!((report.spans, report.duplicates, report.conflicts), (14, 14, 0));
    // GenAI names say it in other words: the ids conflict, and both are kept.
    let report = read(&[&fixtures().join("small.genai.otlp.jsonl")], &folder.path().join("ds"));
    assert_eq!((report.spans, report.duplicates, report.conflicts), (14, 0, 14));
}

#[test]
fn tiny_chunks_and_segments_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.jsonl");
    fs::write(&file, lines(500, 25)).unwrap();
    let mut options = IngestOptions::for_threads(3);
    options.chunk_bytes = 200;
    options.segment_bytes = 4000;
    let report = read_with(&[&file], &folder.path().join("ds"), &options);
    assert_eq!((report.spans, report.dataset_traces, report.counts.lines), (500, 25, 500));
    let dataset = Dataset::open(&folder.path().join("ds")).unwrap();
    assert!(dataset.manifest().segments.len() > 3, "{:?}", dataset.manifest());
    assert!(dataset.straddle_trace_file().is_some(), "traces that go on for ever straddle segments");
    let spans: u64 = dataset.manifest().segments.iter().map(|segment| segment.spans).sum();
    assert_eq!(spans, 500);
}

#[test]
fn traces_that_end_stay_whole_when_segments_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.jsonl");
    // A hundred traces after one another, each far smaller than a segment, none of which ends where a segment does.
    let text: String = (1..=1000).map(|span| line(span / 10 + 1, span)).collect();
    fs::write(&file, text).unwrap();
    let mut options = IngestOptions::for_threads(2);
    options.chunk_bytes = 500;
    options.segment_bytes = 80_000;
    let report = read_with(&[&file], &folder.path().join("ds"), &options);
    assert_eq!((report.spans, report.dataset_traces), (1000, 101));
    let dataset = Dataset::open(&folder.path().join("ds")).unwrap();
    assert!(dataset.manifest().segments.len() > 5);
    assert_eq!(dataset.straddle_trace_file(), None);
}

#[test]
fn the_broken_corpus_is_rejected_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let mut files: Vec<PathBuf> =
        fs::read_dir(fixtures().join("broken")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let report = read(&[&file], &folder.path().join(&name));
        let LineCounts { lines, span_lines, rejected_lines, blank_lines, other_lines } = report.counts;
        assert_eq!(lines, span_lines + rejected_lines + blank_lines + other_lines, "{name}");
        told.push(format!("{name}: {} spans of {lines} lines", report.spans));
        told.extend(report.rejects.kept.iter().map(|reject| format!("  line {}: {}", reject.line, reject.reason)));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_line_over_the_limit_is_a_reject() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.jsonl");
    let long = format!("{{\"trace_id\":\"aa\",\"span_id\":\"ff\",\"name\":\"{}\"}}\n", "x".repeat(3_000_000));
    fs::write(&file, lines(2, 1) + &long + &lines(4, 1)).unwrap();
    let mut options = IngestOptions::for_threads(1);
    options.line_bytes_max = 1 << 20;
    options.chunk_bytes = 1 << 16;
    let report = read_with(&[&file], &folder.path().join("ds"), &options);
    assert_eq!((report.spans, report.duplicates, report.counts.lines), (4, 2, 7));
    let reject = &report.rejects.kept[0];
    assert_eq!(
        (reject.line, reject.kind, reject.reason.as_str()),
        (3, RejectKind::TooLong, "the line has 3.0 MB, over the limit of 1.0 MB (--max-line)")
    );
}

#[test]
fn an_interrupted_ingest_leaves_the_dataset_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (file, root) = (folder.path().join("t.jsonl"), folder.path().join("ds"));
    fs::write(&file, lines(20, 4)).unwrap();
    read(&[&fixtures().join("small.jsonl")], &root);
    let options = IngestOptions::for_threads(2);
    options.progress.cancel.store(true, std::sync::atomic::Ordering::Relaxed);
    let result = ingest(&[Source::File(file)], &root, &options);
    assert!(matches!(result, Err(IngestError::Interrupted)), "{result:?}");
    assert_eq!(Dataset::open(&root).unwrap().manifest().spans, 14);
}

#[test]
fn inputs_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let find = |input: String| Source::find(&[input]).map_err(|error| error.to_string());
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(find(path("none.jsonl")), Err(format!("there is no file or folder `{}`", path("none.jsonl"))));
    assert_eq!(find(path("*.jsonl")), Err(format!("there is no file or folder `{}`", path("*.jsonl"))));
    assert!(find(path("")).unwrap_err().contains("holds no trace files"));
    fs::create_dir(folder.path().join("deeper")).unwrap();
    fs::write(folder.path().join("deeper/a.ndjson.gz"), "").unwrap();
    fs::write(folder.path().join("b.JSONL"), "").unwrap();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let found = find(path("")).unwrap();
    let names: Vec<String> = found.iter().map(|source| source.name().replace(&path(""), "")).collect();
    assert_eq!(names, ["b.JSONL", "deeper/a.ndjson.gz"]);
}
