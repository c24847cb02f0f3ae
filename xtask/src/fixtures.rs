//! Makes the files under `fixtures/`: the bundled example with its truth, the small files, and the broken ones.
//!
//! Everything comes from one seed and from texts in this crate, so two runs give the same bytes.

mod broken;
mod draft;
mod execute;
mod flows;
mod genai;
mod json;
mod openinference;
mod otlp;
mod plan;
mod readme;
mod recorder;
mod small;
mod span;
#[cfg(test)]
mod tests;
mod texts;
mod time;
mod tools;
mod truth;
mod world;

use crate::rng::Rng;
use std::path::Path;

use anyhow::{Context, Result, bail};

use self::{
    otlp::Dialect,
    span::Span,
    texts::Texts,
    truth::{Notes, Truth},
};

const SEED: u64 = 20_260_501;
const RUNS: usize = 150;
/// High enough to find the history that every request sends again, low enough to take a few seconds in a debug build.
const COMPRESSION_LEVEL: i32 = 19;
const EXAMPLE_FILE: &str = "support-agent.jsonl.zst";

/// One file under `fixtures/`.
#[derive(Debug)]
struct FixtureFile {
    /// Path below `fixtures/`.
    path: String,
    /// What is in it; for a compressed file, before compression.
    content: Vec<u8>,
}

/// The bundled example before it is written down.
#[derive(Debug)]
struct Example {
    /// All spans of all runs, in order of their end.
    spans: Vec<Span>,
    /// What was planted in them.
    truth: Truth,
}

/// Writes all generated files below `workspace`.
pub(crate) fn write(workspace: &Path) -> Result<String> {
    let folder = workspace.join("fixtures");
    std::fs::create_dir_all(folder.join("broken")).with_context(|| format!("cannot create {}", folder.display()))?;
    let files = build()?;
    for file in &files {
        let path = folder.join(&file.path);
        let bytes = if is_compressed(&file.path) { compress(&file.content)? } else { file.content.clone() };
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(format!("{} files written to {}", files.len(), folder.display()))
}

/// Fails when a generated file is missing or differs. Compressed files are compared by what is in them, since a newer
/// compressor may spell the same content in other bytes.
pub(crate) fn check(workspace: &Path) -> Result<String> {
    let folder = workspace.join("fixtures");
    let files = build()?;
    let mut stale = Vec::new();
    for file in &files {
        let path = folder.join(&file.path);
        let found = std::fs::read(&path).ok().and_then(|bytes| {
            if is_compressed(&file.path) { zstd::decode_all(bytes.as_slice()).ok() } else { Some(bytes) }
        });
        if found.as_deref() != Some(file.content.as_slice()) {
            stale.push(file.path.as_str());
        }
    }
    if !stale.is_empty() {
        bail!("fixtures differ from what `cargo xtask fixtures` makes: {}", stale.join(", "));
    }
    Ok(format!("{} files are as generated", files.len()))
}

/// Makes all files in memory.
///
/// 1. The example is recorded and spelled. 2. The small files are three spellings of the same spans. 3. The broken files
///    are derived from the small one. 4. The README tells the sizes of all of them.
fn build() -> Result<Vec<FixtureFile>> {
    let example = example()?;
    let mut files = vec![
        FixtureFile::new(EXAMPLE_FILE, flat_lines(&example.spans)),
        FixtureFile::new("support-agent.truth.json", example.truth.to_text()?),
    ];

    let small = small::spans();
    let small_lines = flat_lines(&small);
    files.push(FixtureFile::new("small.jsonl", small_lines.clone()));
    files.push(FixtureFile::new("small.otlp.jsonl", otlp::lines(&small, 6, Dialect::OpenInference)));
    files.push(FixtureFile::new("small.genai.otlp.jsonl", otlp::lines(&small, 6, Dialect::GenAi)));

    for (name, content) in broken::files(&small_lines) {
        files.push(FixtureFile { path: format!("broken/{name}"), content });
    }

    let readme = readme::text(&example.truth, &files)?;
    files.push(FixtureFile::new("README.md", readme));
    Ok(files)
}

/// Records all runs. Each draws from a fork of its own, so a change to one story leaves the other runs as they are.
fn example() -> Result<Example> {
    let texts = Texts::load()?;
    let rng = Rng::new(SEED);
    let settings = world::settings(&mut rng.fork(1), RUNS);
    let plans = plan::plan(&mut rng.fork(2), &settings)?;
    let mut spans: Vec<Span> = Vec::new();
    let mut notes: Vec<Notes> = Vec::new();
    for (setting, plan) in settings.iter().zip(&plans) {
        let (run, noted) = flows::record(setting, plan, &texts, rng.fork(10_000 + setting.index))?;
        spans.extend(run);
        notes.push(noted);
    }
    // An exporter writes a span when it ends.
    spans.sort_by_key(|span| span.end);
    let truth = Truth::gather(SEED, spans.len(), &notes);
    Ok(Example { spans, truth })
}

fn flat_lines(spans: &[Span]) -> String {
    let mut out = String::new();
    for span in spans {
        out.push_str(&openinference::flat_line(span));
        out.push('\n');
    }
    out
}

fn is_compressed(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "zst")
}

fn compress(content: &[u8]) -> Result<Vec<u8>> {
    zstd::encode_all(content, COMPRESSION_LEVEL).context("cannot compress")
}

impl FixtureFile {
    fn new(path: &str, content: String) -> Self {
        Self { path: path.to_owned(), content: content.into_bytes() }
    }
}
