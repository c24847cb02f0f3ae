//! Short patterns of bytes that the scan looks for: literals with sets, such as `gh[pousr]_`.

use crate::scan::KEY_BYTES;

/// A set of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    pub(crate) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(|byte| self.has(*byte))
    }

    /// Parses the inside of `[…]`: characters and ranges of ASCII, a backslash before one that means something else.
    pub(crate) fn parse(inside: &str) -> Result<Self, String> {
        let mut set = Self::default();
        let mut characters = inside.chars().peekable();
        while let Some(first) = next_of_set(&mut characters)? {
            let last = match characters.clone().nth(1) {
                Some(_) if characters.next_if_eq(&'-').is_some() => next_of_set(&mut characters)?.unwrap_or(first),
                _ => first,
            };
            if first > last {
                return Err(format!("the range {}-{} is empty", char::from(first), char::from(last)));
            }
            (first..=last).for_each(|byte| set.insert(byte));
        }
        if set == Self::default() { Err("a set is empty".to_owned()) } else { Ok(set) }
    }

    fn with_both_cases(mut self) -> Self {
        for byte in self.bytes().collect::<Vec<_>>() {
            self.insert(byte.to_ascii_lowercase());
            self.insert(byte.to_ascii_uppercase());
        }
        self
    }
}

fn next_of_set(characters: &mut impl Iterator<Item = char>) -> Result<Option<u8>, String> {
    let character = match characters.next() {
        Some('\\') => characters.next(),
        other => other,
    };
    let Some(character) = character else { return Ok(None) };
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => Ok(Some(byte)),
        _ => Err(format!("`{character}` cannot stand in a set; sets are of ASCII")),
    }
}

/// A pattern of a fixed length.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) sets: Vec<ByteSet>,
}

impl Pattern {
    pub(crate) fn parse(text: &str, ignore_case: bool) -> Result<Self, String> {
        let mut sets = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if character == '[' {
                let end = end_of_set(rest).ok_or_else(|| format!("`{text}`: a `[` is not closed"))?;
                sets.push(ByteSet::parse(&rest[1..end]).map_err(|fault| format!("`{text}`: {fault}"))?);
                rest = &rest[end + 1..];
            } else {
                for byte in rest[..character.len_utf8()].bytes() {
                    let mut set = ByteSet::default();
                    set.insert(byte);
                    sets.push(set);
                }
                rest = &rest[character.len_utf8()..];
            }
        }
        if sets.len() < KEY_BYTES {
            return Err(format!("`{text}` is too short to look for; three bytes at least"));
        }
        if ignore_case {
            sets = sets.into_iter().map(ByteSet::with_both_cases).collect();
        }
        Ok(Self { sets })
    }

    /// Whether the pattern stands at a place.
    pub(crate) fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        let Some(bytes) = bytes.get(at..at + self.sets.len()) else { return false };
        self.sets.iter().zip(bytes).all(|(set, byte)| set.has(*byte))
    }

    /// The offset of so many neighbours that are rarest in ordinary text: there the scan looks first.
    pub(crate) fn rarest(&self, count: usize) -> usize {
        let weights: Vec<u64> = self.sets.iter().map(|set| set.bytes().map(commonness).sum()).collect();
        let neighbours = weights.windows(count).map(|weights| weights.iter().product::<u64>()).enumerate();
        neighbours.min_by_key(|(_, weight)| *weight).map_or(0, |(offset, _)| offset)
    }
}

fn end_of_set(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b']' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// How common a byte is in English and JSON, roughly, in thousandths.
fn commonness(byte: u8) -> u64 {
    const LETTERS: [u64; 26] =
        [70, 14, 35, 38, 100, 18, 18, 40, 65, 3, 8, 42, 28, 65, 65, 28, 3, 58, 60, 75, 30, 9, 14, 4, 16, 3];
    match byte {
        b'a'..=b'z' => LETTERS[usize::from(byte - b'a')],
        b'A'..=b'Z' => LETTERS[usize::from(byte - b'A')] / 12 + 2,
        b' ' => 180,
        b'"' => 40,
        b'0'..=b'9' => 20,
        b'.' | b',' | b'-' | b'_' | b':' | b'/' | b'\\' => 15,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(inside: &str) -> String {
        match ByteSet::parse(inside) {
            Ok(set) => set.bytes().map(char::from).collect(),
            Err(fault) => fault,
        }
    }

    #[test]
    fn sets_have_characters_ranges_and_escapes() {
        assert_eq!(set("ca-b"), "abc");
        assert_eq!(set("a-c-"), "-abc");
        assert_eq!(set(r"\]\\\-a"), r"-\]a");
        assert_eq!(set("c-a"), "the range c-a is empty");
        assert_eq!(set(""), "a set is empty");
        assert_eq!(set("é"), "`é` cannot stand in a set; sets are of ASCII");
    }

    #[test]
    fn patterns_stand_where_all_sets_hold() {
        let pattern = Pattern::parse("gh[ps]_", false).unwrap();
        assert!(pattern.stands_at(b" ghs_", 1) && !pattern.stands_at(b" GHS_", 1) && !pattern.stands_at(b"ghs", 0));
        assert!(Pattern::parse("gh[ps]_", true).unwrap().stands_at(b"GhS_", 0));
        assert!(Pattern::parse("é-", false).unwrap().stands_at("é-".as_bytes(), 0));
        assert!(Pattern::parse(r"[\]]ab", false).unwrap().stands_at(b"]ab", 0));
        for wrong in ["ab", "", "ab[c", "ab[]"] {
            assert!(Pattern::parse(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_scan_looks_for_what_is_rare() {
        assert_eq!(Pattern::parse("task-ee", false).unwrap().rarest(3), 2);
        assert_eq!(Pattern::parse("password", true).unwrap().rarest(3), 2);
    }
}
