//! JSON operators and functions.

use super::{Entry, Group};

const fn json(name: &'static str, signature: &'static str, meaning: &'static str, example: &'static str) -> Entry {
    Entry::new(Group::Json, name, signature, meaning, example)
}

pub(super) const ENTRIES: &[Entry] = &[
    json(
        "->>",
        "json ->> key",
        "The value of a key, or of a place in a list from 0, as text. NULL when there is none. One attribute is read without the others.",
        "SELECT attributes->>'llm.system' AS system, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 2 DESC, 1",
    ),
    json(
        "->",
        "json -> key",
        "The value of a key, or of a place in a list from 0, as JSON, to go on into it.",
        "SELECT requested_tool_calls->0->>'name' AS tool, count(*) AS spans FROM spans WHERE requested_tool_calls IS NOT NULL GROUP BY 1 ORDER BY 1",
    ),
    json(
        "?",
        "json ? key",
        "Whether an object has a key.",
        "SELECT count(*) AS spans FROM spans WHERE attributes ? 'llm.system'",
    ),
    json(
        "json_get",
        "json_get(json, key [, ...])",
        "The value at a path of keys and places, as JSON. What `->` is short for.",
        r#"SELECT json_get('{"a": [{"b": 1}]}', 'a', 0, 'b') AS b"#,
    ),
    json(
        "json_as_text",
        "json_as_text(json, key [, ...])",
        "The value at a path of keys and places, as text. What `->>` is short for.",
        r#"SELECT json_as_text('{"a": {"b": "x"}}', 'a', 'b') AS b"#,
    ),
    json(
        "json_get_str",
        "json_get_str(json, key [, ...])",
        "The text at a path; NULL when it is no text.",
        r#"SELECT json_get_str('{"id": "7", "n": 7}', 'id') AS id, json_get_str('{"id": "7", "n": 7}', 'n') AS n"#,
    ),
    json(
        "json_get_int",
        "json_get_int(json, key [, ...])",
        "The whole number at a path; NULL when it is none.",
        r#"SELECT json_get_int('{"usage": {"total": 12}}', 'usage', 'total') AS total"#,
    ),
    json(
        "json_get_float",
        "json_get_float(json, key [, ...])",
        "The number at a path; NULL when it is none.",
        r#"SELECT json_get_float('{"temperature": 0.2}', 'temperature') AS temperature"#,
    ),
    json(
        "json_get_bool",
        "json_get_bool(json, key [, ...])",
        "The boolean at a path; NULL when it is none.",
        "SELECT count(*) AS refused FROM spans WHERE span_type = 'TOOL' AND json_get_bool(output, 'ok') = false",
    ),
    json(
        "json_get_json",
        "json_get_json(json, key [, ...])",
        "The value at a path as the JSON text it is written in.",
        r#"SELECT json_get_json('{"a": [1, 2]}', 'a') AS a"#,
    ),
    json(
        "json_get_array",
        "json_get_array(json [, key, ...])",
        "The list at a path, each item as JSON text: unnest makes rows of it.",
        r#"SELECT unnest(json_get_array('{"a": ["x", {"b": 1}]}', 'a')) AS item"#,
    ),
    json(
        "json_contains",
        "json_contains(json, key [, ...])",
        "Whether there is a value at a path. What `?` is short for.",
        "SELECT count(*) AS spans FROM spans WHERE json_contains(attributes, 'llm.input_messages', 0)",
    ),
    json(
        "json_length",
        "json_length(json [, key, ...])",
        "How many items a list has, or keys an object.",
        "SELECT span_id, json_length(requested_tool_calls) AS calls FROM spans WHERE requested_tool_calls IS NOT NULL ORDER BY 1",
    ),
    json(
        "json_object_keys",
        "json_object_keys(json [, key, ...])",
        "The keys of an object, as a list.",
        "SELECT key, count(*) AS spans FROM (SELECT unnest(json_object_keys(attributes)) AS key FROM spans) AS listed GROUP BY 1 ORDER BY 2 DESC, 1",
    ),
    json(
        "json_from_scalar",
        "json_from_scalar(value)",
        "A text, number or boolean as JSON, to compare with what `->` gives.",
        "SELECT json_from_scalar(1) AS one",
    ),
    json(
        "json_union_to_text",
        "json_union_to_text(json)",
        "What `->` gives, as text.",
        r#"SELECT json_union_to_text('{"a": 1}'->'a') AS a"#,
    ),
];
