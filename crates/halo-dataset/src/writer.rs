//! Writing a dataset: one writer at a time, segments first, then one rename that makes them count.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use hashbrown::{HashMap, HashSet};
use twox_hash::XxHash3_64;

use crate::{
    Dataset, DatasetError, Manifest, Result, SegmentJob, SegmentMeta, SegmentOutcome, SourceMeta, parquet_io, readers,
    straddle,
};

/// Ids of spans by content, to tell exact duplicates and conflicting ids.
#[derive(Debug, Default)]
pub struct SpanLedger {
    /// Hash of trace and span id to the hash of what the span says.
    spans: HashMap<u64, i64>,
}

/// What a span's ids and content say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// No span with these ids was seen.
    New,
    /// The same span was seen: drop it.
    Duplicate,
    /// Another span with these ids was seen: keep and flag it.
    Conflict,
}

impl SpanLedger {
    /// Notes a span and tells whether it is new.
    pub fn note(&mut self, trace_id: &str, span_id: &str, content_hash: i64) -> Novelty {
        match self.spans.entry(ids_hash(trace_id, span_id)) {
            hashbrown::hash_map::Entry::Vacant(entry) => {
                entry.insert(content_hash);
                Novelty::New
            }
            hashbrown::hash_map::Entry::Occupied(entry) if *entry.get() == content_hash => Novelty::Duplicate,
            hashbrown::hash_map::Entry::Occupied(_) => Novelty::Conflict,
        }
    }
}

fn ids_hash(trace_id: &str, span_id: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(trace_id.as_bytes()), span_id.as_bytes())
}

/// Path of a source that is a stream: each time another one.
const STREAM: &str = "-";

/// The one writer of a dataset. Nothing it writes counts before [`commit`](Self::commit); dropping it leaves the dataset as it was.
#[derive(Debug)]
pub struct DatasetWriter {
    root: PathBuf,
    manifest: Manifest,
    /// Hash of each trace id to the segment it was seen in last.
    homes: HashMap<u64, u32>,
    straddlers: BTreeSet<String>,
    /// Held for its lock, which the system gives back even when the process is killed.
    _lock: File,
}

/// What a commit adds to the record beside the segments.
#[derive(Debug, Default)]
pub struct Commit {
    /// Inputs that were read. One that was read before takes the place of its older entry.
    pub sources: Vec<SourceMeta>,
    /// Lines for `rejects.jsonl`.
    pub rejects: Vec<String>,
}

impl DatasetWriter {
    /// Opens a dataset for appending, or prepares a new one. Cleans up what a killed writer left behind.
    ///
    /// # Errors
    /// Another writer is at work, the folder holds something else, the dataset is damaged, or the disk refuses.
    pub fn open_or_create(root: &Path) -> Result<Self> {
        if root.is_dir() && !root.join("manifest.json").exists() && !is_ours(root)? {
            return Err(DatasetError::NotADataset { path: root.to_owned() });
        }
        fs::create_dir_all(root).map_err(DatasetError::io("create", root))?;
        let lock_path = root.join(".lock");
        let lock = File::create(&lock_path).map_err(DatasetError::io("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(DatasetError::Locked { path: root.to_owned() });
            }
            Err(fs::TryLockError::Error(error)) => return Err(DatasetError::io("lock", &lock_path)(error)),
        }
        let manifest = if root.join("manifest.json").exists() { Manifest::load(root)? } else { Manifest::empty() };
        let mut writer =
            Self { root: root.to_owned(), manifest, homes: HashMap::new(), straddlers: BTreeSet::new(), _lock: lock };
        writer.remove_leftovers()?;
        writer.load_homes()?;
        Ok(writer)
    }

    /// The manifest as committed last.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The spans that are there already.
    ///
    /// # Errors
    /// A segment can't be read.
    pub fn ledger(&self) -> Result<SpanLedger> {
        let mut ledger = SpanLedger::default();
        for file in self.dataset().span_files() {
            let reader = parquet_io::reader(&file, &["trace_id", "span_id", "content_hash"])?;
            for batch in reader.build().map_err(DatasetError::parquet(&file))? {
                let batch = batch?;
                let column = |name: &str| Ok::<_, DatasetError>(batch.column(batch.schema_ref().index_of(name)?));
                let (trace, span) = (column("trace_id")?.as_string_view(), column("span_id")?.as_string_view());
                let hash = column("content_hash")?.as_primitive::<Int64Type>();
                for row in 0..batch.num_rows() {
                    ledger.note(trace.value(row), span.value(row), hash.value(row));
                }
            }
        }
        Ok(ledger)
    }

    /// The right to write one more segment.
    pub fn segment(&mut self) -> SegmentJob {
        let number = self.manifest.next_segment;
        self.manifest.next_segment += 1;
        SegmentJob { number, folder: self.root.join(SegmentMeta::folder(number)) }
    }

