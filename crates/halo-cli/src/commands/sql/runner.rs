//! Runs the items of a script or of the shell, one after the other, in one session.

use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::time::Duration;

use halo_query::{Format, QueryError, QueryLimits, QueryStream, RenderOptions, RowWriter, TraceSession};
use tokio_util::sync::CancellationToken;

use super::dot::{self, Command};
use super::screen::{Pager, Screen};
use super::split::{self, Item, Open};
use crate::exit::{Exit, Failure};
use crate::output::{self, counted};

/// Widest cell of a table. Longer texts are clipped there; the other formats give them whole.
const CELL_WIDTH_MAX: usize = 60;

/// Widest cell of a table that tells what tables, columns and functions mean.
const MEANING_WIDTH_MAX: usize = 160;

/// How deep scripts may read scripts.
const SCRIPTS_MAX: usize = 16;

/// A session and how its results are shown.
pub(super) struct Runner {
    pub(super) session: TraceSession,
    pub(super) format: Format,
    pub(super) time_max: Duration,
    /// Whether rows and time are told after a result.
    pub(super) timing: bool,
    /// What shows long results; `None` for standard output as it is.
    pub(super) pager: Option<Pager>,
    /// What does so when the pager is turned on again.
    pub(super) own_pager: Option<Pager>,
}

/// Whether more is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    GoOn,
    Quit,
}

/// Why a result was not shown whole.
enum Stopped {
    Query(QueryError),
    Write(std::io::Error),
}

impl From<QueryError> for Stopped {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Write(error)
    }
}

impl Runner {
    /// Runs a script up to its first failure.
    pub(super) async fn script(&mut self, text: &str, cancel: &CancellationToken) -> Result<Flow, Failure> {
        Box::pin(self.nested_script(text, 0, cancel)).await
    }

    /// Runs one thing.
    pub(super) async fn item(&mut self, item: &Item<'_>, cancel: &CancellationToken) -> Result<Flow, Failure> {
        Box::pin(self.nested_item(item, 0, cancel)).await
    }

    async fn nested_script(&mut self, text: &str, depth: usize, cancel: &CancellationToken) -> Result<Flow, Failure> {
        let parts = split::split(text);
        let mut items = parts.items;
        // The last statement need not end; whatever else is open, the engine says best what is wrong with it.
        if !matches!(parts.open, Open::Nothing) {
            items.push(Item::Statement(parts.rest.trim_end()));
        }
        for (index, item) in items.iter().enumerate() {
            let done = match item {
                Item::Statement(sql) => {
                    if index > 0 && matches!(self.format, Format::Table | Format::Markdown) {
                        output::stdout("\n")?;
                    }
                    let sql = split::in_its_place(text, sql);
                    Box::pin(self.nested_item(&Item::Statement(&sql), depth, cancel)).await?
                }
                Item::Command(_) => Box::pin(self.nested_item(item, depth, cancel)).await?,
            };
            if done == Flow::Quit {
                return Ok(Flow::Quit);
            }
        }
        Ok(Flow::GoOn)
    }

    async fn nested_item(
        &mut self,
        item: &Item<'_>,
        depth: usize,
        cancel: &CancellationToken,
    ) -> Result<Flow, Failure> {
        match item {
            Item::Statement(sql) => self.statement(sql, CELL_WIDTH_MAX, cancel).await.map(|()| Flow::GoOn),
            Item::Command(line) => self.command(dot::parse(line)?, depth, cancel).await,
        }
    }

