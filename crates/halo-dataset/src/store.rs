//! Reading what is stored once: texts and messages by their ids, a part of a file at a time and kept while there is room.

mod text_array;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, Int64Array, ListArray, RecordBatch, StringViewArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use hashbrown::HashMap;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};

use crate::content::MessageDraft;
use crate::content_file::{MESSAGES_FILE, TEXTS_FILE, split_id};
use crate::holes::{ID_END, MessageList, MessageParts, RowParts};
use crate::json_text::Spelling;
use crate::{Dataset, DatasetError, Result, SegmentMeta, parquet_io};

/// Texts and messages of a dataset. Cheap to share between threads.
#[derive(Debug)]
pub struct ContentStore {
    root: PathBuf,
    files: Mutex<HashMap<(u32, Kind), Arc<ContentFile>>>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Texts,
    Messages,
}

/// A file and where its row groups begin.
#[derive(Debug)]
struct ContentFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    starts: Vec<u32>,
}

type GroupKey = (u32, Kind, usize);

/// Row groups that were read, the ones used last kept.
#[derive(Debug)]
struct Cache {
    groups: HashMap<GroupKey, (Arc<Group>, u64)>,
    bytes: usize,
    bytes_max: usize,
    clock: u64,
}

/// A row group in memory.
#[derive(Debug)]
enum Group {
    Texts(StringViewArray),
    Messages(Box<MessageGroup>),
}

#[derive(Debug)]
struct MessageGroup {
    role: StringViewArray,
    content: Int64Array,
    tool_calls: StringViewArray,
    ids: StringViewArray,
    shape: StringViewArray,
    spelling: Int64Array,
    texts: ListArray,
}

impl ContentStore {
    /// The content of a dataset, of which about `bytes_max` are kept in memory.
    #[must_use]
    pub fn open(dataset: &Dataset, bytes_max: usize) -> Self {
        Self {
            root: dataset.root().to_owned(),
            files: Mutex::default(),
            cache: Mutex::new(Cache { groups: HashMap::new(), bytes: 0, bytes_max, clock: 0 }),
        }
    }

    /// Brings texts into memory.
    ///
    /// # Errors
    /// A file is missing or damaged, or there is no such text.
    pub fn load_texts(&self, ids: impl Iterator<Item = i64>, loaded: &mut Loaded) -> Result<()> {
        self.load(Kind::Texts, ids, loaded)
    }

    /// Brings messages into memory, without their texts.
    ///
    /// # Errors
    /// A file is missing or damaged, or there is no such message.
    pub fn load_messages(&self, ids: impl Iterator<Item = i64>, loaded: &mut Loaded) -> Result<()> {
        self.load(Kind::Messages, ids, loaded)
    }

    fn load(&self, kind: Kind, ids: impl Iterator<Item = i64>, loaded: &mut Loaded) -> Result<()> {
        let mut last: Option<(u32, std::ops::Range<u32>)> = None;
        for id in ids {
            let (segment, row) = split_id(id);
            // Ids come in runs: the group that was looked at last is the one, mostly.
            if last.as_ref().is_some_and(|(known, rows)| *known == segment && rows.contains(&row)) {
                continue;
            }
            let file = self.file(segment, kind)?;
            let group = file.group_of(row)?;
            let end = file.starts.get(group + 1).copied().unwrap_or(u32::MAX);
            last = Some((segment, file.starts[group]..end));
            let slot = loaded.slot(segment, kind, &file);
            if slot[group].is_none() {
                slot[group] = Some(self.group((segment, kind, group), &file)?);
            }
        }
        Ok(())
    }

    fn file(&self, segment: u32, kind: Kind) -> Result<Arc<ContentFile>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&(segment, kind)) {
            return Ok(Arc::clone(file));
        }
        let name = if kind == Kind::Texts { TEXTS_FILE } else { MESSAGES_FILE };
        let file = Arc::new(ContentFile::open(&self.root.join(SegmentMeta::folder(segment)).join(name))?);
        files.insert((segment, kind), Arc::clone(&file));
        Ok(file)
    }

    fn group(&self, key: GroupKey, file: &ContentFile) -> Result<Arc<Group>> {
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = lock().get(key) {
            return Ok(group);
        }
        // Read without the lock: two threads may read the same group, and one of the two is kept.
        let group = Arc::new(file.read(key.1, key.2)?);
        lock().put(key, &group);
        Ok(group)
    }
}

impl Cache {
    fn get(&mut self, key: GroupKey) -> Option<Arc<Group>> {
        self.clock += 1;
        let (group, used) = self.groups.get_mut(&key)?;
        *used = self.clock;
        Some(Arc::clone(group))
    }

