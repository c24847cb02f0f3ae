//! The manifest: which segments a dataset consists of, and where its spans came from. Replaced as a whole by one rename.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{DatasetError, Result};

/// Version of the dataset format that this build writes. It reads this one and all before it that were ever released; version 1 was not.
pub const FORMAT_VERSION: u32 = 2;
/// Oldest version that this build reads.
const OLDEST_VERSION: u32 = 2;

const FILE: &str = "manifest.json";

/// What a dataset consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub format_version: u32,
    /// halo that wrote it last.
    pub halo_version: String,
    /// Spans in all segments.
    pub spans: u64,
    /// Distinct traces.
    pub traces: u64,
    /// Segments, oldest first.
    pub segments: Vec<SegmentMeta>,
    /// Inputs that were read, oldest first.
    pub sources: Vec<SourceMeta>,
    /// Traces that stand in more than one segment are rolled up and numbered anew here: a folder name under `straddle/`, `None` when
    /// no trace does.
    pub straddle: Option<String>,
    /// Number for the next segment. Never used twice, so that a leftover folder can't be mistaken for a new one.
    pub next_segment: u32,
}

/// One segment: a folder with `spans.parquet` and `traces.parquet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// Number; also its folder's name, in six digits.
    pub number: u32,
    /// Spans in it.
    pub spans: u64,
    /// Traces in it, whole or in part.
    pub traces: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

impl SegmentMeta {
    /// Folder of the segment, relative to the dataset.
    #[must_use]
    pub fn folder(number: u32) -> String {
        format!("segments/{number:06}")
    }
}

/// One input that was read, so that reading it again adds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMeta {
    /// Path as the user gave it.
    pub path: String,
    /// Size in bytes, as stored (compressed when it is).
    pub size: u64,
    /// Hash of its bytes.
    pub fingerprint: String,
    /// Lines.
    pub lines: u64,
    /// Spans kept.
    pub spans: u64,
    /// Exact duplicates dropped.
    pub duplicates: u64,
    /// Lines and spans rejected.
    pub rejects: u64,
    /// Up to where it was read, so that only what is new is read when it has grown; `None` where that is not possible (compressed, a stream).
    #[serde(default)]
    pub settled: Option<Settled>,
}

/// A place in a source behind which nothing was taken yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Bytes before it.
    pub bytes: u64,
    /// Number of the line that begins there.
    pub line: u64,
    /// Hash of the bytes before it.
    pub fingerprint: String,
}

impl Manifest {
    /// The manifest of a dataset without spans.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            halo_version: env!("CARGO_PKG_VERSION").to_owned(),
            spans: 0,
            traces: 0,
            segments: Vec::new(),
            sources: Vec::new(),
            straddle: None,
            next_segment: 1,
        }
    }

    /// Reads the manifest of a dataset.
    ///
    /// # Errors
    /// Nothing there, no dataset, damaged, or written by a newer halo.
    pub fn load(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(_) if !root.exists() => {
                return Err(DatasetError::Missing { path: root.to_owned() });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound || !root.is_dir() => {
                return Err(DatasetError::NotADataset { path: root.to_owned() });
            }
            Err(error) => return Err(DatasetError::io("read", &path)(error)),
        };
        let damaged = |reason: String| DatasetError::Damaged { path: path.clone(), reason };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        // The version first: a newer manifest may have another shape.
        let found = value.get("format_version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        if found > FORMAT_VERSION {
            return Err(DatasetError::NewerFormat { path: root.to_owned(), found, supported: FORMAT_VERSION });
        }
        if found < OLDEST_VERSION {
            return Err(DatasetError::OlderFormat { path: root.to_owned(), found });
        }
        serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
    }

    /// Replaces the manifest: whoever opens the dataset sees the old one or the new one, whole.
    pub(crate) fn store(&self, root: &Path) -> Result<()> {
        let path = root.join(FILE);
        let temporary = root.join("manifest.json.new");
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| DatasetError::Damaged { path: path.clone(), reason: error.to_string() })?;
        let mut file = File::create(&temporary).map_err(DatasetError::io("create", &temporary))?;
        file.write_all(&text).map_err(DatasetError::io("write", &temporary))?;
        file.sync_all().map_err(DatasetError::io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(DatasetError::io("replace", &path))?;
        sync_folder(root)
    }
}

/// Makes renames and new files in a folder last over a power cut. Some file systems cannot, and lose nothing but that.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    match File::open(folder).and_then(|file| file.sync_all()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(DatasetError::io("sync", folder)(error)),
    }
}
