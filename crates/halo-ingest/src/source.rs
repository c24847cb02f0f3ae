//! Inputs as the user names them: files, folders, globs and standard input, plain or compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use twox_hash::XxHash3_64;

use crate::IngestError;

/// One input to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// Endings of files that are read from a folder.
const ENDINGS: &[&str] = &[".json", ".jsonl", ".ndjson"];
const COMPRESSED: &[&str] = &["", ".gz", ".zst", ".zstd"];

impl Source {
    /// Finds the inputs that the user's words name. A folder gives all trace files below it, sorted; `-` is standard input.
    ///
    /// # Errors
    /// A path that is not there or can't be read, a folder or glob without trace files.
    pub fn find(inputs: &[String]) -> Result<Vec<Self>, IngestError> {
        let mut sources = Vec::new();
        for input in inputs {
            if input == "-" {
                sources.push(Self::Stdin);
                continue;
            }
            let path = Path::new(input);
            if path.is_dir() {
                let before = sources.len();
                find_in_folder(path, &mut sources)?;
                if sources.len() == before {
                    return Err(IngestError::NothingInFolder { path: path.to_owned() });
                }
            } else if path.exists() {
                sources.push(Self::File(path.to_owned()));
            } else {
                sources.extend(find_by_glob(input)?);
            }
        }
        // The same file named twice is read once.
        let mut seen = std::collections::HashSet::new();
        sources.retain(|source| seen.insert(source.name()));
        Ok(sources)
    }

    /// The source as it is shown and recorded.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "-".to_owned(),
        }
    }

    /// Size in bytes as stored, when it is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::File(path) => path.metadata().ok().map(|metadata| metadata.len()),
            Self::Stdin => None,
        }
    }

    /// Opens it. `counter` counts the stored bytes as they are read.
    pub(crate) fn open(&self, counter: Arc<AtomicU64>) -> Result<OpenSource, IngestError> {
        let inner: Box<dyn Read + Send> = match self {
            Self::File(path) => {
                Box::new(File::open(path).map_err(|source| IngestError::Input { path: path.clone(), source })?)
            }
            Self::Stdin => Box::new(io::stdin()),
        };
        let fingerprint = Arc::new(AtomicU64::new(0));
        let counted =
            Counted { inner, counter, hasher: XxHash3_64::with_seed(0), fingerprint: Arc::clone(&fingerprint) };
        let mut stored = BufReader::with_capacity(1 << 20, counted);
        let magic = stored.fill_buf().map_err(|source| IngestError::Input { path: self.name().into(), source })?;
        let reader: Box<dyn Read + Send> = if magic.starts_with(&[0x1f, 0x8b]) {
            Box::new(flate2::bufread::MultiGzDecoder::new(stored))
        } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let mut decoder = zstd::Decoder::with_buffer(stored)
                .map_err(|source| IngestError::Input { path: self.name().into(), source })?;
            // Files made with `zstd --long` need a larger window than the default allows.
            decoder.window_log_max(31).map_err(|source| IngestError::Input { path: self.name().into(), source })?;
            Box::new(decoder)
        } else {
            Box::new(stored)
        };
        Ok(OpenSource { reader, fingerprint })
    }
}

/// A source being read.
pub(crate) struct OpenSource {
    pub(crate) reader: Box<dyn Read + Send>,
    /// Hash of the stored bytes read so far.
    pub(crate) fingerprint: Arc<AtomicU64>,
}

/// Hash of a file's stored bytes, the same as reading it through [`Source::open`] gives.
pub(crate) fn fingerprint_file(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut hasher = XxHash3_64::with_seed(0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(std::hash::Hasher::finish(&hasher)),
            read => std::hash::Hasher::write(&mut hasher, &buffer[..read]),
        }
    }
}

/// Counts and hashes what passes through.
struct Counted {
    inner: Box<dyn Read + Send>,
    counter: Arc<AtomicU64>,
    hasher: XxHash3_64,
    fingerprint: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.counter.fetch_add(read as u64, Ordering::Relaxed);
        std::hash::Hasher::write(&mut self.hasher, &buffer[..read]);
        self.fingerprint.store(std::hash::Hasher::finish(&self.hasher), Ordering::Relaxed);
        Ok(read)
    }
}

fn find_in_folder(folder: &Path, sources: &mut Vec<Source>) -> Result<(), IngestError> {
    let unreadable = |source| IngestError::Input { path: folder.to_owned(), source };
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            find_in_folder(&path, sources)?;
        } else if is_trace_file(&path) {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

fn is_trace_file(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    ENDINGS.iter().any(|ending| COMPRESSED.iter().any(|compressed| name.ends_with(&format!("{ending}{compressed}"))))
}

fn find_by_glob(pattern: &str) -> Result<Vec<Source>, IngestError> {
    let missing = || IngestError::Missing { path: PathBuf::from(pattern) };
    if !pattern.contains(['*', '?', '[']) {
        return Err(missing());
    }
    let paths = glob::glob(pattern).map_err(|_| missing())?;
    let found: Vec<Source> = paths.flatten().filter(|path| path.is_file()).map(Source::File).collect();
    if found.is_empty() { Err(missing()) } else { Ok(found) }
}
