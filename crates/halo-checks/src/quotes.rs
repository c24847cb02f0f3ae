//! What to tell somebody whose quote does not stand in its span.

use halo_protocol::Evidence;
use halo_query::QuoteStatus;

use crate::CheckError;
use crate::ground::{Ground, column};
use crate::sql::literal;

/// Characters of the actual text that are shown.
const SHOWN_CHARS: usize = 240;
/// Columns whose text is compared with a quote, and shown.
const TEXTS: [&str; 5] = ["output", "input", "status_message", "requested_tool_calls", "name"];

/// Says what is wrong with a quote, and what is there instead. `None` when it stands.
pub(crate) async fn objection(
    ground: &Ground,
    evidence: &Evidence,
    status: &QuoteStatus,
) -> Result<Option<String>, CheckError> {
    let Evidence { trace_id, span_id, quote } = evidence;
    let shown = shorten(quote, 80);
    Ok(match status {
        QuoteStatus::Found => None,
        QuoteStatus::NoTrace => {
            Some(format!("there is no trace `{trace_id}`; take trace ids from a query, whole and as they are"))
        }
        QuoteStatus::NoSpan => Some(match place(ground, trace_id, quote).await? {
            None => format!("trace `{trace_id}` has no span `{span_id}`; view_trace shows its span ids"),
            Some(span) => {
                format!("trace `{trace_id}` has no span `{span_id}`; the quote «{shown}» stands in span `{span}`")
            }
        }),
        QuoteStatus::NotInSpan { instead: Some(span) } => Some(format!(
            "the quote «{shown}» does not stand in span `{span_id}` of trace `{trace_id}`; it stands in span `{span}`"
        )),
        QuoteStatus::NotInSpan { instead: None } => Some(match nearest(&span_texts(ground, evidence).await?, quote) {
            Some(text) => format!(
                "the quote «{shown}» does not stand in span `{span_id}` of trace `{trace_id}`; the nearest text there is «{text}»; quote it character for character"
            ),
            None => format!(
                "the quote «{shown}» does not stand in span `{span_id}` of trace `{trace_id}`, nor anything like it; read the span and quote it character for character"
            ),
        }),
    })
}

/// A span of a trace that holds a text.
async fn place(ground: &Ground, trace_id: &str, quote: &str) -> Result<Option<String>, CheckError> {
    let needle = literal(quote);
    let holds: Vec<String> = TEXTS.iter().map(|column| format!("strpos({column}, {needle}) > 0")).collect();
    let sql = format!(
        "SELECT span_id FROM spans WHERE trace_id = {} AND ({}) ORDER BY step LIMIT 1",
        literal(trace_id),
        holds.join(" OR ")
    );
    let result = ground.rows(&sql).await?;
    Ok(column(&result, "span_id")?.into_iter().flatten().next())
}

/// The texts of a span.
async fn span_texts(ground: &Ground, evidence: &Evidence) -> Result<Vec<String>, CheckError> {
    let sql = format!(
        "SELECT {} FROM spans WHERE trace_id = {} AND span_id = {}",
        TEXTS.join(", "),
        literal(&evidence.trace_id),
        literal(&evidence.span_id)
    );
    let result = ground.rows(&sql).await?;
    let mut texts = Vec::new();
    for name in TEXTS {
        texts.extend(column(&result, name)?.into_iter().flatten());
    }
    Ok(texts)
}

/// The part of these texts that shares the longest run of words with a quote, with its surroundings; `None` when nothing but single
/// words is common.
fn nearest(texts: &[String], quote: &str) -> Option<String> {
    const QUOTE_WORDS_MAX: usize = 80;
    let wanted: Vec<String> = words(quote).into_iter().take(QUOTE_WORDS_MAX).map(|(_, word)| word).collect();
    let mut best: Option<(usize, usize, &str)> = None;
    for text in texts {
        let present = words(text);
        let mut before = vec![0_usize; wanted.len()];
        for (position, (_, word)) in present.iter().enumerate() {
            let mut now = vec![0_usize; wanted.len()];
            for (index, wanted_word) in wanted.iter().enumerate() {
                if wanted_word == word {
                    now[index] = 1 + index.checked_sub(1).map_or(0, |previous| before[previous]);
                    let start = present[position + 1 - now[index]].0;
                    if best.is_none_or(|(run, ..)| now[index] > run) {
                        best = Some((now[index], start, text));
                    }
                }
            }
            before = now;
        }
    }
    let (run, start, text) = best?;
    (run >= 2).then(|| shorten(&text[start..], SHOWN_CHARS))
}

/// Words of a text with their places, in lower case and without the signs around them.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        match (start, c.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                words.push((from, text[from..at].to_lowercase()));
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn shorten(text: &str, chars_max: usize) -> String {
    let mut short: String = text.chars().take(chars_max).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_text_is_shown_as_it_stands() {
        let texts = ["Nothing here.".to_owned(), "Result: \"Refund  of $40 was DENIED\" by rule 7.".to_owned()];
        assert_eq!(
            nearest(&texts, "refund of $40 was approved").as_deref(),
            Some("Refund  of $40 was DENIED\" by rule 7.")
        );
        assert_eq!(nearest(&texts, "the moon was full"), None);
        assert_eq!(nearest(&[], "x y"), None);
    }
}
