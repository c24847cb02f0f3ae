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

/// Whether an attribute may be a tag: short, and of a key that is no payload.
#[must_use]
pub fn is_tag(key: &str, value: &str) -> bool {
    value.len() <= TAG_BYTES_MAX
        && key.len() <= TAG_BYTES_MAX
        && !NOT_TAGS.iter().any(|family| key.starts_with(family))
        && !key.chars().chain(value.chars()).any(|c| c == TAG_VALUE || c == TAG_END)
}

/// Adds an attribute to a text for the `tags` column of a [`SpanRow`](crate::SpanRow), when it is one.
pub fn push_tag(tags: &mut String, key: &str, value: &str) {
    if is_tag(key, value) {
        tags.push_str(key);
        tags.push(TAG_VALUE);
        tags.push_str(value);
        tags.push(TAG_END);
    }
}
