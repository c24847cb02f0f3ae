//! `halo sql`: one read-only statement over a dataset.

use std::io::{BufWriter, IsTerminal as _, Read as _};
use std::time::Duration;

use halo_dataset::Dataset;
use halo_query::{Format, QueryLimits, RenderOptions, RowWriter, SessionOptions, TraceSession};

use crate::args::{Common, RowFormat, SqlArgs};
use crate::exit::{Exit, Failure};
use crate::{interrupt, output};

/// Widest cell of a table. Longer texts are clipped there; the other formats give them whole.
const CELL_WIDTH_MAX: usize = 60;

/// Runs the command.
pub(crate) async fn run(args: &SqlArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let dataset = Dataset::open(&args.dataset)?;
    let query = statement(args)?;
    let cancel = interrupt::token();
    let session = TraceSession::open(&dataset, session_options(common)).await?;
    let limits =
        QueryLimits { rows_max: usize::MAX, bytes_max: usize::MAX, time_max: Duration::from_secs(args.max_time) };
    let mut stream = session.stream(&query, &limits, &cancel).await?;
    let format = match args.format {
        RowFormat::Table => Format::Table,
        RowFormat::Json => Format::Json,
        RowFormat::Jsonl => Format::Jsonl,
        RowFormat::Csv => Format::Csv,
        RowFormat::Markdown => Format::Markdown,
    };
    let columns = stream.columns().to_vec();
    let out = BufWriter::new(std::io::stdout().lock());
    let options = RenderOptions { cell_width_max: CELL_WIDTH_MAX };
    let mut writer = match RowWriter::new(format, options, &columns, out) {
        Ok(writer) => writer,
        Err(error) => return output::write_failure(error).map(|()| Exit::Done),
    };
    let mut rows = 0;
    while let Some(batch) = stream.next().await? {
        rows += batch.row_count() as u64;
        writer.write(&batch).or_else(output::write_failure)?;
    }
    writer.finish().or_else(output::write_failure)?;
    if common.verbose {
        output::note(common, &format!("{} in {:.3} s", output::counted(rows, "row"), stream.elapsed().as_secs_f64()));
    }
    Ok(Exit::Done)
}

/// How a session works under the common flags.
pub(crate) fn session_options(common: &Common) -> SessionOptions {
    SessionOptions {
        threads: common.threads(),
        memory_bytes: usize::try_from(common.memory_limit).unwrap_or(usize::MAX),
    }
}

fn statement(args: &SqlArgs) -> Result<String, Failure> {
    if let Some(query) = &args.query {
        return Ok(query.clone());
    }
    let mut stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::new(Exit::Usage, "there is no query").hint(
            "give it as the last argument, or on standard input: halo sql DATASET 'select count(*) from spans'",
        ));
    }
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(Exit::Input, format!("cannot read the query from standard input: {error}")))?;
    Ok(text)
}
