//! Texts and messages that are stored once: after writing, after a compaction, and read with little memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use halo_dataset::{
    Commit, Compaction, Content, ContentStore, Dataset, DatasetError, DatasetWriter, Effort, Loaded, MessageDraft,
    SpanBatchBuilder, SpanChunk, SpanRow, Spelling, compact,
};

/// What is read back of a span: attributes, input, output, and its input messages as role, text and tool calls.
type Told = (Option<String>, Option<String>, Option<String>, Vec<(Option<String>, Option<String>, Option<String>)>);

/// A span of a conversation: `turn` messages went in, each with a text of its own, and one came out. Every other message stands nowhere as
/// JSON, so that its text is no hole of it.
fn push(builder: &mut SpanBatchBuilder, content: &mut Content, trace: &str, turn: usize) {
    let messages: Vec<i64> = (0..turn)
        .map(|number| {
            let text = content.texts.intern(&format!("what {trace} says in turn {number}"));
            let calls = content.texts.intern(&format!("{{\"a\": {number}}}"));
            let written = number % 2 == 0;
            let texts = if written { vec![text, calls] } else { vec![] };
            i64::from(content.add_message(&MessageDraft {
                role: Some("user"),
                content: Some(text),
                tool_calls: written.then_some(r#"[{"id":{"halo$id":0},"name":"f","arguments":{"halo$compact":1}}]"#),
                ids: written.then_some("call_1\u{1f}call_2"),
                shape: written.then_some(r#"{"role": "user", "content": {"halo$text":0}, "n": {"halo$id":1}}"#),
                spelling: Spelling { spaced: written, ascii: false },
                texts: &texts,
            }))
        })
        .collect();
    let said = i64::from(content.texts.intern(&format!("what {trace} says in turn {}", turn - 1)));
    let empty = i64::from(content.texts.intern(""));
    let attributes = r#"{"a":{"halo$text":0},"b":{"halo$text":1},"m":{"halo$in":["[",", ","]"]}}"#;
    builder.push(&SpanRow {
        trace_id: Some(trace),
        span_id: Some(&format!("{trace}{turn}")),
        name: Some("chat"),
        span_type: Some("LLM"),
        status: Some("UNSET"),
        start_time: i64::try_from(turn).ok(),
        attributes: Some(attributes),
        resource_attributes: Some("{}"),
        input: Some(said),
        output: Some(empty),
        input_messages: &messages,
        texts: &[said, empty],
        content_hash: i64::try_from(turn).ok(),
        ..SpanRow::default()
    });
}

fn chunk(spans: &[(&str, usize)]) -> Arc<SpanChunk> {
    let (mut builder, mut content) = (SpanBatchBuilder::default(), Content::default());
    spans.iter().for_each(|(trace, turn)| push(&mut builder, &mut content, trace, *turn));
    Arc::new(SpanChunk { batch: builder.finish().unwrap(), content, bytes: 1000 })
}

fn write(root: &Path, segments: &[Vec<Arc<SpanChunk>>]) {
    let mut writer = DatasetWriter::open_or_create(root).unwrap();
    for chunks in segments {
        let job = writer.segment();
        writer.add(job.write_all(chunks, Effort::INGEST).unwrap()).unwrap();
    }
    writer.commit(Commit::default()).unwrap();
}

fn compacted(root: &Path) -> Compaction {
    compact(DatasetWriter::open_or_create(root).unwrap(), &mut |_| true).unwrap().unwrap()
}

/// All spans by id.
fn told(dataset: &Dataset, cache: usize) -> BTreeMap<String, Told> {
    let mut spans: BTreeMap<String, Told> = BTreeMap::new();
    let store = ContentStore::open(dataset, cache);
    let mut lists = super::read(&dataset.span_files()).into_iter().flat_map(|batch| {
        use arrow::array::AsArray as _;
        let lists = batch.column_by_name("input_messages").unwrap().as_list::<i32>().clone();
        (0..batch.num_rows()).map(move |row| halo_dataset::list(&lists, row).to_vec()).collect::<Vec<_>>()
    });
    dataset
        .for_each_span(|span| -> Result<(), DatasetError> {
            let messages = lists.next().unwrap();
            let mut loaded = Loaded::default();
            store.load_messages(messages.iter().copied(), &mut loaded)?;
            let texts: Vec<i64> = messages.iter().filter_map(|id| loaded.message(*id)?.content_id()).collect();
            store.load_texts(texts.iter().copied(), &mut loaded)?;
            // As an array they are the same, whether a row group is shared or copied from.
            let ids: Vec<Option<i64>> = texts.iter().flat_map(|id| [Some(*id), None, Some(*id)]).collect();
            let array = loaded.text_array(&ids).unwrap();
            let one_by_one: Vec<Option<&str>> = ids.iter().map(|id| Some(loaded.text((*id)?))).collect();
            assert_eq!(array.iter().collect::<Vec<_>>(), one_by_one);
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let messages = messages.iter().map(|id| {
                let message = loaded.message(*id).unwrap();
                let text = message.content_id().map(|id| loaded.text(id).to_owned());
                (owned(message.role()), text, owned(message.tool_calls()))
            });
            let attributes = span.json("attributes").map(std::borrow::Cow::into_owned);
            let (input, output) = (owned(span.stored_once("input")), owned(span.stored_once("output")));
            let told = (attributes, input, output, messages.collect());
            assert_eq!(spans.insert(span.text("span_id").unwrap().to_owned(), told), None);
            Ok(())
        })
        .unwrap();
    spans
}

/// What the spans of [`push`] are to come back as.
fn expected(trace: &str, turn: usize) -> (String, Told) {
    let text = |number: usize| format!("what {trace} says in turn {number}");
    let calls = r#"[{"id":{"halo$id":0},"name":"f","arguments":{"halo$compact":1}}]"#;
    let messages = (0..turn)
        .map(|number| (Some("user".to_owned()), Some(text(number)), (number % 2 == 0).then(|| calls.to_owned())));
    let written = |number: usize| match number % 2 {
        0 => format!(r#"{{"role": "user", "content": "{}", "n": "call_2"}}"#, text(number)),
        _ => "null".to_owned(),
    };
    let list = format!("[{}]", (0..turn).map(written).collect::<Vec<_>>().join(", "));
    let attributes = format!(r#"{{"a":"{0}","b":"","m":{1}}}"#, text(turn - 1), serde_json::Value::from(list));
    (format!("{trace}{turn}"), (Some(attributes), Some(text(turn - 1)), Some(String::new()), messages.collect()))
}

const SPANS: &[(&str, usize)] = &[("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 1), ("b", 2), ("c", 5)];

/// Two segments, of several chunks each, with a trace that stands in both.
fn segments() -> Vec<Vec<Arc<SpanChunk>>> {
    vec![
        vec![chunk(&[("b", 2), ("a", 1)]), chunk(&[("a", 3)])],
        vec![chunk(&[("a", 2), ("c", 5), ("a", 4)]), chunk(&[("b", 1)])],
    ]
}

#[test]
fn what_is_stored_once_reads_back_whatever_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &segments());
    let dataset = Dataset::open(folder.path()).unwrap();
    let expected: BTreeMap<String, Told> = SPANS.iter().map(|(trace, turn)| expected(trace, *turn)).collect();
    for cache in [0, 1, 1000, 1 << 20] {
        assert_eq!(told(&dataset, cache), expected, "with {cache} bytes");
    }
}

#[test]
fn a_compaction_keeps_every_span_and_holds_each_thing_once() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &segments());
    let before = Dataset::open(folder.path()).unwrap();
    let spans = told(&before, 1 << 20);
    assert!(before.straddle_trace_file().is_some());
    drop(before);
    let done = compacted(folder.path());
    assert_eq!((done.segments_before, done.segments_after), (2, 1));
    let after = Dataset::open(folder.path()).unwrap();
    assert_eq!(told(&after, 1 << 20), spans);
    assert_eq!((after.straddle_trace_file(), after.straddle_step_file()), (None, None), "every trace is whole");
    assert_eq!((after.manifest().spans, after.manifest().traces), (7, 3));
    let rows = super::read(&after.span_files());
    assert_eq!(super::texts(&rows, "span_id"), ["a1", "a2", "a3", "a4", "b1", "b2", "c5"]);
    assert_eq!(super::ints(&rows, "step"), [1, 2, 3, 4, 1, 2, 1]);
    let traces = super::read(&after.trace_files());
    assert_eq!(super::ints(&traces, "span_count"), [4, 2, 1]);
    // Eleven things that were said, the arguments of calls in three turns, and the empty text.
    let texts: usize = super::read(&after.text_files()).iter().map(arrow::array::RecordBatch::num_rows).sum();
    let messages: usize = super::read(&after.message_files()).iter().map(arrow::array::RecordBatch::num_rows).sum();
    assert_eq!((texts, messages), (11 + 3 + 1, 11));
}

#[test]
fn a_compaction_that_is_stopped_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &segments());
    let before = Dataset::open(folder.path()).unwrap();
    let stopped = compact(DatasetWriter::open_or_create(folder.path()).unwrap(), &mut |_| false).unwrap();
    assert_eq!(stopped, None);
    let after = Dataset::open(folder.path()).unwrap();
    assert_eq!(after.manifest(), before.manifest());
    assert_eq!(told(&after, 0), told(&before, 0));
}

