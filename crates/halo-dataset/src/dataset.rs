//! A committed dataset, opened for reading.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;

use crate::read::read_columns;
use crate::{Manifest, Result, SegmentMeta, readers};

/// A dataset as it was committed last. Later commits do not change it: open again to see them.
#[derive(Debug, Clone)]
pub struct Dataset {
    root: PathBuf,
    manifest: Manifest,
    /// Keeps writers from removing files of this state while it is open.
    _reading: Option<Arc<File>>,
}

impl Dataset {
    /// Opens the dataset at `root`.
    ///
    /// # Errors
    /// Nothing there, no dataset, damaged, or written by a newer halo.
    pub fn open(root: &Path) -> Result<Self> {
        // Once to know that it is a dataset; the state to read is that under the lock.
        Manifest::load(root)?;
        let reading = readers::share(root);
        Ok(Self { root: root.to_owned(), manifest: Manifest::load(root)?, _reading: reading })
    }

    pub(crate) fn from_parts(root: PathBuf, manifest: Manifest) -> Self {
        Self { root, manifest, _reading: None }
    }

    /// Folder of the dataset.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Parquet files of spans, one a segment. Each has the stored columns of [`SPAN_COLUMNS`](crate::SPAN_COLUMNS) but `tags`.
    #[must_use]
    pub fn span_files(&self) -> Vec<PathBuf> {
        self.segment_files("spans.parquet")
    }

    /// The distinct signatures of errors, as the spans have them.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn error_signatures(&self) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for file in self.span_files() {
            for batch in read_columns(&file, &["error_signature"])? {
                let batch = batch?;
                let mut last = "";
                for text in batch.column(0).as_string_view().iter().flatten() {
                    if text != last && !found.contains(text) {
                        found.insert(text.to_owned());
                    }
                    last = text;
                }
            }
        }
        Ok(found)
    }

    /// Parquet files of trace roll-ups, one a segment. A trace that stands in several segments has a partial row in each; its whole row is
    /// in [`straddle_trace_file`](Self::straddle_trace_file).
    #[must_use]
    pub fn trace_files(&self) -> Vec<PathBuf> {
        self.segment_files("traces.parquet")
    }

    /// Whole rows of the traces that stand in several segments; `None` when there are none.
    #[must_use]
    pub fn straddle_trace_file(&self) -> Option<PathBuf> {
        self.straddle_file("traces.parquet")
    }

    /// Parquet files of messages, one a segment: each message of its LLM spans once.
    #[must_use]
    pub fn message_files(&self) -> Vec<PathBuf> {
        self.segment_files(crate::content_file::MESSAGES_FILE)
    }

    /// Parquet files of texts, one a segment: each long text of its spans and messages once.
    #[must_use]
    pub fn text_files(&self) -> Vec<PathBuf> {
        self.segment_files(crate::content_file::TEXTS_FILE)
    }

    /// Columns `row_id` and `step`: the true step of each span of the traces that stand in several segments.
    #[must_use]
    pub fn straddle_step_file(&self) -> Option<PathBuf> {
        self.straddle_file("steps.parquet")
    }

    fn straddle_file(&self, name: &str) -> Option<PathBuf> {
        self.manifest.straddle.as_ref().map(|folder| self.root.join("straddle").join(folder).join(name))
    }

    fn segment_files(&self, name: &str) -> Vec<PathBuf> {
        let folders = self.manifest.segments.iter().map(|segment| SegmentMeta::folder(segment.number));
        folders.map(|folder| self.root.join(folder).join(name)).collect()
    }
}
