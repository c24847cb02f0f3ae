//! The system prompts and tool lists of a dataset, each text once for each agent and service that was seen with it: the table `prompts`.
//!
//! What calls what by which name is known to the ingest; here, system prompts are messages of role system or developer, whatever the
//! convention, and tool lists are looked for where a span says that it was offered tools.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, ListBuilder, RecordBatch, StringBuilder, StringViewArray, StringViewBuilder,
    TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryPool;
use halo_dataset::{ColumnKind, ContentStore, Dataset};

use crate::kept::Kept;
use crate::scan::{Counted, Tally};

mod collect;
mod definitions;
mod previous;
mod scan;

/// Versions and models that are told of a prompt.
const NAMES_MAX: usize = 100;

/// What a prompt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    System,
    Tools,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Tools => "tools",
        }
    }
}

/// Where a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// Stored, with this id.
    Stored(i64),
    /// Put together.
    Made(Arc<str>),
}

/// A prompt as one agent of one service was seen with it.
#[derive(Debug)]
struct Prompt {
    kind: Kind,
    hash: u64,
    source: Source,
    /// What its lines are known by.
    lines: Box<[u64]>,
    agent: Option<String>,
    service: Option<String>,
    versions: Vec<String>,
    models: Vec<String>,
    tally: Tally,
}

impl Prompt {
    fn id(&self) -> String {
        format!("{:016x}", self.hash)
    }
}

/// All prompts of a dataset, those of one kind, agent and service in the order they came up.
#[derive(Debug, Default)]
struct Prompts(Vec<Prompt>);

impl Counted for Prompts {
    fn bytes(&self) -> usize {
        let bytes = |prompt: &Prompt| {
            let made = match &prompt.source {
                Source::Made(text) => text.len(),
                Source::Stored(_) => 0,
            };
            400 + made + prompt.lines.len() * 8 + (prompt.versions.len() + prompt.models.len()) * 40
        };
        self.0.iter().map(bytes).sum()
    }
}

/// The prompts of a dataset, found when they are asked for.
#[derive(Debug)]
pub(crate) struct PromptTable {
    dataset: Dataset,
    store: Arc<ContentStore>,
    found: Kept<Prompts>,
}

impl PromptTable {
    pub(crate) fn new(dataset: &Dataset, store: &Arc<ContentStore>, threads: usize) -> Self {
        Self { dataset: dataset.clone(), store: Arc::clone(store), found: Kept::new("prompts", threads) }
    }

    /// The columns of [`rows`](Self::rows): of texts where they are, and of the prompt before it, so that no text is read that is not asked
    /// for.
    pub(crate) fn schema() -> SchemaRef {
        let text = ColumnKind::Text.data_type();
        let of = [
            ("prompt_id", text.clone()),
            ("kind", text.clone()),
            ("text_id", DataType::Int64),
            ("made_text", text.clone()),
            ("agent_name", text.clone()),
            ("service_name", text.clone()),
            ("versions", ColumnKind::TextList.data_type()),
            ("models", ColumnKind::TextList.data_type()),
            ("first_seen", ColumnKind::Time.data_type()),
            ("last_seen", ColumnKind::Time.data_type()),
            ("traces", DataType::Int64),
            ("spans", DataType::Int64),
            ("previous_id", text.clone()),
            ("previous_text_id", DataType::Int64),
            ("previous_made_text", text),
        ];
        let fields = of.into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    pub(crate) async fn rows(self: Arc<Self>, pool: Arc<dyn MemoryPool>) -> Result<RecordBatch> {
        let (dataset, store) = (self.dataset.clone(), Arc::clone(&self.store));
        let prompts = self.found.get(&pool, move |work| scan::all(&dataset, &store, work)).await?;
        batch(&prompts.0)
    }
}

fn batch(prompts: &[Prompt]) -> Result<RecordBatch> {
    let previous: Vec<Option<&Prompt>> =
        previous::previous(prompts).into_iter().map(|at| at.map(|at| &prompts[at])).collect();
    let all: Vec<Option<&Prompt>> = prompts.iter().map(Some).collect();
    let counts = |count: fn(&Tally) -> u64| -> ArrayRef {
        let counts = prompts.iter().map(|prompt| i64::try_from(count(&prompt.tally)).unwrap_or(i64::MAX));
        Arc::new(Int64Array::from_iter_values(counts))
    };
    let times = |time: fn(&Tally) -> Option<i64>| -> ArrayRef {
        let times: TimestampNanosecondArray = prompts.iter().map(|prompt| time(&prompt.tally)).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    let names = |names: fn(&Prompt) -> Option<&str>| -> ArrayRef {
        Arc::new(prompts.iter().map(names).collect::<StringViewArray>())
    };
    let columns = vec![
        ids(&all),
        names(|prompt| Some(prompt.kind.name())),
        text_ids(&all),
        made(&all),
        names(|prompt| prompt.agent.as_deref()),
        names(|prompt| prompt.service.as_deref()),
        lists(prompts, |prompt| &prompt.versions),
        lists(prompts, |prompt| &prompt.models),
        times(|tally| tally.first),
        times(|tally| tally.last),
        counts(|tally| tally.traces),
        counts(|tally| tally.spans),
        ids(&previous),
        text_ids(&previous),
        made(&previous),
    ];
    Ok(RecordBatch::try_new(PromptTable::schema(), columns)?)
}

fn ids(prompts: &[Option<&Prompt>]) -> ArrayRef {
    Arc::new(prompts.iter().map(|prompt| prompt.map(Prompt::id)).collect::<StringViewArray>())
}

fn text_ids(prompts: &[Option<&Prompt>]) -> ArrayRef {
    let id = |prompt: &Option<&Prompt>| match prompt.map(|prompt| &prompt.source) {
        Some(Source::Stored(id)) => Some(*id),
        Some(Source::Made(_)) | None => None,
    };
    Arc::new(prompts.iter().map(id).collect::<Int64Array>())
}

fn made(prompts: &[Option<&Prompt>]) -> ArrayRef {
    let mut texts = StringViewBuilder::with_capacity(prompts.len()).with_deduplicate_strings();
    for prompt in prompts {
        texts.append_option(match prompt.map(|prompt| &prompt.source) {
            Some(Source::Made(text)) => Some(text),
            Some(Source::Stored(_)) | None => None,
        });
    }
    Arc::new(texts.finish())
}

fn lists(prompts: &[Prompt], names: fn(&Prompt) -> &[String]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for prompt in prompts {
        names(prompt).iter().for_each(|name| lists.values().append_value(name));
        lists.append(true);
    }
    Arc::new(lists.finish())
}
