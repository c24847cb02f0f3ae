//! The wording of the corpus: lists of variants per slot, read from TOML files that another author writes.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;

use crate::rng::Rng;

/// Every file of wording; `more.toml` holds the slots found missing later on.
const FILES: [&str; 7] = [
    include_str!("texts/prompts.toml"),
    include_str!("texts/users.toml"),
    include_str!("texts/answers.toml"),
    include_str!("texts/errors.toml"),
    include_str!("texts/faulty.toml"),
    include_str!("texts/docs.toml"),
    include_str!("texts/more.toml"),
];

#[derive(Deserialize)]
struct Slot {
    tuning: Vec<String>,
    held_out: Vec<String>,
}

/// All slots of one side (tuning or held out).
pub(crate) struct Texts {
    slots: BTreeMap<String, Vec<String>>,
}

impl Texts {
    /// Reads the lists of one side.
    pub(crate) fn load(held_out: bool) -> anyhow::Result<Self> {
        let mut slots = BTreeMap::new();
        for file in FILES {
            let parsed: BTreeMap<String, Slot> = toml::from_str(file).context("a file of texts does not parse")?;
            for (name, slot) in parsed {
                let side = if held_out { slot.held_out } else { slot.tuning };
                anyhow::ensure!(!side.is_empty(), "slot {name} is empty");
                slots.insert(name, side);
            }
        }
        Ok(Self { slots })
    }

    /// A variant of `slot`; a slot nobody wrote is a mistake of the tables, shown in the text and caught by a test.
    pub(crate) fn pick(&self, slot: &str, rng: &mut Rng) -> &str {
        match self.slots.get(slot) {
            Some(variants) => &variants[rng.index(variants.len())],
            None => "<missing slot>",
        }
    }
}

/// Puts the values of `entities` in place of `{key}`. What is in double braces, or no known key, stays as it is:
/// source code and templates hold braces of their own.
pub(crate) fn fill(text: &str, entities: &BTreeMap<&'static str, String>) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        if rest.starts_with("{{") {
            let end = rest.find("}}").map_or(rest.len(), |at| at + 2);
            filled.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let value = rest.find('}').and_then(|close| entities.get(&rest[1..close]).map(|value| (close, value)));
        match value {
            Some((close, value)) => {
                filled.push_str(value);
                rest = &rest[close + 1..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}
