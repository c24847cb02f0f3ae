//! Line ends of every kind, lines twice, glued, interleaved, and with something around them.

use halo_ingest::RejectKind::{CutJson, NotASpan, NotJson};

use crate::make::{between, good, lines, with};
use crate::{case, check, gives};

#[test]
fn line_ends() {
    let all = |separator: &str| [good(1), good(2), good(3)].map(|line| line + separator).concat();
    let is_there = || gives(&[1, 2, 3]);
    let last_line_end_missing = all("\n").trim_end().to_owned();
    check(&[
        case("the last line feed is missing", last_line_end_missing, is_there()),
        case("carriage returns and line feeds", all("\r\n"), is_there()),
        case("two carriage returns, as text mode makes of CRLF", all("\r\r\n"), is_there()),
        case("carriage returns only", all("\r"), is_there()),
        // One line, for `\r` ends none: what follows it is the beginning of the next.
        case("line feed, carriage return", all("\n\r"), is_there().reject_each([], NotJson).blanks(1)),
        // Not a line end of JSON, and no blank of it either.
        case("NEL only", all("\u{85}"), gives(&[]).reject(1, NotJson)),
        case("NEL and line feed", all("\u{85}\n"), gives(&[]).reject_each(1..=3, NotJson)),
        case("U+2028 as line end", all("\u{2028}"), gives(&[]).reject(1, NotJson)),
        case("blank lines between", all("\n\n\n"), is_there().blanks(6)),
        case("blank lines at both ends", format!("\n\r\n{}\n\n", all("\n")), is_there().blanks(4)),
        case("lines of blanks", all("\n \t \n"), is_there().blanks(3)),
        case("blanks around the values", all("  \t\n   "), is_there().blanks(1)),
        case("Ctrl-Z at the end, as DOS has it", all("\n") + "\x1a", is_there().reject(4, NotJson)),
        case("no line ends at all", all(""), is_there()),
        case("blanks instead of line ends", all("  "), is_there()),
        case("line ends written out", all("\\n"), gives(&[]).reject(1, NotJson)),
        case("commas and line ends", all(",\n"), is_there()),
        case("commas instead of line ends", all(","), is_there()),
        case(
            "record separators of RFC 7464",
            lines(&[&format!("\x1e{}", good(1)), &good(2)]),
            gives(&[2]).reject(1, NotJson),
        ),
        case("semicolons at the ends", between(good(2) + ";"), gives(&[1, 3]).reject(2, NotJson)),
    ]);
}

#[test]
fn within_a_value() {
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&good(2)).unwrap()).unwrap();
    let cut_pretty = &pretty[..pretty.len() / 2];
    check(&[
        case("a span over many lines", between(&pretty), gives(&[1, 2, 3])),
        case("a span over many lines with CRLF", between(pretty.replace('\n', "\r\n")), gives(&[1, 2, 3])),
        case("only a span over many lines", pretty.as_str(), gives(&[2])),
        case(
            "a span over many lines, cut at the end of the file",
            format!("{}\n{cut_pretty}", good(1)),
            gives(&[1]).reject(2, CutJson),
        ),
        case("a span over many lines, cut before other lines", between(cut_pretty), gives(&[1, 3]).reject(2, CutJson)),
        case(
            "wrapped between two members",
            between(good(2).replacen(",\"kind\"", ",\n\"kind\"", 1)),
            gives(&[1, 2, 3]),
        ),
        // A string has no line feeds: the line is cut there, and what follows is no line of its own.
        case(
            "wrapped within a string",
            between(with(2, "chät", "ch\nät")),
            gives(&[1, 3]).reject(2, CutJson).reject(3, NotJson),
        ),
        // Its brackets fit: a value over two lines, and a bad one.
        case("wrapped within a number", between(with(2, "12345", "12\n345")), gives(&[1, 3]).reject(2, NotJson)),
        case("a tab within a string", between(with(2, "chät", "ch\tät")), gives(&[1, 3]).reject(2, NotJson)),
        case(
            "a carriage return within a string",
            between(with(2, "chät", "ch\rät")),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case(
            "an escape code of a terminal within a string",
            between(with(2, "chät", "\x1b[31mchät")),
            gives(&[1, 3]).reject(2, NotJson),
        ),
    ]);
}

