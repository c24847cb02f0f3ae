//! The attributes in which traces differ, for the overview.

use halo_protocol::Count;

use super::text::one_line;
use crate::census::Census;

/// Attributes with more values than this tell traces apart too finely to list.
const ATTRIBUTE_VALUES_MAX: usize = 30;

/// Values shown of an attribute.
const ATTRIBUTE_VALUES_SHOWN: usize = 8;

/// Attributes shown.
const ATTRIBUTES_MAX: usize = 25;

/// Attributes of traces with few values: what tells one group of traces from another.
pub(crate) fn attributes(census: &Census, traces: &[u32]) -> String {
    let mut ranked: Vec<(u64, &str, Vec<Count>)> = Vec::new();
    for (key, counts) in census.attributes(traces, ATTRIBUTE_VALUES_MAX) {
        let covered: u64 = counts.iter().map(|count| count.traces).sum();
        // What every trace has alike tells none from another, and a value of its own for each trace tells nothing of groups.
        let everywhere = counts.len() == 1 && covered == traces.len() as u64;
        let singles = traces.len() > 1 && covered > 1 && counts.iter().all(|count| count.traces == 1);
        if !everywhere && !singles {
            ranked.push((covered, key, counts));
        }
    }
    // Attributes of many traces first.
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut shown: Vec<String> = ranked.iter().map(|(_, key, counts)| attribute_line(key, counts)).collect();
    if shown.is_empty() {
        return String::new();
    }
    let more = shown.len().saturating_sub(ATTRIBUTES_MAX);
    shown.truncate(ATTRIBUTES_MAX);
    if more > 0 {
        shown.push(format!("  {more} more attributes\n"));
    }
    format!("attributes in which traces differ (traces; sql: traces.attributes->>'key'):\n{}", shown.concat())
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
