//! The lines that match, collected file by file and written below the file's path.

use std::io;

use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_searcher::{Searcher, Sink, SinkContext, SinkContextKind, SinkFinish, SinkMatch};

use crate::text::{call, clean, counted, cut_around, short};

/// Characters shown of a line.
const LINE_CHARS_MAX: usize = 400;

/// Collects matches.
pub(super) struct Hits<'a> {
    matcher: &'a RegexMatcher,
    skip: usize,
    max: usize,
    chars_max: usize,
    /// Matches met, those skipped among them, and those shown.
    met: usize,
    shown: usize,
    files: Vec<FileHits>,
    chars: usize,
    has_more: bool,
    /// Of the file that is searched: lines before a match that may come, and whether the last match is shown.
    before: Vec<Line>,
    is_last_shown: bool,
    met_before: usize,
}

struct FileHits {
    path: String,
    lines: Vec<Line>,
    shown: usize,
    is_binary: bool,
}

struct Line {
    number: u64,
    is_match: bool,
    text: String,
}

impl<'a> Hits<'a> {
    pub(super) fn new(matcher: &'a RegexMatcher, skip: usize, max: usize, chars_max: usize) -> Self {
        Self {
            matcher,
            skip,
            max,
            chars_max,
            met: 0,
            shown: 0,
            files: Vec::new(),
            chars: 0,
            has_more: false,
            before: Vec::new(),
            is_last_shown: false,
            met_before: 0,
        }
    }

    pub(super) fn begin(&mut self, path: &str) {
        self.before.clear();
        self.is_last_shown = false;
        self.met_before = self.met;
        self.files.push(FileHits { path: path.to_owned(), lines: Vec::new(), shown: 0, is_binary: false });
    }

    /// A binary file is named, and counts as one match; a file without matches is forgotten.
    pub(super) fn end(&mut self) {
        let Some(file) = self.files.last_mut() else { return };
        if file.is_binary && self.met > self.met_before {
            self.shown -= file.shown;
            self.met = self.met_before + 1;
            self.has_more = false;
            file.lines.clear();
            if self.met > self.skip && self.shown < self.max {
                self.shown += 1;
                self.chars += file.path.len();
                file.shown = 1;
                return;
            }
            self.has_more |= self.met > self.skip;
            file.shown = 0;
        }
        if file.shown == 0 {
            self.files.pop();
        } else {
            self.chars += file.path.len();
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.has_more
    }

    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// What to skip to see what comes after the matches that are shown.
    pub(super) fn next_skip(&self) -> usize {
        self.skip + self.shown
    }

    pub(super) fn write(&self, pattern: &str, searched: usize) -> String {
        let searched = counted(searched, "file");
        if self.shown == 0 {
            let after = if self.skip > 0 { format!(" after the first {}", self.skip) } else { String::new() };
            return format!("no line matches `{}`{after}; {searched} searched\n", short(pattern, 200));
        }
        let first = if self.has_more { "the next " } else { "" };
        let first = if self.has_more && self.skip == 0 { "the first " } else { first };
        let mut out = format!("{first}{} in {}\n", counted(self.shown, "match"), counted(self.files.len(), "file"));
        for file in &self.files {
            let path = clean(&file.path);
            if file.is_binary {
                out.push_str(&format!("\n{path}: binary, matches, not shown\n"));
                continue;
            }
            out.push_str(&format!("\n{path}\n"));
            let width = file.lines.last().map_or(1, |line| line.number.to_string().len());
            let has_context = file.lines.iter().any(|line| !line.is_match);
            let mut last = None;
            for line in &file.lines {
                if has_context && last.is_some_and(|last| last + 1 < line.number) {
                    out.push_str("…\n");
                }
                last = Some(line.number);
                let mark = if has_context && line.is_match { '>' } else { '|' };
                out.push_str(&format!("{:>width$}{mark} {}\n", line.number, line.text));
            }
        }
        out
    }

    fn line(&self, number: u64, bytes: &[u8], is_match: bool) -> Line {
        let found = if is_match { self.matcher.find(bytes).ok().flatten() } else { None };
        let start = found.map_or(0, |found| found.start());
        let whole = String::from_utf8_lossy(bytes);
        let cut = cut_around(whole.trim_end_matches(['\n', '\r']), start, LINE_CHARS_MAX);
        let mut text = clean(&cut.text);
        if cut.before > 0 {
            text = format!("[{} characters]…{text}", cut.before);
        }
        if cut.before + cut.after > 0 {
            let path = self.files.last().map_or("", |file| file.path.as_str());
            let column = cut.before + 1;
            let whole =
                [("path", path.into()), ("offset", number.into()), ("limit", 1.into()), ("column", column.into())];
            text.push_str(&format!("…[{} characters: {}]", cut.after, call("read_file", &whole)));
        }
        Line { number, is_match, text }
    }

    fn push(&mut self, line: Line) {
        self.chars += line.text.len() + 8;
        if let Some(file) = self.files.last_mut() {
            file.shown += usize::from(line.is_match);
            file.lines.push(line);
        }
    }
}

impl Sink for &mut Hits<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        let before = std::mem::take(&mut self.before);
        if self.met < self.skip {
            self.met += 1;
            self.is_last_shown = false;
            return Ok(true);
        }
        if self.shown >= self.max || (self.shown > 0 && self.chars >= self.chars_max) {
            self.has_more = true;
            return Ok(false);
        }
        self.met += 1;
        self.shown += 1;
        self.is_last_shown = true;
        before.into_iter().for_each(|line| self.push(line));
        let line = self.line(found.line_number().unwrap_or(0), found.bytes(), true);
        self.push(line);
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> Result<bool, io::Error> {
        let line = self.line(context.line_number().unwrap_or(0), context.bytes(), false);
        match context.kind() {
            SinkContextKind::Before => self.before.push(line),
            _ if self.is_last_shown => self.push(line),
            _ => {}
        }
        Ok(true)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> Result<bool, io::Error> {
        if let Some(file) = self.files.last_mut() {
            file.is_binary = true;
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, finished: &SinkFinish) -> Result<(), io::Error> {
        if finished.binary_byte_offset().is_some()
            && let Some(file) = self.files.last_mut()
        {
            file.is_binary = true;
        }
        Ok(())
    }
}
