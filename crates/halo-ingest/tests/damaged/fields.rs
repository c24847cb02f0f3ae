//! Fields of flat spans one by one: missing, null, of another type, and ids of every kind.

use halo_ingest::RejectKind::{self, BadField, MissingId};

use crate::make::{between, good, with};
use crate::{Case, case, check, gives};

/// What a field holds, and what is wrong with it, if anything is.
type Holds = (&'static str, Option<RejectKind>);

/// Each field, and what it may hold instead.
const FIELDS: &[(&str, &[Holds])] = &[
    ("trace_id", &[("null", Some(MissingId)), ("5", Some(BadField)), ("[]", Some(BadField)), ("{}", Some(BadField))]),
    (
        "span_id",
        &[("null", Some(MissingId)), ("5.5", Some(BadField)), ("true", Some(BadField)), ("[\"1\"]", Some(BadField))],
    ),
    ("parent_span_id", &[("null", None), ("5", Some(BadField)), ("{}", Some(BadField))]),
    // What is only shown may be anything: the span is worth more than its name.
    ("trace_state", &[("null", None), ("5", None), ("[]", None)]),
    ("name", &[("null", None), ("5", None), ("{\"a\":1}", None), ("[\"a\"]", None)]),
    ("kind", &[("null", None), ("3", None), ("\"3\"", None), ("99", None), ("\"banana\"", None), ("[]", None)]),
    (
        "status",
        &[("null", None), ("2", None), ("\"ERROR\"", None), ("[]", None), ("{\"code\":[]}", None), ("{}", None)],
    ),
    (
        "resource",
        &[
            ("null", None),
            ("5", None),
            ("[]", None),
            ("{}", None),
            ("{\"attributes\":null}", None),
            ("{\"attributes\":5}", Some(BadField)),
            ("{\"attributes\":[]}", Some(BadField)),
        ],
    ),
    ("scope", &[("null", None), ("5", None), ("[]", None), ("{\"name\":5}", None)]),
    (
        "attributes",
        &[
            ("null", None),
            ("{}", None),
            ("5", Some(BadField)),
            ("\"{}\"", Some(BadField)),
            ("[]", Some(BadField)),
            ("[{\"key\":\"a\"}]", Some(BadField)),
            ("true", Some(BadField)),
        ],
    ),
    (
        "events",
        &[
            ("null", None),
            ("[]", None),
            ("[null]", None),
            ("[5,\"a\",[]]", None),
            ("[{\"name\":5}]", None),
            ("{}", Some(BadField)),
            ("\"[]\"", Some(BadField)),
            ("5", Some(BadField)),
        ],
    ),
    (
        "links",
        &[
            ("null", None),
            ("[null]", None),
            ("[{\"trace_id\":5}]", None),
            ("{}", Some(BadField)),
            ("5", Some(BadField)),
        ],
    ),
];

fn outcome(name: String, line: String, wrong: Option<RejectKind>) -> Case {
    match wrong {
        None => case(name, between(line), gives(&[1, 2, 3])),
        Some(kind) => case(name, between(line), gives(&[1, 3]).reject(2, kind)),
    }
}

/// A good span with a field replaced, or without it.
fn with_field(key: &str, json: Option<&str>) -> String {
    let mut span: serde_json::Value = serde_json::from_str(&good(2)).unwrap();
    let members = span.as_object_mut().unwrap();
    members.remove(key);
    members.extend(json.map(|json| (key.to_owned(), serde_json::from_str(json).unwrap())));
    span.to_string()
}

#[test]
fn of_another_type() {
    let cases: Vec<Case> = FIELDS
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |(json, wrong)| (*key, *json, *wrong)))
        .map(|(key, json, wrong)| outcome(format!("{key}: {json}"), with_field(key, Some(json)), wrong))
        .collect();
    check(&cases);
}

#[test]
fn missing() {
    let cases: Vec<Case> = FIELDS
        .iter()
        .map(|(key, _)| {
            let wrong = matches!(*key, "trace_id" | "span_id").then_some(MissingId);
            outcome((*key).to_owned(), with_field(key, None), wrong)
        })
        .collect();
    check(&cases);
}

