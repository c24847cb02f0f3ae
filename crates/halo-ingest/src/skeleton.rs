//! The attributes of a span as JSON with holes: long texts, messages and whatever else is stored once stand elsewhere.

use std::borrow::Cow;
use std::collections::BTreeMap;

use halo_dataset::holes::{Around, MessageList, may_have_holes, write_flat_hole, write_list_hole, write_text_hole};
use halo_dataset::{Content, is_tag_value, write_string};

use crate::attributes::{Attribute, Attributes, Value};
use crate::conventions::Family;
use crate::dictionary::{FoundList, MessageDictionary, RawMessage};
use crate::json::{Json, JsonKind, push_display, with_parsed, write_float, write_key};
use crate::key::Key;
use crate::messages::{Flattened, indexed, read_message};

/// A text of an attribute is stored apart from this length on, unless it may be a tag.
const TEXT_BYTES_MIN: usize = 64;

/// A composite value is looked into from this length on.
const COMPOSITE_BYTES_MIN: usize = 128;

/// A composite value that has more than this without its texts (a vector, a table of numbers) is one text.
const SKELETON_BYTES_MAX: usize = 2048;

/// What is stored of one span beside its columns.
#[derive(Debug, Default)]
pub(crate) struct SpanContent {
    /// Attributes as JSON with holes.
    pub(crate) attributes: String,
    /// Texts of the holes.
    pub(crate) texts: Vec<i64>,
    /// Messages of the lists that are neither input nor output.
    pub(crate) extra: Vec<i64>,
    /// Input and output messages.
    pub(crate) input: Vec<i64>,
    pub(crate) output: Vec<i64>,
}

impl SpanContent {
    pub(crate) fn clear(&mut self) {
        self.attributes.clear();
        self.texts.clear();
        self.extra.clear();
        self.input.clear();
        self.output.clear();
    }
}

/// Writes what is stored of one span.
pub(crate) struct SkeletonWriter<'w> {
    pub(crate) content: &'w mut Content,
    pub(crate) dictionary: &'w mut MessageDictionary,
    pub(crate) span: &'w mut SpanContent,
    /// Tells conversations apart: a hash of the trace.
    pub(crate) trace: u64,
}

/// A family of flattened messages of a span: prefix of the keys, and the attributes of each message.
type FlatGroups<'i> = BTreeMap<&'i str, BTreeMap<usize, Vec<(&'i str, Value<'i>)>>>;

