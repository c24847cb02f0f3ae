//! Where a JSON value ends, found by its structure alone: brackets and strings, never recursive, a bit of memory per level.
//!
//! The scan also watches the grammar around brackets, commas and colons. That is how a line that a crash cut short is told from the first
//! line of a document: what follows a cut line cannot go on with it. Numbers, words and escapes are the parser's business.

/// How far a scan came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// All bytes are used up and the value goes on.
    More,
    /// The value ends before this position.
    Ended(usize),
    /// It is no value: something else begins at this position, where a line does.
    Cut(usize),
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// Beyond this depth no parser takes a value, so that it is not worth to hope for its end.
const DEPTH_MAX: usize = 1024;

/// The scan of one object or array. Positions count from its first byte.
#[derive(Debug)]
pub(crate) struct ValueScan {
    levels: Levels,
    expect: Expect,
    /// Next byte to look at.
    at: usize,
    in_string: bool,
    /// The byte before was a backslash in a string.
    escaped: bool,
    /// The byte before belongs to a number or a word.
    in_scalar: bool,
    /// Where the line began, when it is not the first.
    line_start: Option<i64>,
    /// Only blanks so far in this line.
    line_blank: bool,
    /// Column of the value's first byte in its line.
    column: usize,
    damaged: bool,
    ended: bool,
    /// First place where, after all, another value may have begun: a bracket that opens a line and stands no deeper than this value.
    candidate: Option<usize>,
    /// Take the first candidate without waiting for a proof.
    impatient: bool,
    key_start: usize,
    key_is_spans: bool,
    spans_array: Option<usize>,
}

impl ValueScan {
    /// A scan of a value that begins at this column of its line.
    pub(crate) fn new(column: usize, impatient: bool) -> Self {
        Self {
            levels: Levels::default(),
            expect: Expect::Value,
            at: 0,
            in_string: false,
            escaped: false,
            in_scalar: false,
            line_start: None,
            line_blank: false,
            column,
            damaged: false,
            ended: false,
            candidate: None,
            impatient,
            key_start: 0,
            key_is_spans: false,
            spans_array: None,
        }
    }

    /// A scan of the rest of an object, after one of its values.
    pub(crate) fn rest_of_object(column: usize) -> Self {
        let mut scan = Self::new(column, true);
        scan.levels.push(true);
        scan.expect = Expect::CommaOrEnd;
        scan
    }

    /// Bytes looked at.
    pub(crate) fn scanned(&self) -> usize {
        self.at
    }

    /// Whether the value's end was found.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Where another value may have begun, should this one have no end.
    pub(crate) fn candidate(&self) -> Option<usize> {
        self.candidate
    }

    /// Position after the `[` of `resourceSpans`, when the value is an object with that key.
    pub(crate) fn spans_array(&self) -> Option<usize> {
        self.spans_array
    }

    /// Forgets the bytes so far: positions count from here on. For values that nobody keeps.
    pub(crate) fn forget(&mut self) {
        self.line_start = self.line_start.map(|start| start - signed(self.at));
        self.at = 0;
        self.impatient = true;
        self.candidate = None;
    }

