//! What a worker may not do, asked of the operating system for good before any code is read.

use std::io;
use std::time::Duration;

/// Address space on top of the memory that is allowed: the interpreter's stack, and what an allocator reserves and never touches
/// (mimalloc takes arenas of a gigabyte). How much of it is used is watched from outside.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const RESERVED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod system {
    use super::{Duration, RESERVED_BYTES, io};
    use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};

    /// Sets a limit that can't be raised again.
    fn fix(resource: Resource, limit: u64) -> io::Result<()> {
        let (_, hard) = getrlimit(resource)?;
        let limit = limit.min(hard);
        Ok(setrlimit(resource, limit, limit)?)
    }

    pub(super) fn drop_files() -> io::Result<()> {
        // Only the three standard streams, which are open: no other descriptor can be made.
        fix(Resource::RLIMIT_NOFILE, 3)?;
        fix(Resource::RLIMIT_FSIZE, 0)?;
        fix(Resource::RLIMIT_CORE, 0)
    }

    pub(super) fn drop_the_rest(memory_bytes: u64) -> io::Result<()> {
        // Counts threads, too, so it must come after the last one. The superuser is not held by it.
        fix(Resource::RLIMIT_NPROC, 0)?;
        // Other systems than Linux refuse or ignore this one.
        let bounded = fix(Resource::RLIMIT_AS, memory_bytes.saturating_add(RESERVED_BYTES));
        if cfg!(target_os = "linux") { bounded } else { Ok(()) }
    }

    pub(super) fn grant_processor_time(time: Duration) -> io::Result<()> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let used = usage.user_time().tv_sec() + usage.system_time().tv_sec();
        let seconds = u64::try_from(used).unwrap_or(0) + time.as_secs() + 2;
        let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
        Ok(setrlimit(Resource::RLIMIT_CPU, seconds.min(hard), hard)?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod system {
    use super::{Duration, io};

    pub(super) fn drop_files() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn drop_the_rest(_: u64) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn grant_processor_time(_: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// No new file descriptor, no byte into a file, no core dump.
pub(super) fn drop_files() -> io::Result<()> {
    system::drop_files()
}

/// No new process or thread, bounded address space. Call it on the last thread that is needed.
pub(super) fn drop_the_rest(memory_bytes: u64) -> io::Result<()> {
    system::drop_the_rest(memory_bytes)
}

/// Lets the process compute for so much longer, then the system kills it.
pub(super) fn grant_processor_time(time: Duration) -> io::Result<()> {
    system::grant_processor_time(time)
}
