//! What the key of an attribute alone tells: found once for each distinct key, since all spans of one kind have the same.

use std::cell::RefCell;

use halo_dataset::holes::may_have_holes;
use halo_dataset::is_tag_key;
use hashbrown::HashMap;

use crate::conventions::{Convention, Family, Known, family, known, name_space};

/// What is known of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// What the table of conventions says.
    pub(crate) known: Option<Known>,
    /// The flattened list that it is a part of, and where what follows its prefix begins.
    pub(crate) family: Option<(Family, usize, Convention)>,
    /// Whose name space it is in, when it stands in no table.
    pub(crate) name_space: Option<Convention>,
    /// Whether it gives a convention away: it is none of the plain words and names that OpenTelemetry itself has.
    pub(crate) hints: bool,
    /// Whether a short value under it is a tag.
    pub(crate) may_be_tag: bool,
    /// Whether it can stand in JSON with holes.
    pub(crate) may_have_holes: bool,
    /// Whether it is written in JSON as it is.
    pub(crate) is_plain: bool,
}

/// Keys that are remembered at a time, on each thread. Keys with numbers in them have no end.
const KEYS_MAX: usize = 16 << 10;

/// Longest key that is remembered.
const KEY_BYTES_MAX: usize = 256;

thread_local! {
    static KEYS: RefCell<HashMap<Box<str>, Key>> = RefCell::default();
}

impl Key {
    /// What is known of a key.
    pub(crate) fn of(key: &str) -> Self {
        if key.len() > KEY_BYTES_MAX {
            return Self::read(key);
        }
        KEYS.with_borrow_mut(|keys| {
            if let Some(known) = keys.get(key) {
                return *known;
            }
            if keys.len() == KEYS_MAX {
                keys.clear();
            }
            let read = Self::read(key);
            keys.insert(key.into(), read);
            read
        })
    }

    fn read(key: &str) -> Self {
        let is_own = matches!(key, "session.id" | "user.id" | "error.type") || key.starts_with("exception.");
        Self {
            known: known(key),
            family: family(key).map(|(family, rest, convention)| (family, key.len() - rest.len(), convention)),
            name_space: name_space(key),
            hints: key.contains('.') && !is_own,
            may_be_tag: is_tag_key(key),
            may_have_holes: may_have_holes(key),
            is_plain: key.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\'),
        }
    }
}