#[test]
fn old_segments_stay_while_somebody_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &segments());
    let folders = || fs::read_dir(folder.path().join("segments")).unwrap().count();
    let reader = Dataset::open(folder.path()).unwrap();
    let spans = told(&reader, 0);
    compacted(folder.path());
    assert_eq!(folders(), 3, "two that are read, and the new one");
    assert_eq!(told(&reader, 0), spans);
    // A copy reads on when the first reader ends.
    let copy = reader.clone();
    drop(reader);
    drop(DatasetWriter::open_or_create(folder.path()).unwrap());
    assert_eq!((told(&copy, 0), folders()), (spans.clone(), 3));
    drop(copy);
    drop(DatasetWriter::open_or_create(folder.path()).unwrap());
    assert_eq!(folders(), 1, "the next writer removes them");
    assert_eq!(told(&Dataset::open(folder.path()).unwrap(), 0), spans);
    // Without a reader they go at once.
    write(folder.path(), &[vec![chunk(&[("d", 1)])]]);
    compacted(folder.path());
    assert_eq!(folders(), 1);
}

#[test]
fn rows_with_nothing_in_them_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (mut builder, mut content) = (SpanBatchBuilder::default(), Content::default());
    let empty = i64::from(content.texts.intern(""));
    let nobody = i64::from(content.add_message(&MessageDraft::default()));
    let row = |span_id| SpanRow { trace_id: Some("t"), span_id, source_line: Some(1), ..SpanRow::default() };
    builder.push(&row(Some("1")));
    builder.push(&SpanRow { input: Some(empty), texts: &[empty], attributes: Some("{}"), ..row(Some("2")) });
    builder.push(&SpanRow { input_messages: &[nobody], attributes: Some(r#"{"m":{"halo$in":0}}"#), ..row(Some("3")) });
    let chunk = Arc::new(SpanChunk { batch: builder.finish().unwrap(), content, bytes: 1 });
    write(folder.path(), &[vec![chunk]]);
    let spans: BTreeMap<String, Told> = [
        ("1", (None, None, None, vec![])),
        ("2", (Some("{}".to_owned()), Some(String::new()), None, vec![])),
        ("3", (Some(r#"{"m":[null]}"#.to_owned()), None, None, vec![(None, None, None)])),
    ]
    .map(|(id, told)| (id.to_owned(), told))
    .into();
    assert_eq!(told(&Dataset::open(folder.path()).unwrap(), 0), spans);
    compacted(folder.path());
    assert_eq!(told(&Dataset::open(folder.path()).unwrap(), 0), spans);
}

#[test]
fn a_compaction_keeps_what_only_a_message_says() {
    let folder = tempfile::tempdir().unwrap();
    let (mut builder, mut content) = (SpanBatchBuilder::default(), Content::default());
    let said = content.texts.intern("said");
    let message = MessageDraft { role: Some("user"), content: Some(said), ..MessageDraft::default() };
    let message = i64::from(content.add_message(&message));
    builder.push(&SpanRow {
        trace_id: Some("t"),
        span_id: Some("1"),
        input_messages: &[message],
        ..SpanRow::default()
    });
    write(folder.path(), &[vec![Arc::new(SpanChunk { batch: builder.finish().unwrap(), content, bytes: 1 })]]);
    compacted(folder.path());
    let message = (Some("user".to_owned()), Some("said".to_owned()), None);
    let expected: BTreeMap<String, Told> = [("1".to_owned(), (None, None, None, vec![message]))].into();
    assert_eq!(told(&Dataset::open(folder.path()).unwrap(), 0), expected);
}
