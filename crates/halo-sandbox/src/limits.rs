//! How a worker is started, and how much one piece of code may use.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The program that is the worker: it must call [`crate::worker_main`] when it gets these arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// Path of the program. It is started with an empty environment.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// What one call of [`crate::CodeSession::run`] may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeLimits {
    /// Time on the clock, without the time that host functions take.
    pub wall: Duration,
    /// Processor time; rounded up to whole seconds.
    pub cpu: Duration,
    /// Memory of the worker, variables of earlier calls and the interpreter (about 40 MB) included.
    pub memory_bytes: u64,
    /// Characters of printed text, and of the last value, that are kept.
    pub output_chars: usize,
    /// Calls of host functions.
    pub host_calls: usize,
}

impl Default for CodeLimits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(30),
            cpu: Duration::from_secs(40),
            memory_bytes: 1024 * 1024 * 1024,
            output_chars: 20_000,
            host_calls: 1_000,
        }
    }
}
