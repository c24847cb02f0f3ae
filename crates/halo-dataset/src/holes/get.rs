//! One member of a stored JSON object, without filling the rest, and what a text needs to be filled.

use std::borrow::Cow;

use super::{MessageList, MessageParts, Piece, RowParts, fill, flat_list, list_of, member_len, pieces, write_message};
use crate::json_text::{string_end, write_string};

/// Where a member of a stored object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member<'a> {
    /// Its value, in which holes may stand.
    Value(&'a str),
    /// In a message whose members are stored flattened.
    Flat {
        /// The list of the message.
        list: MessageList,
        /// Its place in the list.
        index: usize,
        /// The member of the message.
        member: &'a str,
    },
    /// In a text of the row that is the whole object: the number of that text.
    Whole(usize),
}

/// What a hole stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A text of the row.
    Text(usize),
    /// Messages of the row.
    Messages(MessageList),
}

/// Finds a member of a JSON object that may have holes. Of several with one name, the first.
#[must_use]
pub fn find<'a>(json: &'a str, key: &'a str) -> Option<Member<'a>> {
    if let Some(number) = whole(json) {
        return Some(Member::Whole(number));
    }
    let mut wanted = String::with_capacity(key.len() + 2);
    write_string(&mut wanted, key);
    members(json).find_map(|(name, value)| {
        if name == wanted {
            return Some(Member::Value(value));
        }
        let prefix = name.strip_prefix("\"halo$flat:")?.strip_suffix('"')?;
        let rest = key.strip_prefix(prefix)?.strip_prefix('.')?;
        let (index, member) = rest.split_once('.')?;
        Some(Member::Flat { list: flat_list(value)?, index: index.parse().ok()?, member })
    })
}

/// The number of the text of the row that a JSON text is as a whole; `None` when it is written out.
#[must_use]
pub fn whole(json: &str) -> Option<usize> {
    json.strip_prefix("{\"halo$json\":")?.strip_suffix('}')?.parse().ok()
}

/// Members of an object that was written without blanks, as JSON: their names and their values, in which holes may stand. Ends where the
/// text is no such object.
pub fn members(json: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = json.strip_prefix('{').unwrap_or_default();
    std::iter::from_fn(move || {
        if !rest.starts_with('"') {
            return None;
        }
        let name_end = string_end(rest)?;
        let value = rest.get(name_end..)?.strip_prefix(':')?;
        let (value, after) = value.split_at(member_len(value)?);
        let name = &rest[..name_end];
        rest = after.strip_prefix(',').unwrap_or_default();
        Some((name, value))
    })
}

/// Calls `visit` with what each hole of a text stands for.
pub fn needs(json: &str, visit: &mut dyn FnMut(Need)) {
    for piece in pieces(json) {
        let need = match piece {
            Piece::Text(_) => None,
            Piece::Hole("text" | "json" | "compact", number) => number.parse().ok().map(Need::Text),
            Piece::Hole(name, value) => list_of(name, value).map(|(list, _)| Need::Messages(list)),
            Piece::Flat(_, value) => flat_list(value).map(Need::Messages),
        };
        if let Some(need) = need {
            visit(need);
        }
    }
}

/// A member of a message that is stored flattened, as JSON.
#[must_use]
pub fn flat_member(message: &impl MessageParts, member: &str) -> Option<String> {
    let mut written = String::new();
    write_message(&mut written, message);
    match find(&written, member)? {
        Member::Value(value) => Some(value.to_owned()),
        _ => None,
    }
}

/// The value of a member of a JSON object, filled; `None` when there is no such member.
pub fn get<'a>(json: &'a str, key: &'a str, row: &impl RowParts) -> Option<Cow<'a, str>> {
    match find(json, key)? {
        Member::Value(value) => Some(fill(value, row)),
        Member::Flat { list, index, member } if index < row.count(list) => {
            flat_member(&row.message(list, index), member).map(Cow::Owned)
        }
        Member::Flat { .. } => None,
        Member::Whole(number) => match find(row.text(number), key)? {
            Member::Value(value) => Some(Cow::Owned(value.to_owned())),
            _ => None,
        },
    }
}
