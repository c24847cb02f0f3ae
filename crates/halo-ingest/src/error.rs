//! What can end an ingest. Bad lines never do: they are rejects.

use std::path::PathBuf;

/// Why an ingest ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An input that is not there.
    #[error("there is no file or folder `{path}`")]
    Missing {
        /// As the user named it.
        path: PathBuf,
    },
    /// A folder that holds no trace files.
    #[error("the folder `{path}` holds no trace files (.json, .jsonl, .ndjson, also with .gz or .zst)")]
    NothingInFolder {
        /// The folder.
        path: PathBuf,
    },
    /// An input that can't be read.
    #[error("cannot read `{path}`: {source}")]
    Input {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The dataset can't be written.
    #[error(transparent)]
    Dataset(#[from] halo_dataset::DatasetError),
    /// The user interrupted it; the dataset is as it was.
    #[error("interrupted; the dataset is as it was before")]
    Interrupted,
    /// A thread ended in a way it never should: a bug in halo.
    #[error("internal error: {0}")]
    Internal(&'static str),
}
