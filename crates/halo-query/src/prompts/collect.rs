//! Prompts as they are counted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use halo_dataset::texts_hash;

use super::{Kind, NAMES_MAX, Prompt, Prompts, Source};
use crate::scan::{Carrier, Counted, Runs, Tally};

/// Short texts by numbers.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    fn text(&self, number: u32) -> String {
        self.texts.get(number as usize).map(|text| text.as_ref().to_owned()).unwrap_or_default()
    }
}

/// What a thread collects.
#[derive(Debug, Default)]
pub(super) struct Collected {
    texts: Vec<(Kind, u64, Source)>,
    by_hash: HashMap<(Kind, u64), u32>,
    names: Names,
    uses: HashMap<(u32, Option<u32>, Option<u32>), Use>,
    made_bytes: usize,
    pub(super) system_runs: Runs,
    pub(super) tool_runs: Runs,
}

#[derive(Debug, Default)]
struct Use {
    versions: BTreeSet<u32>,
    models: BTreeSet<u32>,
    tally: Tally,
}

/// Who was seen with a prompt.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) agent: Option<&'a str>,
    pub(super) service: Option<&'a str>,
    pub(super) model: Option<&'a str>,
    /// Version of the service, release of the trace.
    pub(super) versions: &'a [&'a str],
}

/// The hash that a prompt is known by.
pub(super) fn hash_of(kind: Kind, text: &str) -> u64 {
    texts_hash(&[kind.name(), text])
}

impl Collected {
    /// The number of a text.
    pub(super) fn text(&mut self, kind: Kind, hash: u64, source: impl FnOnce() -> Source) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let number = *self.by_hash.entry((kind, hash)).or_insert(next);
        if number == next {
            let source = source();
            if let Source::Made(text) = &source {
                self.made_bytes += text.len();
            }
            self.texts.push((kind, hash, source));
        }
        number
    }

    /// Counts a span with a text.
    pub(super) fn count(&mut self, text: u32, seen: &Seen<'_>, carrier: &Carrier) {
        let Self { names, uses, .. } = self;
        let mut name = |name: Option<&str>| name.map(|name| names.number(name));
        let (agent, service, model) = (name(seen.agent), name(seen.service), name(seen.model));
        let Use { versions, models, tally } = uses.entry((text, agent, service)).or_default();
        tally.add(carrier);
        if models.len() < NAMES_MAX {
            models.extend(model);
        }
        for version in seen.versions {
            if versions.len() < NAMES_MAX {
                versions.insert(names.number(version));
            }
        }
    }
}

impl Counted for Collected {
    fn bytes(&self) -> usize {
        self.made_bytes + self.texts.len() * 120 + self.uses.len() * 300 + self.names.texts.len() * 100
    }
}

/// What all threads collected: a row for each text, agent and service.
pub(super) fn gathered(parts: Vec<Collected>) -> Prompts {
    type Key = (Kind, Option<String>, Option<String>, u64);
    let mut rows: HashMap<Key, (Source, Tally, BTreeSet<String>, BTreeSet<String>)> = HashMap::new();
    for Collected { texts, names, uses, .. } in parts {
        for ((text, agent, service), seen) in uses {
            let (kind, hash, source) = &texts[text as usize];
            let name = |number: Option<u32>| number.map(|number| names.text(number));
            let row = rows.entry((*kind, name(agent), name(service), *hash));
            let (known, tally, versions, models) =
                row.or_insert_with(|| (source.clone(), Tally::default(), BTreeSet::new(), BTreeSet::new()));
            // The same id, whichever thread was first.
            if let (Source::Stored(known), Source::Stored(id)) = (known, source) {
                *known = (*known).min(*id);
            }
            tally.merge(seen.tally);
            versions.extend(seen.versions.iter().map(|number| names.text(*number)));
            models.extend(seen.models.iter().map(|number| names.text(*number)));
        }
    }
    let prompt = |((kind, agent, service, hash), (source, mut tally, versions, models)): (Key, _)| {
        Tally::settle(&mut tally);
        let first = |names: BTreeSet<String>| names.into_iter().take(NAMES_MAX).collect();
        Prompt { kind, hash, source, agent, service, versions: first(versions), models: first(models), tally }
    };
    let mut prompts: Vec<Prompt> = rows.into_iter().map(prompt).collect();
    prompts.sort_by(|a, b| {
        let key = |prompt: &Prompt| (prompt.tally.first, prompt.hash);
        (a.kind, &a.agent, &a.service).cmp(&(b.kind, &b.agent, &b.service)).then_with(|| key(a).cmp(&key(b)))
    });
    Prompts(prompts)
}
