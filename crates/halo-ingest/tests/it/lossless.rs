//! What goes in comes out: every span, whatever its convention, spelling and oddities, is given back by an export.

mod attributes;
mod flat;
mod normal;
mod otlp;

use std::fs;
use std::path::{Path, PathBuf};

use halo_dataset::{Dataset, DatasetWriter, compact};
use halo_ingest::{ExportFormat, IngestOptions, Source, export, ingest};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use normal::spans;

/// Ingests some lines with chunks and segments so small that conversations are cut.
fn take(lines: &str, root: &Path) {
    let file = root.with_extension("jsonl");
    fs::write(&file, lines).unwrap();
    let mut options = IngestOptions::for_threads(2);
    options.chunk_bytes = lines.len() / 8 + 1;
    options.segment_bytes = lines.len() / 2;
    let report = ingest(&[Source::File(file)], root, &options).unwrap();
    assert_eq!((report.rejects.kept, report.duplicates, report.conflicts), (Vec::new(), 0, 0));
}

/// The lines of an export, sorted: where a span stands depends on how the input was cut.
fn give(root: &Path) -> String {
    let mut out = Vec::new();
    export(&Dataset::open(root).unwrap(), ExportFormat::AsItCame, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Asserts that some lines come back: from a dataset, from one that was compacted, and from one that was made of the export.
fn check(lines: &str) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str| -> PathBuf { folder.path().join(name) };
    take(lines, &root("first"));
    let exported = give(&root("first"));
    let (came, went) = (spans(lines), spans(&exported));
    let mut different = Vec::new();
    for (id, span) in &came {
        normal::differences(id, span, went.get(id).unwrap_or(&serde_json::Value::Null), &mut different);
    }
    prop_assert!(different.is_empty(), "{}", different.join("\n"));
    prop_assert_eq!(came.keys().collect::<Vec<_>>(), went.keys().collect::<Vec<_>>());
    compact(DatasetWriter::open_or_create(&root("first")).unwrap(), &mut |_| true).unwrap().unwrap();
    prop_assert_eq!(&give(&root("first")), &exported, "after the compaction");
    take(&exported, &root("second"));
    prop_assert_eq!(&give(&root("second")), &exported, "an export of an export");
    Ok(())
}

fn joined(lines: &[serde_json::Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn flat_lines_come_back(lines in flat::spans()) {
        check(&joined(&lines))?;
    }

    #[test]
    fn otlp_comes_back(lines in otlp::lines()) {
        check(&joined(&lines))?;
    }

    #[test]
    fn formats_may_be_mixed(flat in flat::spans(), otlp in otlp::lines()) {
        check(&(joined(&flat) + &joined(&otlp)))?;
    }
}

#[test]
fn the_fixtures_come_back() {
    let fixtures = super::fixtures();
    let read = |name: &str| fs::read(fixtures.join(name)).unwrap();
    for name in ["small.jsonl", "small.otlp.jsonl", "small.genai.otlp.jsonl"] {
        check(&String::from_utf8(read(name)).unwrap()).unwrap();
    }
    let support = zstd::decode_all(read("support-agent.jsonl.zst").as_slice()).unwrap();
    check(&String::from_utf8(support).unwrap()).unwrap();
}
