//! Fewer, larger segments: spans are read back, sorted by trace as a whole, and written again with more effort.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringViewArray,
};
use arrow::datatypes::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, RowFilter};

use crate::chunk::SpanChunk;
use crate::content::{Content, MessageDraft};
use crate::parquet_io::{self, Effort};
use crate::read::load;
use crate::store::{ContentStore, Loaded, list};
use crate::straddle::with_tags;
use crate::{DatasetError, DatasetWriter, Manifest, Result};

/// Stored bytes of a segment after compaction, about.
const SEGMENT_BYTES: u64 = 32 << 20;
/// Spans of a segment at most.
const SEGMENT_SPANS: u64 = 128 * 1024;
/// Spans that are read at a time.
const BATCH_ROWS: usize = 4096;
/// Memory for texts and messages while spans are read.
const CACHE_BYTES: usize = 64 << 20;

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Segments before.
    pub segments_before: usize,
    /// Segments after.
    pub segments_after: usize,
    /// Bytes of their files before.
    pub bytes_before: u64,
    /// Bytes of their files after.
    pub bytes_after: u64,
}

/// Rewrites a dataset as few segments, each trace whole in one of them. `progress` is told the spans written so far, and may stop it.
///
/// # Errors
/// A file is damaged, or the disk refuses; the dataset is then as it was.
pub fn compact(mut writer: DatasetWriter, progress: &mut dyn FnMut(u64) -> bool) -> Result<Option<Compaction>> {
    let before = writer.manifest().clone();
    let dataset = writer.dataset();
    let (files, trace_files) = (dataset.span_files(), dataset.trace_files());
    let store = ContentStore::open(&dataset, CACHE_BYTES);
    let mut done = 0;
    let mut outcomes = Vec::new();
    for traces in parts(&before, &trace_files)? {
        let wanted: Arc<HashSet<String>> = Arc::new(traces.into_iter().collect());
        let mut chunks = Vec::new();
        for file in &files {
            read_chunks(file, &wanted, &store, &mut chunks)?;
        }
        let outcome = writer.segment().write_all(&chunks, Effort::COMPACT)?;
        done += outcome.meta.spans;
        outcomes.push(outcome);
        if !progress(done) {
            return Ok(None);
        }
    }
    let after = writer.replace(outcomes)?;
    let bytes = |manifest: &Manifest| manifest.segments.iter().map(|segment| segment.bytes).sum();
    Ok(Some(Compaction {
        segments_before: before.segments.len(),
        segments_after: after.segments.len(),
        bytes_before: bytes(&before),
        bytes_after: bytes(&after),
    }))
}

/// The traces of each segment to write, in order.
fn parts(manifest: &Manifest, trace_files: &[PathBuf]) -> Result<Vec<Vec<String>>> {
    let mut spans: BTreeMap<String, u64> = BTreeMap::new();
    for file in trace_files {
        let reader = parquet_io::reader(file, &["trace_id", "span_count"])?;
        for batch in reader.build().map_err(DatasetError::parquet(file))? {
            let batch = batch?;
            let ids: &StringViewArray = batch.column(batch.schema_ref().index_of("trace_id")?).as_string_view();
            let counts = batch.column(batch.schema_ref().index_of("span_count")?).as_primitive::<Int64Type>();
            for (id, count) in ids.iter().zip(counts) {
                let count = count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
                *spans.entry(id.unwrap_or_default().to_owned()).or_default() += count;
            }
        }
    }
    let bytes: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
    let span_bytes = (bytes / manifest.spans.max(1)).max(1);
    let most = (SEGMENT_BYTES / span_bytes).clamp(1, SEGMENT_SPANS);
    // Of about equal size, rather than full ones and a small rest.
    let count = manifest.spans.div_ceil(most).max(1);
    let target = manifest.spans.div_ceil(count);
    let mut parts: Vec<Vec<String>> = Vec::new();
    let mut filled = u64::MAX;
    for (trace, count) in spans {
        if filled >= target {
            parts.push(Vec::new());
            filled = 0;
        }
        filled += count;
        if let Some(part) = parts.last_mut() {
            part.push(trace);
        }
    }
    Ok(parts)
}

