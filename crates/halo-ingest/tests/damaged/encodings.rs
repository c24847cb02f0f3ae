//! Bytes that are no UTF-8 or not where they belong: marks, zeros, other encodings, broken characters.

use halo_ingest::RejectKind::{BrokenStream, CutJson, NotJson, NotUtf8};

use crate::make::{between, good, lines, utf16, with};
use crate::{case, check, check_refused, gives};

const MARK: &str = "\u{feff}";

#[test]
fn byte_order_marks() {
    let (a, b) = (good(1), good(2));
    let two = lines(&[&a, &b]);
    check(&[
        case("at the beginning", format!("{MARK}{two}"), gives(&[1, 2])),
        case("of two files in one", format!("{MARK}{two}{MARK}{}\n", good(3)), gives(&[1, 2, 3])),
        case("twice at the beginning", format!("{MARK}{MARK}{two}"), gives(&[2]).reject(1, NotJson)),
        case("and nothing else", MARK, gives(&[]).blanks(1)),
        case("and a line feed", format!("{MARK}\n"), gives(&[]).blanks(1)),
        case("between two values of a line", format!("{a}{MARK}{b}\n{}\n", good(3)), gives(&[3]).reject(1, NotJson)),
        case("behind a value", format!("{a}{MARK}\n{b}\n"), gives(&[2]).reject(1, NotJson)),
        case("half of it", [b"\xef\xbb", two.as_bytes()].concat(), gives(&[2]).reject(1, NotUtf8)),
        case("within a string", between(with(2, "chät", MARK)), gives(&[1, 2, 3])),
        case("before a list", format!("{MARK}[{a},{b}]"), gives(&[1, 2])),
    ]);
}

