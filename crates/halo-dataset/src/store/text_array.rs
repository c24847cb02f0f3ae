//! Many texts at a time as one Arrow array.

use std::collections::HashMap;

use arrow::array::{Array, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::{Group, Kind, Loaded};
use crate::Result;

/// Copied texts go into blocks of about this size.
const BLOCK_BYTES: usize = 1 << 20;

impl Loaded {
    /// Texts that were loaded, one for each id and null for none. A text that is asked for several times is held once, and
    /// where most of what was loaded is asked for, nothing is copied.
    ///
    /// # Errors
    /// More than an array can hold.
    pub fn text_array(&self, ids: &[Option<i64>]) -> Result<StringViewArray> {
        let shared = self.shared(ids);
        let mut blocks: Vec<Buffer> = Vec::new();
        let mut block_of: HashMap<*const Group, u32> = HashMap::new();
        for (group, buffer) in shared {
            block_of.insert(group, u32::try_from(blocks.len()).unwrap_or(u32::MAX));
            blocks.push(buffer);
        }
        let mut copied: Vec<u8> = Vec::new();
        let mut known: HashMap<i64, u128> = HashMap::new();
        let mut views = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(id) = id else {
                views.push(0);
                continue;
            };
            if let Some(view) = known.get(id) {
                views.push(*view);
                continue;
            }
            let text = self.text(*id).as_bytes();
            let shared = self.find(Kind::Texts, *id).and_then(|(group, row)| match group {
                Group::Texts(texts) if row < texts.len() => {
                    Some((*block_of.get(&std::ptr::from_ref(group))?, texts.value_offsets()[row]))
                }
                _ => None,
            });
            let view = if let Some((block, offset)) = shared {
                make_view(text, block, offset.cast_unsigned())
            } else {
                if !copied.is_empty() && copied.len() + text.len() > BLOCK_BYTES {
                    blocks.push(std::mem::take(&mut copied).into());
                }
                let (block, offset) = (blocks.len(), copied.len());
                if text.len() > 12 {
                    copied.extend_from_slice(text);
                }
                make_view(text, u32::try_from(block).unwrap_or(u32::MAX), u32::try_from(offset).unwrap_or(u32::MAX))
            };
            known.insert(*id, view);
            views.push(view);
        }
        blocks.push(copied.into());
        let nulls: NullBuffer = ids.iter().map(Option::is_some).collect();
        Ok(StringViewArray::try_new(ScalarBuffer::from(views), blocks, Some(nulls))?)
    }

    /// The row groups of which so much is asked for that their memory is shared instead of copied: a small part would keep all of it alive.
    fn shared(&self, ids: &[Option<i64>]) -> Vec<(*const Group, Buffer)> {
        let mut wanted: HashMap<*const Group, (usize, &Buffer)> = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for id in ids.iter().flatten() {
            if let Some((group @ Group::Texts(texts), row)) = self.find(Kind::Texts, *id)
                && row < texts.len()
                && seen.insert(*id)
            {
                let entry = wanted.entry(std::ptr::from_ref(group)).or_insert((0, texts.values()));
                entry.0 += texts.value(row).len();
            }
        }
        let most = wanted.into_iter().filter(|(_, (bytes, buffer))| *bytes * 2 >= buffer.len());
        most.map(|(group, (_, buffer))| (group, buffer.clone())).collect()
    }
}