    fn put(&mut self, key: GroupKey, group: &Arc<Group>) {
        self.clock += 1;
        if self.groups.insert(key, (Arc::clone(group), self.clock)).is_none() {
            self.bytes += group.bytes();
        }
        while self.bytes > self.bytes_max && self.groups.len() > 1 {
            let oldest = self.groups.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            if let Some((group, _)) = oldest.and_then(|key| self.groups.remove(&key)) {
                self.bytes -= group.bytes();
            }
        }
    }
}

impl Group {
    fn bytes(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.get_array_memory_size(),
            Self::Messages(group) => {
                group.shape.get_array_memory_size()
                    + group.tool_calls.get_array_memory_size()
                    + group.ids.get_array_memory_size()
                    + group.texts.get_array_memory_size()
            }
        }
    }
}

impl ContentFile {
    fn open(path: &Path) -> Result<Self> {
        let (_, metadata) = parquet_io::open(path)?;
        let mut starts = Vec::new();
        let mut start = 0_u32;
        for group in metadata.metadata().row_groups() {
            starts.push(start);
            start = start.saturating_add(u32::try_from(group.num_rows()).unwrap_or(u32::MAX));
        }
        Ok(Self { path: path.to_owned(), metadata, starts })
    }

    fn damaged(&self, reason: &str) -> DatasetError {
        DatasetError::Damaged { path: self.path.clone(), reason: reason.to_owned() }
    }

    fn group_of(&self, row: u32) -> Result<usize> {
        let after = self.starts.partition_point(|start| *start <= row);
        after.checked_sub(1).ok_or_else(|| self.damaged("a row that other files name is missing"))
    }

    fn read(&self, kind: Kind, group: usize) -> Result<Group> {
        let file = std::fs::File::open(&self.path).map_err(DatasetError::io("open", &self.path))?;
        let rows = self.metadata.metadata().row_group(group).num_rows();
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_batch_size(usize::try_from(rows).unwrap_or(usize::MAX).max(1));
        let schema = Arc::clone(reader.schema());
        let reader = reader.build().map_err(DatasetError::parquet(&self.path))?;
        let batches: Vec<RecordBatch> =
            reader.collect::<std::result::Result<_, _>>().map_err(|error| self.damaged(&error.to_string()))?;
        let batch = concat_batches(&schema, &batches)?;
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| self.damaged("a column is missing"));
        if kind == Kind::Texts {
            let texts = column("text")?.as_string_opt::<i32>();
            // As views, which others can be made of without a look at the texts.
            return Ok(Group::Texts(texts.ok_or_else(|| self.damaged("the texts are no texts"))?.into()));
        }
        let text = |name: &str| {
            let array = column(name)?.as_string_view_opt().cloned();
            array.ok_or_else(|| self.damaged("a column has the wrong type"))
        };
        let int = |name: &str| {
            let array = column(name)?.as_primitive_opt::<Int64Type>().cloned();
            array.ok_or_else(|| self.damaged("a column has the wrong type"))
        };
        Ok(Group::Messages(Box::new(MessageGroup {
            role: text("role")?,
            content: int("content_id")?,
            tool_calls: text("tool_calls")?,
            ids: text("ids")?,
            shape: text("shape")?,
            spelling: int("spelling")?,
            texts: column("texts")?.as_list_opt::<i32>().ok_or_else(|| self.damaged("texts is no list"))?.clone(),
        })))
    }
}

/// Where the row groups of a file begin, and those of them that were brought into memory.
type LoadedFile = (Vec<u32>, Vec<Option<Arc<Group>>>);

/// What was brought into memory.
#[derive(Debug, Default)]
pub struct Loaded {
    files: HashMap<(u32, Kind), LoadedFile>,
}

impl Loaded {
    fn slot(&mut self, segment: u32, kind: Kind, file: &ContentFile) -> &mut Vec<Option<Arc<Group>>> {
        let make = || (file.starts.clone(), vec![None; file.starts.len()]);
        &mut self.files.entry((segment, kind)).or_insert_with(make).1
    }

    fn find(&self, kind: Kind, id: i64) -> Option<(&Group, usize)> {
        let (segment, row) = split_id(id);
        let (starts, groups) = self.files.get(&(segment, kind))?;
        let group = starts.partition_point(|start| *start <= row).checked_sub(1)?;
        Some((groups[group].as_deref()?, (row - starts[group]) as usize))
    }

    /// A text that was loaded; empty when it was not.
    #[must_use]
    pub fn text(&self, id: i64) -> &str {
        match self.find(Kind::Texts, id) {
            Some((Group::Texts(texts), row)) if row < texts.len() => texts.value(row),
            _ => "",
        }
    }

    /// A message that was loaded; `None` when it was not.
    #[must_use]
    pub fn message(&self, id: i64) -> Option<StoredMessage<'_>> {
        match self.find(Kind::Messages, id) {
            Some((Group::Messages(group), row)) if row < group.role.len() => {
                Some(StoredMessage { loaded: self, group, row })
            }
            _ => None,
        }
    }
}