#[test]
fn runs_of_zeros() {
    let zeros = |count| "\0".repeat(count);
    let two = lines(&[&good(1), &good(2)]);
    // What a log is when it was cut off while its writer went on at its old place. More than fit into the first look, too.
    let beginning =
        |count| case(format!("{count} at the beginning"), zeros(count) + &two, gives(&[1, 2]).reject(1, BrokenStream));
    check(&[
        beginning(1),
        beginning(4096),
        beginning(300_000),
        case(
            "at the beginning, before half a line",
            zeros(4096) + "ä\":1}\n" + &two,
            gives(&[1, 2]).reject(1, BrokenStream).reject(1, NotJson),
        ),
        case(
            "at the beginning, before the end of a character",
            [&[0; 4097], "ä\":1}\n".as_bytes().split_at(1).1, two.as_bytes()].concat(),
            gives(&[1, 2]).reject(1, BrokenStream).reject(1, NotUtf8),
        ),
        case("at the end", two.clone() + &zeros(5000), gives(&[1, 2]).reject(3, NotJson)),
        case(
            "behind half a line at the end",
            two.clone() + &good(3)[..99] + &zeros(900),
            gives(&[1, 2]).reject(3, NotJson),
        ),
        case(
            "between two lines",
            format!("{}{}\n{}\n", two, zeros(700), good(3)),
            gives(&[1, 2, 3]).reject(3, NotJson),
        ),
        case("before a line", format!("{two}{}{}\n", zeros(700), good(3)), gives(&[1, 2, 3])),
        case("within a string", between(with(2, "chät", &zeros(9))), gives(&[1, 3]).reject(2, NotJson)),
        case("within a number", between(with(2, "12345", "1\x0045")), gives(&[1, 3]).reject(2, NotJson)),
        case(
            "instead of the end of a line and the beginning of the next",
            good(1) + "\n" + &good(2)[..99] + &zeros(500) + &good(4)[99..] + "\n" + &good(3) + "\n",
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case("instead of every line feed", two.replace('\n', "\0"), gives(&[]).reject(1, NotJson)),
        case("written out", between(with(2, "chät", "\\u0000")), gives(&[1, 2, 3])),
    ]);
    check_refused(&[
        ("nothing else", vec![0; 5000], "binary"),
        ("before binary data", [&[0; 99][..], &[200; 99]].concat(), "binary"),
    ]);
}

#[test]
fn other_encodings() {
    let two = lines(&[&good(1), &good(2)]);
    let latin = |text: &str| text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect::<Vec<u8>>();
    let mut odd = utf16(&two, u16::to_le_bytes);
    odd.pop();
    let lost_byte = [&utf16(&good(1), u16::to_le_bytes)[..401], &utf16(&good(2), u16::to_le_bytes)].concat();
    let utf32 = |text: &str, unit: fn(u32) -> [u8; 4]| {
        text.chars().flat_map(|letter| unit(u32::from(letter))).collect::<Vec<u8>>()
    };
    check(&[
        case("UTF-16, little end first, with mark", utf16(&format!("{MARK}{two}"), u16::to_le_bytes), gives(&[1, 2])),
        case("UTF-16, big end first, with mark", utf16(&format!("{MARK}{two}"), u16::to_be_bytes), gives(&[1, 2])),
        case("UTF-16 without mark", utf16(&two, u16::to_le_bytes), gives(&[1, 2])),
        // The last byte is half a line feed: what is left of it is no blank.
        case("UTF-16 without its last byte", odd, gives(&[1]).reject(2, NotJson)),
        // From there on there are neither quotes nor line feeds: the last string has no end.
        case("UTF-16 that lost a byte", lost_byte, gives(&[]).reject(1, CutJson)),
        case("Latin-1", latin(&two), gives(&[]).reject_each([1, 2], NotUtf8)),
        case("a line of Latin-1", between(latin(&good(2))), gives(&[1, 3]).reject(2, NotUtf8)),
        case("Latin-1 before it was taken for UTF-8 twice", between(with(2, "chät", "chÃ¤t")), gives(&[1, 2, 3])),
        case("base64", between("eyJ0cmFjZV9pZCI6IjEifQ=="), gives(&[1, 3]).reject(2, NotJson)),
        case("percent signs", between("%7B%22trace_id%22%3A%221%22%7D"), gives(&[1, 3]).reject(2, NotJson)),
        case("entities of HTML", between(good(2).replace('"', "&quot;")), gives(&[1, 3]).reject(2, NotJson)),
        case("EBCDIC quotes", between(good(2).replace('"', "\x7f")), gives(&[1, 3]).reject(2, NotJson)),
    ]);
    check_refused(&[
        ("UTF-32 with mark", utf32(&format!("{MARK}{two}"), u32::to_le_bytes), "UTF-32"),
        ("UTF-32, big end first, with mark", utf32(&format!("{MARK}{two}"), u32::to_be_bytes), "UTF-32"),
        ("UTF-32, big end first, without mark", utf32(&two, u32::to_be_bytes), "UTF-32"),
        ("UTF-32 without mark", utf32(&two, u32::to_le_bytes), "UTF-32"),
    ]);
}

#[test]
fn broken_characters() {
    let text = |name: &str, bytes: &[u8]| {
        let line = good(2);
        let (head, tail) = line.split_once("chät").unwrap();
        case(name, between([head.as_bytes(), bytes, tail.as_bytes()].concat()), gives(&[1, 3]).reject(2, NotUtf8))
    };
    let escape = |name: &str, escape: &str, kind| {
        let gives = gives(&[1, 3]);
        case(name, between(with(2, "chät", escape)), gives.reject(2, kind))
    };
    check(&[
        text("an overlong slash", b"\xc0\xaf"),
        text("an overlong zero, as Java writes it", b"\xc0\x80"),
        text("half a pair in three bytes", b"\xed\xa0\x80"),
        text("a pair in six bytes", b"\xed\xa0\xbd\xed\xb8\x80"),
        text("beyond the last character", b"\xf4\x90\x80\x80"),
        text("a byte that is never one", b"\xff"),
        text("the end of a character", b"\x80"),
        text("a character without its end", b"\xf0\x9f\x98"),
        case(
            "a character cut in the middle of its line, by a limit on bytes",
            between(with(2, "chät", "ch\u{fffd}t")),
            gives(&[1, 2, 3]),
        ),
        case("a bit turned over in a letter", between(with(2, "chät", "chÄt")), gives(&[1, 2, 3])),
        case(
            "a bit turned over in a quote",
            between(with(2, "\"kind\"", "#kind\"")),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case(
            "a bit turned over in a bracket",
            between(with(2, "{\"deep", "[\"deep")),
            gives(&[1, 3]).reject(2, NotJson),
        ),
        case(
            "a bit turned over in a key",
            {
                let mut bytes = between(good(2));
                let at = memchr::memmem::find(&bytes, format!("\"{:016x}\"", 2).as_bytes()).unwrap() - 3;
                bytes[at] |= 0x80;
                bytes
            },
            gives(&[1, 3]).reject(2, NotUtf8),
        ),
        escape("an escape of Python", "\\x41", NotJson),
        escape("an escape of shells", "\\'", NotJson),
        escape("an escape with too few digits", "\\u12", NotJson),
        escape("an escape with other letters", "\\u12gh", NotJson),
        escape("an escape in capitals", "\\N", NotJson),
        // Cut in the middle of an emoji by a limit on UTF-16 units, and written by JavaScript or Python: JSON by its grammar, and no text.
        escape("the first half of a pair", "\\ud83d", NotJson),
        escape("the second half of a pair", "\\ude00", NotJson),
        escape("two first halves", "\\ud83d\\ud83d", NotJson),
    ]);
}
