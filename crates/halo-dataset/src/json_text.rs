//! JSON as text: writing strings and numbers, and the two spellings that exporters use.

use std::fmt::Write as _;

/// How a JSON text is spelled: what stands between its tokens, and whether it is kept to ASCII.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Spelling {
    /// `", "` and `": "` between tokens, as Python's `json.dumps` writes them, instead of `","` and `":"`.
    pub spaced: bool,
    /// Everything beyond ASCII as `\uXXXX`.
    pub ascii: bool,
}

impl Spelling {
    /// The spellings that are tried, the commonest first.
    pub const ALL: [Self; 4] = [
        Self { spaced: false, ascii: false },
        Self { spaced: true, ascii: true },
        Self { spaced: true, ascii: false },
        Self { spaced: false, ascii: true },
    ];

    /// As a number for a column.
    #[must_use]
    pub fn code(self) -> i64 {
        i64::from(self.spaced) + 2 * i64::from(self.ascii)
    }

    /// From the number of a column.
    #[must_use]
    pub fn of_code(code: i64) -> Self {
        Self { spaced: code & 1 != 0, ascii: code & 2 != 0 }
    }

    /// What stands between two entries.
    #[must_use]
    pub fn comma(self) -> &'static str {
        if self.spaced { ", " } else { "," }
    }

    /// What stands between a key and its value.
    #[must_use]
    pub fn colon(self) -> &'static str {
        if self.spaced { ": " } else { ":" }
    }

    /// Appends a string as JSON.
    pub fn write_string(self, out: &mut String, text: &str) {
        if self.ascii && !text.is_ascii() { write_ascii_string(out, text) } else { write_string(out, text) }
    }
}

/// Where JSON is written to: a text, or one that it is compared with.
pub trait JsonOut {
    /// Appends JSON as it is.
    fn json(&mut self, json: &str);
    /// Appends a string as JSON.
    fn string(&mut self, spelling: Spelling, text: &str);
}

impl JsonOut for String {
    fn json(&mut self, json: &str) {
        self.push_str(json);
    }

    fn string(&mut self, spelling: Spelling, text: &str) {
        spelling.write_string(self, text);
    }
}

/// Compares JSON with what would be written, without writing it.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// What is left to compare; `None` once something differed.
    rest: Option<&'a [u8]>,
}

impl<'a> Comparison<'a> {
    /// A comparison with this text.
    #[must_use]
    pub fn with(expected: &'a str) -> Self {
        Self { rest: Some(expected.as_bytes()) }
    }

    /// Whether all was equal, to the end.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.rest.is_some_and(<[u8]>::is_empty)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.rest = self.rest.and_then(|rest| rest.strip_prefix(bytes));
    }
}

/// What follows in JSON after the escaped form of a text; `None` when it begins with something else.
fn without_escaped<'e>(mut expected: &'e [u8], mut text: &[u8]) -> Option<&'e [u8]> {
    loop {
        let (plain, after) = text.split_at(plain_len(text));
        expected = expected.strip_prefix(plain)?;
        let Some((byte, after)) = after.split_first() else { return Some(expected) };
        expected = expected.strip_prefix(b"\\")?;
        expected = match (ESCAPES[usize::from(*byte)], expected.split_first()?) {
            (b'u', _) => expected.strip_prefix(format!("u{byte:04x}").as_bytes())?,
            (escape, (found, rest)) if *found == escape => rest,
            _ => return None,
        };
        text = after;
    }
}

impl JsonOut for Comparison<'_> {
    fn json(&mut self, json: &str) {
        self.bytes(json.as_bytes());
    }

    fn string(&mut self, spelling: Spelling, text: &str) {
        if spelling.ascii && !text.is_ascii() {
            let mut written = String::new();
            write_ascii_string(&mut written, text);
            return self.json(&written);
        }
        self.bytes(b"\"");
        self.rest = self.rest.and_then(|expected| without_escaped(expected, text.as_bytes()));
        self.bytes(b"\"");
    }
}

