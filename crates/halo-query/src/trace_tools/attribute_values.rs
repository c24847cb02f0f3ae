//! The attributes in which traces differ, for the overview.

use std::collections::BTreeMap;

use halo_protocol::Count;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::filled;
use super::text::one_line;
use crate::session::OWN_LIMITS;
use crate::{QueryError, TraceSession};

/// Attributes with more values than this tell traces apart too finely to list.
const ATTRIBUTE_VALUES_MAX: usize = 30;

/// Values shown of an attribute.
const ATTRIBUTE_VALUES_SHOWN: usize = 8;

/// Attributes shown.
const ATTRIBUTES_MAX: usize = 25;

/// Attributes of traces with few values: what tells one group of traces from another.
pub(crate) async fn attributes(
    session: &TraceSession,
    condition: &str,
    traces: u64,
    cancel: &CancellationToken,
) -> Result<String, QueryError> {
    let sql = format!("SELECT attributes FROM traces WHERE {condition}");
    let mut stream = session.stream(&sql, &OWN_LIMITS, cancel).await?;
    let columns = stream.columns().to_vec();
    // `None` marks a key with too many values to count.
    let mut keys: BTreeMap<String, Option<BTreeMap<String, u64>>> = BTreeMap::new();
    while let Some(batch) = stream.next().await? {
        for row in batch.objects(&columns) {
            let text = filled(&row, "attributes").unwrap_or("{}");
            let Ok(Value::Object(pairs)) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            for (key, value) in pairs {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let known = keys.entry(key).or_insert_with(|| Some(BTreeMap::new()));
                if let Some(values) = known {
                    *values.entry(value).or_insert(0) += 1;
                    if values.len() > ATTRIBUTE_VALUES_MAX {
                        *known = None;
                    }
                }
            }
        }
    }
    let mut ranked: Vec<(u64, &String, Vec<Count>)> = Vec::new();
    for (key, values) in &keys {
        let Some(values) = values else {
            continue;
        };
        let covered: u64 = values.values().sum();
        // What every trace has alike tells none from another, and a value of its own for each trace tells nothing of groups.
        let everywhere = values.len() == 1 && covered == traces;
        let singles = traces > 1 && covered > 1 && values.values().all(|count| *count == 1);
        if everywhere || singles {
            continue;
        }
        let mut counts: Vec<Count> =
            values.iter().map(|(value, traces)| Count { value: value.clone(), traces: *traces }).collect();
        counts.sort_by(|a, b| b.traces.cmp(&a.traces).then_with(|| a.value.cmp(&b.value)));
        ranked.push((covered, key, counts));
    }
    // Attributes of many traces first.
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut shown: Vec<String> = ranked.iter().map(|(_, key, counts)| attribute_line(key, counts)).collect();
    if shown.is_empty() {
        return Ok(String::new());
    }
    let more = shown.len().saturating_sub(ATTRIBUTES_MAX);
    shown.truncate(ATTRIBUTES_MAX);
    if more > 0 {
        shown.push(format!("  {more} more attributes\n"));
    }
    Ok(format!("attributes in which traces differ (traces; sql: traces.attributes->>'key'):\n{}", shown.concat()))
}

fn attribute_line(key: &str, counts: &[Count]) -> String {
    let (first, rest) = counts.split_at(counts.len().min(ATTRIBUTE_VALUES_SHOWN));
    let more = match rest.len() {
        0 => String::new(),
        more => format!(", {more} more values"),
    };
    format!("  {}: {}{more}\n", one_line(key, 80), list(first))
}

/// Values and how many traces have them.
pub(crate) fn list(counts: &[Count]) -> String {
    let shown = counts.iter().map(|count| format!("{} {}", one_line(&count.value, 60), count.traces));
    shown.collect::<Vec<_>>().join(", ")
}
