//! What can go wrong with a dataset, by who can mend it.

use std::path::{Path, PathBuf};

/// Result of this crate.
pub type Result<T> = std::result::Result<T, DatasetError>;

/// Why a dataset can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// There is nothing at the path.
    #[error("there is no dataset at `{path}`")]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The path is something else.
    #[error("`{path}` is no halo dataset: it has no manifest.json")]
    NotADataset {
        /// The path.
        path: PathBuf,
    },
    /// A newer halo wrote it.
    #[error(
        "the dataset `{path}` has format version {found}, and this halo reads up to {supported}; a newer halo wrote it"
    )]
    NewerFormat {
        /// The path.
        path: PathBuf,
        /// Version found.
        found: u32,
        /// Newest version this build reads.
        supported: u32,
    },
    /// A halo from before the first release wrote it.
    #[error("the dataset `{path}` has format version {found}, which was never released")]
    OlderFormat {
        /// The path.
        path: PathBuf,
        /// Version found.
        found: u32,
    },
    /// Another process writes to it.
    #[error("another process is writing to the dataset `{path}`; wait for it to end")]
    Locked {
        /// The path.
        path: PathBuf,
    },
    /// A file of the dataset is damaged.
    #[error("the dataset file `{path}` is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Parquet could not be written or read.
    #[error("parquet file `{path}`: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The library's error.
        source: parquet::errors::ParquetError,
    },
    /// Batches do not fit together: a bug in halo.
    #[error("internal error in column data: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl DatasetError {
    /// Wraps an I/O error with what was tried; for use in `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Wraps a Parquet error with its file; for use in `map_err`.
    pub(crate) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source }
    }

    /// What the user can do, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } | Self::NotADataset { .. } => Some(
                "make one with `halo ingest INPUT... -o DATASET`, or give `halo analyze` the trace files themselves",
            ),
            Self::Damaged { .. } | Self::OlderFormat { .. } => Some("ingest the traces again into a new dataset"),
            _ => None,
        }
    }
}
