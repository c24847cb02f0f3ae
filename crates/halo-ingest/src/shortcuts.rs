//! Messages that are known, found in a line before it is parsed: nine tenths of what agents write is history that was read before, and comparing
//! it is ten times as fast as parsing it.
//!
//! A line is copied with a short mark in the place of each known message, parsed, and every text with marks is made whole again. What the
//! marks stand for is remembered, so that a list of messages is taken by its marks.

use halo_dataset::write_escaped_bytes;
use hashbrown::HashMap;
use memchr::memmem::Finder;
use twox_hash::XxHash3_64;

/// Stands on both sides of the number of a message. A character that nobody may use for anything (Unicode leaves it to private agreement).
pub(crate) const SHORT: char = '\u{f8fe}';
const SHORT_BYTES: &[u8] = "\u{f8fe}".as_bytes();

/// How a list of messages opens that is JSON in a string of JSON.
const LIST_OPENS: &[u8] = b"[{\\\"";

/// Bytes at the beginning of a message by which it is looked for.
const PREFIXES: [usize; 2] = [96, 40];

const NONE: u32 = u32::MAX;

/// The messages of a chunk as they stand in its lines.
#[derive(Debug)]
pub(crate) struct Shortcuts {
    finder: Finder<'static>,
    /// Each message, escaped once more; empty for what is no message.
    escaped: Vec<u8>,
    ends: Vec<usize>,
    /// Hash of the first bytes of a message to the one that was seen last.
    by_prefix: HashMap<u64, u32>,
    /// Texts of the line at hand that were made whole: where they stand in memory, and their short form.
    short: Vec<(usize, usize, String)>,
}

impl Default for Shortcuts {
    fn default() -> Self {
        Self {
            finder: Finder::new(LIST_OPENS),
            escaped: Vec::new(),
            ends: Vec::new(),
            by_prefix: HashMap::new(),
            short: Vec::new(),
        }
    }
}

impl Shortcuts {
    pub(crate) fn clear(&mut self) {
        self.escaped.clear();
        self.ends.clear();
        self.by_prefix.clear();
        self.short.clear();
    }

    /// Takes the next JSON of the dictionary; `None` when it is no message.
    pub(crate) fn learn(&mut self, raw: Option<&str>) {
        let number = u32::try_from(self.ends.len()).unwrap_or(NONE);
        let start = self.escaped.len();
        if let Some(raw) = raw {
            write_escaped_bytes(&mut self.escaped, raw);
        }
        let escaped = &self.escaped[start..];
        for len in PREFIXES {
            if let Some(prefix) = escaped.get(..len) {
                self.by_prefix.insert(XxHash3_64::oneshot(prefix), number);
            }
        }
        self.ends.push(self.escaped.len());
    }

    fn escaped(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.escaped[start..self.ends[at]]
    }

    /// The known message that bytes begin with.
    fn known(&self, bytes: &[u8], guess: u32) -> Option<u32> {
        let begins = |number: u32| {
            let escaped = self.escaped(number);
            !escaped.is_empty() && bytes.starts_with(escaped)
        };
        if guess != NONE && begins(guess) {
            return Some(guess);
        }
        PREFIXES.into_iter().find_map(|len| {
            let number = *self.by_prefix.get(&XxHash3_64::oneshot(bytes.get(..len)?))?;
            begins(number).then_some(number)
        })
    }

    /// See [`MessageDictionary::shorten`](crate::dictionary::MessageDictionary::shorten). `followers` guess which message comes next.
    pub(crate) fn shorten(&self, line: &[u8], followers: &[u32], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let mut any = false;
        let mut copied = 0;
        let mut at = 0;
        while !self.ends.is_empty()
            && let Some(found) = self.finder.find(&line[at..])
        {
            at += found + 1;
            let mut guess = NONE;
            while let Some(number) = self.known(&line[at..], guess) {
                if !copy_plain(&line[copied..at], out) {
                    return copy_whole(line, start, out);
                }
                push_mark(out, number);
                any = true;
                at += self.escaped(number).len();
                copied = at;
                guess = followers[number as usize];
                // On to the next message, over the comma and what stands around it.
                let gap = line[at..].iter().take_while(|byte| matches!(byte, b',' | b' ')).count();
                if gap == 0 || line.get(at + gap) != Some(&b'{') {
                    break;
                }
                at += gap;
            }
        }
        if !any || !copy_plain(&line[copied..], out) {
            return copy_whole(line, start, out);
        }
        true
    }

