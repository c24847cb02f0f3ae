//! JSON in every layout: what is taken, what is rejected, and that nothing swallows its neighbours.

use std::io::Read as _;

use proptest::prelude::*;

use super::*;
use crate::input::BufferPool;
use crate::testing::{How, Outcome, document, read, span};

/// Reads a text with chunks of several sizes, which must not make a difference.
fn outcome(text: &str) -> Outcome {
    let whole = read(text.as_bytes(), How::default());
    for chunk_bytes in [1, 2, 3, 7, 40, 200, 5000] {
        let cut = read(text.as_bytes(), How::chunks_of(chunk_bytes));
        // Obstacles come in no order with the parts.
        let sorted = |outcome: &Outcome| {
            let mut rejects = outcome.rejects.clone();
            rejects.sort();
            rejects
        };
        assert_eq!(sorted(&cut), sorted(&whole), "chunks of {chunk_bytes}: {text}");
        assert_eq!((&cut.spans, cut.counts, cut.settled), (&whole.spans, whole.counts, whole.settled), "{text}");
    }
    whole
}

#[track_caller]
fn check(text: &str, spans: &[&str], rejects: &[&str]) {
    let outcome = outcome(text);
    let kinds: Vec<String> =
        outcome.rejects.iter().map(|reject| reject.split(':').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(outcome.spans, spans, "{text}\n{outcome:#?}");
    assert_eq!(kinds, rejects, "{text}\n{outcome:#?}");
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn pretty_span(id: &str) -> String {
    pretty(&serde_json::from_str(&span(id)).unwrap())
}

#[test]
fn lines() {
    let (a, b) = (span("a"), span("b"));
    check("", &[], &[]);
    check("\n\n", &[], &[]);
    check(&format!("{a}\n{b}\n"), &["a", "b"], &[]);
    check(&format!("{a}\n{b}"), &["a", "b"], &[]);
    check(&format!("\u{feff}{a}\r\n\r\n  {b}  \r\n"), &["a", "b"], &[]);
    check(&format!("{a}\n\u{feff}{b}\n"), &["a", "b"], &[]);
    // Two writers on one file, without and with a comma.
    check(&format!("{a}{b}\n\n{}", span("c")), &["a", "b", "c"], &[]);
    check(&format!("{a},\n{b},\n"), &["a", "b"], &[]);
    assert_eq!(outcome(&format!("{a}\n\n{a}{b}\n")).counts.lines, 4);
    // Logs between traces.
    let outcome = outcome(&format!("{a}\n{{\"resourceLogs\":[]}}\n{{\"resourceMetrics\":[]}}\n"));
    assert_eq!((outcome.counts.other_lines, outcome.counts.span_lines), (2, 1));
}

#[test]
fn a_bad_line_is_one_reject_and_its_neighbours_stay() {
    let (a, b, c) = (span("a"), span("b"), span("c"));
    for bad in [
        r#"{"trace_id":"t","span_id":"x"#,
        r#"{"trace_id":"t","span_id":"x","attributes":{"#,
        r#"{"trace_id":"t","span_id":"x","attributes":{"a":["#,
        r#"{"trace_id":"t","span_id":"x","attributes":"#,
        r#"{"trace_id":"t","span_id":"x","#,
        r#"{"trace_id":"t","span_id":"x"]"#,
        r#"{"trace_id":"t" "span_id":"x""#,
        r#"{"trace_id":"t","name":"a "quoted" word","span_id":"x"}"#,
        r#"{"trace_id":"t","name":"\"#,
        "{",
        "[",
        "[1,2]",
        "[[",
        "[]",
        "{}",
        "}",
        "]",
        "nonsense",
        "{nonsense",
        r#"{"hello":1} trailing"#,
        "\u{1f4a5}",
    ] {
        for text in
            [format!("{a}\n{bad}\n{b}\n{c}\n"), format!("{bad}\n{a}\n{b}\n{c}"), format!("{a}\n{b}\n{c}\n{bad}")]
        {
            let outcome = outcome(&text);
            assert_eq!(outcome.spans, ["a", "b", "c"], "{text}\n{outcome:#?}");
            assert_eq!((outcome.rejects.len(), outcome.counts.rejected_lines), (1, 1), "{text}\n{outcome:#?}");
        }
    }
    // Line numbers go on behind it.
    let lines = format!("{a}\n{{\"cut\n{b}\nbad\n");
    check(&lines, &["a", "b"], &["2@65 CutJson", "4@136 NotJson"]);
}

#[test]
fn documents_over_several_lines() {
    let (a, b) = (pretty_span("a"), pretty_span("b"));
    check(&a, &["a"], &[]);
    check(&format!("{a}\n{b}\n"), &["a", "b"], &[]);
    check(&format!("{a}{b}"), &["a", "b"], &[]);
    check(&format!("{a}\r\n\r\n{b}").replace('\n', "\r\n"), &["a", "b"], &[]);
    // Amid lines.
    check(&format!("{}\n{a}\n{}\n", span("x"), span("y")), &["x", "a", "y"], &[]);
    check(&pretty(&document(&["a", "b"])), &["a", "b"], &[]);
    // Cut over at a bracket, so that each line looks whole.
    check("{\"trace_id\":\"t\",\"status\":{}\n,\"span_id\":\"a\",\"resource\":{}\n}\n", &["a"], &[]);
    // Without any indentation.
    let flat: Vec<&str> = a.lines().map(str::trim).collect();
    check(&format!("{}\n{}\n", flat.join("\n"), span("x")), &["a", "x"], &[]);
    let outcome = outcome(&format!("{a}\nbad\n{b}\n"));
    assert_eq!(outcome.rejects.len(), 1, "{outcome:?}");
    assert!(outcome.rejects[0].starts_with(&format!("{}@{}", a.lines().count() + 1, a.len() + 1)), "{outcome:?}");
}

#[test]
fn a_bad_document_is_one_reject_and_its_neighbours_stay() {
    let (a, b) = (pretty_span("a"), pretty_span("b"));
    let bad: Vec<&str> = b.lines().collect();
    for lines in 2..bad.len() {
        let cut = bad[..lines].join("\n");
        let outcome = outcome(&format!("{a}\n{cut}\n{a}\n"));
        assert_eq!((outcome.spans.len(), outcome.rejects.len()), (2, 1), "{cut}\n{outcome:#?}");
    }
    let outcome = outcome(&format!("{a}\n{}\n{}\n", b.replace("\"span_id\":", "\"span_id\""), span("x")));
    assert_eq!((outcome.spans.len(), outcome.rejects.len()), (2, 1), "{outcome:#?}");
    let cut = self::outcome(&format!("{a}\n{}", &b[..b.len() / 2]));
    assert_eq!((cut.spans.len(), cut.rejects.len(), cut.counts.lines), (1, 1, 2), "{cut:#?}");
}

#[test]
fn arrays_of_spans() {
    let (a, b) = (span("a"), span("b"));
    check(&format!("[{a},{b}]"), &["a", "b"], &[]);
    check(&format!("[\n{a},\n{b}\n]\n{}\n", span("c")), &["a", "b", "c"], &[]);
    check(&pretty(&serde_json::from_str(&format!("[{a},{b}]")).unwrap()), &["a", "b"], &[]);
    check(&format!("[{},\n{}]", document(&["a"]), document(&["b", "c"])), &["a", "b", "c"], &[]);
    check(&format!("[{a}, 5, null, {b}]"), &["a", "b"], &["1@67 NotASpan", "1@70 NotASpan"]);
    // Amid lines, and no end.
    check(&format!("{a}\n[{b}]\n{}\n", span("c")), &["a", "b", "c"], &[]);
    check(&format!("[\n{a},\n{b},\n"), &["a", "b"], &["4@134 CutJson"]);
    check(&format!("[{a},\n{},\n{b}]", &a[..40]), &["a", "b"], &["2@67 CutJson"]);
}

#[test]
fn a_large_document_is_read_element_by_element() {
    let ids: Vec<String> = (0..50).map(|id| format!("s{id}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let tail = span("tail");
    for text in [document(&names).to_string(), pretty(&document(&names))] {
        let rest = format!(",\"more\":[{{\"resourceSpans\":[1]}}]}} {tail}\n{tail}\n");
        let text = format!("{}{rest}", &text[..text.trim_end_matches(['}', '\n']).len()]);
        for chunk_bytes in [1, 100, 4000] {
            let mut how = How::chunks_of(chunk_bytes);
            how.limits.document_bytes_max = 700;
            how.limits.line_bytes_max = 1000;
            let outcome = read(text.as_bytes(), how);
            let mut expected = names.clone();
            expected.extend(["tail", "tail"]);
            assert_eq!(outcome.spans, expected, "{outcome:?}");
            assert_eq!((outcome.counts.lines, outcome.counts.span_lines), (52, 52), "{outcome:?}");
        }
        // Cut in the middle: what came before counts.
        let mut how = How::chunks_of(100);
        how.limits.document_bytes_max = 700;
        let outcome = read(&text.as_bytes()[..text.len() / 2], how);
        assert!((10..40).contains(&outcome.spans.len()), "{outcome:?}");
        assert_eq!(outcome.rejects.len(), 1, "{outcome:?}");
    }
}

#[test]
fn what_is_too_long_is_passed_over_and_costs_no_memory() {
    let (a, b) = (span("a"), span("b"));
    for long in [
        "x".repeat(5000),
        format!("{{\"x\":\"{}\"}}", "x".repeat(5000)),
        format!("{{\"x\":[\n{}1\n]}}", "1,\n".repeat(2000)),
        format!("{{\"x\":\"{}", "x".repeat(5000)),
        "[".repeat(5000),
    ] {
        for chunk_bytes in [1, 64, 700] {
            let mut how = How::chunks_of(chunk_bytes);
            how.limits = Limits::new(chunk_bytes, 1000);
            let outcome = read(format!("{a}\n{long}\n{b}\n").as_bytes(), how);
            assert_eq!(outcome.spans, ["a", "b"], "chunks of {chunk_bytes}: {outcome:?}");
            assert_eq!(outcome.rejects.len(), 1, "{outcome:?}");
            assert!(outcome.rejects[0].starts_with("2@65 TooLong: the line has 0.0 MB"), "{outcome:?}");
        }
    }
    let input = Input::new(Box::new(std::io::repeat(b'x').take(50 << 20)), BufferPool::new(1000, 1), 0);
    let mut pieces = JsonPieces::new(input, Limits::new(1000, 20_000), Position::START, false);
    assert!(matches!(
        pieces.next(),
        Some(Piece::Obstacle(Obstacle { kind: ObstacleKind::TooLong { bytes: 52_428_800 }, .. }))
    ));
    assert!(pieces.input.capacity() < 50_000, "{}", pieces.input.capacity());
}

#[test]
fn deep_nesting_ends_soon() {
    let (a, b) = (span("a"), span("b"));
    for deep in [
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{}1{}", "{\"x\":".repeat(100_000), "}".repeat(100_000)),
        format!("{}1{}", "{\"x\":\n  ".repeat(100_000), "\n}".repeat(100_000)),
        "[".repeat(100_000),
        "{\"x\":".repeat(100_000),
        "[{\"x\":".repeat(100_000),
    ] {
        let outcome = read(format!("{a}\n{deep}\n{b}\n").as_bytes(), How::default());
        assert_eq!(outcome.spans, ["a", "b"], "{outcome:?}");
        assert_eq!(outcome.rejects.len(), 1, "{}", &deep[..20]);
    }
    // Lines that each open what none closes must not be scanned to the end again and again.
    let lines = "{\"a\":[\n".repeat(50_000);
    assert_eq!(read(lines.as_bytes(), How::default()).counts.rejected_lines, 50_000);
}

#[test]
fn what_is_open_at_the_end_is_told_or_held_back() {
    let (a, b) = (span("a"), span("b"));
    let hold = How { hold_open: true, ..How::default() };
    let settled = |text: &str| {
        let outcome = read(text.as_bytes(), hold);
        let settled = outcome.settled.unwrap();
        (outcome.spans.len(), outcome.rejects.len(), settled.byte_offset, settled.line)
    };
    let length = a.len() as u64 + 1;
    assert_eq!(settled(&format!("{a}\n")), (1, 0, length, 2));
    assert_eq!(settled(&format!("{a}\n{b}")), (1, 0, length, 2));
    assert_eq!(settled(&format!("{a}\n{}", &b[..20])), (1, 0, length, 2));
    assert_eq!(settled(&format!("{a}\n{{\n\"x\":")), (1, 0, length, 2));
    assert_eq!(settled(&format!("{a}\n{}", pretty_span("b"))), (1, 0, length, 2));
    assert_eq!(settled(&format!("{a}\nnonsense")), (1, 0, length, 2));
    // Read on from there, with the numbers going on.
    let text = format!("{a}\n{b}\nbad\n");
    let start = Position { byte_offset: length, line: 2 };
    let outcome = read(&text.as_bytes()[a.len() + 1..], How { start, ..How::default() });
    assert_eq!((outcome.spans, outcome.rejects[0].starts_with("3@130 NotJson")), (vec!["b".to_owned()], true));
    // Otherwise the open end is a part of its own, and marked.
    let input = Input::new(Box::new(std::io::Cursor::new(format!("{a}\n{b}"))), BufferPool::new(1000, 1), 0);
    let pieces: Vec<Piece> = JsonPieces::new(input, hold.limits, Position::START, false).collect();
    let [Piece::Parts(_, parts)] = pieces.as_slice() else { panic!("{pieces:?}") };
    assert_eq!(parts.iter().map(|part| (part.is_open, part.line)).collect::<Vec<_>>(), [(false, 1), (true, 2)]);
}

/// A JSON value whose strings and keys look like structure.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let text = || prop_oneof!["[\\[\\]{}\",:\\\\\n a-c]{0,8}", ".{0,5}"];
    let leaf =
        prop_oneof![Just(serde_json::Value::Null), any::<i32>().prop_map(Into::into), text().prop_map(Into::into)];
    let tree = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    // At the top an object, and not one whose parts are taken.
    tree.prop_map(|inner| serde_json::json!({ "v": inner }))
}

/// The values that the parts of a text hold.
fn values(text: &str, chunk_bytes: usize) -> Vec<serde_json::Value> {
    let input = Input::new(Box::new(std::io::Cursor::new(text.to_owned())), BufferPool::new(chunk_bytes, 2), 0);
    let mut values = Vec::new();
    for piece in JsonPieces::new(input, Limits::new(chunk_bytes, 1 << 20), Position::START, false) {
        let Piece::Parts(bytes, parts) = piece else { panic!("{piece:?}") };
        for part in parts {
            let text = std::str::from_utf8(&bytes[part.range.clone()]).unwrap();
            let stream = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
            values.extend(stream.map(|value| value.unwrap()));
        }
    }
    values
}

proptest! {
    #[test]
    fn any_layout_gives_the_values_back(
        list in prop::collection::vec((value(), any::<bool>(), prop_oneof![Just("\n"), Just("\r\n\n"), Just(""), Just(" ")]), 1..6),
        chunk_bytes in 1_usize..60,
        as_array in any::<bool>(),
    ) {
        let mut text = String::new();
        for (index, (value, is_pretty, between)) in list.iter().enumerate() {
            if as_array {
                text.push(if index == 0 { '[' } else { ',' });
            }
            text.push_str(&if *is_pretty { pretty(value) } else { value.to_string() });
            text.push_str(between);
        }
        if as_array {
            text.push(']');
        }
        let expected: Vec<_> = list.into_iter().map(|(value, ..)| value).collect();
        prop_assert_eq!(values(&text, chunk_bytes), expected.clone());
        prop_assert_eq!(values(&text, 100_000), expected);
    }

    #[test]
    fn no_bytes_do_harm_and_the_lines_balance(text in "([{}\\[\\]\",:\\\\\n a1]|resourceSpans|\\{\"trace_id\":\"t\",\"span_id\":\"s\"\\}\n){0,60}", chunk_bytes in 1_usize..50) {
        let mut how = How::chunks_of(chunk_bytes);
        how.limits = Limits { chunk_bytes, line_bytes_max: 60, document_bytes_max: 20 };
        let cut = read(text.as_bytes(), how);
        how.limits.chunk_bytes = 10_000;
        let whole = read(text.as_bytes(), how);
        prop_assert_eq!(cut.spans, whole.spans);
        prop_assert_eq!(cut.counts, whole.counts);
    }
}
