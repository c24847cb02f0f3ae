//! The files of a segment that hold its texts and messages, each once.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};

use crate::Result;
use crate::content::Merged;
use crate::message::{MessageBatchBuilder, MessageRow};
use crate::parquet_io::{self, Effort, Kind, Writer};

/// File of texts, in a segment's folder.
pub(crate) const TEXTS_FILE: &str = "texts.parquet";
/// File of messages, in a segment's folder.
pub(crate) const MESSAGES_FILE: &str = "messages.parquet";

/// Bytes of texts that are handed to the writer at a time.
const BATCH_BYTES: usize = 1 << 20;
/// Messages that are handed to the writer at a time.
const BATCH_MESSAGES: usize = 4096;

/// The id of a row: segment number * 2^32 + row. Row 0 of the texts is the empty one.
pub(crate) fn global_id(segment: u32, row: u32) -> i64 {
    (i64::from(segment) << 32) | i64::from(row)
}

/// Segment and row of an id.
pub(crate) fn split_id(id: i64) -> (u32, u32) {
    let low = u32::try_from(id & 0xffff_ffff).unwrap_or(0);
    (u32::try_from(id >> 32).unwrap_or(0), low)
}

/// Whether an id of a text is that of the empty text.
pub(crate) fn is_empty_text(id: i64) -> bool {
    split_id(id).1 == 0
}

/// Writes the texts and messages of a segment. Gives the bytes written.
pub(crate) fn write(folder: &Path, segment: u32, content: &Merged<'_>, effort: Effort) -> Result<u64> {
    let texts = write_texts(&folder.join(TEXTS_FILE), segment, content, effort)?;
    Ok(texts + write_messages(&folder.join(MESSAGES_FILE), segment, content, effort)?)
}

fn write_texts(path: &Path, segment: u32, content: &Merged<'_>, effort: Effort) -> Result<u64> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("text_id", DataType::Int64, true),
        Field::new("text", DataType::Utf8, true),
    ]));
    let mut writer = Writer::create(path, &schema, Kind::Content, effort)?;
    let count = u32::try_from(content.texts.len()).unwrap_or(u32::MAX);
    let mut start = 0;
    while start < count {
        let mut end = start;
        let mut bytes = 0;
        while end < count && (bytes < BATCH_BYTES || end == start) {
            bytes += content.texts[end as usize].len();
            end += 1;
        }
        let ids = Int64Array::from_iter_values((start..end).map(|row| global_id(segment, row)));
        let mut texts = StringBuilder::with_capacity((end - start) as usize, bytes);
        content.texts[start as usize..end as usize].iter().for_each(|text| texts.append_value(text));
        let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(texts.finish())];
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
        start = end;
    }
    writer.finish()
}

fn write_messages(path: &Path, segment: u32, content: &Merged<'_>, effort: Effort) -> Result<u64> {
    let count = u32::try_from(content.messages.len()).unwrap_or(u32::MAX);
    let mut builder = MessageBatchBuilder::default();
    let schema = builder.finish()?.schema();
    let batches = (0..count.max(1)).step_by(BATCH_MESSAGES).map(|start| {
        let mut texts = Vec::new();
        for number in start..count.min(start + u32::try_from(BATCH_MESSAGES).unwrap_or(u32::MAX)) {
            let message = &content.messages[number as usize];
            texts.clear();
            let numbers = &content.message_texts[message.texts.0..message.texts.1];
            texts.extend(numbers.iter().map(|text| global_id(segment, *text)));
            builder.push(&MessageRow {
                message_row: Some(global_id(segment, number)),
                role: message.draft.role,
                content: message.content.map(|text| global_id(segment, text)),
                tool_calls: message.draft.tool_calls,
                ids: message.draft.ids,
                shape: message.draft.shape,
                spelling: Some(message.draft.spelling.code()),
                texts: &texts,
            });
        }
        builder.finish()
    });
    parquet_io::write(path, &schema, (Kind::Content, effort), batches)
}
