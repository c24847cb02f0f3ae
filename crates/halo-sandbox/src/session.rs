//! The parent's side of one session: code in, outcome out, and a worker that is killed when it goes too far.

mod lines;
mod watch;
mod worker_process;

use std::pin::pin;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::bind::bind;
use crate::error::SandboxError;
use crate::host::{CodeHost, HostCall, HostFunction};
use crate::limits::{CodeLimits, WorkerCommand};
use crate::outcome::{CodeError, CodeOutcome, Ending};
use crate::protocol::{Done, LINE_BYTES_MAX, Reply, Request, Start};
use watch::Deadline;
use worker_process::{Received, WorkerProcess};

/// Python with variables that last from call to call.
///
/// The worker process starts with the first code and is killed with the session.
#[derive(Debug)]
pub struct CodeSession {
    command: WorkerCommand,
    limits: CodeLimits,
    functions: Vec<HostFunction>,
    worker: Option<WorkerProcess>,
    /// Why the worker of earlier calls is gone.
    lost: Option<String>,
}

impl CodeSession {
    /// A session without variables. Nothing is started yet.
    #[must_use]
    pub fn start(command: WorkerCommand, limits: CodeLimits, functions: Vec<HostFunction>) -> Self {
        Self { command, limits, functions, worker: None, lost: None }
    }

    /// Whether a worker process with the variables of earlier calls is there.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.worker.is_some()
    }

    /// Ends the worker. The next call starts a fresh one and tells this reason, which completes "variables of earlier calls are gone: ...".
    pub fn end(&mut self, reason: &str) {
        if self.worker.take().is_some() {
            self.lost = Some(reason.to_owned());
        }
    }

    /// Runs code and waits for its end. When the future is dropped the worker is killed.
    ///
    /// # Errors
    /// [`SandboxError`] when no worker can be started. Whatever the code does is an outcome.
    pub async fn run(
        &mut self,
        code: &str,
        host: &dyn CodeHost,
        cancel: &CancellationToken,
    ) -> Result<CodeOutcome, SandboxError> {
        let began = Instant::now();
        let mut outcome = CodeOutcome::default();
        if code.len() > CODE_BYTES_MAX {
            outcome.error = Some(CodeError::too_long(CODE_BYTES_MAX));
            return Ok(outcome);
        }
        let mut worker = self.live_worker(&mut outcome).await?;
        // Holds when this future is dropped before its end, and the worker with it.
        self.lost = Some("the call before was interrupted".to_owned());
        let mut run = Run { limits: &self.limits, functions: &self.functions, host, cancel, outcome };
        let ending = run.drive(&mut worker, code).await;
        outcome = run.outcome;
        outcome.ending = match ending {
            Ending::Crashed => worker.autopsy().await,
            killed if !killed.keeps_variables() => {
                worker.kill().await;
                killed
            }
            kept => {
                self.worker = Some(worker);
                kept
            }
        };
        self.lost = outcome.ending.loss().map(str::to_owned);
        outcome.time = began.elapsed();
        outcome.add_hint(&self.functions);
        Ok(outcome)
    }

    async fn live_worker(&mut self, outcome: &mut CodeOutcome) -> Result<WorkerProcess, SandboxError> {
        if let Some(mut worker) = self.worker.take() {
            if worker.is_running() {
                return Ok(worker);
            }
            self.lost = Some("the Python process ended between the calls".to_owned());
        }
        let start = Start::new(&self.functions, &self.limits);
        let worker = WorkerProcess::start(&self.command, start).await?;
        outcome.variables_lost = self.lost.take();
        Ok(worker)
    }
}

/// One piece of code while it runs.
struct Run<'a> {
    limits: &'a CodeLimits,
    functions: &'a [HostFunction],
    host: &'a dyn CodeHost,
    cancel: &'a CancellationToken,
    outcome: CodeOutcome,
}

