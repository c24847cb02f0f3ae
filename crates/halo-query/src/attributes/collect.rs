//! Counting the values of attributes in stored JSON, without building values.

use std::collections::{BTreeMap, HashMap};

use halo_dataset::holes::MARK;
use halo_dataset::{ContentStore, Loaded, write_string};

use datafusion::common::Result;

use super::{Attribute, KEYS_MAX, Of, Survey, VALUE_BYTES_MAX, VALUES_MAX, Values};
use crate::content::failed;
use crate::scan::{Carrier, Counted, Tally};

/// Values that stand for the many others of a key.
const EXAMPLES: usize = 3;

/// Spellings of keys that are remembered. A list that is flattened over numbered keys has thousands.
const NAMES_MAX: usize = 20_000;

const NONE: u32 = u32::MAX;

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stored {
    /// JSON.
    Json(Box<str>),
    /// A text by its id.
    Text(i64),
}

/// What stands for a value in a row.
#[derive(Debug, Clone, Copy)]
enum Found<'a> {
    Json(&'a str),
    Text(i64),
    Long,
}

/// Attributes of one kind of carrier and their values.
#[derive(Debug, Default)]
pub(super) struct Keys {
    slots: Vec<Slot>,
    by_name: HashMap<Box<str>, u32>,
    by_key: HashMap<String, u32>,
    /// Slot of the member before this one: its neighbour is likely the next.
    before: u32,
    row: u64,
    left_out: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    key: String,
    /// The name as it was written last, and the slot that came next then.
    name: Box<str>,
    next: u32,
    last_row: u64,
    tally: Tally,
    values: Collected,
}

#[derive(Debug)]
enum Collected {
    Few(Few),
    /// Too many, with the first of them.
    Many(Vec<Stored>),
    /// Too long for a value that groups traces.
    Long,
    /// Not looked at: the key stands for numbered keys.
    Numbered,
}

#[derive(Debug, Default)]
struct Few {
    list: Vec<(Stored, Tally)>,
    by_json: HashMap<Box<str>, u32>,
    by_text: HashMap<i64, u32>,
    last: usize,
}

impl Few {
    fn tally(&mut self, value: Found<'_>) -> &mut Tally {
        let is_last = match (self.list.get(self.last), value) {
            (Some((Stored::Json(known), _)), Found::Json(json)) => &**known == json,
            (Some((Stored::Text(known), _)), Found::Text(id)) => *known == id,
            _ => false,
        };
        if !is_last {
            let known = match value {
                Found::Json(json) => self.by_json.get(json),
                Found::Text(id) => self.by_text.get(&id),
                Found::Long => None,
            };
            self.last = match known {
                Some(known) => *known as usize,
                None => self.add(value),
            };
        }
        &mut self.list[self.last].1
    }

    fn add(&mut self, value: Found<'_>) -> usize {
        let at = self.list.len();
        let number = u32::try_from(at).unwrap_or(NONE);
        let stored = match value {
            Found::Text(id) => {
                self.by_text.insert(id, number);
                Stored::Text(id)
            }
            Found::Json(json) => {
                self.by_json.insert(json.into(), number);
                Stored::Json(json.into())
            }
            Found::Long => Stored::Json("".into()),
        };
        self.list.push((stored, Tally::default()));
        at
    }
}

impl Keys {
    /// Begins the next row: of several members with one name, the first counts.
    pub(super) fn begin_row(&mut self) {
        self.row += 1;
        self.before = NONE;
    }

    /// Counts a member of the row: its name and value as they are stored, and the texts of the row.
    pub(super) fn add(&mut self, name: &str, value: &str, texts: &[i64], carrier: &Carrier) {
        let Some(found) = found(value, texts) else { return };
        let Some(at) = self.slot_of(name) else {
            self.left_out += 1;
            return;
        };
        let (row, bytes) = (self.row, &mut self.bytes);
        let slot = &mut self.slots[at as usize];
        if slot.last_row == row {
            return;
        }
        slot.last_row = row;
        slot.tally.add(carrier);
        let Collected::Few(few) = &mut slot.values else { return };
        if matches!(found, Found::Long) {
            slot.values = Collected::Long;
            return;
        }
        let before = few.list.len();
        few.tally(found).add(carrier);
        if few.list.len() > before {
            *bytes += value.len() * 2 + 200;
        }
        if few.list.len() > VALUES_MAX {
            slot.values = Collected::Many(few.list.drain(..EXAMPLES).map(|(value, _)| value).collect());
        }
    }