impl SkeletonWriter<'_> {
    /// The messages of a list in a text, when it holds one.
    pub(crate) fn list<'t>(&mut self, text: &'t str) -> Option<FoundList<'t>> {
        self.dictionary.list(self.content, text, self.trace)
    }

    /// The message that a text is as a whole: one that was read before, or that begins as a message does.
    pub(crate) fn message(&mut self, text: &str) -> Option<u32> {
        match text.starts_with("{\"role\":") {
            true => self.dictionary.add(self.content, RawMessage::whole(text, true), read_message),
            false => self.dictionary.known(text),
        }
    }

    /// What a text says: the text of a message where it is one.
    pub(crate) fn said(&mut self, text: &str) -> u32 {
        let message = if text.starts_with('{') { self.message(text) } else { None };
        let said = message.and_then(|message| self.content.message(message).content);
        said.unwrap_or_else(|| self.content.texts.intern(text))
    }

    /// The messages that some attributes flatten, by the prefix of their keys. Families with gaps or odd keys are left where they are.
    pub(crate) fn flattened<'i>(&mut self, attributes: &Attributes<'i>) -> BTreeMap<&'i str, Vec<i64>> {
        let mut groups: FlatGroups<'i> = BTreeMap::new();
        for Attribute { key, tells, value } in attributes.iter() {
            if let Some((Family::InputMessages | Family::OutputMessages, rest, _)) = tells.family
                && let rest = &key[rest..]
                && let Some((index, member)) = plainly_indexed(rest)
                && let Some(prefix) = key.get(..key.len() - rest.len()).and_then(|prefix| prefix.strip_suffix('.'))
            {
                groups.entry(prefix).or_default().entry(index).or_default().push((member, value));
            }
        }
        let mut lists = BTreeMap::new();
        for (prefix, mut messages) in groups {
            let is_plain = |member: &str| may_have_holes(member) && !member.contains(['"', '\\']);
            let whole = messages.keys().copied().eq(0..messages.len())
                && is_plain(prefix)
                && messages.values().flatten().all(|(member, _)| is_plain(member));
            if !whole {
                continue;
            }
            let numbers = messages.values_mut().filter_map(|members| self.flat_message(attributes, members));
            let numbers: Vec<i64> = numbers.map(i64::from).collect();
            if numbers.len() == messages.len() {
                lists.insert(prefix, numbers);
            }
        }
        lists
    }

    fn flat_message<'i>(&mut self, attributes: &Attributes<'i>, members: &mut [(&'i str, Value<'i>)]) -> Option<u32> {
        // In one order, whatever the exporter's: the same message is then the same JSON.
        members.sort_by_key(|(member, _)| *member);
        let mut raw = String::from("{");
        for (index, (member, value)) in members.iter().enumerate() {
            write_key(&mut raw, member, index == 0);
            attributes.write_value(&mut raw, *value);
        }
        raw.push('}');
        self.dictionary.add(self.content, RawMessage::whole(&raw, false), |_| {
            let mut flattened = Flattened::default();
            members.iter().for_each(|(member, value)| flattened.take_at(0, member, *value));
            let message = flattened.iter().next().map(|message| message.read(attributes));
            message.unwrap_or_default()
        })
    }

    /// Writes the attributes. `input` and `output` of the span's content are there already; `flattened` are its families of flattened messages.
    pub(crate) fn attributes<'i>(&mut self, attributes: &Attributes<'i>, flattened: &BTreeMap<&'i str, Vec<i64>>) {
        if !attributes.iter().all(|attribute| attribute.tells.may_have_holes) {
            return self.attributes_whole(attributes);
        }
        self.span.attributes.push('{');
        let mut first = true;
        for attribute in attributes.iter() {
            let value = attribute.value;
            if attribute.tells.family.is_some() && is_flattened(attribute.key, flattened) {
                continue;
            }
            attribute.write_key(&mut self.span.attributes, first);
            first = false;
            match value {
                Value::Text(text) => self.text(attribute.tells, text),
                Value::Json(..) => self.composite(attributes.text(value).unwrap_or("null")),
                _ => attributes.write_value(&mut self.span.attributes, value),
            }
        }
        for (prefix, messages) in flattened {
            if !first {
                self.span.attributes.push(',');
            }
            first = false;
            let list = self.place(messages);
            write_flat_hole(&mut self.span.attributes, prefix, list);
        }
        self.span.attributes.push('}');
    }

    /// All attributes as one text: a key holds the mark of holes itself.
    fn attributes_whole(&mut self, attributes: &Attributes<'_>) {
        let mut whole = String::new();
        attributes.write(&mut whole);
        self.hole(&whole, "json");
    }

    /// Which list some messages are; one of its own when they are neither input nor output.
    fn place(&mut self, messages: &[i64]) -> MessageList {
        if messages == self.span.input {
            return MessageList::Input;
        }
        if messages == self.span.output {
            return MessageList::Output;
        }
        let first = self.span.extra.len();
        self.span.extra.extend_from_slice(messages);
        MessageList::Extra { first, count: messages.len() }
    }

    fn text(&mut self, key: Key, text: &str) {
        if text.len() < TEXT_BYTES_MIN || (key.may_be_tag && is_tag_value(text)) {
            if may_have_holes(text) {
                return write_string(&mut self.span.attributes, text);
            }
            return self.hole(text, "text");
        }
        match text.as_bytes()[0] {
            b'{' => {
                if let Some(message) = self.message(text) {
                    let list = self.place(&[i64::from(message)]);
                    let around = Around { before: "", between: "", after: "" };
                    return write_list_hole(&mut self.span.attributes, list, Some(&around));
                }
            }
            b'[' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => return self.hole(text, "text"),
        }
        match self.list(text) {
            Some(list) if may_have_holes(list.before) && may_have_holes(list.after) => {
                let messages: Vec<i64> = list.messages.iter().copied().map(i64::from).collect();
                let place = self.place(&messages);
                let around = Around { before: list.before, between: list.between, after: list.after };
                write_list_hole(&mut self.span.attributes, place, Some(&around));
            }
            _ => self.hole(text, "text"),
        }
    }

    /// A value that is an array or object, as JSON text of our own spelling.
    fn composite(&mut self, json: &str) {
        if json.len() < COMPOSITE_BYTES_MIN && may_have_holes(json) {
            return self.span.attributes.push_str(json);
        }
        if let Some(list) = self.list(json).filter(|list| list.between == ",")
            && let (Some(before), Some(after)) = (list.before.strip_suffix('['), list.after.strip_prefix(']'))
            && may_have_holes(before)
            && may_have_holes(after)
        {
            let messages: Vec<i64> = list.messages.iter().copied().map(i64::from).collect();
            let place = self.place(&messages);
            self.span.attributes.push_str(before);
            write_list_hole(&mut self.span.attributes, place, None);
            return self.span.attributes.push_str(after);
        }
        let mut out = std::mem::take(&mut self.span.attributes);
        self.json(&mut out, json);
        self.span.attributes = out;
    }

    /// Appends a JSON text with holes for its long texts. The text itself when there is nothing to gain.
    pub(crate) fn with_holes<'t>(&mut self, json: &'t str) -> Cow<'t, str> {
        if json.len() < COMPOSITE_BYTES_MIN && may_have_holes(json) {
            return Cow::Borrowed(json);
        }
        let mut out = String::new();
        self.json(&mut out, json);
        Cow::Owned(out)
    }

    fn json(&mut self, out: &mut String, json: &str) {
        let (start, texts) = (out.len(), self.span.texts.len());
        let written = may_have_holes(json) && with_parsed(json, |value| self.value(out, value)).is_some();
        if !written || out.len() - start > SKELETON_BYTES_MAX {
            out.truncate(start);
            self.span.texts.truncate(texts);
            let number = self.number_of(json);
            push_display(out, format_args!("{{\"halo$json\":{number}}}"));
        }
    }

    fn value(&mut self, out: &mut String, value: Json<'_, '_>) {
        match value.kind() {
            JsonKind::Text(text) if text.len() >= TEXT_BYTES_MIN => {
                let number = self.number_of(text);
                write_text_hole(out, number);
            }
            JsonKind::Float(value) => write_float(out, value),
            JsonKind::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.enumerate() {
                    write_key(out, key, index == 0);
                    self.value(out, value);
                }
                out.push('}');
            }
            JsonKind::Array(items) => {
                out.push('[');
                for (index, value) in items.enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.value(out, value);
                }
                out.push(']');
            }
            _ => value.write(out),
        }
    }

    fn hole(&mut self, text: &str, name: &str) {
        let number = self.number_of(text);
        push_display(&mut self.span.attributes, format_args!("{{\"halo${name}\":{number}}}"));
    }

    /// Position of a text among those of the span.
    fn number_of(&mut self, text: &str) -> usize {
        self.span.texts.push(i64::from(self.content.texts.intern(text)));
        self.span.texts.len() - 1
    }
}

/// Whether an attribute is a part of one of these families.
fn is_flattened(key: &str, flattened: &BTreeMap<&str, Vec<i64>>) -> bool {
    flattened.keys().any(|prefix| {
        let rest = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.'));
        rest.and_then(plainly_indexed).is_some()
    })
}

/// `12.rest` as (12, `rest`), unless the number is spelled in another way (`012`, `+12`), which an export would not bring back.
fn plainly_indexed(text: &str) -> Option<(usize, &str)> {
    let is_plain = text.starts_with("0.") || text.starts_with(|c: char| ('1'..='9').contains(&c));
    indexed(text).filter(|_| is_plain)
}