    /// Takes a written segment into the next commit, once its files last.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn add(&mut self, outcome: SegmentOutcome) -> Result<()> {
        parquet_io::make_last(&outcome.folder)?;
        let number = outcome.meta.number;
        for trace_id in &outcome.trace_ids {
            if self.homes.insert(XxHash3_64::oneshot(trace_id.as_bytes()), number).is_some() {
                self.straddlers.insert(trace_id.clone());
            }
        }
        self.manifest.spans += outcome.meta.spans;
        self.manifest.segments.push(outcome.meta);
        Ok(())
    }

    /// Makes all added segments part of the dataset at once.
    ///
    /// # Errors
    /// The disk refuses; the dataset is then as it was.
    pub fn commit(&mut self, commit: Commit) -> Result<&Manifest> {
        self.manifest.segments.sort_by_key(|segment| segment.number);
        self.manifest.traces = self.homes.len() as u64;
        self.manifest.format_version = crate::FORMAT_VERSION;
        env!("CARGO_PKG_VERSION").clone_into(&mut self.manifest.halo_version);
        for source in commit.sources {
            let is_same = |known: &SourceMeta| known.path == source.path && known.path != STREAM;
            self.manifest.sources.retain(|known| !is_same(known));
            self.manifest.sources.push(source);
        }
        self.manifest.straddle = None;
        if !self.straddlers.is_empty() {
            let name = format!("{:06}", self.manifest.next_segment);
            // A number of its own, so that no later commit writes into a folder that a reader has open.
            self.manifest.next_segment += 1;
            straddle::write(&self.root.join("straddle").join(&name), &self.dataset().span_files(), &self.straddlers)?;
            self.manifest.straddle = Some(name);
        }
        let segments = self.root.join("segments");
        if segments.is_dir() {
            crate::manifest::sync_folder(&segments)?;
        }
        self.append_rejects(&commit.rejects)?;
        self.manifest.store(&self.root)?;
        // What cannot be removed costs only space, until the next writer.
        let _kept = self.remove_leftovers();
        Ok(&self.manifest)
    }

    /// Makes these segments the whole dataset, in place of all that it had: they hold the same spans.
    pub(crate) fn replace(mut self, outcomes: Vec<SegmentOutcome>) -> Result<Manifest> {
        self.manifest.segments.clear();
        (self.manifest.spans, self.manifest.traces) = (0, 0);
        self.homes.clear();
        self.straddlers.clear();
        outcomes.into_iter().try_for_each(|outcome| self.add(outcome))?;
        self.commit(Commit::default()).cloned()
    }

    fn append_rejects(&self, rejects: &[String]) -> Result<()> {
        if rejects.is_empty() {
            return Ok(());
        }
        let path = self.root.join("rejects.jsonl");
        let mut file =
            File::options().create(true).append(true).open(&path).map_err(DatasetError::io("open", &path))?;
        let mut text = rejects.join("\n");
        text.push('\n');
        file.write_all(text.as_bytes()).map_err(DatasetError::io("write", &path))
    }

    /// The dataset as this writer sees it.
    pub(crate) fn dataset(&self) -> Dataset {
        Dataset::from_parts(self.root.clone(), self.manifest.clone())
    }

    /// Removes folders that the manifest does not name: what a killed writer left, and what later commits replaced. The latter only while
    /// nobody reads the dataset: a reader sees the state that it opened until it ends.
    fn remove_leftovers(&self) -> Result<()> {
        let known: HashSet<String> =
            self.manifest.segments.iter().map(|segment| SegmentMeta::folder(segment.number)).collect();
        let keep_straddle = self.manifest.straddle.as_ref().map(|name| format!("straddle/{name}"));
        let alone = readers::try_exclusive(&self.root);
        for parent in ["segments", "straddle"] {
            let Ok(entries) = fs::read_dir(self.root.join(parent)) else {
                continue;
            };
            for entry in entries.flatten() {
                let file_name = entry.file_name().to_string_lossy().into_owned();
                let name = format!("{parent}/{file_name}");
                let was_committed = file_name.parse().is_ok_and(|number: u32| number < self.manifest.next_segment);
                if known.contains(&name) || keep_straddle.as_ref() == Some(&name) || (was_committed && alone.is_none())
                {
                    continue;
                }
                fs::remove_dir_all(entry.path()).map_err(DatasetError::io("remove", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// Reads which traces are there and which of them straddle already.
    fn load_homes(&mut self) -> Result<()> {
        let files: Vec<(u32, PathBuf)> =
            self.manifest.segments.iter().map(|segment| segment.number).zip(self.dataset().trace_files()).collect();
        for (number, file) in files {
            let reader = parquet_io::reader(&file, &["trace_id"])?;
            for batch in reader.build().map_err(DatasetError::parquet(&file))? {
                let batch = batch?;
                for trace_id in batch.column(0).as_string_view().iter().flatten() {
                    if self.homes.insert(XxHash3_64::oneshot(trace_id.as_bytes()), number).is_some() {
                        self.straddlers.insert(trace_id.to_owned());
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a folder without a manifest is empty or what a killed first ingest left.
fn is_ours(root: &Path) -> Result<bool> {
    let entries = fs::read_dir(root).map_err(DatasetError::io("read", root))?;
    Ok(entries.flatten().all(|entry| {
        let name = entry.file_name();
        ["segments", "straddle", ".lock", ".readers", "manifest.json.new", "rejects.jsonl"]
            .iter()
            .any(|ours| name == *ours)
    }))
}
