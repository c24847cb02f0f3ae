//! `halo sql`: read-only statements over a dataset, one, a script of them, or as they are typed.

mod complete;
mod dot;
mod runner;
mod screen;
mod shell;
mod split;

use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use halo_dataset::Dataset;
use halo_query::{Format, SessionOptions, TraceSession};

use crate::args::{Common, RowFormat, SqlArgs};
use crate::exit::{Exit, Failure};
use crate::interrupt;
use crate::output::{self, counted};

use runner::Runner;
use screen::Pager;

/// Where statements come from.
enum Input {
    /// The command line: one statement.
    Query(String),
    /// A file, or standard input.
    Script(String),
    /// A terminal.
    Terminal,
}

/// Runs the command.
pub(crate) async fn run(args: &SqlArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let format = chosen_format(args)?;
    if args.reference {
        return output::stdout(&halo_query::reference()?).map(|()| Exit::Done);
    }
    if let Some(pattern) = &args.functions {
        return runner::list_functions(pattern.as_deref(), format).map(|()| Exit::Done);
    }
    let Some(root) = &args.dataset else {
        return Err(Failure::new(Exit::Usage, "there is no dataset").hint("write halo sql DATASET"));
    };
    let dataset = Dataset::open(root)?;
    let input = input(args)?;
    let is_shell = matches!(input, Input::Terminal);
    // The shell has an ear for each statement.
    let cancel = if is_shell { Default::default() } else { interrupt::token() };
    let session = TraceSession::open(&dataset, session_options(common)).await?;
    let own_pager = if is_shell { Pager::of_environment() } else { None };
    let mut runner = Runner {
        session,
        format,
        time_max: Duration::from_secs(args.max_time),
        timing: common.verbose || is_shell && !common.quiet,
        pager: own_pager.clone(),
        own_pager,
    };
    match input {
        Input::Query(sql) => runner.item(&split::Item::Statement(&sql), &cancel).await.map(|_| Exit::Done),
        Input::Script(text) => runner.script(&text, &cancel).await.map(|_| Exit::Done),
        Input::Terminal => {
            let manifest = dataset.manifest();
            let (spans, traces) = (counted(manifest.spans, "span"), counted(manifest.traces, "trace"));
            let greeting = format!("{}: {spans} of {traces}. `.help` for help, Ctrl-D to end.", root.display());
            output::note(common, &greeting);
            shell::run(&mut runner).await
        }
    }
}

/// The form of the rows. `-f jsonl` meant it before there were scripts and stands in older reports: beside a query it still does.
fn chosen_format(args: &SqlArgs) -> Result<Format, Failure> {
    if let (Some(_), Some(file)) = (&args.query, &args.file) {
        return runner::format_called(file).ok_or_else(|| {
            Failure::new(Exit::Usage, "a query and a script can't both run").hint("give the query, or -f FILE")
        });
    }
    Ok(format_of(args.format))
}

/// The form that a flag names.
pub(crate) fn format_of(format: RowFormat) -> Format {
    match format {
        RowFormat::Table => Format::Table,
        RowFormat::Json => Format::Json,
        RowFormat::Jsonl => Format::Jsonl,
        RowFormat::Csv => Format::Csv,
        RowFormat::Markdown => Format::Markdown,
    }
}

/// How a session works under the common flags.
pub(crate) fn session_options(common: &Common) -> SessionOptions {
    SessionOptions {
        threads: common.threads(),
        memory_bytes: usize::try_from(common.memory_limit).unwrap_or(usize::MAX),
    }
}

fn input(args: &SqlArgs) -> Result<Input, Failure> {
    if let Some(query) = &args.query {
        return Ok(Input::Query(query.clone()));
    }
    let script = match &args.file {
        Some(file) if file.as_os_str() != "-" => runner::read_script(file)?,
        None if std::io::stdin().is_terminal() => {
            return if std::io::stdout().is_terminal() {
                Ok(Input::Terminal)
            } else {
                Err(Failure::new(Exit::Usage, "there is no query").hint(
                    "give it as the last argument, or on standard input: halo sql DATASET 'select count(*) from spans'",
                ))
            };
        }
        _ => standard_input()?,
    };
    // A script with nothing in it is a mistake, and is told as one.
    let parts = split::split(&script);
    let is_empty = parts.items.is_empty() && parts.open == split::Open::Nothing;
    Ok(if is_empty { Input::Query(script) } else { Input::Script(script) })
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read the script from standard input: {error}")))?;
    Ok(text)
}
