//! The end of one question: its time, and the run's interruption.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::RepoError;

/// When to stop.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    cancel: CancellationToken,
    deadline: Instant,
    limit: Duration,
}

impl Guard {
    pub(crate) fn new(cancel: &CancellationToken, limit: Duration) -> Self {
        let now = Instant::now();
        // A limit beyond the clock's end is as good as a year.
        let deadline = now.checked_add(limit).unwrap_or_else(|| now + Duration::from_secs(31_536_000));
        Self { cancel: cancel.clone(), deadline, limit }
    }

    /// Says when it is time to stop.
    pub(crate) fn check(&self) -> Result<(), RepoError> {
        if self.cancel.is_cancelled() {
            return Err(RepoError::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(self.too_slow());
        }
        Ok(())
    }

    pub(crate) fn too_slow(&self) -> RepoError {
        RepoError::TooSlow { limit: self.limit }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }
}

/// Reads until the guard says stop, and no more bytes than it may.
pub(crate) struct Guarded<'a, R> {
    inner: R,
    guard: &'a Guard,
    bytes_left: u64,
}

impl<'a, R: Read> Guarded<'a, R> {
    pub(crate) fn new(inner: R, guard: &'a Guard, bytes_max: u64) -> Self {
        Self { inner, guard, bytes_left: bytes_max }
    }
}

impl<R: Read> Read for Guarded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.guard.check().map_err(|error| io::Error::other(error.to_string()))?;
        let most = usize::try_from(self.bytes_left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.bytes_left -= read as u64;
        Ok(read)
    }
}
