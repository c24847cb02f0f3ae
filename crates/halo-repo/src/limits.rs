//! How much one question may cost.

use std::ffi::OsString;
use std::time::Duration;

/// How much one question may cost, and where git is looked for.
#[derive(Debug, Clone)]
pub struct RepoLimits {
    /// Time of one call. Processes that still run then are killed.
    pub time: Duration,
    /// Characters of one answer, about.
    pub output_chars: usize,
    /// Files and folders that one walk looks at.
    pub walked_max: usize,
    /// Bytes that one call reads of a file or of what git writes.
    pub read_bytes_max: u64,
    /// Where git is looked for, as `PATH` says it; the usual places when absent. Relative folders, and those inside the repository, are
    /// passed over.
    pub search_path: Option<OsString>,
}

impl Default for RepoLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            output_chars: 24_000,
            walked_max: 200_000,
            read_bytes_max: 1 << 30,
            search_path: None,
        }
    }
}