/// Appends a string as JSON, with no more escapes than JSON asks for.
pub fn write_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    write_escaped(out, text);
    out.push('"');
}

/// Appends what stands between the quotes of a string in JSON.
fn write_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    loop {
        let (plain, after) = rest.split_at(plain_len(rest.as_bytes()));
        out.push_str(plain);
        let Some(byte) = after.bytes().next() else { break };
        push_escape(out, byte);
        rest = &after[1..];
    }
}

/// Appends what stands between the quotes of a string in JSON, as bytes: quicker than [`write_string`] where escapes stand close together, as
/// they do in JSON that is escaped once more.
pub fn write_escaped_bytes(out: &mut Vec<u8>, text: &str) {
    const BLOCK: usize = 32;
    out.reserve(text.len() + text.len() / 8);
    let (blocks, last) = text.as_bytes().as_chunks::<BLOCK>();
    for block in blocks {
        if is_plain(block) {
            out.extend_from_slice(block);
        } else {
            write_escaped_block(out, block);
        }
    }
    write_escaped_block(out, last);
}

/// Escapes a few bytes without a branch for each.
fn write_escaped_block(out: &mut Vec<u8>, block: &[u8]) {
    let mut written = [0_u8; 64];
    let mut len = 0;
    for byte in block.iter().take(written.len() / 2) {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == b'u' {
            // Rare: what is written so far, then the long form.
            out.extend_from_slice(&written[..len]);
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            len = 0;
            continue;
        }
        written[len] = b'\\';
        len += usize::from(escape != 0);
        written[len] = if escape == 0 { *byte } else { escape };
        len += 1;
    }
    out.extend_from_slice(&written[..len]);
}

/// Whether no byte of a block needs an escape: without a branch for each byte the compiler looks at all bytes of one at once.
fn is_plain(block: &[u8; 32]) -> bool {
    let escaped = |byte: &u8| u8::from(*byte < 0x20) | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    block.iter().map(escaped).fold(0, |found, byte| found | byte) == 0
}

/// Length of the part at the beginning that needs no escape.
fn plain_len(bytes: &[u8]) -> usize {
    // A word first, since escapes often stand close together; then blocks; then words again, to find the place.
    if let Some(word) = bytes.first_chunk::<8>() {
        let escaped = escaped_bytes(u64::from_le_bytes(*word));
        if escaped != 0 {
            return (escaped.trailing_zeros() / 8) as usize;
        }
    }
    let (blocks, _) = bytes.as_chunks::<32>();
    let plain = blocks.iter().take_while(|block| is_plain(block)).count() * 32;
    let (words, last) = bytes[plain..].as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let escaped = escaped_bytes(u64::from_le_bytes(*word));
        if escaped != 0 {
            return plain + index * 8 + (escaped.trailing_zeros() / 8) as usize;
        }
    }
    let rest = last.iter().position(|byte| ESCAPES[usize::from(*byte)] != 0);
    bytes.len() - last.len() + rest.unwrap_or(last.len())
}

/// The highest bit of each byte that needs an escape. Only the lowest of the bits that are set is sure: a borrow may set others above it.
fn escaped_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let equals = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equals(b'"') | equals(b'\\')) & (ONES << 7)
}

fn push_escape(out: &mut String, byte: u8) {
    match ESCAPES[usize::from(byte)] {
        b'u' => {
            // Writing to a String can't fail.
            let _ = write!(out, "\\u{byte:04x}");
        }
        escape => out.extend(['\\', char::from(escape)]),
    }
}

fn write_ascii_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte < 0x80 && ESCAPES[usize::from(byte)] == 0 => out.push(c),
            Ok(byte) if byte < 0x80 => push_escape(out, byte),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// For each byte the letter of its escape, `u` for the long form, 0 for none.
static ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table
};

