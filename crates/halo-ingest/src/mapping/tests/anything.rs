//! Whatever stands in the attributes, a span is mapped.

use proptest::prelude::*;

use super::*;
use crate::conventions::mapped_attributes;

/// Words that the readers of messages look for, so that chance finds its way into them.
const WORDS: &[&str] = &[
    "role",
    "content",
    "parts",
    "text",
    "type",
    "tool_calls",
    "tool_call",
    "function",
    "id",
    "name",
    "arguments",
    "args",
    "input",
    "output",
    "message",
    "messages",
    "kwargs",
    "data",
    "choices",
    "generations",
    "candidates",
    "system",
    "event.name",
    "gen_ai.choice",
    "user",
    "assistant",
    "tool",
    "tool_use",
    "tool_result",
    "function_call",
    "reasoning",
    "toolUse",
    "toolResult",
    "functionResponse",
    "result",
    "value",
    "json",
    "tools",
    "total",
    "anthropic",
    "attributes",
    "gen_ai.user.message",
    "",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![3 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => ".*"]
}

fn value() -> impl Strategy<Value = Object> {
    let number = prop_oneof![any::<i64>().prop_map(Object::from), any::<f64>().prop_map(Object::from)];
    let leaf =
        prop_oneof![Just(Object::Null), any::<bool>().prop_map(Object::from), number, word().prop_map(Object::from)];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Object::from),
            prop::collection::btree_map(word(), inner.clone(), 0..6)
                .prop_map(|map| Object::Object(map.into_iter().collect())),
            // JSON in a text, as exporters have it.
            inner.prop_map(|value| Object::from(value.to_string())),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Object> {
    let keys: Vec<String> = mapped_attributes()
        .flat_map(|row| match row.path {
            Some("N.*") => ["0.role", "1.message.content", "0.tool_calls.0.id", "18446744073709551616.name", "2.name"]
                .map(|rest| format!("{}{rest}", row.key))
                .to_vec(),
            _ => vec![row.key.to_owned()],
        })
        .collect();
    prop::collection::btree_map(prop::sample::select(keys), value(), 0..12)
        .prop_map(|map| Object::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn any_attributes_and_events_are_mapped(attributes in attributes(), events in prop::option::of(value())) {
        let span = Span { events, ..span(attributes) };
        prop_assert!(!span.row().is_empty());
        for count in span.with(|mapped| counts(mapped).map(|(_, count)| count)).into_iter().flatten() {
            prop_assert!(count >= 0);
        }
        if let Some(cost) = span.with(|mapped| mapped.cost().map(f64::abs)) {
            prop_assert!(cost.is_finite());
        }
    }
}
