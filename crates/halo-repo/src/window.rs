//! Some lines of a text that comes in pieces, without keeping the rest.

use memchr::{memchr, memchr_iter};
use serde_json::Value;

use crate::text::{call, clean};

/// Bytes at the beginning in which a zero means that this is no text.
const BINARY_BYTES: u64 = 8192;
/// Characters of one line. A longer one is cut, and shown from another column when asked for.
pub(crate) const LINE_CHARS_MAX: usize = 1000;

/// Which lines are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The first line, from 1.
    pub(crate) offset: u64,
    /// How many lines.
    pub(crate) limit: u64,
    /// The first character of each line that is shown, from 1.
    pub(crate) column: u64,
    /// Characters of all lines together.
    pub(crate) chars_max: usize,
}

/// Collects lines.
#[derive(Debug)]
pub(crate) struct Window {
    wanted: Wanted,
    seen: u64,
    line: u64,
    /// Of the line that is read now: its bytes that are shown, its characters, its last byte.
    kept: Vec<u8>,
    chars: u64,
    last: u8,
    is_open: bool,
    lines: Vec<Line>,
    chars_used: usize,
    /// Whether lines that were wanted did not fit.
    is_full: bool,
    is_binary: bool,
    has_crlf: bool,
}

/// A line that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: String,
    /// Characters after what is shown.
    pub(crate) missing: u64,
}

/// What a window saw.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    /// Lines of the whole text, as far as it was read.
    pub(crate) total: u64,
    pub(crate) is_binary: bool,
    pub(crate) has_crlf: bool,
}

impl Window {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            seen: 0,
            line: 1,
            kept: Vec::new(),
            chars: 0,
            last: 0,
            is_open: false,
            lines: Vec::new(),
            chars_used: 0,
            is_full: false,
            is_binary: false,
            has_crlf: false,
        }
    }

    /// A window over what is text by all means.
    pub(crate) fn of_text(wanted: Wanted) -> Self {
        Self { seen: BINARY_BYTES, ..Self::new(wanted) }
    }

    /// Takes the next piece; says whether it wants more.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        if self.seen < BINARY_BYTES {
            let head = usize::try_from(BINARY_BYTES - self.seen).unwrap_or(usize::MAX).min(bytes.len());
            self.is_binary |= bytes.get(..head).is_some_and(|head| memchr(0, head).is_some());
        }
        self.seen += bytes.len() as u64;
        while !self.is_binary && !bytes.is_empty() {
            if !self.is_wanted() {
                bytes = self.skip(bytes);
                continue;
            }
            let (line, rest) = match memchr(b'\n', bytes) {
                Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..)),
                None => (bytes, None),
            };
            self.take(line);
            let Some(rest) = rest else { break };
            self.end_line();
            bytes = rest;
        }
        !self.is_binary
    }

    /// The end of the text.
    pub(crate) fn finish(mut self) -> Lines {
        if self.is_open && self.is_wanted() {
            self.end_line();
        } else if self.is_open {
            self.line += 1;
        }
        Lines { lines: self.lines, total: self.line - 1, is_binary: self.is_binary, has_crlf: self.has_crlf }
    }

    fn is_wanted(&self) -> bool {
        let past = self.line.saturating_sub(self.wanted.offset);
        self.line >= self.wanted.offset && past < self.wanted.limit && !self.is_full
    }

    /// Counts lines until one is wanted, or to the end.
    fn skip<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.line < self.wanted.offset {
            let Some(end) = memchr(b'\n', bytes) else {
                self.is_open = true;
                return &[];
            };
            self.line += 1;
            self.is_open = false;
            return bytes.get(end + 1..).unwrap_or_default();
        }
        self.line += memchr_iter(b'\n', bytes).count() as u64;
        self.is_open = bytes.last() != Some(&b'\n');
        &[]
    }

    fn take(&mut self, part: &[u8]) {
        let (first, last) = (self.wanted.column, self.wanted.column.saturating_add(LINE_CHARS_MAX as u64));
        for byte in part {
            // A byte that goes on with a character counts to it.
            self.chars += u64::from(byte & 0xc0 != 0x80);
            if (first..last).contains(&self.chars) {
                self.kept.push(*byte);
            }
            self.last = *byte;
            self.is_open = true;
        }
    }

    fn end_line(&mut self) {
        let ends_with_cr = self.last == b'\r' && self.chars > 0;
        self.has_crlf |= ends_with_cr;
        let chars = self.chars - u64::from(ends_with_cr);
        let shown_to = self.wanted.column.saturating_sub(1).saturating_add(LINE_CHARS_MAX as u64);
        if ends_with_cr && self.kept.last() == Some(&b'\r') {
            self.kept.pop();
        }
        let text = clean(String::from_utf8_lossy(&self.kept).trim_start_matches('\u{feff}'));
        let text_chars = text.chars().count();
        if !self.lines.is_empty() && self.chars_used + text_chars > self.wanted.chars_max {
            self.is_full = true;
        } else {
            self.chars_used += text_chars + 8;
            self.lines.push(Line { number: self.line, text, missing: chars.saturating_sub(shown_to) });
        }
        self.line += 1;
        self.kept.clear();
        (self.chars, self.last, self.is_open) = (0, 0, false);
    }
}

/// How to ask for other lines of the same text: the tool, and the arguments that stay as they are.
pub(crate) struct Source<'a> {
    pub(crate) tool: &'a str,
    pub(crate) arguments: Vec<(&'a str, Value)>,
    /// The text was read only up to here, so that its lines are not all counted.
    pub(crate) is_partial: bool,
    pub(crate) with_numbers: bool,
}

impl Source<'_> {
    fn call(&self, more: &[(&str, Value)]) -> String {
        let arguments: Vec<(&str, Value)> = self.arguments.iter().cloned().chain(more.iter().cloned()).collect();
        call(self.tool, &arguments)
    }

    /// Writes lines below a title, and what is missing with the call that shows it.
    pub(crate) fn write(&self, title: &str, shown: &Lines, wanted: &Wanted) -> String {
        let total = if self.is_partial { format!("more than {}", shown.total) } else { shown.total.to_string() };
        let (Some(first), Some(last)) = (shown.lines.first(), shown.lines.last()) else {
            let why = match shown.total {
                0 => "empty".to_owned(),
                _ => format!("it has only {total} lines; {}", self.call(&[("offset", 1.into())])),
            };
            return format!("{title}: {why}\n");
        };
        let mut out = format!("{title}, lines {}-{} of {total}", first.number, last.number);
        out.push_str(if shown.has_crlf { " (CRLF line ends)\n" } else { "\n" });
        let width = last.number.to_string().len();
        for line in &shown.lines {
            if self.with_numbers {
                out.push_str(&format!("{:>width$}| ", line.number));
            }
            if wanted.column > 1 {
                out.push('…');
            }
            out.push_str(&line.text);
            if line.missing > 0 {
                let column = wanted.column.saturating_add(LINE_CHARS_MAX as u64);
                let next = [("offset", line.number.into()), ("limit", 1.into()), ("column", column.into())];
                out.push_str(&format!("… [{} more characters: {}]", line.missing, self.call(&next)));
            }
            out.push('\n');
        }
        if last.number < shown.total || self.is_partial {
            let next = self.call(&[("offset", (last.number + 1).into())]);
            out.push_str(&format!("[the next lines: {next}]\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests;
