//! `halo-bench tools DATASET [--runs N]`: how long the model's tools take in a process that has the dataset open, each cold once and then warm.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use halo_dataset::Dataset;
use halo_query::{QueryLimits, SessionOptions, TraceSession, tools};
use halo_tool::{ToolContext, ToolRegistry};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const LIMITS: QueryLimits =
    QueryLimits { rows_max: usize::MAX, bytes_max: usize::MAX, time_max: Duration::from_secs(600) };

/// Measures the tools on a dataset.
pub(crate) fn bench(root: &str, runs: usize, patterns: &[String]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        let dataset = Dataset::open(root.as_ref())?;
        let threads = std::thread::available_parallelism()?.get();
        let session = TraceSession::open(&dataset, SessionOptions { threads, memory_bytes: 2 << 30 }).await?;
        println!("open {:.1} ms", millis(started.elapsed()));
        let largest = one_id(&session, "ORDER BY raw_bytes DESC, trace_id LIMIT 1").await?;
        let median =
            one_id(&session, "WHERE raw_bytes >= (SELECT approx_percentile_cont(raw_bytes, 0.5) FROM traces) ORDER BY raw_bytes, trace_id LIMIT 1").await?;
        let registry = tools(session);
        let mut calls = vec![
            ("overview".to_owned(), "get_dataset_overview", json!({})),
            ("overview, has_errors".to_owned(), "get_dataset_overview", json!({"filters": {"has_errors": true}})),
            (
                "query_traces, has_errors, 50".to_owned(),
                "query_traces",
                json!({"filters": {"has_errors": true}, "limit": 50}),
            ),
            ("view_trace, median".to_owned(), "view_trace", json!({"trace_id": median})),
            ("view_trace, largest, page 1".to_owned(), "view_trace", json!({"trace_id": largest})),
        ];
        for pattern in patterns {
            let filters = json!({"filters": {"regex_pattern": pattern}});
            calls.push((format!("count_traces, {pattern}"), "count_traces", filters));
            if registry.specs().iter().any(|spec| spec.name == "search") {
                calls.push((format!("search, {pattern}"), "search", json!({"pattern": pattern})));
            }
        }
        for (label, tool, args) in calls {
            measure(&registry, &label, tool, &args, runs).await?;
        }
        Ok(())
    })
}

async fn one_id(session: &TraceSession, order: &str) -> anyhow::Result<String> {
    let result =
        session.query(&format!("SELECT trace_id FROM traces {order}"), &LIMITS, &CancellationToken::new()).await?;
    let ids = result.texts("trace_id").unwrap_or_default();
    ids.into_iter().flatten().next().context("the dataset has no traces")
}

async fn measure(registry: &ToolRegistry, label: &str, tool: &str, args: &Value, runs: usize) -> anyhow::Result<()> {
    let mut times = Vec::new();
    let mut bytes = 0;
    for run in 0..=runs {
        // A pattern that was asked for before would only be looked up: each run asks for another spelling of it.
        let args = args.to_string().replace("\"regex_pattern\":\"", &format!("\"regex_pattern\":\"(?:){{{run}}}"));
        let args = args.replace("\"pattern\":\"", &format!("\"pattern\":\"(?:){{{run}}}"));
        let context =
            ToolContext { cancel: CancellationToken::new(), agent_id: String::new(), tool_call_id: String::new() };
        let started = Instant::now();
        let said = registry.call(tool, &args, &context).await.map_err(|error| anyhow::anyhow!("{tool}: {error}"))?;
        times.push(millis(started.elapsed()));
        bytes = said.text.len();
    }
    let cold = times.remove(0);
    times.sort_by(f64::total_cmp);
    println!(
        "{label}: first {cold:.1} ms, then median {:.1} (least {:.1}) ms of {runs}, {bytes} bytes",
        times[times.len() / 2],
        times[0]
    );
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