#[test]
fn several_in_a_line() {
    let (a, b) = (good(2), good(4));
    let all = |line: String, ids: &[u64]| case(line.len().to_string(), between(line), gives(ids));
    let pieces = |at: usize, more: usize| between(format!("{}{b}\n{}", &a[..at], &a[at + more..]));
    check(&[
        all(format!("{a}{b}"), &[1, 2, 3, 4]),
        all(format!("{a} {b}"), &[1, 2, 3, 4]),
        all(format!("{a}, {b}"), &[1, 2, 3, 4]),
        all(format!("[{a},{b}]"), &[1, 2, 3, 4]),
        all(format!("[ {a} , {b} ] "), &[1, 2, 3, 4]),
        case("a line twice", between(lines(&[&a, &a]) + &a), gives(&[1, 2, 3]).duplicates(2)),
        case("the file twice", [between(&a), between(&a)].concat(), gives(&[1, 2, 3]).duplicates(3)),
        case(
            "an id twice with other words",
            between(format!("{a}\n{}", with(2, "chät", "chat"))),
            gives(&[1, 2, 2, 3]).conflicts(1),
        ),
        case(
            "a writer within a string of another's line",
            pieces(a.find("chät").unwrap(), 0),
            gives(&[1, 3]).reject_each([2, 3], NotJson),
        ),
        case(
            "a writer within a key of another's line",
            pieces(a.find("\"kind").unwrap() + 2, 0),
            gives(&[1, 3]).reject_each([2, 3], NotJson),
        ),
        case(
            "a writer within a number of another's line",
            pieces(a.find("12345").unwrap() + 2, 0),
            gives(&[1, 3]).reject_each([2, 3], NotJson),
        ),
        case(
            "two writers block by block",
            between(format!("{}{}{}{}", &a[..100], &b[..100], &a[100..], &b[100..])),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case("a good line behind a bad beginning", between(format!("ERROR {a}")), gives(&[1, 3]).reject(2, NotJson)),
        case("a good line before bad words", between(format!("{a} done")), gives(&[1, 3]).reject(2, NotJson)),
        case("a good line and a bracket too many", between(format!("{a}}}")), gives(&[1, 3]).reject(2, NotJson)),
        case(
            "a good line and a cut one",
            between(format!("{a}{}", &b[..b.len() - 3])),
            gives(&[1, 3]).reject(2, NotJson),
        ),
    ]);
}

#[test]
fn with_something_around() {
    let line = good(2);
    let text = serde_json::Value::from(line.as_str()).to_string();
    check(&[
        case("syslog", between(format!("May  1 08:00:00 host desk[7]: {line}")), gives(&[1, 3]).reject(2, NotJson)),
        case("server-sent events", between(format!("data: {line}\n")), gives(&[1, 3]).reject(2, NotJson).blanks(1)),
        case(
            "the log of a container",
            between(format!(r#"{{"log":{text},"stream":"stdout"}}"#)),
            gives(&[1, 3]).reject(2, NotASpan),
        ),
        case("JSON in a string", between(&text), gives(&[1, 3]).reject(2, NotASpan)),
        case(
            "JSON in a string in a string",
            between(serde_json::Value::from(text.as_str()).to_string()),
            gives(&[1, 3]).reject(2, NotASpan),
        ),
        case("a span in a member", between(format!(r#"{{"span":{line}}}"#)), gives(&[1, 3]).reject(2, NotASpan)),
        case("a list in a list", between(format!("[[{line}]]")), gives(&[1, 3]).reject(2, NotASpan)),
        case(
            "quotes of a CSV",
            between(format!("1,\"{}\"", line.replace('"', "\"\""))),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case("brackets of Markdown", lines(&["```json", &line, "```"]), gives(&[2]).reject_each([1, 3], NotJson)),
        case(
            "marks of a merge",
            lines(&["<<<<<<< HEAD", &good(1), "=======", &line, ">>>>>>> main"]),
            gives(&[1, 2]).reject_each([1, 3, 5], NotJson),
        ),
        case("a diff", format!("-{}\n+{line}\n {}\n", good(1), good(3)), gives(&[3]).reject_each([1, 2], NotJson)),
        case("what grep -n writes", format!("1:{}\n2:{line}\n", good(1)), gives(&[]).reject_each([1, 2], NotJson)),
        case(
            "what tail writes of several files",
            format!("==> a.jsonl <==\n{line}\n\n==> b.jsonl <==\n{}\n", good(3)),
            gives(&[2, 3]).reject_each([1, 4], NotJson).blanks(1),
        ),
        case(
            "a here-document",
            between(format!("cat <<EOF\n{line}\nEOF")),
            gives(&[1, 2, 3]).reject_each([2, 4], NotJson),
        ),
        case("an assignment", between(format!("var spans = {line};")), gives(&[1, 3]).reject(2, NotJson)),
    ]);
}
