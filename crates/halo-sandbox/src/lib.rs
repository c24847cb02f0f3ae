//! Python for the model, in a worker process of the same program, without access to the host.
//!
//! The agent's tool is [`RunCode`]. It holds a [`CodeSession`] per agent, whose variables last from call to call. A session owns a
//! worker process: the program itself, started again with arguments ([`WorkerCommand`]) that lead it to [`worker_main`]. The worker
//! interprets Python with RustPython, built without its host environment, so that there is no file, socket, process, environment
//! or C library to reach. What the code may know of the dataset it asks for through host functions ([`HostFunction`],
//! [`CodeHost`]): `sql("...")` in Python becomes a request over the worker's pipe, and the parent answers.
//!
//! Two fences stand around the interpreter. From the inside, the worker takes its own rights away before it reads any code: no new file
//! descriptor, no process, no byte written to a file, bounded address space and processor time. From the outside, the parent watches the
//! clock and the worker's memory, and kills it; what a worker sends is bounded and never trusted. A killed worker costs the
//! variables of one session and nothing else: the next call starts a fresh one and says so.
//!
//! What it costs, on two cores of a small cloud machine in a dev build: a worker starts in 65 to 160 ms with 32 MB, a loop of a million takes
//! 0.3 s (1.5 s without the optimisation that the workspace's manifest asks for), the call of a host function 0.2 ms, and the interpreter 290 s of
//! processor time to compile, half of it for `rustpython-vm`.
//!
//! This crate knows no data engine, no model client and no agent.

mod bind;
mod error;
mod hints;
mod host;
mod limits;
mod outcome;
mod protocol;
mod run_code;
mod session;
mod worker;

pub use error::SandboxError;
pub use host::{CodeHost, HostCall, HostFunction, HostParameter, ParameterKind, trace_functions};
pub use limits::{CodeLimits, WorkerCommand};
pub use outcome::{CodeError, CodeOutcome, Ending};
pub use run_code::{HostMaker, HostSource, RunCode, RunCodeArgs, RunCodeSettings};
pub use session::CodeSession;
pub use worker::worker_main;