impl Run<'_> {
    async fn drive(&mut self, worker: &mut WorkerProcess, code: &str) -> Ending {
        if worker.send(&Request::Run { code: code.to_owned() }).await.is_err() {
            return Ending::Crashed;
        }
        let mut memory = pin!(worker.memory_watch(self.limits.memory_bytes));
        let mut deadline = Deadline::new(self.limits.wall);
        loop {
            // Replies come last: however fast they come, they must not hold up the limits.
            let received = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Ending::Cancelled,
                () = &mut memory => return Ending::OutOfMemory,
                () = deadline.passes() => {
                    // First a chance to end with an exception and keep the variables.
                    if !deadline.extend_once() || worker.send(&Request::Interrupt).await.is_err() {
                        return Ending::TimedOut;
                    }
                    continue;
                }
                received = worker.receive() => received,
            };
            match received {
                Received::Reply(Reply::Printed { text }) => self.print(&text),
                Received::Reply(Reply::Call { function, arguments }) => {
                    let began = Instant::now();
                    let Some(answer) = self.answer(function, arguments).await else { return Ending::Cancelled };
                    deadline.pause(began.elapsed());
                    if worker.send_line(answer).await.is_err() {
                        return Ending::Crashed;
                    }
                }
                Received::Reply(Reply::Done(done)) => return self.finish(done, deadline.is_extended()),
                Received::Reply(Reply::Ready) | Received::Garbage => return Ending::Misbehaved,
                // Some code breaks the interpreter when it is interrupted. Its time was up all the same.
                Received::End if deadline.is_extended() => return Ending::TimedOut,
                Received::End => return Ending::Crashed,
            }
        }
    }

    fn print(&mut self, text: &str) {
        // A worker that keeps to the rules never sends more than this.
        let left = self.limits.output_chars.saturating_sub(self.outcome.printed.chars().count());
        self.outcome.printed.extend(text.chars().take(left));
    }

    fn finish(&mut self, done: Done, was_interrupted: bool) -> Ending {
        let clip = |text: &str| halo_tool::clip_middle(text, self.limits.output_chars);
        if done.printed_missing > 0 {
            self.outcome.printed.push_str(&format!("[… {} characters left out …]", done.printed_missing));
        }
        self.outcome.printed.push_str(&clip(&done.printed_end));
        self.outcome.value = done.value.as_deref().map(clip);
        let interrupted =
            was_interrupted && done.error.as_ref().is_some_and(|error| error.class == "KeyboardInterrupt");
        self.outcome.error = done.error.map(|raised| CodeError::new(raised, self.limits.output_chars));
        match (interrupted, done.has_exited) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::Exited,
            (false, false) => Ending::Finished,
        }
    }

    /// The line that answers a call; None when the run was cancelled.
    async fn answer(&mut self, function: String, arguments: Map<String, Value>) -> Option<String> {
        self.outcome.host_calls += 1;
        let began = Instant::now();
        let answer = self.ask_host(function, arguments).await?;
        self.outcome.host_time += began.elapsed();
        let line = |answer| serde_json::to_string(&Request::Answer { answer }).unwrap_or_default();
        let text = line(answer);
        if text.len() <= LINE_BYTES_MAX / 2 {
            return Some(text);
        }
        Some(line(Err(format!(
            "the result is {} MB, at most {} fit; ask for fewer rows or shorter columns",
            text.len() >> 20,
            LINE_BYTES_MAX >> 21
        ))))
    }

    async fn ask_host(&self, function: String, arguments: Map<String, Value>) -> Option<Result<Value, String>> {
        if self.outcome.host_calls > self.limits.host_calls {
            return Some(Err(format!(
                "more than {} calls of host functions in one run; ask for more with each, with one sql() over many traces or llm_batch()",
                self.limits.host_calls
            )));
        }
        // The worker has done so already, but what comes out of it is not trusted.
        let Some(known) = self.functions.iter().find(|known| known.name == function) else {
            return Some(Err(format!("there is no host function {function}")));
        };
        let arguments = match bind(known, Vec::new(), arguments.into_iter().collect()) {
            Ok(arguments) => arguments,
            Err(error) => return Some(Err(error)),
        };
        let call = HostCall { function, arguments };
        self.cancel.run_until_cancelled(self.host.call(call, self.cancel.clone())).await
    }
}

/// Longest code, in bytes. What is longer is data, which has better ways in.
const CODE_BYTES_MAX: usize = 1024 * 1024;

/// How long a worker may take to start; far more than it ever needs.
const START_TIME_MAX: Duration = Duration::from_secs(60);
