//! Texts and messages of some spans, each held once: of a chunk of input while it is parsed, and of a segment while it is written.

use hashbrown::HashTable;
use twox_hash::XxHash3_64;

use crate::holes::{ID_END, MessageParts, write_message_json};
use crate::json_text::Spelling;

/// A hash of several texts, the same on every machine and in every version.
#[must_use]
pub fn texts_hash(texts: &[&str]) -> u64 {
    texts.iter().fold(0, |hash, text| XxHash3_64::oneshot_with_seed(hash, text.as_bytes()))
}

/// Distinct texts, in the order they came.
#[derive(Debug, Default)]
pub struct TextTable {
    bytes: String,
    ends: Vec<usize>,
    hashes: Vec<u64>,
    index: HashTable<u32>,
}

impl TextTable {
    /// An empty table with room for so many texts of so many bytes together: growing means copying.
    #[must_use]
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self {
            bytes: String::with_capacity(bytes),
            ends: Vec::with_capacity(texts),
            hashes: Vec::with_capacity(texts),
            index: HashTable::with_capacity(texts),
        }
    }

    /// Forgets all texts and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.hashes.clear();
        self.index.clear();
    }

    /// The number of a text, which is added when it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        self.intern_hashed(text, XxHash3_64::oneshot(text.as_bytes()))
    }

    /// The number of a text that is there.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<u32> {
        let hash = XxHash3_64::oneshot(text.as_bytes());
        self.index.find(hash, |at| self.hashes[*at as usize] == hash && self.get(*at) == text).copied()
    }

    fn intern_hashed(&mut self, text: &str, hash: u64) -> u32 {
        // Compared, not only hashed: a text that somebody made to collide must not take another one's place.
        if let Some(found) = self.index.find(hash, |at| self.hashes[*at as usize] == hash && self.get(*at) == text) {
            return *found;
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.index.insert_unique(hash, number, |at| hashes[*at as usize]);
        number
    }

    /// The text of a number.
    ///
    /// # Panics
    /// A number that this table did not give, which is a bug.
    #[must_use]
    pub fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    fn hash(&self, number: u32) -> u64 {
        self.hashes[number as usize]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A message to add, with its texts as numbers of the same [`Content`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageDraft<'a> {
    /// Who speaks.
    pub role: Option<&'a str>,
    /// Its text.
    pub content: Option<u32>,
    /// Tool calls as JSON with holes.
    pub tool_calls: Option<&'a str>,
    /// Ids of calls, with U+001F between them.
    pub ids: Option<&'a str>,
    /// The message as it was written, as JSON with holes.
    pub shape: Option<&'a str>,
    /// How its JSON is spelled.
    pub spelling: Spelling,
    /// Texts that the holes stand for.
    pub texts: &'a [u32],
}

#[derive(Debug, Clone, Copy)]
struct Message {
    role: Option<u32>,
    content: Option<u32>,
    tool_calls: Option<u32>,
    ids: Option<u32>,
    shape: Option<u32>,
    spelling: Spelling,
    texts: (usize, usize),
    hash: u64,
}

/// Texts and messages, each once.
#[derive(Debug, Default)]
pub struct Content {
    /// The texts.
    pub texts: TextTable,
    /// Roles, shapes and ids: short, and repeated from message to message.
    names: TextTable,
    messages: Vec<Message>,
    message_texts: Vec<u32>,
    index: HashTable<u32>,
}

impl Content {
    /// An empty content with room for texts.
    #[must_use]
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self { texts: TextTable::with_capacity(texts, bytes), ..Self::default() }
    }

    /// The number of a message, which is added when no equal one is there.
    pub fn add_message(&mut self, draft: &MessageDraft<'_>) -> u32 {
        let mut name = |text: Option<&str>| text.map(|text| self.names.intern(text));
        let (role, tool_calls) = (name(draft.role), name(draft.tool_calls));
        let (ids, shape) = (name(draft.ids), name(draft.shape));
        let hash = self.message_hash(draft);
        let same = |at: &u32| {
            let known = &self.messages[*at as usize];
            known.hash == hash
                && (known.role, known.content, known.tool_calls, known.ids) == (role, draft.content, tool_calls, ids)
                && (known.shape, known.spelling) == (shape, draft.spelling)
                && self.message_texts[known.texts.0..known.texts.1] == *draft.texts
        };
        if let Some(found) = self.index.find(hash, same) {
            return *found;
        }
        let number = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        let start = self.message_texts.len();
        self.message_texts.extend_from_slice(draft.texts);
        let texts = (start, self.message_texts.len());
        let content = draft.content;
        self.messages.push(Message { role, content, tool_calls, ids, shape, spelling: draft.spelling, texts, hash });
        let messages = &self.messages;
        self.index.insert_unique(hash, number, |at| messages[*at as usize].hash);
        number
    }

    /// The same for the same message in whichever table, since it is made of texts and not of their numbers.
    fn message_hash(&self, draft: &MessageDraft<'_>) -> u64 {
        let mut hash = draft.spelling.code().cast_unsigned();
        for text in [draft.role, draft.tool_calls, draft.ids, draft.shape] {
            hash = XxHash3_64::oneshot_with_seed(hash, text.unwrap_or("\u{0}").as_bytes());
        }
        for text in draft.content.iter().chain(draft.texts) {
            hash = (hash.rotate_left(5) ^ self.texts.hash(*text)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        hash
    }

    /// The message of a number.
    ///
    /// # Panics
    /// A number that this table did not give, which is a bug.
    #[must_use]
    pub fn message(&self, number: u32) -> MessageDraft<'_> {
        let message = &self.messages[number as usize];
        let name = |number: Option<u32>| number.map(|number| self.names.get(number));
        MessageDraft {
            role: name(message.role),
            content: message.content,
            tool_calls: name(message.tool_calls),
            ids: name(message.ids),
            shape: name(message.shape),
            spelling: message.spelling,
            texts: &self.message_texts[message.texts.0..message.texts.1],
        }
    }

    /// The tool calls of a message as JSON; `None` when it has none.
    #[must_use]
    pub fn tool_calls(&self, number: u32) -> Option<String> {
        let message = self.message(number);
        let mut out = String::new();
        write_message_json(&mut out, message.tool_calls?, &HeldMessage { content: self, message });
        Some(out)
    }

    /// A hash of a message, the same in every table.
    #[must_use]
    pub fn message_identity(&self, number: u32) -> u64 {
        self.messages[number as usize].hash
    }

    /// A hash of a text, the same in every table.
    #[must_use]
    pub fn text_identity(&self, number: u32) -> u64 {
        self.texts.hash(number)
    }

    /// How many messages there are.
    #[must_use]
    pub fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// About the bytes that it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.texts.bytes() + self.names.bytes() + self.texts.len() * 40 + self.messages.len() * 120
    }
}

/// A message with its texts at hand.
struct HeldMessage<'a> {
    content: &'a Content,
    message: MessageDraft<'a>,
}

