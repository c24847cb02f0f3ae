//! The messages of a chunk of input, found again by their JSON: a conversation that is sent again each turn is compared with what was read
//! before, at the speed of memory, and only what is new in it is parsed.

use halo_dataset::{Content, Spelling, TextTable};
use hashbrown::HashMap;

use crate::json::{Json, with_parsed};
use crate::messages::{ChatMessage, read_message};
use crate::object::leading_object;
use crate::shape::{Raw, ShapeBuffers, add_message};
use crate::shortcuts::{SHORT, Shortcuts};

/// Messages by their JSON.
#[derive(Debug, Default)]
pub(crate) struct MessageDictionary {
    /// JSON of each message.
    raws: TextTable,
    /// Number of the message in the content, by number of its JSON.
    messages: Vec<u32>,
    /// For each JSON the one that followed it last.
    followers: Vec<u32>,
    /// The JSON that began the list of a trace last.
    heads: HashMap<u64, u32>,
    buffers: ShapeBuffers,
    /// What is found in lines before they are parsed.
    pub(crate) shortcuts: Shortcuts,
}

/// JSON that may be a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawMessage<'a> {
    text: &'a str,
    /// The spelling that gives it back to the letter, where that is known already.
    spelling: Option<Spelling>,
    /// Whether it may stand in a list of messages of another line.
    is_listed: bool,
}

impl<'a> RawMessage<'a> {
    /// A text that is one message as a whole.
    pub(crate) fn whole(text: &'a str, is_listed: bool) -> Self {
        let object = leading_object(text.as_bytes()).filter(|object| object.len == text.len());
        Self { text, spelling: object.and_then(|object| object.spelling), is_listed }
    }
}

/// A list of messages that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundList<'a> {
    /// Numbers of the messages in the content.
    pub(crate) messages: Vec<u32>,
    /// The text before the first message, between two, and after the last.
    pub(crate) before: &'a str,
    pub(crate) between: &'a str,
    pub(crate) after: &'a str,
}

const NONE: u32 = u32::MAX;

/// Members that hold the list of messages of an object around them.
const LIST_KEYS: &[&str] = &["\"messages\":", "\"input\":", "\"contents\":", "\"choices\":"];

/// How far into an object its list of messages is looked for.
const LIST_KEY_BYTES_MAX: usize = 4096;

