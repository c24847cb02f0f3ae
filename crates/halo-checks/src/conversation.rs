//! What was said around a quote: the turns before and after it, so that a reader sees it where it happened.

use std::collections::{BTreeMap, BTreeSet};

use halo_protocol::{Conversation, Evidence, Turn, TurnRole};
use serde_json::{Map, Value};

use crate::ground::Ground;
use crate::{CheckError, sql};

/// Turns that are shown before the quoted span, and after it.
const TURNS_BEFORE: usize = 3;
const TURNS_AFTER: usize = 2;
/// Longest text of a turn that holds the quote, and of another, in characters.
const QUOTED_CHARS_MAX: usize = 900;
const TEXT_CHARS_MAX: usize = 360;
/// Steps around a quoted span in which its turns are looked for. A turn takes one or two steps, frameworks' own spans among them.
const STEPS_BEFORE: u32 = 12;
const STEPS_AFTER: u32 = 8;

/// The turns around each of these quotes, in their order; `None` for one whose span is not found.
pub(crate) async fn around(ground: &Ground, evidence: &[Evidence]) -> Result<Vec<Option<Conversation>>, CheckError> {
    if evidence.is_empty() {
        return Ok(Vec::new());
    }
    let spans = ground.rows(&spans_sql(evidence)).await?;
    let mut traces: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for row in spans.rows() {
        let Some(said) = Said::of(&row) else { continue };
        traces.entry(said.trace_id.clone()).or_default().push(said);
    }
    Ok(evidence.iter().map(|quote| conversation(quote, traces.get(&quote.trace_id)?)).collect())
}

/// What the spans around the quoted ones say, and what users said in them.
fn spans_sql(evidence: &[Evidence]) -> String {
    let traces: BTreeSet<&str> = evidence.iter().map(|quote| quote.trace_id.as_str()).collect();
    let spans: BTreeSet<&str> = evidence.iter().map(|quote| quote.span_id.as_str()).collect();
    let (traces, spans) = (sql::list(traces), sql::list(spans));
    format!(
        "WITH quoted AS (
  SELECT DISTINCT trace_id, step FROM spans WHERE trace_id IN {traces} AND span_id IN {spans}
),
asked AS (
  SELECT trace_id, span_id, content FROM (
    SELECT trace_id, span_id, content, row_number() OVER (PARTITION BY trace_id, message_id ORDER BY step, position) AS times,
           row_number() OVER (PARTITION BY trace_id, span_id ORDER BY position DESC) AS from_end
    FROM messages WHERE trace_id IN {traces} AND direction = 'input' AND role = 'user') AS numbered
  WHERE times = 1 AND from_end = 1
)
SELECT DISTINCT s.trace_id, s.span_id, s.step, s.span_type, coalesce(s.tool_name, s.agent_name, s.name) AS name, s.input, s.output,
       s.requested_tool_calls AS requested, s.status_message AS failure, a.content AS asked
FROM spans AS s
JOIN quoted AS q ON q.trace_id = s.trace_id
LEFT JOIN asked AS a ON a.trace_id = s.trace_id AND a.span_id = s.span_id
WHERE s.trace_id IN {traces} AND s.step BETWEEN q.step - {STEPS_BEFORE} AND q.step + {STEPS_AFTER}
ORDER BY s.trace_id, s.step"
    )
}

/// A span, as far as it says something.
struct Said {
    trace_id: String,
    span_id: String,
    span_type: String,
    name: Option<String>,
    input: Option<String>,
    output: Option<String>,
    requested: Option<String>,
    asked: Option<String>,
}

impl Said {
    fn of(row: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| {
            let text = row.get(key).and_then(Value::as_str)?;
            (!text.trim().is_empty()).then(|| text.to_owned())
        };
        Some(Self {
            trace_id: text("trace_id")?,
            span_id: text("span_id")?,
            span_type: text("span_type")?,
            name: text("name"),
            input: text("input"),
            output: text("output").or_else(|| text("failure")),
            requested: text("requested"),
            asked: text("asked"),
        })
    }

    /// What it says, each with whose it is.
    fn parts(&self, is_quoted: bool) -> Vec<(TurnRole, Option<&String>, &str)> {
        let named = self.name.as_ref();
        let parts: Vec<(TurnRole, Option<&String>, Option<&String>)> = match self.span_type.as_str() {
            "LLM" => vec![
                (TurnRole::User, None, self.asked.as_ref()),
                (TurnRole::Assistant, None, self.output.as_ref().or(self.requested.as_ref())),
            ],
            "TOOL" | "RETRIEVER" => vec![
                (TurnRole::ToolCall, named, self.input.as_ref()),
                (TurnRole::ToolResult, named, self.output.as_ref()),
            ],
            // What an agent's or a framework's span says, the model's spans in it say as well.
            _ if is_quoted => vec![(TurnRole::Other, named, self.output.as_ref().or(self.input.as_ref()))],
            _ => Vec::new(),
        };
        parts.into_iter().filter_map(|(role, name, text)| Some((role, name, text?.as_str()))).collect()
    }
}

