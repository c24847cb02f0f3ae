//! A quote in its conversation: who said what around it, with the quoted words marked where they stand.

use std::ops::Range;

use halo_protocol::{Conversation, Turn, TurnRole};
use serde::Serialize;

use crate::text;

/// Turns shown on either side of what is quoted; those further away are folded.
const BESIDE: usize = 1;
/// Turns shown with those that are quoted, also where the quotes stand far apart.
const NEAR: usize = 7;
/// Characters of a turn beside what is quoted in it.
const CHARACTERS: usize = 420;
/// Its lines.
const LINES: usize = 8;
/// Turns that are kept on either side, folded ones among them.
const FAR: usize = 12;

/// What was said around a quote.
#[derive(Debug, Serialize)]
pub(crate) struct Talk {
    /// What came long before: folded.
    pub(crate) before: Vec<TurnView>,
    /// The quoted turns and their neighbours.
    pub(crate) near: Vec<TurnView>,
    /// What came long after: folded.
    pub(crate) after: Vec<TurnView>,
    /// Whether every quote was found in a turn near by and is marked there.
    pub(crate) holds_quotes: bool,
}

/// One turn.
#[derive(Debug, Serialize)]
pub(crate) struct TurnView {
    /// Whose it is, in a word or two.
    pub(crate) who: String,
    /// Name of the tool or agent.
    pub(crate) name: Option<String>,
    /// The text; the marked parts are quoted.
    pub(crate) parts: Vec<Part>,
    /// Whether it is of the quoted span.
    pub(crate) quoted: bool,
    /// Whether something of the text that the report has is left out.
    pub(crate) shortened: bool,
}

/// A piece of a turn's text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    /// The words, safe to show.
    pub(crate) text: String,
    /// Whether they are quoted.
    pub(crate) marked: bool,
}

impl Talk {
    /// The conversation with these quotes in it; `None` when nobody says anything.
    pub(crate) fn new(conversation: &Conversation, quotes: &[&str]) -> Option<Self> {
        let turns = &conversation.turns;
        let quotes: Vec<&str> = quotes.iter().map(|quote| quote.trim()).collect();
        let is_quoted = |turn: &Turn| turn.is_quoted || turn.span_id == conversation.span_id;
        let quoted: Vec<&Turn> = turns.iter().filter(|turn| is_quoted(turn)).collect();
        let says = |turn: &Turn| is_quoted(turn) && !marked(&turn.text, &quotes, &quoted).is_empty();
        let (first, last) = ends(turns, says).or_else(|| ends(turns, is_quoted)).or_else(|| ends(turns, |_| true))?;
        // The call that a quoted result answers is of the same span, and is no neighbour.
        let opening = turns[..first].iter().rev().take_while(|turn| is_quoted(turn)).count();
        let from = (first - opening.min(NEAR / 2)).saturating_sub(BESIDE);
        let to = (last + BESIDE + 1).min(from + NEAR).min(turns.len());
        let view = |turn: &Turn| TurnView::new(turn, is_quoted(turn), &quotes, &quoted);
        let near = &turns[from..to];
        let is_said = |quote: &&str| {
            near.iter().any(|turn| is_quoted(turn) && !marked(&turn.text, &[*quote], &quoted).is_empty())
        };
        Some(Self {
            before: turns[from.saturating_sub(FAR)..from].iter().map(view).collect(),
            near: near.iter().map(view).collect(),
            after: turns[to..].iter().take(FAR).map(view).collect(),
            holds_quotes: quotes.iter().all(is_said),
        })
    }

    /// What is near the quotes as plain text, a line or more a turn. Quoted turns begin with `▶`, and the quoted words among
    /// others stand in `⟦⟧`.
    pub(crate) fn transcript(&self) -> String {
        self.near.iter().map(TurnView::written).collect::<Vec<_>>().join("\n")
    }

    /// Whether something near the quotes is left out.
    pub(crate) fn shortened(&self) -> bool {
        self.near.iter().any(|turn| turn.shortened)
    }

    /// Turns that the transcript leaves out.
    pub(crate) fn folded(&self) -> u64 {
        (self.before.len() + self.after.len()) as u64
    }
}

impl TurnView {
    fn new(turn: &Turn, quoted: bool, quotes: &[&str], all_quoted: &[&Turn]) -> Self {
        let ranges = if quoted { marked(&turn.text, quotes, all_quoted) } else { Vec::new() };
        let (mut parts, cut) = parts(&turn.text, &ranges);
        if turn.is_cut {
            parts.push(Part { text: "…".to_owned(), marked: false });
        }
        if parts.is_empty() {
            parts.push(Part { text: "(empty)".to_owned(), marked: false });
        }
        Self {
            who: who(turn.role).to_owned(),
            name: turn.name.as_deref().filter(|name| !name.trim().is_empty()).map(text::value),
            parts,
            quoted,
            shortened: cut,
        }
    }

    fn written(&self) -> String {
        let whole = self.parts.len() == 1;
        let text: String = self.parts.iter().map(|part| part.written(whole)).collect();
        let name = self.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let start = if self.quoted { "▶ " } else { "  " };
        let text = text.lines().collect::<Vec<_>>().join("\n    ");
        format!("{start}{}{name}: {text}", self.who)
    }
}