    /// The slot of a name as it is written in JSON.
    fn slot_of(&mut self, name: &str) -> Option<u32> {
        let expected = match self.slots.get(self.before as usize) {
            Some(before) => before.next,
            None => 0,
        };
        if let Some(slot) = self.slots.get(expected as usize)
            && &*slot.name == name
        {
            self.before = expected;
            return Some(expected);
        }
        let at = match self.by_name.get(name) {
            Some(at) => *at,
            None => self.new_name(name)?,
        };
        if let Some(before) = self.slots.get_mut(self.before as usize) {
            before.next = at;
        }
        self.before = at;
        Some(at)
    }

    fn new_name(&mut self, name: &str) -> Option<u32> {
        let (key, is_numbered) = key_of(name);
        let at = match self.by_key.get(&key) {
            Some(at) => *at,
            None if self.slots.len() >= KEYS_MAX => return None,
            None => {
                let at = u32::try_from(self.slots.len()).ok()?;
                let values = if is_numbered { Collected::Numbered } else { Collected::Few(Few::default()) };
                self.bytes += key.len() * 3 + 300;
                self.by_key.insert(key.clone(), at);
                let name = Box::from(name);
                self.slots.push(Slot { key, name, next: NONE, last_row: 0, tally: Tally::default(), values });
                at
            }
        };
        if self.by_name.len() < NAMES_MAX {
            self.bytes += name.len() + 64;
            self.by_name.insert(name.into(), at);
        }
        Some(at)
    }