impl MessageParts for HeldMessage<'_> {
    fn shape(&self) -> Option<&str> {
        self.message.shape
    }
    fn spelling(&self) -> Spelling {
        self.message.spelling
    }
    fn id(&self, number: usize) -> &str {
        self.message.ids.and_then(|ids| ids.split(ID_END).nth(number)).unwrap_or_default()
    }
    fn text(&self, number: usize) -> &str {
        self.message.texts.get(number).map_or("", |text| self.content.texts.get(*text))
    }
}

/// What the texts and messages of several contents come to together, each once. Texts stay where they are: only references are held.
#[derive(Debug, Default)]
pub(crate) struct Merged<'a> {
    /// The texts. The first is the empty one, so that a number alone tells whether a text is.
    pub(crate) texts: Vec<&'a str>,
    hashes: Vec<u64>,
    text_index: HashTable<u32>,
    pub(crate) messages: Vec<MergedMessage<'a>>,
    pub(crate) message_texts: Vec<u32>,
    message_index: HashTable<u32>,
}

/// A message whose texts are numbers of a [`Merged`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergedMessage<'a> {
    /// The message, but for its texts.
    pub(crate) draft: MessageDraft<'a>,
    pub(crate) content: Option<u32>,
    /// Its part of `message_texts`.
    pub(crate) texts: (usize, usize),
    hash: u64,
}

impl<'a> Merged<'a> {
    pub(crate) fn with_capacity(texts: usize) -> Self {
        let mut merged = Self {
            texts: Vec::with_capacity(texts),
            hashes: Vec::with_capacity(texts),
            text_index: HashTable::with_capacity(texts),
            ..Self::default()
        };
        merged.text("", XxHash3_64::oneshot(b""));
        merged
    }

