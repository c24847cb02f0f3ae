//! `halo`: finds the systemic faults of an LLM agent's harness in its OpenTelemetry traces.
//!
//! `main` turns arguments into one command, runs it, and turns what came of it into an exit code. Each command is one file of
//! `commands`; this crate alone reads the environment, prints, and knows all the others.
#![expect(clippy::exit, reason = "this is the program: the one place that ends the process")]

mod args;
mod ask_tool;
mod commands;
mod exit;
mod folders;
mod interrupt;
mod live;
mod output;
mod paint;
mod progress;
mod raw_input;
mod rules;
mod run_folder;
mod telemetry;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::commands::analyze::code_host::WORKER_ARGUMENT;
use crate::exit::{Exit, Failure};

// Ingest makes and drops many large column buffers: the system's allocator returns them to the kernel each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Before anything else is set up: a worker has no use for it, and gives its rights away.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER_ARGUMENT) {
        return halo_sandbox::worker_main();
    }
    let cli = Cli::parse_from(args::with_short_form(std::env::args_os().collect()));
    let exit = run(cli).unwrap_or_else(|failure| {
        output::error(&failure);
        failure.exit
    });
    std::process::exit(exit.code());
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let common = cli.common;
    match cli.command {
        Command::Ingest(args) => commands::ingest::run(&args, &common),
        Command::Info(args) => commands::info::run(&args, &common),
        Command::Export(args) => commands::export::run(&args, &common),
        Command::Compact(args) => commands::compact::run(&args, &common),
        Command::Overview(args) => with_runtime(&common, commands::overview::run(&args, &common)),
        Command::Search(args) => with_runtime(&common, commands::search::run(&args, &common)),
        Command::Trace(args) => with_runtime(&common, commands::trace::run(&args, &common)),
        Command::Sql(args) => with_runtime(&common, commands::sql::run(&args, &common)),
        Command::Analyze(args) => with_runtime(&common, commands::analyze::run(&args, &common)),
        Command::Resume(args) => with_runtime(&common, commands::analyze::resume(&args, &common)),
        Command::Runs(args) => commands::runs::run(&args, &common),
        Command::Report(args) => commands::report::run(&args, &common),
        Command::Verify(args) => with_runtime(&common, commands::verify::run(&args, &common)),
        Command::Check(args) => with_runtime(&common, commands::check::run(&args, &common)),
    }
}

/// Runs a command that waits for queries and model replies.
fn with_runtime(common: &args::Common, command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(common.threads())
        .enable_all()
        // Deep expressions of generated SQL are planned on these threads.
        .thread_stack_size(8 << 20)
        .build()
        .map_err(|error| Failure::new(Exit::Bug, format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(command);
    // A cancelled query may still hold a thread for a moment: the user does not wait for it.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}