impl Part {
    fn written(&self, whole: bool) -> String {
        if self.marked && !whole { format!("⟦{}⟧", self.text) } else { self.text.clone() }
    }
}

/// The first and the last turn of a kind.
fn ends(turns: &[Turn], kind: impl Fn(&Turn) -> bool) -> Option<(usize, usize)> {
    Some((turns.iter().position(&kind)?, turns.iter().rposition(&kind)?))
}

fn who(role: TurnRole) -> &'static str {
    match role {
        TurnRole::User => "user",
        TurnRole::Assistant => "model",
        TurnRole::ToolCall => "call of",
        TurnRole::ToolResult => "result of",
        TurnRole::Other => "span",
    }
}

/// Where the quotes stand in a turn, in order and apart. A quote that is the whole of one turn is marked there alone: `{}` stands
/// in many texts.
fn marked(turn: &str, quotes: &[&str], all_quoted: &[&Turn]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    // A longer quote can't stand there, and preparing the search for one costs more than the search.
    for quote in quotes.iter().filter(|quote| !quote.is_empty() && quote.len() <= turn.len()) {
        let is_whole = |text: &str| text.trim() == *quote;
        if !is_whole(turn) && all_quoted.iter().any(|other| is_whole(&other.text)) {
            continue;
        }
        ranges.extend(turn.find(quote).map(|at| at..at + quote.len()));
    }
    ranges.sort_by_key(|range| range.start);
    ranges.into_iter().fold(Vec::new(), |mut apart: Vec<Range<usize>>, range| {
        match apart.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => apart.push(range),
        }
        apart
    })
}

/// The text in parts, those in the ranges marked, and whether something of it is left out.
fn parts(whole: &str, ranges: &[Range<usize>]) -> (Vec<Part>, bool) {
    let mut parts = Vec::new();
    let mut shortened = false;
    let mut push = |raw: &str, marked: bool| {
        let shown = if marked { text::quote(raw) } else { text::clipped(raw, CHARACTERS, LINES) };
        shortened |= shown.shortened;
        if !shown.text.is_empty() {
            parts.push(Part { text: shown.text, marked });
        }
    };
    let mut at = 0;
    for range in ranges {
        push(&whole[at..range.start], false);
        push(&whole[range.clone()], true);
        at = range.end;
    }
    push(whole[at..].trim_end(), false);
    (parts, shortened)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: TurnRole, span: &str, text: &str) -> Turn {
        Turn {
            span_id: span.to_owned(),
            role,
            name: matches!(role, TurnRole::ToolCall | TurnRole::ToolResult).then(|| "search".to_owned()),
            text: text.to_owned(),
            is_cut: false,
            is_quoted: span == "s",
        }
    }

    fn talk(turns: Vec<Turn>, quotes: &[&str]) -> Talk {
        let conversation = Conversation { trace_id: "t".to_owned(), span_id: "s".to_owned(), turns };
        Talk::new(&conversation, quotes).expect("there are turns")
    }

    #[test]
    fn a_quote_is_marked_where_it_stands_and_the_far_turns_are_folded() {
        let other = |text: &str| turn(TurnRole::Other, "o", text);
        let turns = vec![
            other("1"),
            other("2"),
            turn(TurnRole::User, "u", "Find me a flight."),
            turn(TurnRole::ToolCall, "s", "{\"to\":\"OSL\"}"),
            turn(TurnRole::ToolResult, "s", "nothing found, 0 offers"),
            turn(TurnRole::Assistant, "a", "There is none."),
            other("3"),
        ];
        let talk = talk(turns, &["0 offers"]);
        assert_eq!((talk.before.len(), talk.near.len(), talk.after.len(), talk.folded()), (2, 4, 1, 3));
        assert!(talk.holds_quotes);
        assert_eq!(
            talk.transcript(),
            "  user: Find me a flight.\n▶ call of search: {\"to\":\"OSL\"}\n\
             ▶ result of search: nothing found, ⟦0 offers⟧\n  model: There is none."
        );
    }

    #[test]
    fn a_quote_that_is_a_whole_turn_is_marked_there_alone() {
        let turns = vec![turn(TurnRole::ToolCall, "s", "{\"q\":{}}"), turn(TurnRole::ToolResult, "s", "{}")];
        let talk = talk(turns, &["{}"]);
        assert!(talk.near[0].parts.iter().all(|part| !part.marked));
        assert_eq!(talk.near[1].parts, [Part { text: "{}".to_owned(), marked: true }]);
    }

    #[test]
    fn overlapping_quotes_are_marked_once_and_missing_ones_are_told() {
        let two = talk(vec![turn(TurnRole::Assistant, "s", "no flights today")], &["no flights", "flights today"]);
        assert_eq!(two.near[0].parts, [Part { text: "no flights today".to_owned(), marked: true }]);
        let missing = talk(vec![turn(TurnRole::Assistant, "s", "hello")], &["not there"]);
        assert!(!missing.holds_quotes);
        // What is folded away is not shown: a quote in it has to be shown by itself.
        let mut apart = vec![turn(TurnRole::Assistant, "s", "one")];
        apart.extend((0..20).map(|_| turn(TurnRole::Other, "o", "between")));
        apart.push(turn(TurnRole::Assistant, "s", "two"));
        assert!(!talk(apart, &["one", "two"]).holds_quotes);
    }
}
