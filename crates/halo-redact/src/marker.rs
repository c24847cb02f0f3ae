//! The mark that stands where something was masked: how it is written, and finding those that are there already.

use std::ops::Range;

use crate::siphash;

const OPENING: &str = "[REDACTED:";
/// Hex digits of the hash.
const HASH_DIGITS: usize = 10;
/// The salt of who sets none. A constant and not a digest of the rules: a better rule must not give every value another
/// mark and break the joins with what was ingested before.
const PUBLIC_SALT: &[u8] = b"halo redaction, public salt, version 1";

/// Writes marks under one key.
#[derive(Clone)]
pub(crate) struct Marker {
    key: [u64; 2],
}

impl Marker {
    pub(crate) fn public() -> Self {
        Self::salted(PUBLIC_SALT)
    }

    pub(crate) fn salted(salt: &[u8]) -> Self {
        Self { key: siphash::key_of(salt) }
    }

    /// Appends the mark of a secret. The rule is not hashed: one value has one hash, whichever rule found it.
    pub(crate) fn write(&self, out: &mut String, rule: &str, secret: &[u8]) {
        let hash = siphash::siphash(self.key, secret) >> (64 - 4 * HASH_DIGITS);
        out.push_str(OPENING);
        out.push_str(rule);
        out.push(':');
        out.push_str(&format!("{hash:0HASH_DIGITS$x}"));
        out.push(']');
    }
}

/// A key has no place in a log.
impl std::fmt::Debug for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marker")
    }
}

/// Whether an id can stand in a mark.
pub(crate) fn is_id(id: &str) -> bool {
    let is_character = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=40).contains(&id.len()) && id.bytes().all(is_character)
}

/// Where marks stand in a text, in order.
pub(crate) fn marks(text: &str) -> Vec<Range<usize>> {
    let openings = text.match_indices(OPENING);
    openings.filter_map(|(at, _)| Some(at..at + OPENING.len() + length_after(&text[at + OPENING.len()..])?)).collect()
}

/// Bytes of a mark behind its opening.
fn length_after(text: &str) -> Option<usize> {
    let (id, rest) = text.split_once(':')?;
    let hash = rest.as_bytes().get(..HASH_DIGITS)?;
    let is_hash = hash.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let is_mark = is_id(id) && is_hash && rest.as_bytes().get(HASH_DIGITS) == Some(&b']');
    is_mark.then_some(id.len() + 1 + HASH_DIGITS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found() {
        let mut text = "a ".to_owned();
        Marker::public().write(&mut text, "email", b"x");
        let first = 2..text.len();
        text.push_str(" b [REDACTED:email:3f9a2c41d] [REDACTED:E:3f9a2c41d0] [REDACTED:");
        let start = text.len();
        Marker::salted(b"y").write(&mut text, "jwt", b"x");
        assert_eq!(marks(&text), [first.clone(), start..text.len()]);
        assert_ne!(text[first.end - 11..first.end], text[text.len() - 11..]);
        assert_eq!(format!("{:?}", Marker::public()), "Marker");
    }
}
