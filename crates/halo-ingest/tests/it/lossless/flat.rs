//! Flat lines, usual and unusual.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::attributes::{anything, calls, key};

/// Members that differ from the usual ones; null stands for one that is left out.
fn unusual() -> impl Strategy<Value = (&'static str, Value)> {
    let texts = |key: &'static str, values: Vec<Value>| select(values).prop_map(move |value| (key, value));
    let list = |key: &'static str| {
        let object = prop::collection::btree_map(super::attributes::key(), anything(), 0..4);
        let object = object.prop_map(|map| Value::Object(map.into_iter().collect()));
        prop::collection::vec(prop_oneof![3 => object, 1 => anything()], 0..4)
            .prop_map(move |list| (key, Value::from(list)))
    };
    let left_out = select(vec![
        "parent_span_id",
        "trace_state",
        "name",
        "kind",
        "start_time",
        "end_time",
        "status",
        "resource",
        "scope",
        "attributes",
        "events",
        "links",
    ]);
    prop_oneof![
        2 => left_out.prop_map(|key| (key, json!("left out"))),
        1 => texts("parent_span_id", vec![json!("0000000000000000"), json!("ABCDEF0123456789"), json!(" ab "), json!(null), json!("step 0")]),
        1 => texts("trace_state", vec![json!(null), json!("a=b,c=d"), json!(7), json!({"a": "b"})]),
        1 => texts("name", vec![json!(null), json!("a name"), json!(7), json!(["n"]), json!("{\"halo$text\":0}")]),
        1 => texts("kind", vec![json!(null), json!("SPAN_KIND_CLIENT"), json!("client"), json!(3), json!("SPAN_KIND_ODD"), json!("SPAN_KIND_UNSPECIFIED")]),
        2 => texts("start_time", vec![
            json!(null), json!(""), json!(0), json!(1_700_000_000), json!(1_700_000_000.25), json!("1700000000000"),
            json!("2026-04-28T10:40:00Z"), json!("2026-04-28T12:40:00.123456789+02:00"), json!("2026-04-28 10:40:00"),
            json!("2026-04-28T10:40:60.000000000Z"), json!("1969-12-31T23:59:59.000000001Z"),
        ]),
        2 => texts("status", vec![
            json!(null), json!("OK"), json!(2), json!({"code": 2}), json!({"code": "STATUS_CODE_ERROR", "message": "boom {\"halo$text\":0}"}),
            json!({"code": "STATUS_CODE_OK"}), json!({"code": "STATUS_CODE_ODD", "message": ""}), json!({"message": "m"}),
            json!({"code": "STATUS_CODE_OK", "message": null}), json!({"code": "STATUS_CODE_OK", "message": "", "more": 1}),
        ]),
        1 => texts("scope", vec![
            json!(null), json!("s"), json!({"name": "n"}), json!({"name": "n", "version": "1"}), json!({"name": "n", "version": null}),
            json!({"name": "n", "version": "", "attributes": {"a": 1}}),
        ]),
        1 => (prop::collection::btree_map(key(), anything(), 0..4), any::<bool>()).prop_map(|(attributes, more)| {
            let resource = if more { json!({"attributes": attributes, "schema_url": "u"}) } else { json!({"attributes": attributes}) };
            ("resource", resource)
        }),
        1 => texts("resource", vec![json!(null), json!({}), json!({"attributes": null}), json!("r"), json!({"attributes": {}})]),
        1 => texts("attributes", vec![json!(null), json!({})]),
        1 => list("events"),
        1 => list("links"),
        1 => texts("events", vec![json!(null), json!([]), json!([{"name": "exception", "time": "2026-04-28T10:40:00Z",
            "attributes": {"exception.type": "E", "exception.message": "it is {\"halo$text\":0} gone"}}])]),
        1 => texts("links", vec![json!(null), json!([]), json!([{"trace_id": "AB", "span_id": "cd", "attributes": {}}])]),
        1 => (select(vec!["extra", "halo$x", "flags", "", "dropped"]), anything()),
    ]
}

/// Spans of some traces.
pub(crate) fn spans() -> impl Strategy<Value = Vec<Value>> {
    let trace = calls().prop_flat_map(|calls| {
        let count = calls.len();
        (Just(calls), prop::collection::vec(prop::collection::vec(unusual(), 0..5), count))
    });
    prop::collection::vec(trace, 1..5).prop_map(|traces| {
        let spans = (1..).zip(traces).flat_map(|(trace, (calls, unusual))| {
            let calls = (1..).zip(calls).zip(unusual);
            calls.map(move |((number, attributes), unusual)| span(trace, number, attributes, unusual))
        });
        spans.collect()
    })
}

fn span(trace: u64, number: u64, attributes: Map<String, Value>, unusual: Vec<(&str, Value)>) -> Value {
    let mut span = json!({
        "trace_id": format!("{trace:032x}"), "span_id": format!("{:016x}", trace << 32 | number), "parent_span_id": "",
        "trace_state": "", "name": "step", "kind": "SPAN_KIND_INTERNAL",
        "start_time": "2026-04-28T10:40:00.000000000Z", "end_time": "2026-04-28T10:41:00.500000000Z",
        "status": {"code": "STATUS_CODE_UNSET", "message": ""}, "resource": {"attributes": {"service.name": "s"}},
        "scope": {"name": "n", "version": "1"}, "attributes": attributes,
    });
    let members = span.as_object_mut().unwrap();
    for (key, value) in unusual {
        if value == json!("left out") {
            members.remove(key);
        } else {
            members.insert(key.to_owned(), value);
        }
    }
    span
}
