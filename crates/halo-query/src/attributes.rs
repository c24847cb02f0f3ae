//! Which attributes the traces, spans and resources of a dataset have, and with which values: the table `attribute_values`, and what the
//! tools tell of attributes.
//!
//! Stored JSON is walked as it is, with its holes: no row is put together. A key is followed as long as its values are few and short; of
//! others only the number of carriers is told.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray};
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryPool;
use halo_dataset::{ContentStore, Dataset};

use crate::kept::{Kept, look};
use crate::outcomes::Outcomes;
use crate::scan::{Counted, Tally};
use crate::tables::{ATTRIBUTE_VALUE_COLUMNS, schema_shown};

mod collect;
mod scan;

pub(crate) use collect::numbered_key;

/// Values of a key that are told apart. A key with more is not in `attribute_values`.
pub(crate) const VALUES_MAX: usize = 200;

/// Longest value that groups anything, in bytes. A key with a longer one is not in `attribute_values`.
pub(crate) const VALUE_BYTES_MAX: usize = 200;

/// Keys of one kind of carrier that are told apart.
const KEYS_MAX: usize = 2000;

/// What carries an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Of {
    /// A trace: all its spans that have the attribute agree.
    Trace,
    Span,
    Resource,
}

impl Of {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Span => "span",
            Self::Resource => "resource",
        }
    }
}

/// An attribute of one kind of carrier.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) of: Of,
    /// Its key; numbers between dots are `*`, so that a list that is flattened over keys is one.
    pub(crate) key: String,
    /// What carries it.
    pub(crate) tally: Tally,
    pub(crate) values: Values,
}

/// The values of an attribute.
#[derive(Debug)]
pub(crate) enum Values {
    /// All of them, those of most traces first.
    Few(Vec<(String, Tally)>),
    /// More than [`VALUES_MAX`]; some of them.
    Many(Vec<String>),
    /// Some are longer than [`VALUE_BYTES_MAX`].
    Long,
    /// Spread over numbered keys, and not looked at.
    Numbered,
}

/// The attributes of a dataset, or of some of its traces.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// By kind of carrier and key.
    pub(crate) attributes: Vec<Attribute>,
    /// The traces that were looked at, and their spans.
    pub(crate) all: Tally,
    /// Occurrences of keys beyond those that are told apart.
    pub(crate) left_out: u64,
}

impl Counted for Survey {
    fn bytes(&self) -> usize {
        let values = self.attributes.iter().map(|attribute| match &attribute.values {
            Values::Few(values) => values.iter().map(|(value, _)| value.len() + 120).sum(),
            Values::Many(_) | Values::Long | Values::Numbered => 0,
        });
        self.attributes.len() * 200 + values.sum::<usize>()
    }
}

/// Surveys of a dataset; that of all of it is kept.
#[derive(Debug)]
pub(crate) struct Surveys {
    dataset: Dataset,
    store: Arc<ContentStore>,
    threads: usize,
    whole: Kept<Survey>,
    /// What the user says of how runs ended.
    outcomes: OnceLock<Arc<Outcomes>>,
}

impl Surveys {
    pub(crate) fn new(dataset: &Dataset, store: &Arc<ContentStore>, threads: usize) -> Self {
        let whole = Kept::new("attribute values", threads);
        Self { dataset: dataset.clone(), store: Arc::clone(store), threads, whole, outcomes: OnceLock::new() }
    }

    /// From now on these outcomes count. The first that are given stay.
    pub(crate) fn take_outcomes(&self, outcomes: Arc<Outcomes>) {
        let _kept = self.outcomes.set(outcomes);
    }

    /// All attributes of the dataset.
    pub(crate) async fn whole(&self, pool: &Arc<dyn MemoryPool>) -> Result<Arc<Survey>> {
        let (dataset, store) = (self.dataset.clone(), Arc::clone(&self.store));
        let given = self.outcomes.get().cloned();
        self.whole.get(pool, move |work| scan::all(&dataset, &store, (None, given.as_deref()), work)).await
    }

    /// All attributes of some traces.
    pub(crate) async fn of_traces(&self, wanted: HashSet<String>, pool: &Arc<dyn MemoryPool>) -> Result<Arc<Survey>> {
        let (dataset, store) = (self.dataset.clone(), Arc::clone(&self.store));
        let given = self.outcomes.get().cloned();
        let scan = move |work: &_| scan::all(&dataset, &store, (Some(wanted), given.as_deref()), work).map(Arc::new);
        look("attributes of some traces", self.threads, pool, scan).await
    }

    /// The rows of `attribute_values`.
    pub(crate) async fn rows(self: Arc<Self>, pool: Arc<dyn MemoryPool>) -> Result<RecordBatch> {
        batch(&*self.whole(&pool).await?)
    }
}

fn batch(survey: &Survey) -> Result<RecordBatch> {
    let rows: Vec<(&Attribute, &str, &Tally)> = survey
        .attributes
        .iter()
        .flat_map(|attribute| {
            let values = match &attribute.values {
                Values::Few(values) => values.as_slice(),
                Values::Many(_) | Values::Long | Values::Numbered => &[],
            };
            values.iter().map(move |(value, tally)| (attribute, value.as_str(), tally))
        })
        .collect();
    let counts = |count: fn(&Tally) -> u64| -> ArrayRef {
        let counts = rows.iter().map(|(.., tally)| i64::try_from(count(tally)).unwrap_or(i64::MAX));
        Arc::new(Int64Array::from_iter_values(counts))
    };
    let times = |time: fn(&Tally) -> Option<i64>| -> ArrayRef {
        let times: TimestampNanosecondArray = rows.iter().map(|(.., tally)| time(tally)).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(|(attribute, ..)| &attribute.key))),
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(|(attribute, ..)| attribute.of.name()))),
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(|(_, value, _)| value))),
        counts(|tally| tally.traces),
        counts(|tally| tally.spans),
        counts(|tally| tally.failed_traces),
        times(|tally| tally.first),
        times(|tally| tally.last),
    ];
    Ok(RecordBatch::try_new(schema_shown(ATTRIBUTE_VALUE_COLUMNS), columns)?)
}