fn conversation(quote: &Evidence, said: &[Said]) -> Option<Conversation> {
    let mut turns: Vec<Turn> = Vec::new();
    for span in said {
        let is_quoted = span.span_id == quote.span_id;
        for (role, name, text) in span.parts(is_quoted) {
            let mark = if is_quoted { quote.quote.as_str() } else { "" };
            let (shown, is_cut) = clipped(text, mark);
            // A client's span inside a framework's says the same again.
            let is_again = turns.last().is_some_and(|last| last.role == role && last.text == shown && !last.is_quoted);
            if is_again && is_quoted {
                turns.pop();
            } else if turns.last().is_some_and(|last| last.role == role && last.text == shown) {
                continue;
            }
            turns.push(Turn {
                span_id: span.span_id.clone(),
                role,
                name: name.cloned(),
                text: shown,
                is_cut,
                is_quoted,
            });
        }
    }
    let first = turns.iter().position(|turn| turn.is_quoted)?;
    let last = turns.iter().rposition(|turn| turn.is_quoted)?;
    let end = (last + 1 + TURNS_AFTER).min(turns.len());
    let turns = turns.drain(first.saturating_sub(TURNS_BEFORE)..end).collect();
    Some(Conversation { trace_id: quote.trace_id.clone(), span_id: quote.span_id.clone(), turns })
}

/// The beginning of a text, or what stands around `mark` in it; and whether something is left out.
fn clipped(text: &str, mark: &str) -> (String, bool) {
    let max = if mark.is_empty() { TEXT_CHARS_MAX } else { QUOTED_CHARS_MAX };
    let at = text.find(mark).unwrap_or(0);
    let before = text[..at].chars().count();
    // The mark stands in what is shown, with a third of the room before it.
    let skipped = if before + mark.chars().count() <= max { 0 } else { before.saturating_sub(max / 3) };
    let shown: String = text.chars().skip(skipped).take(max).collect();
    let is_cut = skipped > 0 || shown.len() < text.len();
    (shown, is_cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(span_id: &str, span_type: &str, input: &str, output: &str, asked: &str) -> Said {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Said {
            trace_id: "t".to_owned(),
            span_id: span_id.to_owned(),
            span_type: span_type.to_owned(),
            name: text("get_order"),
            input: text(input),
            output: text(output),
            requested: None,
            asked: text(asked),
        }
    }

    #[test]
    fn a_quote_is_shown_between_what_was_before_and_after() {
        let spans = [
            said("a", "AGENT", "whole", "whole", ""),
            said("b", "LLM", "", "Which order?", "Where is it?"),
            said("c", "LLM", "", "Let me look.", "Number 7."),
            said("d", "TOOL", "{\"id\": 7}", "no such order", ""),
            said("e", "LLM", "", "It is on its way.", ""),
            said("f", "LLM", "", "Anything else?", "Thanks."),
        ];
        let quote = Evidence { trace_id: "t".into(), span_id: "d".into(), quote: "no such order".into() };
        let shown = conversation(&quote, &spans).expect("there is one");
        let shown: Vec<(TurnRole, &str, bool)> =
            shown.turns.iter().map(|turn| (turn.role, turn.text.as_str(), turn.is_quoted)).collect();
        assert_eq!(
            shown,
            [
                (TurnRole::Assistant, "Which order?", false),
                (TurnRole::User, "Number 7.", false),
                (TurnRole::Assistant, "Let me look.", false),
                (TurnRole::ToolCall, "{\"id\": 7}", true),
                (TurnRole::ToolResult, "no such order", true),
                (TurnRole::Assistant, "It is on its way.", false),
                (TurnRole::User, "Thanks.", false),
            ]
        );
        assert_eq!(conversation(&Evidence { span_id: "z".into(), ..quote }, &spans), None);
    }

    #[test]
    fn a_mark_far_in_is_shown_with_what_is_around_it() {
        let text = format!("{}MARK{}", "ä".repeat(2000), "b".repeat(2000));
        let (shown, is_cut) = clipped(&text, "MARK");
        assert!(shown.contains("MARK") && is_cut && shown.chars().count() == QUOTED_CHARS_MAX);
        assert_eq!(clipped("short", "or"), ("short".to_owned(), false));
        assert_eq!(clipped(&text, "").0.chars().count(), TEXT_CHARS_MAX);
    }
}
