//! The worker as a child process: started with nothing, listened to with care, killed for sure.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::START_TIME_MAX;
use super::lines::{Line, Lines};
use super::watch::{MEMORY_PERIOD, resident_bytes};
use crate::error::SandboxError;
use crate::limits::WorkerCommand;
use crate::outcome::Ending;
use crate::protocol::{LINE_BYTES_MAX, Reply, Request, Start};

/// What a worker writes to standard error says how it crashed; its beginning is enough.
const COMPLAINT_BYTES_MAX: usize = 4 * 1024;

/// How long a worker that closed its pipe may take to be gone.
const EXIT_TIME_MAX: Duration = Duration::from_secs(2);

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub(super) struct WorkerProcess {
    child: Child,
    stdin: ChildStdin,
    replies: Lines<ChildStdout>,
    /// Ends with standard error.
    complaint: JoinHandle<Vec<u8>>,
}

/// What came from a worker.
#[derive(Debug)]
pub(super) enum Received {
    Reply(Reply),
    /// No reply of the protocol, or one that is too long.
    Garbage,
    /// The worker is gone.
    End,
}

impl WorkerProcess {
    pub(super) async fn start(command: &WorkerCommand, start: Start) -> Result<Self, SandboxError> {
        let program = command.program.clone();
        let spawn_error = |source| SandboxError::Spawn { program: program.clone(), source };
        let mut process = Command::new(&command.program);
        process.args(&command.args).env_clear().kill_on_drop(true);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C in a terminal is for the parent, which decides.
        #[cfg(unix)]
        process.process_group(0);
        let mut child = process.spawn().map_err(spawn_error)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(spawn_error(io::Error::other("it has no pipes")));
        };
        let complaint = tokio::spawn(listen(stderr));
        let mut worker = Self { child, stdin, replies: Lines::new(stdout, LINE_BYTES_MAX), complaint };
        let ready = async {
            worker.send(&Request::Start(start)).await.ok()?;
            matches!(worker.receive().await, Received::Reply(Reply::Ready)).then_some(())
        };
        if let Ok(Some(())) = tokio::time::timeout(START_TIME_MAX, ready).await {
            return Ok(worker);
        }
        let complaint = worker.end().await.1;
        let first = complaint.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing").to_owned();
        Err(SandboxError::NoWorker { program, reason: first })
    }

    /// Whether it is still there.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) async fn send(&mut self, request: &Request) -> io::Result<()> {
        self.send_line(serde_json::to_string(request)?).await
    }

    /// Sends what was made a line already. A worker always reads, so this ends.
    pub(super) async fn send_line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.stdin.write_all(line.as_bytes()).await?;
        self.stdin.flush().await
    }

    /// The next reply. May be dropped at any time.
    pub(super) async fn receive(&mut self) -> Received {
        match self.replies.next().await {
            Line::Whole(line) => serde_json::from_slice(&line).map_or(Received::Garbage, Received::Reply),
            Line::TooLong => Received::Garbage,
            Line::End => Received::End,
        }
    }

    /// A look at the memory of the worker, from time to time.
    pub(super) fn memory_watch(&self, bytes_max: u64) -> impl Future<Output = ()> + use<> {
        let process = self.child.id();
        async move {
            loop {
                tokio::time::sleep(MEMORY_PERIOD).await;
                if process.and_then(resident_bytes).is_some_and(|bytes| bytes > bytes_max) {
                    return;
                }
            }
        }
    }

    /// Kills it and waits until it is gone.
    pub(super) async fn kill(mut self) {
        let _killed = self.child.kill().await;
    }

    /// How a worker ended that closed its pipe. One that does not end after all is killed.
    pub(super) async fn autopsy(self) -> Ending {
        let (status, complaint) = self.end().await;
        cause(status, &complaint)
    }

    /// Waits until it is gone: its status if it ended by itself, and what it wrote to standard error.
    async fn end(mut self) -> (Option<ExitStatus>, String) {
        let status = tokio::time::timeout(EXIT_TIME_MAX, self.child.wait()).await;
        if status.is_err() {
            let _killed = self.child.kill().await;
        }
        let complaint = tokio::time::timeout(EXIT_TIME_MAX, self.complaint).await;
        let complaint = complaint.ok().and_then(Result::ok).unwrap_or_default();
        (status.ok().and_then(Result::ok), String::from_utf8_lossy(&complaint).into_owned())
    }
}

/// Keeps the beginning of what comes and reads on, so that the worker never waits for it.
async fn listen(mut stderr: ChildStderr) -> Vec<u8> {
    let mut complaint = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let left = COMPLAINT_BYTES_MAX.saturating_sub(complaint.len()).min(count);
        complaint.extend_from_slice(buffer.get(..left).unwrap_or_default());
    }
    complaint
}

fn cause(status: Option<ExitStatus>, complaint: &str) -> Ending {
    if complaint.contains("memory allocation of") {
        return Ending::OutOfMemory;
    }
    if complaint.contains("overflowed its stack") {
        return Ending::StackOverflow;
    }
    match status.and_then(signal) {
        Some(SIGXCPU) => Ending::TimedOut,
        Some(SIGSEGV) => Ending::StackOverflow,
        _ => Ending::Crashed,
    }
}

const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}
