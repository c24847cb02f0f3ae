//! OTLP/JSON: levels that are empty, null or of another type, spans that are bad among good ones, and documents that are cut.

use halo_ingest::RejectKind::{BadField, CutJson, MissingId, NotASpan, NotJson};

use crate::make::{good, lines, otlp, otlp_of, otlp_span};
use crate::{Case, Gives, case, check, gives};

/// Spans 1 and 3 in documents of their own, with another line between.
fn among(line: &str, gives: Gives) -> Case {
    case(line, lines(&[&otlp_of(&[1]), line, &otlp_of(&[3])]), gives)
}

#[test]
fn levels_of_another_type() {
    // Nothing in it, and said so: a line of spans that has none.
    let empty = |line: &str| among(line, gives(&[1, 3]).span_lines(3));
    // Something is in it that cannot be read.
    let bad = |line: &str| among(line, gives(&[1, 3]).span_lines(3).span_reject(2, BadField));
    let whole = |line: &str| among(line, gives(&[1, 3]).reject(2, BadField));
    check(&[
        empty(r#"{"resourceSpans":[]}"#),
        empty(r#"{"resourceSpans":null}"#),
        empty(r#"{"resource_spans":[]}"#),
        empty(r#"{"resourceSpans":[{}]}"#),
        empty(r#"{"resourceSpans":[null]}"#),
        empty(r#"{"resourceSpans":[{"scopeSpans":null}]}"#),
        empty(r#"{"resourceSpans":[{"scopeSpans":[]}]}"#),
        empty(r#"{"resourceSpans":[{"scopeSpans":[{}]}]}"#),
        empty(r#"{"resourceSpans":[{"scopeSpans":[null]}]}"#),
        empty(r#"{"resourceSpans":[{"scopeSpans":[{"spans":null}]}]}"#),
        empty(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}"#),
        empty(r#"{"resourceSpans":[{"resource":5,"scopeSpans":[{"scope":[],"spans":[]}]}]}"#),
        whole(r#"{"resourceSpans":{}}"#),
        whole(r#"{"resourceSpans":"[]"}"#),
        whole(r#"{"resourceSpans":5}"#),
        bad(r#"{"resourceSpans":[5]}"#),
        bad(r#"{"resourceSpans":[[]]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":{"spans":[]}}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":"x"}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":[7]}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":[{"spans":"x"}]}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[5]}]}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[null]}]}]}"#),
        bad(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[[]]}]}]}"#),
        among(
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#,
            gives(&[1, 3]).span_lines(3).span_reject(2, MissingId),
        ),
    ]);
}

#[test]
fn a_bad_span_among_good_ones() {
    let bad = |name: &str, span: &str, kind| {
        case(name, otlp(&[&otlp_span(1), span, &otlp_span(3)]), gives(&[1, 3]).span_lines(1).span_reject(1, kind))
    };
    let change = |from: &str, to: &str| {
        let span = otlp_span(2);
        assert!(span.contains(from));
        span.replacen(from, to, 1)
    };
    let taken = |name: &str, span: &str| {
        case(name, otlp(&[&otlp_span(1), span, &otlp_span(3)]), gives(&[1, 2, 3]).span_lines(1))
    };
    let member = |member: &str| change("\"name\":\"n\"", &format!("\"name\":\"n\",{member}"));
    check(&[
        bad("no trace id", &change("traceId", "trace"), MissingId),
        bad("no span id", &change("spanId", "span"), MissingId),
        bad("an empty span id", &change("0000000000000002", ""), MissingId),
        bad("a number as span id", &change("\"0000000000000002\"", "2"), BadField),
        bad("a number as trace id", &change(&format!("\"{:032x}\"", 7), "7"), BadField),
        bad("a list as parent", &member("\"parentSpanId\":[]"), BadField),
        bad("an object as start", &change("\"1777622400000000000\"", "{}"), BadField),
        bad("a word as end", &member("\"endTimeUnixNano\":\"soon\""), BadField),
        // As the flat form has them: what they hold would be lost.
        bad("attributes as an object", &member("\"attributes\":{\"a\":1}"), BadField),
        bad("attributes as a text", &member("\"attributes\":\"a\""), BadField),
        bad("events as an object", &member("\"events\":{\"name\":\"a\"}"), BadField),
        bad("links as a number", &member("\"links\":5"), BadField),
        bad("a span in a list", &format!("[{}]", otlp_span(2)), BadField),
        bad("a span in a text", &serde_json::Value::from(otlp_span(2)).to_string(), BadField),
        taken("attributes null", &member("\"attributes\":null,\"events\":null,\"links\":null,\"status\":null")),
        taken(
            "attributes of nothing",
            &member("\"attributes\":[null,5,{},{\"key\":5},{\"key\":\"a\"},{\"key\":\"b\",\"value\":5}]"),
        ),
        taken(
            "values of two types",
            &member("\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"x\",\"stringValue\":5}}]"),
        ),
        taken(
            "an array value of nothing",
            &member(
                "\"attributes\":[{\"key\":\"a\",\"value\":{\"arrayValue\":null}},{\"key\":\"b\",\"value\":{\"kvlistValue\":{\"values\":5}}}]",
            ),
        ),
        taken("events of nothing", &member("\"events\":[null,5,{}],\"links\":[null,5,{}]")),
        taken("a name that is a number", &change("\"n\"", "5")),
        taken("a kind and a status of their own", &member("\"kind\":99,\"status\":{\"code\":\"x\",\"message\":5}")),
        taken("a span id in base64", &change("0000000000000002", "AAAAAAAAAAI=")),
        taken("no times at all", &change(",\"startTimeUnixNano\":\"1777622400000000000\"", "")),
    ]);
}

#[test]
fn other_signals_and_answers() {
    let other = |line: &str| among(line, gives(&[1, 3]).others(1));
    let none = |line: &str| among(line, gives(&[1, 3]).reject(2, NotASpan));
    let spans =
        |name: &str, line: String| case(name, lines(&[&otlp_of(&[1]), &line, &otlp_of(&[3])]), gives(&[1, 2, 3]));
    let two = otlp_of(&[2]);
    check(&[
        other(r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}"#),
        other(r#"{"resource_metrics":[]}"#),
        other(r#"{"resourceMetrics":null}"#),
        none(r#"{"partialSuccess":{"rejectedSpans":"5","errorMessage":"too old"}}"#),
        none(r#"{"resourceProfiles":[]}"#),
        none(r#"{"scopeSpans":[{"spans":[]}]}"#),
        none(&otlp_span(2)),
        spans("the older name", two.replace("scopeSpans", "instrumentationLibrarySpans")),
        spans(
            "names with underscores",
            two.replace("resourceSpans", "resource_spans")
                .replace("scopeSpans", "scope_spans")
                .replace("spanId", "span_id")
                .replace("traceId", "trace_id"),
        ),
        spans("a flat line between", good(2)),
        spans("logs beside the spans", two.replacen('{', "{\"resourceLogs\":[],", 1)),
    ]);
}

#[test]
fn cut_documents() {
    let pretty = |ids: &[u64]| {
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&otlp_of(ids)).unwrap()).unwrap()
    };
    let document = pretty(&[1, 2, 3]);
    let cut = |name: &str, at: usize| case(name, &document[..at], gives(&[]).reject(1, CutJson));
    let list = format!("[\n  {},\n  {},\n  {}\n]\n", good(1), good(2), good(3));
    let cut_list = |name: &str, mark: &str, gives| case(name, &list[..list.find(mark).unwrap()], gives);
    check(&[
        case("whole", document.as_str(), gives(&[1, 2, 3]).span_lines(1)),
        // No element of it is a value of its own: a document that is small enough is read in one go.
        cut("a document in its first line", 1),
        cut("a document in the middle", document.len() / 2),
        cut("a document in front of its last bracket", document.trim_end().len() - 1),
        case(
            "a cut document before another",
            format!("{}\n{}\n", &document[..400], pretty(&[4])),
            gives(&[4]).reject(1, CutJson),
        ),
        case(
            "a cut document before lines",
            format!("{}\n{}\n{}\n", &document[..400], good(5), good(6)),
            gives(&[5, 6]).reject(1, CutJson),
        ),
        case("two documents", format!("{document}\n{}\n", pretty(&[4])), gives(&[1, 2, 3, 4]).span_lines(2)),
        case(
            "two documents with a comma between",
            format!("{document},\n{}\n", pretty(&[4])),
            gives(&[1, 2, 3, 4]).span_lines(2),
        ),
        case("a list of documents", format!("[{document},{}]", pretty(&[4])), gives(&[1, 2, 3, 4]).span_lines(2)),
        // Elements of a list are taken one by one; what is missing is told where it is missing.
        cut_list(
            "a list behind an element",
            ",\n  {\"trace_id\":\"00000000000000000000000000000001\",\"span_id\":\"0000000000000003",
            gives(&[1, 2]).reject(3, CutJson),
        ),
        case(
            "a list within an element",
            &list[..list.rfind("chät").unwrap()],
            gives(&[1, 2]).reject_each([4], CutJson),
        ),
        case(
            "a list in front of its last bracket",
            list.trim_end().trim_end_matches(']'),
            gives(&[1, 2, 3]).reject(5, CutJson),
        ),
        case(
            "a line of OTLP, cut",
            format!("{}\n{}", otlp_of(&[1]), &otlp_of(&[2, 3])[..150]),
            gives(&[1]).reject(2, CutJson),
        ),
        case(
            "a bracket too many behind a document",
            format!("{document}}}\n{}\n", good(4)),
            gives(&[1, 2, 3, 4]).span_lines(2).reject(document.lines().count() as u64, NotJson),
        ),
    ]);
}
