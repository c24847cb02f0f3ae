//! The worker: one process, one interpreter, one piece of code at a time.
//!
//! The main thread reads requests and does nothing else, so that the end of its input ends the process whatever the code is doing. The
//! interpreter lives on a thread of its own with a large stack.

mod answers;
mod interpreter;
mod link;
mod printed;
mod rights;
mod streams;
mod traceback;
mod values;

use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::protocol::{Reply, Request, Start};
use interpreter::Interpreter;
use link::{Interrupter, Link};

/// Stack of the interpreter. Only what is used of it takes memory. It holds the deepest recursion that Python allows many times over, in
/// a debug build, too, and is small enough to be full before the limit of memory is met.
const STACK_BYTES: usize = 128 * 1024 * 1024;

/// The whole life of a worker: reads requests from standard input and answers on standard output until the input ends. Call it first
/// thing in a process that was started for it, before any other thread: it takes rights away from the process for good.
#[must_use]
pub fn worker_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        // What a worker says here is read by its parent, which tells of it.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why a worker gives up. The parent sees that it is gone and says so; there is nobody else to tell.
struct Broken;

fn serve() -> Result<(), Broken> {
    rights::drop_files().map_err(|_| Broken)?;
    let mut lines = BufReader::new(std::io::stdin()).lines();
    let Some(Request::Start(start)) = lines.next().and_then(|line| read(&line.ok()?)) else { return Err(Broken) };
    let (requests, inbox) = mpsc::channel();
    let interrupter = Interrupter::default();
    let link = Link::new(inbox, interrupter.clone());
    thread::Builder::new()
        .name("python".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Whatever ends the interpreter ends the process: the main thread is waiting for input.
            let _ends = AbortOnDrop;
            interpret(start, link);
        })
        .map_err(|_| Broken)?;
    for line in lines {
        let request = read(&line.map_err(|_| Broken)?).ok_or(Broken)?;
        pass_on(request, &requests, &interrupter)?;
    }
    Ok(())
}

fn read(line: &str) -> Option<Request> {
    serde_json::from_str(line).ok()
}

fn pass_on(request: Request, requests: &Sender<Request>, interrupter: &Interrupter) -> Result<(), Broken> {
    match request {
        Request::Interrupt => {
            interrupter.interrupt();
            Ok(())
        }
        request => requests.send(request).map_err(|_| Broken),
    }
}

struct AbortOnDrop;

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// Runs what comes, until the process ends.
fn interpret(start: Start, link: Link) {
    if rights::drop_the_rest(start.memory_bytes).is_err() {
        return;
    }
    let mut interpreter = Interpreter::new(&start, link.clone());
    link.send(&Reply::Ready);
    while let Some(Request::Run { code }) = link.receive() {
        if rights::grant_processor_time(start.cpu).is_err() {
            return;
        }
        let done = interpreter.run(&code);
        link.send(&Reply::Done(done));
    }
}
