//! Tags: the short attributes that may tell one group of traces from another, such as a release, a tenant or a locale.

use crate::rollup::{TAG_END, TAG_VALUE};

/// Longest value that is a tag, in bytes.
const TAG_BYTES_MAX: usize = 100;

/// Families of keys that are never tags: payloads flattened over many keys, and what columns hold already.
const NOT_TAGS: &[&str] = &[
    "llm.",
    "gen_ai.",
    "inference.",
    "openinference.",
    "embedding.",
    "reranker.",
    "retrieval.",
    "ai.",
    "input.",
    "output.",
    "tool.",
    "tool_call",
    "message.",
    "exception.",
    "error.",
    "session.id",
    "user.id",
    "agent.name",
    "agent.id",
];

/// What OTel GenAI calls the attributes of an evaluation's result.
const EVALUATION: &str = "gen_ai.evaluation.";

/// Whether attributes of a key may be tags: it is no payload.
#[must_use]
pub fn is_tag_key(key: &str) -> bool {
    is_short(key) && (key.starts_with(EVALUATION) || !NOT_TAGS.iter().any(|family| key.starts_with(family)))
}

/// Whether a value may be that of a tag: short.
#[must_use]
pub fn is_tag_value(value: &str) -> bool {
    is_short(value)
}

fn is_short(text: &str) -> bool {
    // The separators are ASCII: no byte of another character is one.
    text.len() <= TAG_BYTES_MAX
        && !text.bytes().any(|byte| char::from(byte) == TAG_VALUE || char::from(byte) == TAG_END)
}

/// Adds an attribute to a text for the `tags` column of a [`SpanRow`](crate::SpanRow), when it is a tag.
pub fn push_tag(tags: &mut String, key: &str, value: &str) {
    if is_tag_key(key) && is_tag_value(value) {
        push_tag_pair(tags, key, value);
    }
}

/// Adds an attribute that is known to be a tag.
pub fn push_tag_pair(tags: &mut String, key: &str, value: &str) {
    tags.push_str(key);
    tags.push(TAG_VALUE);
    tags.push_str(value);
    tags.push(TAG_END);
}
