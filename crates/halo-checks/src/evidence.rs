//! Which of a check's hits are quoted, and how.

use std::collections::BTreeSet;

use halo_protocol::Evidence;

/// Most quotes of a finding.
pub(crate) const QUOTES_MAX: usize = 4;
/// Longest quote, in bytes. Long enough for a sentence with its surroundings, short enough to be read.
const QUOTE_BYTES_MAX: usize = 320;

/// A row of a check.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) quote: String,
    pub(crate) subject: Option<String>,
}

/// Picks quotes from different traces, different wordings first, so that a reader sees how the fault varies. The same hits give the
/// same choice.
pub(crate) fn choose(hits: &[&Hit], quotes_max: usize) -> Vec<Evidence> {
    let mut sorted: Vec<&Hit> = hits.iter().copied().filter(|hit| !hit.quote.trim().is_empty()).collect();
    sorted.sort_unstable();
    let mut traces = BTreeSet::new();
    let mut wordings = BTreeSet::new();
    let mut chosen: Vec<&Hit> = Vec::new();
    for any_wording in [false, true] {
        for hit in &sorted {
            if chosen.len() >= quotes_max {
                break;
            }
            if traces.contains(hit.trace_id.as_str()) || (!any_wording && wordings.contains(&wording(&hit.quote))) {
                continue;
            }
            traces.insert(hit.trace_id.as_str());
            wordings.insert(wording(&hit.quote));
            chosen.push(hit);
        }
    }
    chosen
        .into_iter()
        .map(|hit| Evidence {
            trace_id: hit.trace_id.clone(),
            span_id: hit.span_id.clone(),
            quote: clip(&hit.quote).to_owned(),
        })
        .collect()
}

/// A quote without what varies from run to run: digits, and all but the first words.
fn wording(quote: &str) -> String {
    const CHARS_MAX: usize = 60;
    quote.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace()).take(CHARS_MAX).collect()
}

/// The beginning of a quote, cut between two characters, at a space when there is one near.
fn clip(quote: &str) -> &str {
    if quote.len() <= QUOTE_BYTES_MAX {
        return quote;
    }
    let mut end = QUOTE_BYTES_MAX;
    while !quote.is_char_boundary(end) {
        end -= 1;
    }
    match quote[..end].rfind(' ') {
        Some(space) if space > QUOTE_BYTES_MAX / 2 => &quote[..space],
        _ => &quote[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(trace_id: &str, quote: &str) -> Hit {
        Hit { trace_id: trace_id.to_owned(), span_id: "s".to_owned(), quote: quote.to_owned(), subject: None }
    }

    #[test]
    fn different_traces_and_wordings_come_first() {
        let hits = [
            hit("a", "order 1 is gone"),
            hit("a", "no such order"),
            hit("b", "order 22 is gone"),
            hit("c", "no such order"),
            hit("d", "  "),
        ];
        let hits: Vec<&Hit> = hits.iter().collect();
        let quotes = |max| -> Vec<String> {
            choose(&hits, max).into_iter().map(|e| format!("{}: {}", e.trace_id, e.quote)).collect()
        };
        assert_eq!(quotes(2), ["a: no such order", "b: order 22 is gone"]);
        assert_eq!(quotes(4), ["a: no such order", "b: order 22 is gone", "c: no such order"]);
    }

    #[test]
    fn clips_stay_verbatim() {
        let text = "äöü ".repeat(100);
        assert!(text.starts_with(clip(&text)) && clip(&text).len() <= QUOTE_BYTES_MAX);
        let word = "é".repeat(400);
        assert!(word.starts_with(clip(&word)) && clip(&word).len() == QUOTE_BYTES_MAX);
    }
}