    fn text(&mut self, text: &'a str, hash: u64) -> u32 {
        let (texts, hashes) = (&self.texts, &self.hashes);
        let same = |at: &u32| hashes[*at as usize] == hash && texts[*at as usize] == text;
        if let Some(found) = self.text_index.find(hash, same) {
            return *found;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.text_index.insert_unique(hash, number, |at| hashes[*at as usize]);
        number
    }

    fn message(&mut self, draft: MessageDraft<'a>, content: Option<u32>, texts: &[u32], hash: u64) -> u32 {
        let draft = MessageDraft { content: None, texts: &[], ..draft };
        let (messages, message_texts) = (&self.messages, &self.message_texts);
        let same = |at: &u32| {
            let known = &messages[*at as usize];
            (known.hash, known.draft, known.content) == (hash, draft, content)
                && message_texts[known.texts.0..known.texts.1] == *texts
        };
        if let Some(found) = self.message_index.find(hash, same) {
            return *found;
        }
        let number = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        let start = self.message_texts.len();
        self.message_texts.extend_from_slice(texts);
        self.messages.push(MergedMessage { draft, content, texts: (start, self.message_texts.len()), hash });
        let messages = &self.messages;
        self.message_index.insert_unique(hash, number, |at| messages[*at as usize].hash);
        number
    }
}

/// Takes texts and messages of one content into what several come to.
#[derive(Debug)]
pub(crate) struct Import {
    texts: Vec<u32>,
    messages: Vec<u32>,
    scratch: Vec<u32>,
}

const NOT_YET: u32 = u32::MAX;

impl Import {
    pub(crate) fn of(from: &Content) -> Self {
        Self {
            texts: vec![NOT_YET; from.texts.len()],
            messages: vec![NOT_YET; from.messages.len()],
            scratch: Vec::new(),
        }
    }

    pub(crate) fn text<'a>(&mut self, from: &'a Content, into: &mut Merged<'a>, number: u32) -> u32 {
        let known = &mut self.texts[number as usize];
        if *known == NOT_YET {
            *known = into.text(from.texts.get(number), from.texts.hash(number));
        }
        *known
    }

    pub(crate) fn message<'a>(&mut self, from: &'a Content, into: &mut Merged<'a>, number: u32) -> u32 {
        let known = self.messages[number as usize];
        if known != NOT_YET {
            return known;
        }
        let message = from.message(number);
        let content = message.content.map(|text| self.text(from, into, text));
        let mut texts = std::mem::take(&mut self.scratch);
        texts.clear();
        texts.extend(message.texts.iter().map(|text| self.text(from, into, *text)));
        let taken = into.message(message, content, &texts, from.message_identity(number));
        self.scratch = texts;
        self.messages[number as usize] = taken;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_messages_are_held_once() {
        let mut content = Content::default();
        let hello = content.texts.intern("hello");
        assert_eq!(content.texts.intern("hello"), hello);
        let draft = MessageDraft { role: Some("user"), content: Some(hello), ..MessageDraft::default() };
        let first = content.add_message(&draft);
        assert_eq!(content.add_message(&draft), first);
        let other = content.add_message(&MessageDraft { role: Some("assistant"), ..draft });
        assert_eq!((content.message_count(), content.texts.len(), other), (2, 1, 1));
        assert_eq!(content.message(first), draft);
    }

    #[test]
    fn contents_that_are_put_together_hold_each_thing_once() {
        let make = |texts: &[&str]| {
            let mut content = Content::default();
            for text in texts {
                let number = content.texts.intern(text);
                let texts = [number];
                content.add_message(&MessageDraft { content: Some(number), texts: &texts, ..MessageDraft::default() });
            }
            content
        };
        let (first, second) = (make(&["a", "b"]), make(&["c", "b", "a"]));
        let mut into = Merged::with_capacity(0);
        let mut taken = Vec::new();
        for from in [&first, &second] {
            let mut import = Import::of(from);
            for number in 0..u32::try_from(from.message_count()).unwrap() {
                taken.push(import.message(from, &mut into, number));
            }
        }
        assert_eq!(taken, [0, 1, 2, 1, 0]);
        assert_eq!(into.texts, ["", "a", "b", "c"]);
    }
}
