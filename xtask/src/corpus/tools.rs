//! The tools of every service: their schemas, and what they answer when all goes well.

mod tables;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::texts::{Texts, fill};
use crate::rng::Rng;
pub(crate) use tables::{CODING, DATA, HR, LEGAL, OPS, RESEARCH, SUPPORT, TRAVEL};

/// One argument of a tool.
pub(crate) struct Param {
    /// Its name.
    pub(crate) name: &'static str,
    /// JSON schema type.
    pub(crate) kind: &'static str,
    /// Whether the schema requires it.
    pub(crate) required: bool,
    /// The entity it is filled from, or `=literal`.
    pub(crate) from: &'static str,
}

/// What a tool answers.
pub(crate) enum Reply {
    /// A record of (key, entity) pairs.
    Record(&'static [(&'static str, &'static str)]),
    /// An acknowledgement of a change.
    Done(&'static str),
    /// Some passages of a slot, as a JSON list.
    Docs(&'static str, i64),
    /// Passages of a slot as plain text.
    Text(&'static [&'static str]),
    /// Rows of a table.
    Rows,
    /// A list of offers.
    Offers(&'static str),
    /// All pages of a long listing are one call each: (page size, cursor).
    Page,
}

/// One tool.
pub(crate) struct ToolSpec {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its description.
    pub(crate) about: &'static str,
    /// Its arguments.
    pub(crate) params: &'static [Param],
    /// Its answer.
    pub(crate) reply: Reply,
    /// Median latency in milliseconds.
    pub(crate) ms: i64,
    /// Whether it changes something.
    pub(crate) write: bool,
}

/// The value a table entry stands for: `=literal`, `#entity` as a number, or an entity.
fn value_of(from: &str, kind: &str, entities: &BTreeMap<&'static str, String>) -> Value {
    let (text, numeric) = match (from.strip_prefix('='), from.strip_prefix('#')) {
        (Some(literal), _) => (literal.to_owned(), kind == "integer" || kind == "number"),
        (_, Some(key)) => (entities.get(key).cloned().unwrap_or_default(), true),
        _ => (entities.get(from).cloned().unwrap_or_default(), false),
    };
    if kind == "boolean" {
        return json!(text == "true");
    }
    if !numeric {
        return json!(text);
    }
    let digits: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    match digits.parse::<i64>() {
        Ok(number) => json!(number),
        Err(_) => digits.parse::<f64>().map_or(json!(text), |number| json!(number)),
    }
}

/// The arguments a model writes for `tool` when it does it right.
pub(crate) fn arguments(
    tool: &ToolSpec,
    entities: &BTreeMap<&'static str, String>,
    rng: &mut Rng,
) -> Map<String, Value> {
    let mut map = Map::new();
    for param in tool.params {
        if param.from.is_empty() || !(param.required || rng.chance(40)) {
            continue;
        }
        map.insert(param.name.to_owned(), value_of(param.from, param.kind, entities));
    }
    map
}

/// What `tool` answers when all goes well.
pub(crate) fn reply(
    tool: &ToolSpec,
    entities: &BTreeMap<&'static str, String>,
    texts: &Texts,
    rng: &mut Rng,
) -> String {
    match &tool.reply {
        Reply::Record(fields) => {
            let map: Map<String, Value> =
                fields.iter().map(|(key, from)| ((*key).to_owned(), value_of(from, "string", entities))).collect();
            Value::Object(map).to_string()
        }
        Reply::Done(state) => json!({"status": "ok", "state": state, "id": rng.hex(8), "tool": tool.name}).to_string(),
        Reply::Docs(slot, count) => {
            let mut found: Vec<String> = (0..*count).map(|_| fill(texts.pick(slot, rng), entities)).collect();
            found.sort();
            found.dedup();
            rng.shuffle(&mut found);
            let docs: Vec<Value> = (1..)
                .zip(found)
                .map(|(rank, text): (i64, String)| json!({"id": format!("d{}", rng.between(100, 999)), "rank": rank, "text": text}))
                .collect();
            json!({"results": docs}).to_string()
        }
        Reply::Text(slots) => {
            let mut parts: Vec<String> = Vec::new();
            for slot in *slots {
                let part = fill(texts.pick(slot, rng), entities);
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
            parts.join("\n\n")
        }
        Reply::Rows => {
            let rows: Vec<Value> =
                (0..rng.between(2, 9)).map(|at| json!({"week": 30 + at, "value": rng.skewed(900)})).collect();
            json!({"row_count": rows.len(), "rows": rows, "total": entities.get("total")}).to_string()
        }
        Reply::Offers(key) => {
            let mut offers = vec![json!({*key: entities.get(key), "price": entities.get("amount")})];
            for _ in 0..rng.between(1, 4) {
                let name = format!("{}{}", if *key == "flight" { "XQ" } else { "Hotel No. " }, rng.between(10, 990));
                offers.push(json!({*key: name, "price": format!("{} EUR", rng.between(90, 900))}));
            }
            json!({"offers": offers}).to_string()
        }
        Reply::Page => page(entities, rng, 0, 1),
    }
}

/// One page of a listing: `at` of `pages`.
pub(crate) fn page(entities: &BTreeMap<&'static str, String>, rng: &mut Rng, at: i64, pages: i64) -> String {
    let rows: Vec<Value> = (0..10)
        .map(|row| json!({"id": at * 10 + row + 1, "table": entities.get("table"), "balance": rng.skewed(120)}))
        .collect();
    if at + 1 < pages {
        json!({"items": rows, "has_more": true, "next_cursor": format!("c{}", (at + 1) * 10)}).to_string()
    } else {
        json!({"items": rows, "has_more": false, "next_cursor": null}).to_string()
    }
}

/// The JSON schema a model is offered for `tool`.
pub(crate) fn schema(tool: &ToolSpec) -> Value {
    let properties: Map<String, Value> =
        tool.params.iter().map(|param| (param.name.to_owned(), json!({"type": param.kind}))).collect();
    let required: Vec<&str> = tool.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
