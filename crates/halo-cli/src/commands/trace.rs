//! `halo trace`: one trace as a tree of its steps, some of them whole, or where a pattern stands in it.

use std::io::{BufWriter, Write as _};

use halo_query::{MarkedText, Reader, SpanChoice, View, WriteTraceError, show_spans, show_trace, write_trace_json};
use serde_json::json;

use crate::args::{Common, TraceArgs, TraceFormat};
use crate::exit::{Exit, Failure};
use crate::{ask_tool, interrupt, output, paint};

/// Runs the command.
pub(crate) async fn run(args: &TraceArgs, common: &Common) -> Result<Exit, Failure> {
    if args.format == TraceFormat::Json {
        return document(args, common).await;
    }
    let TraceArgs { dataset, trace_id, page, search, span, steps, .. } = args;
    let cancel = interrupt::token();
    let view = View { page: page.unwrap_or(1), reader: Reader::Person { dataset: dataset.display().to_string() } };
    let shown = match (search, span) {
        (Some(pattern), None) => {
            let asked = json!({"trace_id": trace_id, "regex_pattern": pattern});
            return ask_tool::ask(dataset, common, "search_trace", &asked).await;
        }
        (Some(pattern), Some(span)) => {
            let asked = json!({"trace_id": trace_id, "span_id": span, "regex_pattern": pattern});
            return ask_tool::ask(dataset, common, "search_span", &asked).await;
        }
        (None, None) if steps.is_empty() => {
            let session = ask_tool::session(dataset, common).await?;
            show_trace(&session, trace_id, &view, &cancel).await
        }
        (None, span) => {
            let session = ask_tool::session(dataset, common).await?;
            let choice = SpanChoice { span_ids: span.iter().cloned().collect(), steps: steps.clone() };
            show_spans(&session, trace_id, &choice, &view, &cancel).await
        }
    };
    print(&shown.map_err(ask_tool::refused)?, common)
}

fn print(text: &MarkedText, common: &Common) -> Result<Exit, Failure> {
    let painted = paint::painted(text, output::is_stdout_colored(common), output::stdout_width());
    output::stdout(&painted).map(|()| Exit::Done)
}

/// The whole trace as JSON.
async fn document(args: &TraceArgs, common: &Common) -> Result<Exit, Failure> {
    let TraceArgs { dataset, trace_id, page, search, span, steps, .. } = args;
    if page.is_some() || search.is_some() || span.is_some() || !steps.is_empty() {
        return Err(Failure::new(Exit::Usage, "--format json gives the whole trace")
            .hint("leave out --page, --search, --span and --step, or the format"));
    }
    let session = ask_tool::session(dataset, common).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = write_trace_json(&session, trace_id, &mut out, &interrupt::token()).await;
    match written {
        Ok(true) => out.flush().or_else(output::write_failure).map(|()| Exit::Done),
        Ok(false) => Err(Failure::new(Exit::Usage, format!("there is no trace `{trace_id}`"))
            .hint("`halo sql DATASET 'select trace_id from traces'` lists the ids")),
        Err(WriteTraceError::Query(error)) => Err(error.into()),
        Err(WriteTraceError::Io(error)) => output::write_failure(error).map(|()| Exit::Done),
    }
}
