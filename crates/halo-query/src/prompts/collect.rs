//! Prompts as they are counted.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use halo_dataset::texts_hash;

use super::previous::lines_of;
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
    texts: Vec<Text>,
    by_hash: HashMap<(Kind, u64), u32>,
    names: Names,
    uses: HashMap<(u32, Option<u32>, Option<u32>), Use>,
    text_bytes: usize,
    pub(super) system_runs: Runs,
    pub(super) tool_runs: Runs,
}

#[derive(Debug)]
struct Text {
    kind: Kind,
    hash: u64,
    source: Source,
    lines: Box<[u64]>,
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

impl Collected {
    /// The number of a text. It is kept when no id says where it is stored.
    pub(super) fn text(&mut self, kind: Kind, text: &str, id: Option<i64>) -> u32 {
        let hash = texts_hash(&[kind.name(), text]);
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let number = *self.by_hash.entry((kind, hash)).or_insert(next);
        if number == next {
            let lines = lines_of(text);
            self.text_bytes += lines.len() * 8 + if id.is_some() { 0 } else { text.len() };
            let source = id.map_or_else(|| Source::Made(text.into()), Source::Stored);
            self.texts.push(Text { kind, hash, source, lines });
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
        self.text_bytes + self.texts.len() * 120 + self.uses.len() * 300 + self.names.texts.len() * 100
    }
}

/// What all threads collected: a row for each text, agent and service.
pub(super) fn gathered(parts: Vec<Collected>) -> Prompts {
    type Key = (Kind, Option<String>, Option<String>, u64);
    let mut rows: HashMap<Key, Prompt> = HashMap::new();
    for Collected { texts, names, uses, .. } in parts {
        for ((text, agent, service), seen) in uses {
            let Text { kind, hash, source, lines } = &texts[text as usize];
            let name = |number: Option<u32>| number.map(|number| names.text(number));
            let (agent, service) = (name(agent), name(service));
            let prompt = rows.entry((*kind, agent.clone(), service.clone(), *hash)).or_insert_with(|| Prompt {
                kind: *kind,
                hash: *hash,
                source: source.clone(),
                lines: lines.clone(),
                agent,
                service,
                versions: Vec::new(),
                models: Vec::new(),
                tally: Tally::default(),
            });
            // The same id, whichever thread was first.
            if let (Source::Stored(known), Source::Stored(id)) = (&mut prompt.source, source) {
                *known = (*known).min(*id);
            }
            prompt.tally.merge(seen.tally);
            prompt.versions.extend(seen.versions.iter().map(|number| names.text(*number)));
            prompt.models.extend(seen.models.iter().map(|number| names.text(*number)));
        }
    }
    let mut prompts: Vec<Prompt> = rows.into_values().collect();
    for prompt in &mut prompts {
        prompt.tally.settle();
        for names in [&mut prompt.versions, &mut prompt.models] {
            names.sort_unstable();
            names.dedup();
            names.truncate(NAMES_MAX);
        }
    }
    prompts.sort_by(|a, b| {
        let key = |prompt: &Prompt| (prompt.tally.first, prompt.hash);
        (a.kind, &a.agent, &a.service).cmp(&(b.kind, &b.agent, &b.service)).then_with(|| key(a).cmp(&key(b)))
    });
    Prompts(prompts)
}