    /// Forgets the texts of the line before, and remembers these: a text that was made whole, and its short form.
    pub(crate) fn remember<'t>(&mut self, texts: impl Iterator<Item = (&'t String, String)>) {
        self.short.clear();
        self.short.extend(texts.map(|(whole, short)| (whole.as_ptr() as usize, whole.len(), short)));
    }

    /// Forgets all texts: the line at hand is whole.
    pub(crate) fn forget(&mut self) {
        self.short.clear();
    }

    /// The short form of a text that was made whole.
    pub(crate) fn take_short(&mut self, text: &str) -> Option<String> {
        let is_it =
            |(start, len, _): &&mut (usize, usize, String)| *start == text.as_ptr() as usize && *len == text.len();
        self.short.iter_mut().find(is_it).map(|(_, _, short)| std::mem::take(short)).filter(|short| !short.is_empty())
    }

    /// Gives a short form back that was taken.
    pub(crate) fn give_back(&mut self, text: &str, short: String) {
        let is_it =
            |(start, len, _): &&mut (usize, usize, String)| *start == text.as_ptr() as usize && *len == text.len();
        if let Some((_, _, place)) = self.short.iter_mut().find(is_it) {
            *place = short;
        }
    }
}

fn push_mark(out: &mut Vec<u8>, number: u32) {
    use std::io::Write as _;
    out.extend_from_slice(SHORT_BYTES);
    // Writing to a vector can't fail.
    let _written = write!(out, "{number}");
    out.extend_from_slice(SHORT_BYTES);
}

/// Whether there is a mark in some bytes.
pub(crate) fn holds_mark(bytes: &[u8]) -> bool {
    memchr::memchr_iter(SHORT_BYTES[0], bytes).any(|at| bytes[at..].starts_with(SHORT_BYTES))
}

/// Copies bytes that hold no mark of their own; tells whether they are such.
fn copy_plain(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(bytes);
    !holds_mark(bytes)
}

fn copy_whole(line: &[u8], start: usize, out: &mut Vec<u8>) -> bool {
    out.truncate(start);
    out.extend_from_slice(line);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(raws: &[&str]) -> Shortcuts {
        let mut shortcuts = Shortcuts::default();
        raws.iter().for_each(|raw| shortcuts.learn(Some(raw)));
        shortcuts
    }

    fn shortened(shortcuts: &Shortcuts, followers: &[u32], line: &str) -> (bool, String) {
        let mut out = Vec::new();
        let any = shortcuts.shorten(line.as_bytes(), followers, &mut out);
        (any, String::from_utf8(out).unwrap())
    }

    #[test]
    fn known_messages_become_marks_and_nothing_else_changes() {
        let long = format!(r#"{{"role":"system","content":"{}"}}"#, "s".repeat(100));
        let raws = [long.as_str(), r#"{"role":"user","content":"a \"b\" \n c"}"#];
        let shortcuts = learned(&raws);
        let followers = [1, NONE];
        let list = format!("[{},{},{{\"role\":\"tool\"}}]", raws[0], raws[1]);
        let line = serde_json::json!({"x": 1, "m": list, "y": "[{\"z\":1}]"}).to_string();
        let (any, short) = shortened(&shortcuts, &followers, &line);
        assert!(any);
        let expected = format!("[{SHORT}0{SHORT},{SHORT}1{SHORT},{{\"role\":\"tool\"}}]");
        assert_eq!(short, serde_json::json!({"x": 1, "m": expected, "y": "[{\"z\":1}]"}).to_string());
    }

    #[test]
    fn a_line_without_known_messages_or_with_marks_of_its_own_is_copied() {
        let long = format!(r#"{{"role":"system","content":"{}"}}"#, "s".repeat(100));
        let shortcuts = learned(&[&long]);
        for line in [
            "{}".to_owned(),
            serde_json::json!({"m": "[{\"role\":\"user\"}]"}).to_string(),
            serde_json::json!({"m": format!("[{long}]"), "n": SHORT.to_string()}).to_string(),
            serde_json::json!({"n": SHORT.to_string(), "m": format!("[{long}]")}).to_string(),
        ] {
            assert_eq!(shortened(&shortcuts, &[NONE], &line), (false, line.clone()));
        }
    }
}
