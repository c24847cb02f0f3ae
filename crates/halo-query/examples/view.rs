//! What a model reads of traces, every page: `view DATASET [--spans] TRACE_ID...` prints a line of JSON a page, `{trace_id, tool, text}`. With
//! `--spans` also all spans whole. `benches/tokens.py` counts the tokens of it.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::error::Error;
use std::time::Duration;

use halo_dataset::Dataset;
use halo_query::{QueryLimits, Reader, SessionOptions, SpanChoice, TraceSession, View, show_spans, show_trace};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Spans that one call shows.
const SPANS_MAX: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--spans");
    let (dataset, trace_ids) = words.split_first().ok_or("usage: view DATASET [--spans] TRACE_ID...")?;
    let options = SessionOptions { threads: 2, memory_bytes: 1 << 30 };
    let session = TraceSession::open(&Dataset::open(dataset.as_ref())?, options).await?;
    let cancel = CancellationToken::new();
    let model = |page| View { page, reader: Reader::Model };
    let print = |trace_id: &str, tool: &str, text: &str| {
        println!("{}", json!({"trace_id": trace_id, "tool": tool, "text": text}));
        // Each page that is not the last says how to get the next one.
        text.contains("; the next: view_")
    };
    for trace_id in trace_ids {
        let mut page = 1;
        while print(trace_id, "view_trace", show_trace(&session, trace_id, &model(page), &cancel).await?.text()) {
            page += 1;
        }
        let sql = format!("SELECT count(*) AS spans FROM spans WHERE trace_id = '{}'", trace_id.replace('\'', "''"));
        let limits = QueryLimits { rows_max: 1, bytes_max: 1 << 20, time_max: Duration::from_secs(60) };
        let rows = session.query(&sql, &limits, &cancel).await?.rows();
        let count = rows.first().and_then(|row| row.get("spans")?.as_u64()).unwrap_or(0);
        for first in (1..=count).step_by(SPANS_MAX).filter(|_| !flags.is_empty()) {
            let choice = SpanChoice { span_ids: Vec::new(), steps: (first..=count).take(SPANS_MAX).collect() };
            let mut page = 1;
            while print(
                trace_id,
                "view_spans",
                show_spans(&session, trace_id, &choice, &model(page), &cancel).await?.text(),
            ) {
                page += 1;
            }
        }
    }
    Ok(())
}
