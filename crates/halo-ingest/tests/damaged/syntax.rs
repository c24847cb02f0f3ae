//! What looks like JSON and is none, and JSON that is no span.

use std::ops::Add as _;

use halo_ingest::RejectKind::{CutJson, NotASpan, NotJson};

use crate::make::{between, good, with};
use crate::{Case, case, check, gives};

#[test]
fn not_json() {
    let bad = |name: &str, line: String| case(name, between(line), gives(&[1, 3]).reject(2, NotJson));
    check(
        &[
            bad("single quotes", good(2).replace('"', "'")),
            bad("repr of Python", "{'trace_id': '1', 'span_id': '2', 'parent_span_id': None, 'ok': True}".to_owned()),
            bad("None", with(2, "true", "None")),
            bad("True", with(2, "true", "True")),
            bad("undefined", with(2, "true", "undefined")),
            bad("NaN", with(2, "12345", "NaN")),
            bad("Infinity", with(2, "12345", "Infinity")),
            bad("-Infinity", with(2, "12345", "-Infinity")),
            bad("a zero before a number", with(2, "12345", "012345")),
            bad("a plus before a number", with(2, "12345", "+12345")),
            bad("a point before a number", with(2, "12345", ".5")),
            bad("a point behind a number", with(2, "12345", "5.")),
            bad("a comma in a number", with(2, "12345", "12,345")),
            bad("a hexadecimal number", with(2, "12345", "0x3039")),
            bad("an exponent without digits", with(2, "12345", "1e")),
            bad("a comma behind the last member", with(2, "true,", "true,,")),
            bad("a comma before the last bracket", with(2, "]}}", "],}}")),
            bad("a comma before a list's end", with(2, "}]", "},]")),
            bad("no comma", with(2, "true,", "true")),
            bad("no colon", with(2, "\"yes\":", "\"yes\"")),
            bad("no value", with(2, "true,", ",")),
            bad("no quotes around a key", with(2, "\"kind\"", "kind")),
            bad("a number as key", with(2, "\"kind\"", "5")),
            bad("a quote that is not escaped", with(2, "\\\"quote", "\"quote")),
            bad("quotes of a typesetter", with(2, "\"chät\"", "“chät”")),
            bad("a comment of C", with(2, "true", "/* yes */ true")),
            bad("a comment to the line's end", good(2) + " // two"),
            bad("a line of comment", "# made on Friday".to_owned()),
            bad("brackets of the wrong kind", with(2, "]}}", "}}}")),
            bad("parentheses", format!("({})", good(2))),
            bad("YAML", "trace_id: 1".to_owned()),
            bad("CSV", "trace_id,span_id,name".to_owned()),
            bad("logfmt", "trace_id=1 span_id=2".to_owned()),
            bad("a traceback", "Traceback (most recent call last):\n  File \"a.py\"".to_owned()),
        ]
        .into_iter()
        .map(|case| match case.name.as_str() {
            // Two lines of text.
            "a traceback" => Case { gives: case.gives.reject(3, NotJson), ..case },
            _ => case,
        })
        .collect::<Vec<_>>(),
    );
}

#[test]
fn no_span() {
    let other = |line: &str| case(line, between(line), gives(&[1, 3]).reject(2, NotASpan));
    check(&[
        other("5"),
        other("-1.5e3"),
        other("null"),
        other("true"),
        other("\"\""),
        other("{}"),
        other("[]"),
        other("[1,2]"),
        other("[null]"),
        other("[\"a\"]"),
        other("[[]]"),
        other("{\"\":\"\"}"),
        other("{\"traceid\":\"1\",\"spanid\":\"2\"}"),
        other("{\"error\":\"rate limited\"}"),
        other("{\"name\":\"x\",\"context\":{\"trace_id\":\"0x1\",\"span_id\":\"0x2\"}}"),
        // Rows of a query, a wrapped answer, events of a log, traces of other systems.
        other("{\"data\":[{\"traceID\":\"1\",\"spans\":[]}]}"),
        other("{\"traceId\":\"463ac35c9f6413ad\",\"id\":\"a2fb4a1d1a96d312\",\"kind\":\"CLIENT\"}"),
        other("{\"partialSuccess\":{}}"),
        other("{\"timestamp\":\"2026-05-01T08:00:00Z\",\"level\":\"info\",\"msg\":\"hello\"}"),
        case(
            "a list of objects that are no spans",
            between("[{\"a\":1},{\"b\":2}]"),
            gives(&[1, 3]).reject_each([2, 2], NotASpan),
        ),
        case(
            "a list of a span and others",
            between(format!("[{},5,null,{{}}]", good(2))),
            gives(&[1, 2, 3]).reject_each([2, 2, 2], NotASpan),
        ),
        case("a list with a hole", between(format!("[{},,{}]", good(2), good(4))), gives(&[1, 2, 3, 4])),
        case("an empty word", between("nul"), gives(&[1, 3]).reject(2, NotJson)),
        case("a string without its end", between("\"abc"), gives(&[1, 3]).reject(2, NotJson)),
        case("an object without anything but its beginning", between("{"), gives(&[1, 3]).reject(2, CutJson)),
        // What follows are its elements; what is missing is missing at the end.
        case("a list without anything but its beginning", between("["), gives(&[1, 3]).reject(4, CutJson)),
    ]);
}

#[test]
fn odd_and_yet_spans() {
    let taken = |name: &str, line: String| case(name, between(line), gives(&[1, 2, 3]));
    check(&[
        taken("blanks everywhere", good(2).replace(',', " , ").replace('{', "{ ")),
        taken("members in another order", format!("{{\"name\":\"x\",\"span_id\":\"{:016x}\",\"trace_id\":\"1\"}}", 2)),
        taken("a member twice", with(2, "\"name\"", "\"name\":\"first\",\"name\"")),
        taken("an attribute twice", with(2, "\"yes\"", "\"yes\":false,\"yes\"")),
        taken("a key without letters", with(2, "\"yes\"", "\"\"")),
        taken("a key of escapes", with(2, "\"yes\"", "\"\\u0000\\\"\\n\"")),
        taken("a key of holes", with(2, "\"yes\"", "\"\\u001a0\"")),
        taken("numbers with exponents", with(2, "12345", "-1.25E+3")),
        taken("minus zero", with(2, "12345", "-0")),
        taken("a number of 64 bits", with(2, "12345", "18446744073709551615")),
        taken("a number near zero", with(2, "12345", "1e-400")),
        taken("keys nobody knows", with(2, "\"kind\"", "\"x\":[{\"y\":1}],\"kind\"")),
        taken("a slash with a backslash", with(2, "chät", "a\\/b")),
        taken("a delete character", with(2, "chät", "\x7f")),
        taken("characters that are none", with(2, "chät", "\u{ffff}\u{1fffe}")),
        taken("a key of a megabyte less a bit", with(2, "\"yes\"", &format!("\"{}\"", "k".repeat(900_000)))),
        taken(
            "ten thousand attributes",
            with(2, "\"yes\"", &(0..10_000).map(|n| format!("\"k{n}\":{n},")).collect::<String>().add("\"yes\"")),
        ),
    ]);
}
