//! An input, and reading it: a file, or standard input. What was read is counted and hashed as it is stored.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use twox_hash::XxHash3_64;

use crate::IngestError;
use crate::find::find;
use crate::unpack::{Unpacked, unpack};

const READ_BYTES: usize = 1 << 20;

/// One input to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Source {
    /// Finds the inputs that the user's words name. A folder gives all trace files below it, sorted; `-` is standard input.
    ///
    /// # Errors
    /// A path that is not there or can't be read, a folder or glob without trace files.
    pub fn find(inputs: &[String]) -> Result<Vec<Self>, IngestError> {
        find(inputs)
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
            // A pipe has no size, and says 0.
            Self::File(path) => path.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len()),
            Self::Stdin => None,
        }
    }

    /// Opens it from the beginning. `counter` counts the stored bytes as they are read.
    pub(crate) fn open(&self, counter: Arc<AtomicU64>) -> Result<OpenSource, IngestError> {
        let reader: Box<dyn Read + Send> = match self {
            Self::File(path) => Box::new(File::open(path).map_err(|source| self.unreadable(source))?),
            Self::Stdin => Box::new(io::stdin()),
        };
        let (counted, stored) = Counted::new(reader, counter, Prefix::default());
        Ok(OpenSource { unpacked: unpack(counted), stored })
    }

    /// Opens it at the end of a part that was read before: of an uncompressed file, of which [`Prefix::of_file`] hashed that part.
    pub(crate) fn open_at(&self, prefix: Prefix, counter: Arc<AtomicU64>) -> Result<OpenSource, IngestError> {
        let Self::File(path) = self else { return self.open(counter) };
        let mut file = File::open(path).map_err(|source| self.unreadable(source))?;
        file.seek(SeekFrom::Start(prefix.bytes)).map_err(|source| self.unreadable(source))?;
        let (counted, stored) = Counted::new(Box::new(file), counter, prefix);
        Ok(OpenSource { unpacked: Unpacked::Stream { reader: Box::new(counted), is_plain: true }, stored })
    }

    fn unreadable(&self, source: io::Error) -> IngestError {
        IngestError::Input { path: self.name().into(), source }
    }
}

/// A source being read.
pub(crate) struct OpenSource {
    pub(crate) unpacked: Unpacked,
    pub(crate) stored: Arc<Stored>,
}

/// What was read of a source so far, as it is stored.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    bytes: AtomicU64,
    fingerprint: AtomicU64,
}

impl Stored {
    /// How many bytes, counted from the beginning of the source.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Hash of these bytes.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint.load(Ordering::Relaxed)
    }
}

/// The beginning of a source, hashed; reading goes on behind it.
#[derive(Clone)]
pub(crate) struct Prefix {
    hasher: XxHash3_64,
    bytes: u64,
}

impl Default for Prefix {
    fn default() -> Self {
        Self { hasher: XxHash3_64::with_seed(0), bytes: 0 }
    }
}

impl Prefix {
    /// Hashes the first bytes of a file, all of them when it has fewer.
    pub(crate) fn of_file(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut file = File::open(path)?.take(bytes);
        let mut prefix = Self::default();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(prefix),
                read => prefix.add(&buffer[..read]),
            }
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        std::hash::Hasher::write(&mut self.hasher, bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Bytes hashed.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hash of these bytes, the same as reading them through [`Source::open`] gives.
    pub(crate) fn fingerprint(&self) -> u64 {
        std::hash::Hasher::finish(&self.hasher)
    }
}

/// Hash of a file's stored bytes, the same as reading it through [`Source::open`] gives.
pub(crate) fn fingerprint_file(path: &Path) -> io::Result<u64> {
    Ok(Prefix::of_file(path, u64::MAX)?.fingerprint())
}

/// Counts and hashes what passes through.
struct Counted {
    inner: Box<dyn Read + Send>,
    counter: Arc<AtomicU64>,
    prefix: Prefix,
    stored: Arc<Stored>,
}

impl Counted {
    fn new(inner: Box<dyn Read + Send>, counter: Arc<AtomicU64>, prefix: Prefix) -> (Self, Arc<Stored>) {
        let stored = Arc::new(Stored::default());
        stored.bytes.store(prefix.bytes(), Ordering::Relaxed);
        stored.fingerprint.store(prefix.fingerprint(), Ordering::Relaxed);
        (Self { inner, counter, prefix, stored: Arc::clone(&stored) }, stored)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.counter.fetch_add(read as u64, Ordering::Relaxed);
        self.prefix.add(&buffer[..read]);
        self.stored.bytes.store(self.prefix.bytes(), Ordering::Relaxed);
        self.stored.fingerprint.store(self.prefix.fingerprint(), Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
