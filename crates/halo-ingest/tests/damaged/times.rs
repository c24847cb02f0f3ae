//! Times in every unit and spelling, and what is none.

use halo_ingest::RejectKind::BadField;

use crate::make::{between, otlp, otlp_span, with};
use crate::{case, check, check_starts, gives};

const START: &str = "\"2026-05-01T08:00:00.000000000Z\"";
/// The same in nanoseconds.
const NANOSECONDS: i64 = 1_777_622_400_000_000_000;

#[test]
fn taken() {
    let same = [
        "1777622400",
        "1777622400.0",
        "1777622400000",
        "1777622400000.0",
        "1777622400000000",
        "1777622400000000000",
        "\"1777622400\"",
        "\" 1777622400000 \"",
        "\"2026-05-01T08:00:00Z\"",
        "\"2026-05-01t08:00:00z\"",
        "\"2026-05-01 08:00:00\"",
        "\"2026-05-01T10:00:00+02:00\"",
        "\"2026-05-01T08:00:00.000Z\"",
    ];
    let mut starts: Vec<(&str, Option<i64>)> = same.iter().map(|json| (*json, Some(NANOSECONDS))).collect();
    // A clock of milliseconds with a fraction, as browsers have it.
    starts.push(("1777622400000.5", Some(NANOSECONDS + 500_000)));
    // Nothing is said of the time: the span has none.
    starts.extend(["null", "\"\"", "0", "\"0\"", "0.0"].map(|json| (json, None)));
    let lines: Vec<_> = (1..).zip(starts).map(|(id, (json, time))| (with(id, START, json), time)).collect();
    check_starts(&lines);
}

#[test]
fn none_at_all() {
    let bad = |json: &str| case(json, between(with(2, START, json)), gives(&[1, 3]).reject(2, BadField));
    check(&[
        bad("-1"),
        bad("-1777622400.5"),
        bad("1e300"),
        bad("18446744073709551615"),
        bad("true"),
        bad("{}"),
        bad("[1777622400]"),
        bad("\"yesterday\""),
        bad("\"N/A\""),
        bad("\"NaN\""),
        bad("\"-5\""),
        bad("\"9999-12-31T23:59:59Z\""),
        bad("\"2026-02-30T08:00:00Z\""),
        bad("\"2026-05-01T25:00:00Z\""),
        bad("\"01.05.2026 08:00\""),
        bad("\"05/01/2026\""),
        bad("\"99999999999999999999\""),
        case("an end before the start", between(with(2, START, "\"2027-01-01T00:00:00Z\"")), gives(&[1, 2, 3])),
        case(
            "an end that is none",
            between(with(2, "\"2026-05-01T08:00:01.000000000Z\"", "\"soon\"")),
            gives(&[1, 3]).reject(2, BadField),
        ),
        case("no end", between(with(2, "\"2026-05-01T08:00:01.000000000Z\"", "null")), gives(&[1, 2, 3])),
        case(
            "a start that is none in OTLP",
            otlp(&[&otlp_span(1), &otlp_span(2).replace("1777622400000000000", "soon"), &otlp_span(3)]),
            gives(&[1, 3]).span_lines(1).span_reject(1, BadField),
        ),
        case(
            "a negative start in OTLP",
            otlp(&[&otlp_span(1).replace("\"1777622400000000000\"", "-1"), &otlp_span(3)]),
            gives(&[3]).span_lines(1).span_reject(1, BadField),
        ),
    ]);
}