/// A JSON text without the blanks between its tokens, and with `\u` escapes of characters beyond ASCII resolved: the texts of two exporters that
/// say the same in different spellings become equal. What is no JSON comes back as it is, but for blanks outside of strings.
pub fn write_compact(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        push_without_blanks(out, &rest[..start]);
        rest = &rest[start..];
        let Some(end) = string_end(rest) else {
            out.push_str(rest);
            return;
        };
        let literal = &rest[..end];
        match literal.contains("\\u").then(|| serde_json::from_str::<String>(literal)) {
            Some(Ok(value)) => write_string(out, &value),
            _ => out.push_str(literal),
        }
        rest = &rest[end..];
    }
    push_without_blanks(out, rest);
}

fn push_without_blanks(out: &mut String, text: &str) {
    out.extend(text.chars().filter(|c| !c.is_ascii_whitespace()));
}

/// Where the string that `text` begins with ends, its closing quote included.
pub(crate) fn string_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_those_of_the_libraries() {
        let text = "a\"b\\c\n\u{1}é😀\u{7f}";
        let write = |spelling: Spelling| {
            let mut out = String::new();
            spelling.write_string(&mut out, text);
            out
        };
        let plain = write(Spelling::default());
        assert_eq!(plain, serde_json::to_string(text).unwrap());
        // What Python's json.dumps gives for it.
        let ascii = write(Spelling { spaced: true, ascii: true });
        assert_eq!(ascii, "\"a\\\"b\\\\c\\n\\u0001\\u00e9\\ud83d\\ude00\u{7f}\"");
        for spelling in Spelling::ALL {
            assert_eq!(Spelling::of_code(spelling.code()), spelling);
            assert_eq!(serde_json::from_str::<String>(&write(spelling)).unwrap(), text);
        }
    }

    #[test]
    fn every_byte_at_every_place_is_escaped_as_the_library_does_it() {
        for byte in 0..0x80_u8 {
            for (before, after) in (0..40).flat_map(|before| [(before, 0), (before, 1), (before, 40)]) {
                let c = char::from(byte).to_string();
                let text = format!("{}{c}{c}{}é", "a".repeat(before), "\u{7f}".repeat(after));
                let mut written = String::new();
                write_string(&mut written, &text);
                assert_eq!(written, serde_json::to_string(&text).unwrap());
                let mut bytes = Vec::new();
                write_escaped_bytes(&mut bytes, &text);
                assert_eq!(bytes, written.as_bytes()[1..written.len() - 1]);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_comparison_finds_what_writing_gives(text in ".{0,60}", other in ".{0,3}", at in 0..60_usize) {
            for spelling in Spelling::ALL {
                let mut written = String::from("[");
                spelling.write_string(&mut written, &text);
                let same = |written: &str| {
                    let mut comparison = Comparison::with(written);
                    comparison.json("[");
                    comparison.string(spelling, &text);
                    comparison.is_same()
                };
                proptest::prop_assert!(same(&written));
                let at = written.floor_char_boundary(at);
                let changed = format!("{}{other}{}", &written[..at], &written[at..]);
                proptest::prop_assert_eq!(same(&changed), changed == written);
                proptest::prop_assert!(!same(&written[..at]) || at == written.len());
            }
        }
    }

    #[test]
    fn compact_is_one_text_for_one_value() {
        let compact = |text: &str| {
            let mut out = String::new();
            write_compact(&mut out, text);
            out
        };
        assert_eq!(compact("{\"a\": [1, 2],\n \"b c\" : \"x y\\u00e9\"}"), "{\"a\":[1,2],\"b c\":\"x yé\"}");
        assert_eq!(compact("{\"a\":\"\\\"\"}"), "{\"a\":\"\\\"\"}");
        assert_eq!(compact("{\"a\":\"cut"), "{\"a\":\"cut");
        assert_eq!(compact(""), "");
    }
}