impl MessageDictionary {
    /// Forgets all messages and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.raws.clear();
        self.messages.clear();
        self.followers.clear();
        self.heads.clear();
        self.shortcuts.clear();
    }

    /// The message of this JSON, when it was read before.
    pub(crate) fn known(&self, raw: &str) -> Option<u32> {
        self.raws.find(raw).map(|number| self.messages[number as usize]).filter(|message| *message != NONE)
    }

    /// The message that a JSON is, which `read` makes when it is new.
    pub(crate) fn add(
        &mut self,
        content: &mut Content,
        raw: RawMessage<'_>,
        read: impl FnOnce(Json<'_, '_>) -> ChatMessage,
    ) -> Option<u32> {
        let number = self.raw_number(content, raw, read);
        Some(self.messages[number as usize]).filter(|message| *message != NONE)
    }

    /// Reads a list of messages in a text: an array of objects, or an object that holds one. `trace` tells conversations apart.
    ///
    /// The text is cut at its messages and nothing of it is lost: `before`, the messages with `between` between them, and `after` are the text.
    /// `None` when it holds no such list.
    pub(crate) fn list<'a>(&mut self, content: &mut Content, text: &'a str, trace: u64) -> Option<FoundList<'a>> {
        match self.shortcuts.take_short(text) {
            None => self.list_in(content, text, trace),
            Some(short) => {
                let found = self.list_in(content, &short, trace).map(|list| self.lengthened(text, &short, list));
                self.shortcuts.give_back(text, short);
                found
            }
        }
    }

    /// A list that was found in the short form of a text, as it stands in the text.
    fn lengthened<'a>(&self, text: &'a str, short: &str, list: FoundList<'_>) -> FoundList<'a> {
        let start = self.whole_len(list.before);
        let first = &short[list.before.len()..];
        let first_len = match first.strip_prefix(SHORT) {
            Some(rest) => marked(rest).map_or(0, |(number, _)| self.raws.get(number).len()),
            None => self.whole_len(&first[..leading_object(first.as_bytes()).map_or(0, |object| object.len)]),
        };
        let between_start = start + first_len;
        let between =
            if list.messages.len() > 1 { &text[between_start..between_start + list.between.len()] } else { "," };
        FoundList { before: &text[..start], between, after: &text[text.len() - self.whole_len(list.after)..], ..list }
    }

    /// Length of a part of a short text where it is whole.
    fn whole_len(&self, short: &str) -> usize {
        let mut whole = String::new();
        self.lengthen(short, &mut whole);
        whole.len()
    }

    fn list_in<'a>(&mut self, content: &mut Content, text: &'a str, trace: u64) -> Option<FoundList<'a>> {
        let open = list_start(text)?;
        let mut at = skip_blanks(text, open + 1);
        let first_start = at;
        let mut between = None;
        let mut messages = Vec::new();
        let mut guess = self.heads.get(&trace).copied().unwrap_or(NONE);
        let mut last = NONE;
        loop {
            let (number, end) = self.element(content, text, at, guess)?;
            if last == NONE {
                self.heads.insert(trace, number);
            } else {
                self.followers[last as usize] = number;
            }
            last = number;
            guess = self.followers[number as usize];
            let message = self.messages[number as usize];
            if message == NONE {
                return None;
            }
            messages.push(message);
            let next = skip_blanks(text, end);
            match text.as_bytes().get(next)? {
                b']' => {
                    let (before, after) = (&text[..first_start], &text[end..]);
                    return Some(FoundList { messages, before, between: between.unwrap_or(","), after });
                }
                b',' => {
                    at = skip_blanks(text, next + 1);
                    let gap = &text[end..at];
                    if between.is_some_and(|known| known != gap) {
                        return None;
                    }
                    between = Some(gap);
                }
                _ => return None,
            }
        }
    }

    /// The element that begins at `at`: its number, and where it ends.
    fn element(&mut self, content: &mut Content, text: &str, at: usize, guess: u32) -> Option<(u32, usize)> {
        if let Some(rest) = text[at..].strip_prefix(SHORT) {
            let (number, len) = marked(rest)?;
            return Some((number, at + SHORT.len_utf8() + len));
        }
        if guess != NONE {
            let raw = self.raws.get(guess);
            // Objects end with a brace: one can't be the beginning of another.
            if text.as_bytes()[at..].starts_with(raw.as_bytes()) {
                return Some((guess, at + raw.len()));
            }
        }
        let object = leading_object(text.as_bytes().get(at..)?)?;
        let end = at + object.len;
        let raw = RawMessage { text: text.get(at..end)?, spelling: object.spelling, is_listed: true };
        Some((self.raw_number(content, raw, read_message), end))
    }

    /// The number of a JSON, which is read when it is new.
    fn raw_number(
        &mut self,
        content: &mut Content,
        raw: RawMessage<'_>,
        read: impl FnOnce(Json<'_, '_>) -> ChatMessage,
    ) -> u32 {
        let RawMessage { text: raw, spelling, is_listed } = raw;
        let number = self.raws.intern(raw);
        if number as usize == self.messages.len() {
            let buffers = &mut self.buffers;
            let message = with_parsed(raw, |json| {
                let message = read(json);
                let says = !message.role.is_empty() || message.text.is_some() || !message.tool_calls.is_empty();
                says.then(|| add_message(content, buffers, &message, Some(Raw { text: raw, json, spelling })))
            });
            self.messages.push(message.flatten().unwrap_or(NONE));
            self.followers.push(NONE);
            self.shortcuts.learn(message.flatten().filter(|_| is_listed).map(|_| raw));
        }
        number
    }

    /// Copies a line, with a mark in the place of every message that is known. Tells whether there is any mark; a line that holds such a
    /// mark itself is copied as it is.
    pub(crate) fn shorten(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        self.shortcuts.shorten(line, &self.followers, out)
    }

    /// A text of a shortened line as it was.
    pub(crate) fn lengthen(&self, short: &str, out: &mut String) {
        let mut rest = short;
        while let Some((before, after)) = rest.split_once(SHORT) {
            out.push_str(before);
            let Some((number, len)) = marked(after) else { return };
            out.push_str(self.raws.get(number));
            rest = &after[len..];
        }
        out.push_str(rest);
    }

    /// Adds a message that stands nowhere as JSON.
    pub(crate) fn add_unwritten(&mut self, content: &mut Content, message: &ChatMessage) -> u32 {
        add_message(content, &mut self.buffers, message, None)
    }
}

