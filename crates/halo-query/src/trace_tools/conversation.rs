//! What is new in the conversation that an LLM step sends: agents send all that was said before again each turn.

use std::collections::HashMap;
use std::sync::Arc;

use crate::trace_steps::{Step, StepTexts};

/// How often each message stands in a list, by its identity.
type Counts = HashMap<u64, usize>;

/// The conversations of a trace, as far as its steps have passed by.
#[derive(Default)]
pub(crate) struct Conversations {
    /// Identities of the messages that passed by, by row and by whether they came out.
    identities: HashMap<(i64, bool), u64>,
    /// The most often that each message stood in one step.
    most: Counts,
    /// What went into the last LLM step of each agent.
    last: HashMap<Option<Arc<str>>, (u64, Counts)>,
}

/// What an LLM step sends that no step before it had.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Places of the new messages among those that went in. Of the first step of an agent, system prompts are new in any case.
    pub(crate) new: Vec<usize>,
    /// How many messages of an earlier step of the agent this one leaves out, and which step that is.
    pub(crate) left_out: Option<(usize, u64)>,
}

impl Conversations {
    /// Takes the next LLM step.
    pub(crate) fn take(&mut self, step: &Step, texts: &StepTexts) -> Turn {
        let sent: Vec<u64> = step.input_messages.iter().map(|row| self.identity(*row, false, texts)).collect();
        let said: Vec<u64> = step.output_messages.iter().map(|row| self.identity(*row, true, texts)).collect();
        let is_first = !self.last.contains_key(&step.agent_name);
        let mut counts = Counts::new();
        let mut turn = Turn::default();
        for (place, identity) in sent.iter().enumerate() {
            let count = counts.entry(*identity).or_default();
            *count += 1;
            let is_new = *count > self.most.get(identity).copied().unwrap_or(0);
            let is_system = || texts.message(step.input_messages[place], false).role == "system";
            if is_new || is_first && place == 0 && is_system() {
                turn.new.push(place);
            }
        }
        turn.left_out = self.left_out(step, &counts);
        let mut all = counts.clone();
        for identity in said {
            *all.entry(identity).or_default() += 1;
        }
        for (identity, count) in all {
            let most = self.most.entry(identity).or_default();
            *most = count.max(*most);
        }
        if !counts.is_empty() {
            self.last.insert(step.agent_name.clone(), (step.step, counts));
        }
        turn
    }

    /// Messages that the step of the agent before had and this one has no more. A conversation that shares nothing is another one.
    fn left_out(&self, step: &Step, counts: &Counts) -> Option<(usize, u64)> {
        let (before, had) = self.last.get(&step.agent_name)?;
        let kept = |identity: &u64| counts.get(identity).copied().unwrap_or(0);
        let missing: usize = had.iter().map(|(identity, count)| count.saturating_sub(kept(identity))).sum();
        let shares_any = had.keys().any(|identity| kept(identity) > 0);
        (missing > 0 && shares_any).then_some((missing, *before))
    }

    fn identity(&mut self, row: i64, came_out: bool, texts: &StepTexts) -> u64 {
        *self.identities.entry((row, came_out)).or_insert_with(|| texts.message(row, came_out).identity)
    }
}
