//! The worker's side of the pipe. Python code has no way to it but through the host functions.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use rustpython_vm::signal::UserSignalSender;

use crate::protocol::{Reply, Request};

/// Sends replies and receives requests. Cheap to clone within the interpreter's thread.
#[derive(Clone)]
pub(super) struct Link {
    inbox: Arc<Mutex<Receiver<Request>>>,
    pub(super) interrupter: Interrupter,
}

impl Link {
    pub(super) fn new(inbox: Receiver<Request>, interrupter: Interrupter) -> Self {
        Self { inbox: Arc::new(Mutex::new(inbox)), interrupter }
    }

    /// Sends a line. A parent that is gone ends the process by the end of its input, so that a failure here needs no answer.
    pub(super) fn send(&self, reply: &Reply) {
        if let Ok(line) = serde_json::to_string(reply) {
            self.send_line(line);
        }
    }

    /// Sends what was made a line already.
    pub(super) fn send_line(&self, mut line: String) {
        line.push('\n');
        let mut stdout = std::io::stdout().lock();
        let _sent = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
    }

    /// Waits for the next request; None when there will be none.
    pub(super) fn receive(&self) -> Option<Request> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}

/// Lets the main thread raise `KeyboardInterrupt` in the code that runs.
#[derive(Clone, Default)]
pub(super) struct Interrupter {
    sender: Arc<Mutex<Option<UserSignalSender>>>,
    /// Even: nothing runs. Odd: a piece of code runs, and each has a number of its own.
    running: Arc<AtomicU64>,
}

impl Interrupter {
    /// The interpreter is there.
    pub(super) fn connect(&self, sender: UserSignalSender) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    /// Code begins or ends.
    pub(super) fn step(&self) {
        self.running.fetch_add(1, Ordering::SeqCst);
    }

    /// Interrupts the code that runs now, and none that comes later.
    pub(super) fn interrupt(&self) {
        let now = self.running.load(Ordering::SeqCst);
        if now.is_multiple_of(2) {
            return;
        }
        let running = Arc::clone(&self.running);
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            let _sent = sender.send(Box::new(move |vm| {
                if running.load(Ordering::SeqCst) != now {
                    return Ok(());
                }
                let class = vm.ctx.exceptions.keyboard_interrupt.to_owned();
                Err(vm.new_exception_msg(class, "the time limit".into()))
            }));
        }
    }
}
