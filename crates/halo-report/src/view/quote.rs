//! What proves a finding: quotes, in their conversation where it is known, and lines of code.

use halo_protocol::{CodeCitation, Conversation, Evidence};
use serde::Serialize;

use super::conversation::Talk;
use crate::text;

/// A place in the harness's code.
#[derive(Debug, Serialize)]
pub(crate) struct CodePlace {
    /// File and lines.
    pub(crate) place: String,
    /// Commit they are of, when it is known.
    pub(crate) commit: Option<String>,
    /// The lines.
    pub(crate) text: String,
}

impl CodePlace {
    /// The place as it is shown.
    pub(crate) fn new(citation: &CodeCitation) -> Self {
        let commit = citation.commit.as_deref().map(|commit| commit.get(..12).unwrap_or(commit));
        Self {
            place: text::value(&citation.place),
            commit: commit.map(text::value),
            text: text::quote(&citation.text).text,
        }
    }
}

/// A quote and the span it stands in, or several of one span.
#[derive(Debug, Serialize)]
pub(crate) struct Quote {
    /// Trace of the span.
    pub(crate) trace: String,
    /// The span.
    pub(crate) span: String,
    /// The words to show by themselves, perhaps without their middle; none where the conversation has them.
    pub(crate) texts: Vec<String>,
    /// Words that are too few to stand by themselves, where a conversation says more.
    pub(crate) brief: Vec<String>,
    /// Whether the middle is missing somewhere.
    pub(crate) shortened: bool,
    /// What was said around it.
    pub(crate) talk: Option<Talk>,
}

impl Quote {
    /// The quote by itself.
    pub(crate) fn new(evidence: &Evidence) -> Self {
        Self::within(&[evidence], None)
    }

    /// Quotes of one span in their conversation.
    fn within(evidence: &[&Evidence], conversation: Option<&Conversation>) -> Self {
        let quotes: Vec<&str> = evidence.iter().map(|evidence| evidence.quote.as_str()).collect();
        let talk = conversation.and_then(|conversation| Talk::new(conversation, &quotes));
        let apart: &[&str] = if talk.as_ref().is_some_and(|talk| talk.holds_quotes) { &[] } else { &quotes };
        let (brief, long): (Vec<&str>, Vec<&str>) = apart.iter().partition(|quote| talk.is_some() && is_weak(quote));
        let texts: Vec<text::Clipped> = long.into_iter().map(text::quote).collect();
        Self {
            trace: evidence.first().map(|evidence| text::value(&evidence.trace_id)).unwrap_or_default(),
            span: evidence.first().map(|evidence| text::value(&evidence.span_id)).unwrap_or_default(),
            shortened: texts.iter().any(|text| text.shortened) || talk.as_ref().is_some_and(Talk::shortened),
            texts: texts.into_iter().map(|text| text.text).collect(),
            brief: brief.into_iter().map(text::value).collect(),
            talk,
        }
    }

    /// The first quotes of a finding. Those of one span stand together in its conversation.
    pub(crate) fn of(evidence: &[Evidence], conversations: &[Conversation], most: usize) -> Vec<Self> {
        let evidence = &evidence[..evidence.len().min(most)];
        let mut told: Vec<(&str, &str)> = Vec::new();
        let mut quotes = Vec::new();
        for one in evidence {
            let span = (one.trace_id.as_str(), one.span_id.as_str());
            match conversation_of(one, conversations) {
                None => quotes.push(Self::new(one)),
                Some(_) if told.contains(&span) => {}
                Some(conversation) => {
                    told.push(span);
                    let same = |other: &&Evidence| (other.trace_id.as_str(), other.span_id.as_str()) == span;
                    let together: Vec<&Evidence> = evidence.iter().filter(same).collect();
                    quotes.push(Self::within(&together, Some(conversation)));
                }
            }
        }
        quotes
    }
}

/// The conversation a quote stands in.
pub(crate) fn conversation_of<'c>(evidence: &Evidence, conversations: &'c [Conversation]) -> Option<&'c Conversation> {
    conversations.iter().find(|conversation| {
        conversation.trace_id == evidence.trace_id
            && conversation.span_id == evidence.span_id
            && !conversation.turns.is_empty()
    })
}

/// Whether a quote is too short to tell anything by itself, such as `{}`.
pub(crate) fn is_weak(quote: &str) -> bool {
    quote.trim().chars().count() < 8
}