    /// Puts texts in the place of their ids, which are those of one segment. Values that turn out to be long are none that group traces.
    pub(super) fn resolve(&mut self, store: &ContentStore) -> Result<()> {
        for slot in &mut self.slots {
            match &mut slot.values {
                Collected::Few(few) if !few.by_text.is_empty() => {
                    let loaded = load(store, few.list.iter().map(|(value, _)| value))?;
                    let is_long = few.by_text.keys().any(|id| loaded.text(*id).len() > VALUE_BYTES_MAX);
                    slot.values = if is_long { Collected::Long } else { Collected::Few(few.with_texts(&loaded)) };
                }
                Collected::Many(examples) if examples.iter().any(|value| matches!(value, Stored::Text(_))) => {
                    let loaded = load(store, examples.iter())?;
                    examples.iter_mut().for_each(|value| *value = value.with_text(&loaded));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Hands on what was counted, under the kind of what carries it.
    pub(super) fn hand_on(self, of: Of, into: &mut Gathered) {
        into.left_out += self.left_out;
        for slot in self.slots {
            let known =
                into.keys.entry((of, slot.key)).or_insert_with(|| (Tally::default(), Merged::Few(BTreeMap::new())));
            known.0.merge(slot.tally);
            known.1.merge(slot.values);
        }
    }
}

impl Counted for Keys {
    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Few {
    fn with_texts(&mut self, loaded: &Loaded) -> Self {
        let mut resolved = Self::default();
        for (value, tally) in self.list.drain(..) {
            if let Stored::Json(json) = value.with_text(loaded) {
                resolved.tally(Found::Json(&json)).merge(tally);
            }
        }
        resolved
    }
}

impl Stored {
    fn with_text(&self, loaded: &Loaded) -> Self {
        match self {
            Self::Json(json) => Self::Json(json.clone()),
            Self::Text(id) => {
                let text = loaded.text(*id);
                let end = text.floor_char_boundary(VALUE_BYTES_MAX);
                let mut json = String::new();
                write_string(&mut json, &text[..end]);
                Self::Json(json.into())
            }
        }
    }

    /// The value as `->>` shows it.
    fn shown(&self) -> String {
        match self {
            Self::Json(json) if json.starts_with('"') => {
                serde_json::from_str(json).unwrap_or_else(|_| json.to_string())
            }
            Self::Json(json) => json.to_string(),
            Self::Text(_) => String::new(),
        }
    }
}

fn load<'v>(store: &ContentStore, values: impl Iterator<Item = &'v Stored>) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    let ids = values.filter_map(|value| match value {
        Stored::Text(id) => Some(*id),
        Stored::Json(_) => None,
    });
    store.load_texts(ids, &mut loaded).map_err(failed)?;
    Ok(loaded)
}

/// What stands for a value; `None` for a null, which is no value.
fn found<'a>(value: &'a str, texts: &[i64]) -> Option<Found<'a>> {
    if value == "null" {
        return None;
    }
    if let Some(hole) = value.strip_prefix("{\"halo$text\":").or_else(|| value.strip_prefix("{\"halo$json\":")) {
        let number = hole.strip_suffix('}').and_then(|number| number.parse::<usize>().ok());
        return Some(number.and_then(|number| texts.get(number)).map_or(Found::Long, |id| Found::Text(*id)));
    }
    let is_long = value.len() > VALUE_BYTES_MAX || value.starts_with(['{', '[']) && value.contains(MARK);
    Some(if is_long { Found::Long } else { Found::Json(value) })
}

/// The key of a name as it is written in JSON, numbers between its dots as `*`, and whether there are any.
fn key_of(name: &str) -> (String, bool) {
    if let Some(prefix) = name.strip_prefix("\"halo$flat:").and_then(|name| name.strip_suffix('"')) {
        return (format!("{prefix}.*"), true);
    }
    let key: String = serde_json::from_str(name).unwrap_or_else(|_| name.to_owned());
    let numbered = numbered_key(&key);
    let is_numbered = numbered != key;
    (numbered, is_numbered)
}

/// A key with `*` for each number between its dots.
pub(crate) fn numbered_key(key: &str) -> String {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = key.split('.').map(|part| if is_number(part) { "*" } else { part }).collect();
    parts.join(".")
}

/// What all threads counted.
#[derive(Default)]
pub(super) struct Gathered {
    keys: BTreeMap<(Of, String), (Tally, Merged)>,
    pub(super) all: Tally,
    left_out: u64,
}

enum Merged {
    Few(BTreeMap<String, Tally>),
    Many(Vec<String>),
    Long,
    Numbered,
}

impl Merged {
    fn merge(&mut self, other: Collected) {
        let few = match (&mut *self, other) {
            (Self::Few(known), Collected::Few(few)) => {
                for (value, tally) in few.list {
                    known.entry(value.shown()).or_default().merge(tally);
                }
                known
            }
            (Self::Many(_) | Self::Long | Self::Numbered, Collected::Few(_) | Collected::Many(_)) => return,
            (_, Collected::Long) => return *self = Self::Long,
            (_, Collected::Numbered) => return *self = Self::Numbered,
            (Self::Few(_), Collected::Many(examples)) => {
                return *self = Self::Many(examples.iter().map(Stored::shown).collect());
            }
        };
        if few.len() > VALUES_MAX {
            *self = Self::Many(few.keys().take(EXAMPLES).cloned().collect());
        }
    }
}

impl Gathered {
    /// The attributes, by kind and key.
    pub(super) fn settled(mut self) -> Survey {
        self.all.settle();
        let attributes = self.keys.into_iter().map(|((of, key), (mut tally, values))| {
            tally.settle();
            let values = match values {
                Merged::Few(values) => {
                    let mut values: Vec<(String, Tally)> = values.into_iter().collect();
                    values.iter_mut().for_each(|(_, tally)| tally.settle());
                    values.sort_by(|a, b| {
                        (b.1.traces, b.1.spans).cmp(&(a.1.traces, a.1.spans)).then_with(|| a.0.cmp(&b.0))
                    });
                    Values::Few(values)
                }
                Merged::Many(examples) => Values::Many(examples),
                Merged::Long => Values::Long,
                Merged::Numbered => Values::Numbered,
            };
            Attribute { of, key, tally, values }
        });
        Survey { attributes: attributes.collect(), all: self.all, left_out: self.left_out }
    }
}
