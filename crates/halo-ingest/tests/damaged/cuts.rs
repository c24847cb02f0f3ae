//! Lines cut at every interesting byte, at the end of a file and in its middle: full disks, crashes, partial copies.

use halo_ingest::RejectKind::{BadField, CutJson, NotASpan, NotJson, NotUtf8};

use crate::make::{between, cut_at, good, lines};
use crate::{Case, case, check, gives};

/// Where a line is cut: a name, what is looked for in the line, and how many bytes of that still are there.
const PLACES: &[(&str, &str, usize)] = &[
    ("behind the first bracket", "{", 1),
    ("in a key", "\"span_id\"", 4),
    ("behind a key", "\"span_id\"", 9),
    ("behind a colon", "\"span_id\":", 10),
    ("in a string", "chät", 2),
    ("in a character", "chät", 3),
    ("behind a backslash", "\\\"quote", 1),
    ("in front of a string's end", "\",\"kind\"", 0),
    ("behind a comma", ",\"kind\"", 1),
    ("in a number", "12345", 3),
    ("behind a number", "12345", 5),
    ("in a word", "true", 2),
    ("behind a word", "null", 4),
    ("behind an opening bracket", "[1", 1),
    ("in an inner object", "{\"deep\":null}", 8),
    ("behind an inner object", "{\"deep\":null}", 13),
    ("in front of the last bracket but one", "]}}", 1),
    ("in front of the last bracket", "]}}", 2),
];

#[test]
fn at_the_end_of_the_file() {
    let cases: Vec<Case> = PLACES
        .iter()
        .map(|(name, mark, more)| {
            let mut bytes = lines(&[&good(1), &good(2)]).into_bytes();
            bytes.extend_from_slice(cut_at(&good(3), mark, *more));
            case(*name, bytes, gives(&[1, 2]).reject(3, CutJson))
        })
        .collect();
    check(&cases);
}

/// A crash in the middle of a line; the next process appends after it, on a line of its own.
#[test]
fn in_the_middle_of_the_file() {
    let cases: Vec<Case> = PLACES
        .iter()
        .map(|(name, mark, more)| {
            let bytes = between(cut_at(&good(2), mark, *more));
            case(*name, bytes, gives(&[1, 3]).reject(2, CutJson))
        })
        .collect();
    check(&cases);
}

/// As above, and the file has nothing else.
#[test]
fn as_the_only_line() {
    let cases: Vec<Case> = PLACES
        .iter()
        .map(|(name, mark, more)| case(*name, cut_at(&good(2), mark, *more), gives(&[]).reject(1, CutJson)))
        .collect();
    check(&cases);
}

/// A crash in the middle of a line, after which the next process appends within it: two spans in one line, and the first has no end.
/// That line is lost, whatever it may look like, and no other.
#[test]
fn within_the_line_of_the_next_span() {
    let cases: Vec<Case> = PLACES
        .iter()
        // Behind a colon or a bracket the other span is a value in its place: JSON with its end missing.
        .map(|(name, mark, more)| {
            let bytes = between([cut_at(&good(2), mark, *more), good(4).as_bytes()].concat());
            let kind = match *name {
                "in a character" => NotUtf8,
                "behind a colon" | "behind an opening bracket" | "in an inner object" => CutJson,
                _ => NotJson,
            };
            case(*name, bytes, gives(&[1, 3]).reject(2, kind))
        })
        .collect();
    check(&cases);
}

#[test]
fn at_the_other_end() {
    let line = good(2);
    let tail = |mark: &str| &line[line.find(mark).unwrap()..];
    let cases = [
        // A log rotation that counts bytes, or `tail -c`.
        case("the first line lacks its beginning", lines(&[tail("ame"), &good(3)]), gives(&[3]).reject(1, NotJson)),
        case("the first line begins at a comma", lines(&[tail(",\"kind\""), &good(3)]), gives(&[3]).reject(1, NotJson)),
        case(
            "the first line begins in a character",
            [&line.as_bytes()[line.find('ä').unwrap() + 1..], b"\n", good(3).as_bytes()].concat(),
            gives(&[3]).reject(1, NotUtf8),
        ),
        case("the first line is a last bracket", lines(&["}", &good(3)]), gives(&[3]).reject(1, NotJson)),
        // What begins at an inner bracket is JSON as far as it goes: an object, and then too many brackets.
        case(
            "the first line begins at an inner bracket",
            lines(&[tail("{\"deep\""), &good(3)]),
            gives(&[3]).reject(1, NotJson),
        ),
        case("the whole file is the end of a line", tail("ame"), gives(&[]).reject(1, NotJson)),
        // A lost block: the beginning of one line and the end of another.
        case(
            "a block is missing, from a string to a number",
            between([cut_at(&line, "chät", 1), good(4).split_at(good(4).find("345").unwrap()).1.as_bytes()].concat()),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case(
            "a block of whole lines is missing with both its ends",
            between(
                [cut_at(&line, "\"kind\"", 3), good(4).split_at(good(4).find("\"say\"").unwrap()).1.as_bytes()]
                    .concat(),
            ),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        // From one place to the same place of another span: nobody can tell, and nobody needs to: it is a span.
        case(
            "a block is missing, from a string to the same string of another line",
            between([cut_at(&line, "chät", 2), good(4).split_at(good(4).find("ät\"").unwrap()).1.as_bytes()].concat()),
            gives(&[1, 2, 3]),
        ),
        case(
            "a line and half of it again",
            between(lines(&[&line]) + &line[..200]),
            gives(&[1, 2, 3]).reject(3, CutJson),
        ),
        case("nothing but brackets that open", between("{[{[{["), gives(&[1, 3]).reject(2, NotJson)),
        case("a cut list", between("[{\"trace_id\":\"1\""), gives(&[1, 3]).reject(2, CutJson)),
        case("an id that is cut is still an id", between(r#"{"trace_id":"12","span_id":"2"}"#), gives(&[1, 2, 3])),
        case("a span without anything", between("{}"), gives(&[1, 3]).reject(2, NotASpan)),
        case(
            "attributes that are cut and closed by hand",
            between(r#"{"trace_id":"12","span_id":"2","attributes":"{\"a\":"}"#),
            gives(&[1, 3]).reject(2, BadField),
        ),
    ];
    check(&cases);
}