/// A message of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct StoredMessage<'a> {
    loaded: &'a Loaded,
    group: &'a MessageGroup,
    row: usize,
}

impl<'a> StoredMessage<'a> {
    fn column(&self, array: &'a StringViewArray) -> Option<&'a str> {
        array.is_valid(self.row).then(|| array.value(self.row))
    }

    /// Who speaks.
    #[must_use]
    pub fn role(&self) -> Option<&'a str> {
        self.column(&self.group.role)
    }

    /// Id of its text.
    #[must_use]
    pub fn content_id(&self) -> Option<i64> {
        self.group.content.is_valid(self.row).then(|| self.group.content.value(self.row))
    }

    /// Tool calls as JSON with holes.
    #[must_use]
    pub fn tool_calls(&self) -> Option<&'a str> {
        self.column(&self.group.tool_calls)
    }

    /// The message to add to another content, but for its texts.
    pub(crate) fn draft(&self) -> MessageDraft<'a> {
        MessageDraft {
            role: self.role(),
            content: None,
            tool_calls: self.tool_calls(),
            ids: self.column(&self.group.ids),
            shape: self.column(&self.group.shape),
            spelling: Spelling::of_code(self.group.spelling.value(self.row)),
            texts: &[],
        }
    }

    /// Ids of its tool calls, or of the call that it answers.
    pub fn call_ids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.column(&self.group.ids).into_iter().flat_map(|ids| ids.split(ID_END))
    }

    /// Ids of the texts that its holes stand for.
    #[must_use]
    pub fn text_ids(&self) -> &'a [i64] {
        list(&self.group.texts, self.row)
    }
}

/// The ids of a row of a list column; none of a null.
#[must_use]
pub fn list(lists: &ListArray, row: usize) -> &[i64] {
    if lists.is_null(row) {
        return &[];
    }
    let offsets = lists.value_offsets();
    let (start, end) = (offsets[row], offsets[row + 1]);
    let values = lists.values().as_primitive_opt::<Int64Type>().map(|values| values.values().as_ref());
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    values.and_then(|values: &[i64]| values.get(range)).unwrap_or(&[])
}

impl MessageParts for StoredMessage<'_> {
    fn shape(&self) -> Option<&str> {
        self.column(&self.group.shape)
    }

    fn spelling(&self) -> Spelling {
        Spelling::of_code(self.group.spelling.value(self.row))
    }

    fn id(&self, number: usize) -> &str {
        self.column(&self.group.ids).and_then(|ids| ids.split(ID_END).nth(number)).unwrap_or_default()
    }

    fn text(&self, number: usize) -> &str {
        self.text_ids().get(number).map_or("", |id| self.loaded.text(*id))
    }
}

/// What the holes of one span stand for.
#[derive(Debug, Clone, Copy)]
pub struct SpanParts<'a> {
    /// Where texts and messages are.
    pub loaded: &'a Loaded,
    /// The column `texts`.
    pub texts: &'a [i64],
    /// The column `input_messages`.
    pub input: &'a [i64],
    /// The column `output_messages`.
    pub output: &'a [i64],
    /// The column `extra_messages`.
    pub extra: &'a [i64],
}

impl SpanParts<'_> {
    fn list(&self, list: MessageList) -> &[i64] {
        match list {
            MessageList::Input => self.input,
            MessageList::Output => self.output,
            MessageList::Extra { first, count } => self.extra.get(first..first + count).unwrap_or(&[]),
        }
    }
}

/// A message that may be missing, in a damaged dataset.
#[derive(Debug, Clone, Copy)]
pub struct MaybeMessage<'a>(Option<StoredMessage<'a>>);

impl MessageParts for MaybeMessage<'_> {
    fn shape(&self) -> Option<&str> {
        self.0.as_ref().and_then(MessageParts::shape)
    }
    fn spelling(&self) -> Spelling {
        self.0.as_ref().map(MessageParts::spelling).unwrap_or_default()
    }
    fn id(&self, number: usize) -> &str {
        self.0.as_ref().map(|message| message.id(number)).unwrap_or_default()
    }
    fn text(&self, number: usize) -> &str {
        self.0.as_ref().map(|message| message.text(number)).unwrap_or_default()
    }
}

impl RowParts for SpanParts<'_> {
    type Message<'a>
        = MaybeMessage<'a>
    where
        Self: 'a;

    fn text(&self, number: usize) -> &str {
        self.texts.get(number).map_or("", |id| self.loaded.text(*id))
    }

    fn count(&self, list: MessageList) -> usize {
        self.list(list).len()
    }

    fn message(&self, list: MessageList, index: usize) -> MaybeMessage<'_> {
        MaybeMessage(self.list(list).get(index).and_then(|id| self.loaded.message(*id)))
    }
}
