//! Tags: the short attributes that may tell one group of traces from another, such as a release, a tenant or a locale.

use crate::rollup::{TAG_END, TAG_VALUE};

/// Longest value that is a tag, in bytes.
const TAG_BYTES_MAX: usize = 100;

/// Families of keys that are never tags: payloads flattened over many keys, and what a column holds already.
const NOT_TAGS: &[&str] = &[
    "llm.input_messages",
    "llm.output_messages",
    "llm.tools",
    "llm.token_count",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.usage",
    "gen_ai.input",
    "gen_ai.output",
    "gen_ai.tool",
    "gen_ai.response",
    "input.",
    "output.",
    "inference.llm",
    "tool.",
    "tool_call",
    "exception.",
    "message.",
    "llm.cost",
    "llm.finish",
    "ai.usage",
    "ai.response",
    "ai.prompt",
    "ai.toolCall",
];

/// Whether an attribute may be a tag: short, and of a key that is no payload.
pub(crate) fn is_tag(key: &str, value: &str) -> bool {
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