/// Reads the spans of some traces from a file, as chunks with content of their own.
fn read_chunks(
    file: &Path,
    wanted: &Arc<HashSet<String>>,
    store: &ContentStore,
    chunks: &mut Vec<Arc<SpanChunk>>,
) -> Result<()> {
    let (handle, metadata) = parquet_io::open(file)?;
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::new_with_metadata(handle, metadata);
    let mask = ProjectionMask::columns(reader.parquet_schema(), ["trace_id"]);
    let ids = Arc::clone(wanted);
    let predicate = ArrowPredicateFn::new(mask, move |batch: RecordBatch| {
        let column: &StringViewArray = batch.column(0).as_string_view();
        Ok(column.iter().map(|id| Some(id.is_some_and(|id| ids.contains(id)))).collect::<BooleanArray>())
    });
    let reader = reader
        .with_batch_size(BATCH_ROWS)
        .with_row_filter(RowFilter::new(vec![Box::new(predicate)]))
        .build()
        .map_err(DatasetError::parquet(file))?;
    for batch in reader {
        let batch = batch?;
        if batch.num_rows() > 0 {
            let loaded = load(store, &batch, file)?;
            chunks.push(Arc::new(chunk(&batch, &loaded)?));
        }
    }
    Ok(())
}

/// Numbers of texts and messages in the content of a chunk, by their ids in the dataset.
#[derive(Default)]
struct Numbers {
    content: Content,
    texts: HashMap<i64, u32>,
    messages: HashMap<i64, u32>,
}

impl Numbers {
    fn text(&mut self, loaded: &Loaded, id: i64) -> u32 {
        *self.texts.entry(id).or_insert_with(|| self.content.texts.intern(loaded.text(id)))
    }

    fn message(&mut self, loaded: &Loaded, id: i64) -> u32 {
        if let Some(number) = self.messages.get(&id) {
            return *number;
        }
        let number = match loaded.message(id) {
            Some(message) => {
                let texts: Vec<u32> = message.text_ids().iter().map(|id| self.text(loaded, *id)).collect();
                let content = message.content_id().map(|id| self.text(loaded, id));
                self.content.add_message(&MessageDraft { content, texts: &texts, ..message.draft() })
            }
            None => self.content.add_message(&MessageDraft::default()),
        };
        self.messages.insert(id, number);
        number
    }
}

/// Stored spans as a chunk: ids of the dataset become numbers of its content.
fn chunk(batch: &RecordBatch, loaded: &Loaded) -> Result<SpanChunk> {
    let mut numbers = Numbers::default();
    let tagged = with_tags(batch)?;
    let schema = crate::span::empty_schema();
    let columns = schema.fields().iter().map(|field| -> Result<ArrayRef> {
        let column = tagged.column(tagged.schema_ref().index_of(field.name())?);
        Ok(match field.name().as_str() {
            "input_id" | "output_id" => {
                let ids = column.as_primitive::<Int64Type>();
                let number = |id: Option<i64>| id.map(|id| i64::from(numbers.text(loaded, id)));
                Arc::new(ids.iter().map(number).collect::<Int64Array>())
            }
            "texts" => lists(column, |id| numbers.text(loaded, id)),
            "input_messages" | "output_messages" | "extra_messages" => lists(column, |id| numbers.message(loaded, id)),
            _ => Arc::clone(column),
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let bytes = batch.get_array_memory_size() + numbers.content.bytes();
    Ok(SpanChunk { batch, content: numbers.content, bytes })
}

fn lists(column: &ArrayRef, mut number: impl FnMut(i64) -> u32) -> ArrayRef {
    let stored = column.as_list::<i32>();
    let mut builder = ListBuilder::new(Int64Builder::new());
    for row in 0..stored.len() {
        let ids = list(stored, row);
        ids.iter().for_each(|id| builder.values().append_value(i64::from(number(*id))));
        builder.append(!ids.is_empty());
    }
    Arc::new(builder.finish())
}
