//! JSON with holes: filled as a whole, or one member of it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringViewArray, StringViewBuilder};
use datafusion::common::Result;
use halo_dataset::holes::{Member, MessageList, Need, RowParts as _, fill as fill_holes, find, flat_member, needs};
use halo_dataset::{ContentStore, Loaded, SpanParts, list, write_string};

use super::failed;

/// Spans whose texts are in memory at a time.
const ROWS_AT_A_TIME: usize = 128;

/// The columns of some spans that JSON with holes refers to.
pub(crate) struct Spans<'a> {
    json: &'a StringViewArray,
    lists: [&'a ListArray; 4],
}

impl<'a> Spans<'a> {
    /// Columns in the order in which the functions take them: JSON, texts, and messages that went in, came out and are neither.
    pub(crate) fn of(columns: &'a [ArrayRef]) -> Self {
        let list = |at: usize| columns[at].as_list::<i32>();
        Self { json: columns[0].as_string_view(), lists: [list(1), list(2), list(3), list(4)] }
    }

    /// A JSON text of a row with its holes filled.
    pub(crate) fn filled(&self, store: &ContentStore, row: usize, json: &str) -> Result<String> {
        let mut wanted = Wanted::default();
        wanted.note(self, row, json);
        let loaded = wanted.load(store)?;
        Ok(fill_holes(json, &self.parts(row, &loaded)).into_owned())
    }

    pub(super) fn json(&self, row: usize) -> Option<&'a str> {
        self.json.is_valid(row).then(|| self.json.value(row))
    }

    fn parts<'l>(&'l self, row: usize, loaded: &'l Loaded) -> SpanParts<'l> {
        let [texts, input, output, extra] = self.lists.map(|lists| list(lists, row));
        SpanParts { loaded, texts, input, output, extra }
    }

    fn messages(&self, row: usize, wanted: MessageList) -> &[i64] {
        match wanted {
            MessageList::Input => list(self.lists[1], row),
            MessageList::Output => list(self.lists[2], row),
            MessageList::Extra { first, count } => {
                list(self.lists[3], row).get(first..first.saturating_add(count)).unwrap_or(&[])
            }
        }
    }
}

/// What is to be loaded for some rows.
#[derive(Default)]
struct Wanted {
    texts: Vec<i64>,
    messages: Vec<i64>,
}

impl Wanted {
    /// Notes all that the holes of a text of a row stand for.
    fn note(&mut self, spans: &Spans<'_>, row: usize, json: &str) {
        needs(json, &mut |need| match need {
            Need::Text(number) => self.texts.extend(list(spans.lists[0], row).get(number)),
            Need::Messages(list) => self.messages.extend(spans.messages(row, list)),
        });
    }

    fn load(self, store: &ContentStore) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        load_messages(store, self.messages, &mut loaded)?;
        store.load_texts(sorted(self.texts).into_iter(), &mut loaded).map_err(failed)?;
        Ok(loaded)
    }
}

/// Loads messages and the texts that their holes stand for.
pub(super) fn load_messages(store: &ContentStore, messages: Vec<i64>, loaded: &mut Loaded) -> Result<()> {
    let messages = sorted(messages);
    store.load_messages(messages.iter().copied(), loaded).map_err(failed)?;
    let texts: Vec<i64> = messages
        .iter()
        .filter_map(|id| loaded.message(*id))
        .flat_map(|message| message.text_ids().iter().copied())
        .collect();
    store.load_texts(sorted(texts).into_iter(), loaded).map_err(failed)
}

/// Each id once, those of one part of a file together.
fn sorted(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// `fill_json(json, texts, input_messages, output_messages, extra_messages)`
pub(super) fn fill(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    let spans = Spans::of(columns);
    let rows = spans.json.len();
    let mut filled = StringViewBuilder::with_capacity(rows);
    for start in (0..rows).step_by(ROWS_AT_A_TIME) {
        let chunk = start..rows.min(start + ROWS_AT_A_TIME);
        let mut wanted = Wanted::default();
        for row in chunk.clone() {
            wanted.note(&spans, row, spans.json(row).unwrap_or_default());
        }
        let loaded = wanted.load(store)?;
        for row in chunk {
            filled.append_option(spans.json(row).map(|json| fill_holes(json, &spans.parts(row, &loaded))));
        }
    }
    Ok(Arc::new(filled.finish()))
}

/// `pick_json(json, texts, input_messages, output_messages, extra_messages, key)`
pub(super) fn pick(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    picked(store, columns, true)
}

/// `pick_key(json, texts, input_messages, output_messages, extra_messages, key)`
pub(super) fn pick_key(store: &ContentStore, columns: &[ArrayRef]) -> Result<ArrayRef> {
    picked(store, columns, false)
}

fn picked(store: &ContentStore, columns: &[ArrayRef], filled: bool) -> Result<ArrayRef> {
    let spans = Spans::of(columns);
    let keys = columns[5].as_string_view();
    let rows = spans.json.len();
    let mut picked = StringViewBuilder::with_capacity(rows);
    let mut object = String::new();
    for start in (0..rows).step_by(ROWS_AT_A_TIME) {
        let chunk = start..rows.min(start + ROWS_AT_A_TIME);
        let members: Vec<Option<Member<'_>>> =
            chunk.clone().map(|row| find(spans.json(row)?, keys.value(row))).collect();
        let mut wanted = Wanted::default();
        for (row, member) in chunk.clone().zip(&members) {
            match member {
                Some(Member::Value(value)) if filled => wanted.note(&spans, row, value),
                Some(Member::Flat { list, index, .. }) => {
                    wanted.messages.extend(spans.messages(row, *list).get(*index));
                }
                Some(Member::Whole(number)) => wanted.texts.extend(list(spans.lists[0], row).get(*number)),
                Some(Member::Value(_)) | None => {}
            }
        }
        let loaded = wanted.load(store)?;
        for (row, member) in chunk.zip(members) {
            if spans.json.is_null(row) {
                picked.append_null();
                continue;
            }
            object.clear();
            object.push('{');
            let parts = spans.parts(row, &loaded);
            let key = keys.value(row);
            let mut push = |value: &str| {
                write_string(&mut object, key);
                object.push(':');
                object.push_str(value);
            };
            match member {
                Some(Member::Value(value)) if filled => push(&fill_holes(value, &parts)),
                Some(Member::Value(value)) => push(value),
                Some(Member::Flat { list, index, member }) if index < parts.count(list) => {
                    if let Some(value) = flat_member(&parts.message(list, index), member) {
                        push(&value);
                    }
                }
                Some(Member::Whole(number)) => {
                    if let Some(Member::Value(value)) = find(parts.text(number), key) {
                        push(value);
                    }
                }
                Some(Member::Flat { .. }) | None => {}
            }
            object.push('}');
            picked.append_value(&object);
        }
    }
    Ok(Arc::new(picked.finish()))
}