#[test]
fn attributes_that_hold_other_types_than_their_names_say() {
    let members = [
        ("llm.token_count.prompt", "\"twelve\""),
        ("llm.token_count.prompt", "-5"),
        ("llm.token_count.prompt", "1e30"),
        ("llm.token_count.total", "[1]"),
        ("llm.input_messages", "5"),
        ("llm.input_messages", "\"[{\\\"role\\\":\""),
        ("llm.input_messages", "[[[]]]"),
        ("llm.input_messages.0.message.role", "null"),
        ("llm.input_messages.99999999999999999999.message.role", "\"user\""),
        ("llm.input_messages.4000000000.message.role", "\"user\""),
        ("llm.input_messages.-1.message.role", "\"user\""),
        ("llm.input_messages.0.message.contents.0", "7"),
        ("gen_ai.input.messages", "\"[{\""),
        ("gen_ai.input.messages", "{\"role\":[]}"),
        ("gen_ai.usage.input_tokens", "\"\""),
        ("gen_ai.response.finish_reasons", "{}"),
        ("input.value", "[{\"messages\":{}}]"),
        ("input.value", "\"{\\\"messages\\\":[{\\\"role\\\":5},7,null]}\""),
        ("openinference.span.kind", "[\"LLM\"]"),
        ("tool.name", "{}"),
        ("session.id", "5"),
    ];
    let cases = members.iter().map(|(key, json)| {
        outcome(format!("{key}: {json}"), with(2, "\"yes\"", &format!("\"{key}\":{json},\"yes\"")), None)
    });
    check(&cases.collect::<Vec<_>>());
}

#[test]
fn ids() {
    let mut cases = Vec::new();
    // The same id in other words, as 2 is in the list of spans, or one that stays what it is: told by its length.
    let mut span_id = |text: &str, id: Option<u64>| {
        let line = with(2, &format!("{:016x}", 2), text);
        cases.push(match id {
            Some(id) => {
                let mut ids = vec![1, 3, id];
                ids.sort_unstable();
                case(format!("span_id {text:?}"), between(line), gives(&[]).span_lines(3).ids(ids))
            }
            None => case(format!("span_id {text:?}"), between(line), gives(&[1, 3]).reject(2, MissingId)),
        });
    };
    span_id("", None);
    span_id("   ", None);
    span_id("0", None);
    span_id("0000000000000000", None);
    span_id("00000000000000ab", Some(0xab));
    span_id("00000000000000AB", Some(0xab));
    // The column has it in hexadecimal; the export gives it back as it came, and so its length here.
    span_id(" 00000000000000ab ", Some(18));
    span_id("ab", Some(0xab));
    span_id("AAAAAAAAAKs=", Some(12));
    span_id("0x00000000000000ab", Some(18));
    span_id("00000000-0000-00ab", Some(18));
    span_id("{ab}", Some(4));
    span_id("not hexadecimal", Some(15));
    span_id("AAAAAAAAAK=", Some(11));
    span_id("\\u0000", Some(1));
    span_id("ä", Some(2));
    // Of a trace, which does not change the span.
    for text in ["ABCDEF", "q80AAAAAAAAAAAAAAAAAAA==", "0x7", "é", "a b", "trace/7", "..", "🎉"] {
        let name = format!("trace_id {text:?}");
        cases.push(case(name, between(with(2, &format!("{:032x}", 1), text)), gives(&[1, 2, 3])));
    }
    let long = "a".repeat(100_000);
    cases.push(case("a long trace_id", between(with(2, &format!("{:032x}", 1), &long)), gives(&[1, 2, 3])));
    let own_parent = with(2, "\"parent_span_id\":\"\"", &format!("\"parent_span_id\":\"{:016x}\"", 2));
    cases.push(case("a span that is its own parent", between(own_parent), gives(&[1, 2, 3])));
    let circle =
        |id: u64, parent: u64| with(id, "\"parent_span_id\":\"\"", &format!("\"parent_span_id\":\"{parent:016x}\""));
    cases.push(case(
        "parents in a circle",
        between(format!("{}\n{}", circle(4, 5), circle(5, 4))),
        gives(&[1, 3, 4, 5]),
    ));
    check(&cases);
}