    async fn command(&mut self, command: Command, depth: usize, cancel: &CancellationToken) -> Result<Flow, Failure> {
        match command {
            Command::Help => output::stdout(dot::HELP)?,
            Command::Tables => self.statement("SHOW TABLES", MEANING_WIDTH_MAX, cancel).await?,
            Command::Schema(Some(table)) => {
                self.statement(&format!("DESCRIBE \"{}\"", table.replace('"', "")), MEANING_WIDTH_MAX, cancel).await?;
            }
            Command::Schema(None) => {
                for (table, _) in halo_query::tables() {
                    output::stdout(&format!("{table}\n"))?;
                    self.statement(&format!("DESCRIBE {table}"), MEANING_WIDTH_MAX, cancel).await?;
                }
            }
            Command::Functions(pattern) => {
                let mut screen = Screen::new(self.pager.clone());
                let shown = functions(pattern.as_deref(), self.format, &mut screen);
                shown.and_then(|()| screen.finish().map_err(Stopped::Write)).or_else(|stopped| self.told(stopped))?;
            }
            Command::Mode(None) => output::stdout(&format!("{}\n", self.format.name()))?,
            Command::Mode(Some(format)) => self.format = format,
            Command::Timing(on) => self.timing = on.unwrap_or(!self.timing),
            Command::Pager(on) => {
                let on = on.unwrap_or(self.pager.is_none());
                self.pager = self.own_pager.clone().filter(|_| on);
            }
            Command::Read(file) => {
                if depth >= SCRIPTS_MAX {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("scripts read scripts more than {SCRIPTS_MAX} deep"),
                    )
                    .hint("a script reads itself; leave that `.read` out"));
                }
                let text = read_script(&file)?;
                return Box::pin(self.nested_script(&text, depth + 1, cancel)).await;
            }
            Command::Quit => return Ok(Flow::Quit),
        }
        Ok(Flow::GoOn)
    }

    async fn statement(&self, sql: &str, cell_width_max: usize, cancel: &CancellationToken) -> Result<(), Failure> {
        let limits = QueryLimits { rows_max: usize::MAX, bytes_max: usize::MAX, time_max: self.time_max };
        let mut stream = self.session.stream(sql, &limits, cancel).await?;
        let mut screen = Screen::new(self.pager.clone());
        let shown = self.rows(&mut stream, cell_width_max, &mut screen).await;
        // What came before an error is shown before it.
        let finished = screen.finish();
        match shown.and_then(|rows| finished.map(|()| rows).map_err(Stopped::Write)) {
            Ok(rows) if self.timing => {
                output::line(&format!("{} in {:.3} s", counted(rows, "row"), stream.elapsed().as_secs_f64()));
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(stopped) => self.told(stopped),
        }
    }

    async fn rows(&self, stream: &mut QueryStream, cell_width_max: usize, out: &mut Screen) -> Result<u64, Stopped> {
        let columns = stream.columns().to_vec();
        let mut writer = RowWriter::new(self.format, RenderOptions { cell_width_max }, &columns, out)?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await? {
            rows += batch.row_count() as u64;
            writer.write(&batch)?;
        }
        writer.finish()?;
        Ok(rows)
    }

    /// What it means that a result was not shown whole.
    fn told(&self, stopped: Stopped) -> Result<(), Failure> {
        match stopped {
            Stopped::Query(error) => Err(error.into()),
            // The user has left the pager, and with it the rest.
            Stopped::Write(error) if self.pager.is_some() && error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Stopped::Write(error) => output::write_failure(error),
        }
    }
}

/// Writes the functions of SQL, all or those that a pattern finds: as rows, or for reading.
fn functions(pattern: Option<&str>, format: Format, mut out: impl Write) -> Result<(), Stopped> {
    let found = halo_query::list_functions(pattern)?;
    if format != Format::Table {
        halo_query::render(&found, format, RenderOptions { cell_width_max: CELL_WIDTH_MAX }, out)?;
        return Ok(());
    }
    let column = |name: &str| found.texts(name).unwrap_or_default().into_iter().map(Option::unwrap_or_default);
    for ((signature, meaning), example) in column("signature").zip(column("meaning")).zip(column("example")) {
        writeln!(out, "{signature}\n    {meaning}")?;
        if !example.is_empty() {
            writeln!(out, "    {example}")?;
        }
    }
    if found.row_count() == 0 {
        writeln!(out, "no function's name or meaning matches")?;
    }
    Ok(())
}

/// `--functions`: the same without a dataset.
pub(super) fn list_functions(pattern: Option<&str>, format: Format) -> Result<(), Failure> {
    let pager = if std::io::stdout().is_terminal() { Pager::of_environment() } else { None };
    let mut screen = Screen::new(pager);
    match functions(pattern, format, &mut screen).and_then(|()| screen.finish().map_err(Stopped::Write)) {
        Ok(()) => Ok(()),
        Err(Stopped::Query(error)) => Err(error.into()),
        Err(Stopped::Write(error)) => output::write_failure(error),
    }
}

/// The text of a script.
pub(super) fn read_script(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        let failure = Failure::new(Exit::Input, format!("cannot read the script {}: {error}", file.display()));
        match format_called(file) {
            Some(format) => failure.hint(format!("for the form of the rows write --format {}", format.name())),
            None => failure,
        }
    })
}

/// The format with this name.
pub(super) fn format_called(name: &Path) -> Option<Format> {
    Format::ALL.into_iter().find(|format| name.as_os_str() == format.name())
}
