//! Time and memory of a worker, seen from outside.

use std::time::Duration;

use tokio::time::Instant;

/// How often a worker's memory is looked at. A worker can't allocate faster than its address space allows anyway.
pub(super) const MEMORY_PERIOD: Duration = Duration::from_millis(25);

/// Time that interrupted code has to end by itself.
const GRACE: Duration = Duration::from_millis(1_000);

/// When code must be over. Time of host functions does not count.
pub(super) struct Deadline {
    at: Instant,
    is_extended: bool,
}

impl Deadline {
    pub(super) fn new(wall: Duration) -> Self {
        Self { at: Instant::now() + wall, is_extended: false }
    }

    pub(super) async fn passes(&self) {
        tokio::time::sleep_until(self.at).await;
    }

    pub(super) fn pause(&mut self, time: Duration) {
        self.at += time;
    }

    /// Adds the time to end by itself. False the second time.
    pub(super) fn extend_once(&mut self) -> bool {
        if self.is_extended {
            return false;
        }
        self.is_extended = true;
        self.at = Instant::now() + GRACE;
        true
    }

    pub(super) fn is_extended(&self) -> bool {
        self.is_extended
    }
}

/// Memory of a process that is really used; None where the system does not tell.
pub(super) fn resident_bytes(process: u32) -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // Pages of 4 KiB, the smallest there are: on a system with larger ones this counts too little, and the address space still bounds.
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
