//! Many texts at a time as one Arrow array.

use arrow::array::{Array, ArrayBuilder as _, AsArray, StringViewArray, StringViewBuilder};
use arrow::compute::interleave;
use hashbrown::HashMap;

use super::{Group, Kind, Loaded};
use crate::Result;

/// Copied texts go into blocks of about this size.
const BLOCK_BYTES: u32 = 1 << 20;
/// Texts that are not copied.
const NONE: (usize, usize) = (0, 0);
const EMPTY: (usize, usize) = (0, 1);
/// The array of the copied texts, which the shared ones follow.
const COPIED: usize = 1;

/// A row group of texts, and how much of it is asked for.
struct Asked<'a> {
    texts: &'a StringViewArray,
    bytes: usize,
    /// Number of its array, where it is shared.
    shared: Option<usize>,
}

impl Asked<'_> {
    /// Whether so much is asked for that its memory is shared instead of copied: a small part would keep all of it alive.
    fn is_worth_sharing(&self) -> bool {
        let held: usize = self.texts.data_buffers().iter().map(arrow::buffer::Buffer::len).sum();
        self.bytes * 2 >= held
    }
}

impl Loaded {
    /// Texts that were loaded, one for each id and null for none. A text that is asked for several times is held once, and
    /// where most of what was loaded is asked for, nothing is copied.
    ///
    /// # Errors
    /// More than an array can hold.
    pub fn text_array(&self, ids: &[Option<i64>]) -> Result<StringViewArray> {
        let mut number_of: HashMap<i64, usize> = HashMap::new();
        let mut group_of: HashMap<*const StringViewArray, usize> = HashMap::new();
        let mut groups: Vec<Asked<'_>> = Vec::new();
        // Each text once: its row group and its row there.
        let mut found: Vec<Option<(usize, usize)>> = Vec::new();
        let mut numbers: Vec<Option<usize>> = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(id) = *id else {
                numbers.push(None);
                continue;
            };
            let number = *number_of.entry(id).or_insert_with(|| {
                found.push(self.text_row(id).map(|(texts, row)| {
                    let group = *group_of.entry(std::ptr::from_ref(texts)).or_insert_with(|| {
                        groups.push(Asked { texts, bytes: 0, shared: None });
                        groups.len() - 1
                    });
                    groups[group].bytes += texts.value(row).len();
                    (group, row)
                }));
                found.len() - 1
            });
            numbers.push(Some(number));
        }
        let of_nothing = StringViewArray::from(vec![None, Some("")]);
        let mut shared: Vec<&dyn Array> = Vec::new();
        for group in &mut groups {
            if group.is_worth_sharing() {
                group.shared = Some(COPIED + 1 + shared.len());
                shared.push(group.texts);
            }
        }
        let mut copied = StringViewBuilder::new().with_fixed_block_size(BLOCK_BYTES);
        let places: Vec<(usize, usize)> = found
            .into_iter()
            .map(|found| {
                let Some((group, row)) = found else { return EMPTY };
                let group = &groups[group];
                group.shared.map_or_else(
                    || {
                        copied.append_value(group.texts.value(row));
                        (COPIED, copied.len() - 1)
                    },
                    |array| (array, row),
                )
            })
            .collect();
        let copied = copied.finish();
        let arrays: Vec<&dyn Array> = [&of_nothing as &dyn Array, &copied].into_iter().chain(shared).collect();
        let wanted: Vec<(usize, usize)> =
            numbers.into_iter().map(|number| number.map_or(NONE, |number| places[number])).collect();
        Ok(interleave(&arrays, &wanted)?.as_string_view().clone())
    }

    fn text_row(&self, id: i64) -> Option<(&StringViewArray, usize)> {
        match self.find(Kind::Texts, id)? {
            (Group::Texts(texts), row) if row < texts.len() => Some((texts, row)),
            _ => None,
        }
    }
}
