//! Which text a prompt took the place of. An agent may have many prompts at a time, one a tenant or language, that are changed together: the one
//! before is that which is most alike, not that which came up last.

use std::collections::HashSet;

use super::Prompt;

/// Lines of a text that are compared.
const LINES_MAX: usize = 400;

/// Texts before one that are compared with it.
const CANDIDATES_MAX: usize = 50;

/// What the lines of a text are known by.
pub(super) fn lines_of(text: &str) -> Box<[u64]> {
    let lines: HashSet<u64> =
        text.lines().take(LINES_MAX).map(|line| halo_dataset::texts_hash(&[line.trim()])).collect();
    lines.into_iter().collect()
}

/// For each prompt the place of the one it took the place of. The prompts of a kind, agent and service stand together, in the order they came
/// up.
pub(super) fn previous(prompts: &[Prompt]) -> Vec<Option<usize>> {
    let same = |a: &Prompt, b: &Prompt| (a.kind, &a.agent, &a.service) == (b.kind, &b.agent, &b.service);
    let mut start = 0;
    (0..prompts.len())
        .map(|at| {
            if !same(&prompts[start], &prompts[at]) {
                start = at;
            }
            replaced(prompts, start, at)
        })
        .collect()
}

/// Of those that went before this one, the most alike: those that were gone before it came up before those that were seen beside it.
fn replaced(prompts: &[Prompt], start: usize, at: usize) -> Option<usize> {
    let prompt = &prompts[at];
    let lines: HashSet<u64> = prompt.lines.iter().copied().collect();
    let candidates =
        (start..at).rev().filter(|before| prompts[*before].tally.last < prompt.tally.last).take(CANDIDATES_MAX);
    candidates.max_by_key(|before| {
        let other = &prompts[*before];
        let shared = other.lines.iter().filter(|line| lines.contains(line)).count();
        // Lines that both have, less those that one has alone.
        let alike = 3 * shared.cast_signed() - (lines.len() + other.lines.len()).cast_signed();
        (other.tally.last < prompt.tally.first, alike, other.tally.last)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Source};
    use super::{Prompt, lines_of, previous};
    use crate::scan::Tally;

    #[test]
    fn what_changed_together_is_told_apart() {
        let prompt = |agent: &str, text: &str, first: i64, last: i64| Prompt {
            kind: Kind::System,
            hash: 0,
            source: Source::Made(text.into()),
            lines: lines_of(text),
            agent: Some(agent.to_owned()),
            service: None,
            versions: Vec::new(),
            models: Vec::new(),
            tally: Tally::told([1, 1, 0], Some(first), Some(last)),
        };
        let rules = "Be kind.\nBe short.\nBe right.";
        let prompts = [
            prompt("shop", &format!("For Ann.\n{rules}"), 0, 10),
            prompt("shop", &format!("For Bob.\n{rules}"), 1, 11),
            prompt("shop", &format!("For Ann.\n{rules}\nBe quick."), 12, 20),
            prompt("shop", &format!("For Bob.\n{rules}\nBe quick."), 13, 21),
            prompt("taxi", "Drive.", 30, 40),
            prompt("taxi", "Drive on.", 35, 39),
        ];
        assert_eq!(previous(&prompts), [None, Some(0), Some(0), Some(1), None, None]);
    }
}
