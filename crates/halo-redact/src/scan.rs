//! One pass over a text that finds where patterns stand.
//!
//! Each pattern is registered under its rarest three neighbouring bytes. The pass asks for every three of the text whether
//! anything is registered, which is one bit of a table; nearly all of ordinary text have nothing there, and the pass goes on
//! without a branch taken. The table is large, but text has few pairs of letters, and each pair has 16 bytes of it: what is
//! used stays in the nearest cache.

use std::collections::BTreeMap;

use crate::pattern::Pattern;

/// Places of the text that are asked for at once.
const STEP: usize = 16;
/// Bytes that a pattern is registered under.
pub(crate) const KEY_BYTES: usize = 3;
/// Seven bits a byte: other text than ASCII gets the bits of some ASCII, which costs a look and finds nothing. The eighth
/// bit stays as a hole, so that a key is one load and one mask.
const KEY_MASK: u32 = 0x007f_7f7f;
const KEYS: usize = 1 << 23;

/// Patterns, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// One bit per key.
    keys: Box<[u64; KEYS / 64]>,
    /// For each last two bytes of a key, where its row of `cells` begins.
    rows: Vec<usize>,
    /// The first byte of a key, and what is registered under it, as an index of `lists`.
    cells: Vec<(u8, usize)>,
    /// Indexes of `entries`.
    lists: Vec<Vec<usize>>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    pattern: Pattern,
    /// Where in the pattern its key stands.
    offset: usize,
    rule: usize,
}

impl Scanner {
    /// Takes patterns, each with the rule that wants to know.
    pub(crate) fn new(patterns: Vec<(usize, Pattern)>) -> Self {
        let mut entries = Vec::new();
        let mut registered: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (rule, pattern) in patterns {
            let offset = pattern.rarest(KEY_BYTES);
            if let [first, second, third, ..] = pattern.sets[offset..] {
                for (a, b) in first.bytes().flat_map(|a| second.bytes().map(move |b| (a, b))) {
                    for c in third.bytes() {
                        registered.entry(key([a, b, c, 0])).or_default().push(entries.len());
                    }
                }
            }
            entries.push(Entry { pattern, offset, rule });
        }
        let mut keys = vec![0; KEYS / 64];
        let mut lists: Vec<Vec<usize>> = Vec::new();
        let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let (mut rows, mut cells) = (Vec::new(), Vec::new());
        for (key, mut list) in registered {
            keys[key / 64] |= 1 << (key % 64);
            list.dedup();
            let index = *known.entry(list.clone()).or_insert_with(|| {
                lists.push(list);
                lists.len() - 1
            });
            rows.resize(rows.len().max((key >> 8) + 1), cells.len());
            cells.push(((key & 127).to_le_bytes()[0], index));
        }
        rows.resize((KEYS >> 8) + 1, cells.len());
        // Straight to the heap: a megabyte is much for a thread's stack.
        let keys = keys.into_boxed_slice().try_into().unwrap_or_else(|_| Box::new([0; KEYS / 64]));
        Self { keys, rows, cells, lists, entries }
    }

    /// Calls `on_hit` with the rule and the place of each pattern that stands in the text.
    pub(crate) fn scan(&self, bytes: &[u8], mut on_hit: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some(window) = bytes[at..].first_chunk::<{ STEP + 3 }>() {
            let mut hits = 0;
            for step in 0..STEP {
                // The fourth byte is loaded for nothing, and masked.
                let four = [window[step], window[step + 1], window[step + 2], window[step + 3]];
                hits |= self.bit(key(four)) << step;
            }
            while hits != 0 {
                self.look(bytes, at + hits.trailing_zeros() as usize, &mut on_hit);
                hits &= hits - 1;
            }
            at += STEP;
        }
        for (step, three) in bytes[at..].windows(KEY_BYTES).enumerate() {
            if let [a, b, c] = *three
                && self.bit(key([a, b, c, 0])) != 0
            {
                self.look(bytes, at + step, &mut on_hit);
            }
        }
    }

    fn bit(&self, key: usize) -> u64 {
        self.keys[key / 64] >> (key % 64) & 1
    }

    /// A key that something is registered under: is the rest there?
    fn look(&self, bytes: &[u8], at: usize, on_hit: &mut impl FnMut(usize, usize)) {
        let [a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
        let key = key([a, b, c, 0]);
        let row = &self.cells[self.rows[key >> 8]..self.rows[(key >> 8) + 1]];
        let Some((_, list)) = row.iter().find(|(first, _)| usize::from(*first) == key & 127) else { return };
        for entry in self.lists[*list].iter().map(|index| &self.entries[*index]) {
            if let Some(start) = at.checked_sub(entry.offset).filter(|start| entry.pattern.stands_at(bytes, *start)) {
                on_hit(entry.rule, start);
            }
        }
    }
}

fn key(bytes: [u8; 4]) -> usize {
    (u32::from_le_bytes(bytes) & KEY_MASK) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_is_found(text in "[abcAB-]{0,80}", patterns in prop::collection::vec("[abc-]{3,4}", 1..6)) {
            let parsed = patterns.iter().map(|pattern| Pattern::parse(pattern, true).unwrap()).enumerate();
            let mut hits = Vec::new();
            Scanner::new(parsed.collect()).scan(text.as_bytes(), |rule, at| hits.push((rule, at)));
            hits.sort_unstable();
            let lower = text.to_ascii_lowercase();
            let expected: Vec<_> = (0..patterns.len())
                .flat_map(|rule| (0..text.len()).map(move |at| (rule, at)))
                .filter(|(rule, at)| lower[*at..].starts_with(&patterns[*rule]))
                .collect();
            prop_assert_eq!(hits, expected);
        }
    }
}
