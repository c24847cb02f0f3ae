//! Markdown written from events. Every text is escaped, so that only the events' own structure has a meaning.

use pulldown_cmark::{Alignment, Event, Tag, TagEnd};

use crate::escape;

/// What a container puts in front of each of its lines.
#[derive(Debug)]
struct Prefix {
    /// For the first line, until that is written: the marker of a list item.
    first: Option<String>,
    /// For all other lines.
    rest: String,
}

/// An open list.
#[derive(Debug)]
struct List {
    /// The next number, or `None` for bullets.
    number: Option<u64>,
    /// Whether empty lines stand between its items. Their texts are paragraphs then.
    loose: bool,
}

/// Writes the events it gets as Markdown.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    out: String,
    /// Text of the block that is being read.
    text: String,
    /// Addresses of the open links.
    links: Vec<String>,
    /// Containers around the block.
    prefixes: Vec<Prefix>,
    /// Lists around the block.
    lists: Vec<List>,
    /// Whether an empty line has to go before the next block.
    gap: bool,
    in_code: bool,
    in_table: bool,
    /// The row that stands under the head of the open table.
    alignments: String,
}

impl Writer {
    /// Takes the next event.
    pub(crate) fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.text.push_str(&text),
            Event::Text(text) => self.text.push_str(&escape::inline(&text)),
            Event::Code(text) if self.in_table => self.text.push_str(&escape::code(&text).replace('|', "\\|")),
            Event::Code(text) => self.text.push_str(&escape::code(&text)),
            Event::SoftBreak => self.text.push('\n'),
            Event::HardBreak => self.text.push_str("\\\n"),
            Event::Rule => {
                self.flush();
                self.block("---");
            }
            // Not enabled in the parser, or taken out before.
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    /// The Markdown of all events, without empty lines at its end.
    pub(crate) fn finish(mut self) -> String {
        self.flush();
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.text = format!("{} ", "#".repeat(level as usize));
            }
            Tag::BlockQuote(_) => self.enter(Prefix { first: None, rest: "> ".to_owned() }),
            Tag::CodeBlock(_) => {
                self.flush();
                self.in_code = true;
            }
            Tag::List(number) => {
                self.flush();
                self.lists.push(List { number, loose: false });
            }
            Tag::Item => {
                let number = self.lists.last_mut().and_then(|list| list.number.as_mut());
                let marker = match number {
                    Some(number) => {
                        *number = number.saturating_add(1);
                        format!("{}. ", *number - 1)
                    }
                    None => "- ".to_owned(),
                };
                self.enter(Prefix { rest: " ".repeat(marker.len()), first: Some(marker) });
            }
            Tag::Table(alignments) => {
                self.flush();
                self.in_table = true;
                self.alignments = alignment_row(&alignments);
            }
            Tag::Paragraph => {
                self.flush();
                // A paragraph right inside an item is what makes its list loose.
                let in_item = self.prefixes.last().is_some_and(|prefix| !prefix.rest.starts_with('>'));
                if let Some(list) = self.lists.last_mut().filter(|_| in_item) {
                    list.loose = true;
                }
            }
            Tag::Emphasis => self.text.push('*'),
            Tag::Strong => self.text.push_str("**"),
            Tag::Strikethrough => self.text.push_str("~~"),
            Tag::Link { dest_url, .. } => {
                self.text.push('[');
                self.links.push(address(&dest_url));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) => self.flush_block(),
            TagEnd::BlockQuote(_) => self.leave(true),
            TagEnd::CodeBlock => {
                let code = std::mem::take(&mut self.text);
                self.in_code = false;
                self.block(&escape::fence(&code, ""));
            }
            TagEnd::Item => self.leave(self.is_loose()),
            TagEnd::List(_) => {
                self.lists.pop();
                self.gap = self.is_loose();
            }
            TagEnd::TableCell => self.text.push_str(" | "),
            TagEnd::TableHead => {
                self.text = format!("| {}\n{}\n", self.text.trim_end(), self.alignments);
            }
            TagEnd::TableRow => {
                let start = self.text.rfind('\n').map_or(0, |at| at + 1);
                self.text.insert_str(start, "| ");
                self.text.truncate(self.text.trim_end().len());
                self.text.push('\n');
            }
            TagEnd::Table => {
                self.in_table = false;
                self.flush_block();
            }
            TagEnd::Emphasis => self.text.push('*'),
            TagEnd::Strong => self.text.push_str("**"),
            TagEnd::Strikethrough => self.text.push_str("~~"),
            TagEnd::Link => {
                let address = self.links.pop().unwrap_or_default();
                self.text.push_str(&format!("](<{address}>)"));
            }
            _ => {}
        }
    }

    /// Whether an empty line goes between blocks here: outside of lists, and in loose ones.
    fn is_loose(&self) -> bool {
        self.lists.last().is_none_or(|list| list.loose)
    }

    fn enter(&mut self, prefix: Prefix) {
        self.flush();
        self.prefixes.push(prefix);
    }

    fn leave(&mut self, gap: bool) {
        self.flush();
        // An empty container still shows that it was there.
        if self.prefixes.last().is_some_and(|prefix| prefix.first.is_some()) {
            self.block("");
        }
        self.prefixes.pop();
        self.gap = gap;
    }

    /// Writes the text of a tight list item, which no event closes.
    fn flush(&mut self) {
        if !self.text.trim().is_empty() {
            self.flush_block();
            self.gap = false;
        }
        self.text.clear();
    }

    fn flush_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.block(&text);
    }

    fn block(&mut self, text: &str) {
        if self.gap && !self.out.is_empty() {
            let open = self.prefixes.iter().take_while(|prefix| prefix.first.is_none());
            let blank: String = open.map(|prefix| prefix.rest.as_str()).collect();
            self.out.push_str(blank.trim_end());
            self.out.push('\n');
        }
        for line in text.trim_end_matches('\n').split('\n') {
            let mut whole = String::new();
            for prefix in &mut self.prefixes {
                whole.push_str(&prefix.first.take().unwrap_or_else(|| prefix.rest.clone()));
            }
            whole.push_str(line);
            self.out.push_str(whole.trim_end());
            self.out.push('\n');
        }
        self.gap = true;
    }
}

fn alignment_row(alignments: &[Alignment]) -> String {
    let marks = alignments.iter().map(|alignment| match alignment {
        Alignment::None => " --- |",
        Alignment::Left => " :-- |",
        Alignment::Center => " :-: |",
        Alignment::Right => " --: |",
    });
    std::iter::once("|").chain(marks).collect()
}

/// An address that cannot leave the angle brackets around it.
fn address(url: &str) -> String {
    url.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '<' => "%3C".to_owned(),
            '>' => "%3E".to_owned(),
            '\\' => "%5C".to_owned(),
            '|' => "%7C".to_owned(),
            other => other.to_string(),
        })
        .collect()
}
