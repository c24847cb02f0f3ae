//! Whether quotes stand verbatim in the spans they cite.

use std::collections::HashSet;

use halo_protocol::Evidence;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::trace_tools::sql_text;
use crate::{QueryError, TraceSession, decoded};

/// Quotes whose spans are read at a time: bounds memory, for a span can hold megabytes.
const SPANS_AT_A_TIME: usize = 50;

/// Columns of a span that a quote may come from.
const QUOTED_COLUMNS: &[&str] = &[
    "name",
    "status_message",
    "input",
    "output",
    "requested_tool_calls",
    "events",
    "attributes",
    "resource_attributes",
];

/// What came of looking for a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuoteStatus {
    /// It stands in the span.
    Found,
    /// There is no such trace.
    NoTrace,
    /// The trace has no such span.
    NoSpan,
    /// The span does not hold it, or it holds no text at all.
    NotInSpan {
        /// A span of the same trace that does hold it.
        instead: Option<String>,
    },
}

impl TraceSession {
    /// Looks for each quote in the span it cites: in its name, status message, input, output and requested tool calls, in every text
    /// inside its attributes, resource attributes and events, and in the JSON text of all these.
    ///
    /// # Errors
    /// The dataset can't be read.
    pub async fn find_quotes(&self, evidence: &[Evidence]) -> Result<Vec<QuoteStatus>, QueryError> {
        let mut statuses = Vec::with_capacity(evidence.len());
        for chunk in evidence.chunks(SPANS_AT_A_TIME) {
            statuses.extend(self.find_quotes_of(chunk).await?);
        }
        Ok(statuses)
    }

    async fn find_quotes_of(&self, evidence: &[Evidence]) -> Result<Vec<QuoteStatus>, QueryError> {
        let cancel = CancellationToken::new();
        let list = |id: fn(&Evidence) -> &str| {
            let distinct: HashSet<&str> = evidence.iter().map(id).collect();
            distinct.into_iter().map(sql_text).collect::<Vec<_>>().join(", ")
        };
        let trace_ids = list(|evidence| &evidence.trace_id);
        let span_ids = list(|evidence| &evidence.span_id);
        let known =
            self.own_query(&format!("SELECT trace_id FROM traces WHERE trace_id IN ({trace_ids})"), &cancel).await?;
        let known: HashSet<String> = known.texts("trace_id").unwrap_or_default().into_iter().flatten().collect();
        let spans = self
            .own_query(
                &format!(
                    "SELECT trace_id, span_id, {} FROM spans WHERE trace_id IN ({trace_ids}) AND span_id IN ({span_ids})",
                    QUOTED_COLUMNS.join(", ")
                ),
                &cancel,
            )
            .await?
            .rows();
        let mut statuses: Vec<QuoteStatus> = evidence.iter().map(|wanted| status(wanted, &known, &spans)).collect();
        for (wanted, status) in evidence.iter().zip(&mut statuses) {
            if let QuoteStatus::NotInSpan { instead } = status {
                *instead = self.span_with(wanted, &cancel).await?;
            }
        }
        Ok(statuses)
    }

    /// The first span of the trace that holds a quote.
    async fn span_with(&self, wanted: &Evidence, cancel: &CancellationToken) -> Result<Option<String>, QueryError> {
        let sql = format!(
            "SELECT span_id, {} FROM spans WHERE trace_id = {} ORDER BY step",
            QUOTED_COLUMNS.join(", "),
            sql_text(&wanted.trace_id)
        );
        let spans = self.own_query(&sql, cancel).await?.rows();
        Ok(spans.iter().find(|span| holds(span, &wanted.quote)).map(|span| text(span, "span_id").to_owned()))
    }
}

/// What came of looking for a quote in the spans that were read.
fn status(wanted: &Evidence, traces: &HashSet<String>, spans: &[Map<String, Value>]) -> QuoteStatus {
    if !traces.contains(&wanted.trace_id) {
        return QuoteStatus::NoTrace;
    }
    // A broken exporter gives one id to several spans: each of them may hold the quote.
    let mut cited = spans
        .iter()
        .filter(|span| text(span, "trace_id") == wanted.trace_id && text(span, "span_id") == wanted.span_id)
        .peekable();
    if cited.peek().is_none() {
        QuoteStatus::NoSpan
    } else if cited.any(|span| holds(span, &wanted.quote)) {
        QuoteStatus::Found
    } else {
        QuoteStatus::NotInSpan { instead: None }
    }
}

/// Whether a span holds a quote. White space alone proves nothing and is held by no span.
fn holds(span: &Map<String, Value>, quote: &str) -> bool {
    !quote.trim().is_empty()
        && QUOTED_COLUMNS.iter().any(|column| {
            let text = text(span, column);
            decoded::any(text, &|text| text.contains(quote)) || value_holds(text, quote)
        })
}

/// Whether a value inside a text of JSON holds a quote as it was recorded: what is JSON itself, such as the parameters of a model, is shown
/// that way, and not opened.
fn value_holds(json: &str, quote: &str) -> bool {
    fn inside(value: &Value, quote: &str) -> bool {
        match value {
            Value::String(text) => text.contains(quote),
            Value::Array(items) => items.iter().any(|item| inside(item, quote)),
            Value::Object(fields) => fields.values().any(|item| inside(item, quote)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    json.starts_with(['{', '[']) && serde_json::from_str(json).is_ok_and(|value| inside(&value, quote))
}

fn text<'a>(row: &'a Map<String, Value>, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}
