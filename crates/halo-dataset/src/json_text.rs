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

/// Appends a string as JSON, with no more escapes than JSON asks for.
pub fn write_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        at += plain_len(&bytes[at..]);
        let Some(byte) = bytes.get(at) else { break };
        out.push_str(&text[start..at]);
        push_escape(out, *byte, ESCAPES[usize::from(*byte)]);
        at += 1;
        start = at;
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// Length of the part at the beginning that needs no escape.
fn plain_len(bytes: &[u8]) -> usize {
    // Blocks of a fixed size first: without a branch for each byte the compiler looks at all bytes of one at once.
    let is_plain = |block: &&[u8; 16]| {
        let escaped = |byte: &u8| u8::from(*byte < 0x20) | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
        block.iter().map(escaped).fold(0, |found, byte| found | byte) == 0
    };
    let (blocks, _) = bytes.as_chunks::<16>();
    let plain = blocks.iter().take_while(is_plain).count() * 16;
    let rest = bytes[plain..].iter().position(|byte| ESCAPES[usize::from(*byte)] != 0);
    plain + rest.unwrap_or(bytes.len() - plain)
}

fn push_escape(out: &mut String, byte: u8, escape: u8) {
    if escape == b'u' {
        // Writing to a String can't fail.
        let _ = write!(out, "\\u{byte:04x}");
    } else {
        out.push('\\');
        out.push(char::from(escape));
    }
}

fn write_ascii_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte < 0x80 => match ESCAPES[usize::from(byte)] {
                0 => out.push(c),
                escape => push_escape(out, byte, escape),
            },
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
