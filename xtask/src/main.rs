//! Chores of the workspace, run as `cargo xtask CHORE`.

mod corpus;
mod fixtures;
mod rng;
mod tidy;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: cargo xtask CHORE
  fixtures           writes the generated files under fixtures/
  fixtures --check   fails when a generated file differs from what is there
  corpus --out DIR [--traces N] [--seed S] [--held-out] [--batch A|B]
                     writes traces of agents with planted faults, and what was planted, to score reports by
  tidy               holds the workspace to its rules and tells every breach";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = run(&arguments);
    let mut stderr = std::io::stderr().lock();
    let (text, code) = match outcome {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(error) => (format!("error: {error:#}"), ExitCode::FAILURE),
    };
    // When stderr is gone there is nobody left to tell.
    drop(writeln!(stderr, "{text}"));
    code
}

/// Runs one chore and says in a line or two what it did.
fn run(arguments: &[&str]) -> Result<String> {
    match arguments {
        ["fixtures"] => fixtures::write(&workspace()?),
        ["fixtures", "--check"] => fixtures::check(&workspace()?),
        ["corpus", arguments @ ..] => corpus::run(arguments),
        ["tidy"] => tidy::run(&workspace()?),
        _ => bail!("{USAGE}"),
    }
}

/// The folder of the workspace, which holds the folder of this crate.
fn workspace() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?;
    Ok(folder.to_path_buf())
}