/// The number of a mark, and the length of it and of the sign that ends it.
fn marked(rest: &str) -> Option<(u32, usize)> {
    let (number, _) = rest.split_once(SHORT)?;
    Some((number.parse().ok()?, number.len() + SHORT.len_utf8()))
}

fn skip_blanks(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    at + bytes[at.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Where the list of messages of a text opens: the innermost bracket before its first object.
fn list_start(text: &str) -> Option<usize> {
    let mut at = skip_blanks(text, 0);
    if text.as_bytes().get(at) == Some(&b'{') {
        let head = &text.as_bytes()[..text.len().min(LIST_KEY_BYTES_MAX)];
        let find = |key: &&str| memchr::memmem::find(head, key.as_bytes()).map(|start| start + key.len());
        let key_end = LIST_KEYS.iter().find_map(find)?;
        at = skip_blanks(text, key_end);
    }
    if text.as_bytes().get(at) != Some(&b'[') {
        return None;
    }
    let mut inner = skip_blanks(text, at + 1);
    while text.as_bytes().get(inner) == Some(&b'[') {
        at = inner;
        inner = skip_blanks(text, at + 1);
    }
    (text.as_bytes().get(inner) == Some(&b'{') || text.get(inner..)?.starts_with(SHORT)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn together(content: &Content, list: &FoundList<'_>) -> (String, usize) {
        (format!("{}…{}…{}", list.before, list.between, list.after), content.message_count())
    }

    #[test]
    fn a_history_that_grows_is_read_once() {
        let (mut content, mut dictionary) = (Content::default(), MessageDictionary::default());
        let messages = [
            r#"{"role":"system","content":"S {\"a\":[\"}\"]}"}"#,
            r#"{"role":"user","content":"U"}"#,
            r#"{"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": "{}"}}]}"#,
        ];
        for turn in 1..=3 {
            let text = format!("[{}]", messages[..turn].join(","));
            let list = dictionary.list(&mut content, &text, 7).unwrap();
            assert_eq!(list.messages, (0..u32::try_from(turn).unwrap()).collect::<Vec<_>>());
            assert_eq!(together(&content, &list), ("[…,…]".to_owned(), turn));
        }
        let wrapped = format!("{{\"model\": \"m\", \"messages\": [{}], \"n\": 1}}", messages.join(", "));
        let list = dictionary.list(&mut content, &wrapped, 7).unwrap();
        assert_eq!(together(&content, &list).0, "{\"model\": \"m\", \"messages\": […, …], \"n\": 1}");
        assert_eq!((list.messages, dictionary.known(messages[1])), (vec![0, 1, 2], Some(1)));
    }

    #[test]
    fn what_is_no_list_of_messages_is_left_alone() {
        let (mut content, mut dictionary) = (Content::default(), MessageDictionary::default());
        for text in [
            "",
            "text",
            "[]",
            "[1,2]",
            "[\"a\"]",
            "{}",
            "[{\"a\":1}",
            "[{\"a\":1},2]",
            "[{\"a\":1} {\"a\":2}]",
            "[{a}]",
            "[{\"a\":1},{\"a\":2} , {\"a\":3}]",
        ] {
            assert_eq!(dictionary.list(&mut content, text, 1), None, "{text}");
        }
    }
}