    /// Goes on with `bytes`, which begin where the value does.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Scanned {
        while self.at < bytes.len() {
            let step = if self.in_string { self.string(bytes) } else { self.structure(bytes[self.at]) };
            if step != Scanned::More {
                return step;
            }
        }
        Scanned::More
    }

    /// Passes over the inside of a string.
    fn string(&mut self, bytes: &[u8]) -> Scanned {
        if self.escaped {
            self.escaped = false;
            if bytes[self.at] != b'\n' {
                self.at += 1;
                return Scanned::More;
            }
        }
        let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &bytes[self.at..]) else {
            self.at = bytes.len();
            return Scanned::More;
        };
        self.at += found;
        match bytes[self.at] {
            b'\\' => {
                self.escaped = true;
                self.at += 1;
            }
            b'"' => {
                self.in_string = false;
                if self.expect == Expect::Colon && self.levels.depth() == 1 {
                    let key = bytes.get(self.key_start..self.at).unwrap_or_default();
                    self.key_is_spans = key == b"resourceSpans" || key == b"resource_spans";
                }
                self.at += 1;
            }
            // JSON has no line ends in strings: this one lacks its end.
            _ => {
                self.in_string = false;
                self.damaged = true;
                return self.line_end();
            }
        }
        Scanned::More
    }

    /// Looks at one byte outside of strings.
    fn structure(&mut self, byte: u8) -> Scanned {
        let was_scalar = std::mem::take(&mut self.in_scalar);
        match byte {
            b'\n' => return self.line_end(),
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                return Scanned::More;
            }
            b'"' => {
                let next = match self.expect {
                    Expect::Key | Expect::KeyOrEnd => Expect::Colon,
                    _ => Expect::CommaOrEnd,
                };
                self.damaged |= matches!(self.expect, Expect::Colon | Expect::CommaOrEnd);
                self.expect = next;
                self.in_string = true;
                self.key_start = self.at + 1;
            }
            b'{' | b'[' => {
                if let Some(cut) = self.open(byte == b'{') {
                    return Scanned::Cut(cut);
                }
                if byte == b'[' && self.levels.depth() == 2 && std::mem::take(&mut self.key_is_spans) {
                    self.spans_array.get_or_insert(self.at + 1);
                }
            }
            b'}' | b']' => {
                let is_object = byte == b'}';
                let open = if is_object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
                self.damaged |= self.levels.pop() != Some(is_object);
                self.damaged |= self.expect != Expect::CommaOrEnd && self.expect != open;
                self.expect = Expect::CommaOrEnd;
                if self.levels.depth() == 0 {
                    self.at += 1;
                    self.ended = true;
                    return Scanned::Ended(self.at);
                }
            }
            b',' => {
                self.damaged |= self.expect != Expect::CommaOrEnd;
                self.expect = if self.levels.top() == Some(true) { Expect::Key } else { Expect::Value };
            }
            b':' => {
                self.damaged |= self.expect != Expect::Colon;
                self.expect = Expect::Value;
            }
            _ => {
                let fits = was_scalar || matches!(self.expect, Expect::Value | Expect::ValueOrEnd);
                self.damaged |= !fits || !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
                self.expect = Expect::CommaOrEnd;
                self.in_scalar = true;
            }
        }
        self.line_blank = false;
        // After an error, what may be another value is one.
        if self.damaged
            && let Some(cut) = self.candidate
        {
            return Scanned::Cut(cut);
        }
        self.at += 1;
        Scanned::More
    }

    fn line_end(&mut self) -> Scanned {
        self.at += 1;
        // An error within the first line: it is a bad line, and the next one has nothing to do with it.
        if self.damaged && self.line_start.is_none() {
            return Scanned::Cut(self.at);
        }
        if self.damaged
            && let Some(cut) = self.candidate
        {
            return Scanned::Cut(cut);
        }
        self.line_start = Some(signed(self.at));
        self.line_blank = true;
        Scanned::More
    }

    /// A bracket opens. Gives the place to cut at when it belongs to another value.
    fn open(&mut self, is_object: bool) -> Option<usize> {
        let column = self.line_start.filter(|_| self.line_blank).map(|start| signed(self.at) - start);
        if self.levels.depth() > 0 && column.is_some_and(|column| column <= signed(self.column)) {
            self.candidate.get_or_insert(self.at);
        }
        self.damaged |= !matches!(self.expect, Expect::Value | Expect::ValueOrEnd);
        self.damaged |= self.levels.depth() >= DEPTH_MAX;
        if (self.damaged || self.impatient)
            && let Some(cut) = self.candidate
        {
            return Some(cut);
        }
        self.levels.push(is_object);
        self.expect = if is_object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        None
    }
}

fn signed(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Which of the open levels are objects, one bit each.
#[derive(Debug, Default)]
struct Levels {
    bits: Vec<u64>,
    depth: usize,
}

impl Levels {
    fn depth(&self) -> usize {
        self.depth
    }

    fn push(&mut self, is_object: bool) {
        if self.depth.is_multiple_of(64) {
            self.bits.push(0);
        }
        let mask = 1 << (self.depth % 64);
        if let Some(word) = self.bits.last_mut() {
            *word = if is_object { *word | mask } else { *word & !mask };
        }
        self.depth += 1;
    }

    fn top(&self) -> Option<bool> {
        let index = self.depth.checked_sub(1)?;
        self.bits.last().map(|word| word >> (index % 64) & 1 == 1)
    }

    fn pop(&mut self) -> Option<bool> {
        let top = self.top()?;
        self.depth -= 1;
        if self.depth.is_multiple_of(64) {
            self.bits.pop();
        }
        Some(top)
    }
}

/// Splits a text that is nothing but several values after one another, as two writers leave it that share a file, or joined by commas. `None` of
/// anything else.
pub(crate) fn split_values(text: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let mut values = Vec::new();
    let mut start = 0;
    while start < text.len() {
        if text[start].is_ascii_whitespace() || (text[start] == b',' && start > 0) {
            start += 1;
            continue;
        }
        if text[start] != b'{' {
            return None;
        }
        let Scanned::Ended(length) = ValueScan::new(0, false).advance(&text[start..]) else {
            return None;
        };
        values.push(start..start + length);
        start += length;
    }
    (values.len() > 1).then_some(values)
}
