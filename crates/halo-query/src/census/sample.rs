//! A few traces that represent many.

use halo_dataset::texts_hash;

use super::Census;

/// Part of the time of all traces that counts as one in a sample.
const TIME_PARTS: i128 = 8;

impl Census {
    /// So many of these traces, by number, that represent all of them: by outcome, by what failed, by service, size and time. The same seed
    /// gives the same traces.
    ///
    /// Traces are put in the order of these, and taken at equal distances from a start that depends on the seed: so each kind of trace
    /// comes in by its share, without a quota for each.
    pub(crate) fn sample(&self, traces: &[u32], wanted: usize, seed: u64) -> Vec<u32> {
        if wanted >= traces.len() {
            return traces.to_vec();
        }
        let seed = seed.to_string();
        let failures = self.main_failures(traces);
        let starts = || self.facts(traces).filter_map(|trace| trace.start);
        let (first, last) = (starts().min().unwrap_or(0), starts().max().unwrap_or(0));
        let span = (i128::from(last) - i128::from(first)).max(1);
        let mut ordered: Vec<_> = traces
            .iter()
            .zip(failures)
            .map(|(trace, failure)| {
                let facts = self.trace(*trace);
                let service = self.services.of(*trace).first().copied();
                let size = facts.spans.checked_ilog2();
                let time = facts.start.map(|start| (i128::from(start) - i128::from(first)) * TIME_PARTS / span);
                let chance = texts_hash(&[self.id(*trace), &seed]);
                ((self.outcome(*trace), failure, service, size, time, chance), *trace)
            })
            .collect();
        ordered.sort_unstable();
        let chance = usize::try_from(texts_hash(&[&seed]) % traces.len() as u64).unwrap_or(0);
        // In whole numbers, so that it is the same on every machine.
        let mut sampled: Vec<u32> =
            (0..wanted).map(|at| ordered[(at * traces.len() / wanted + chance) % traces.len()].1).collect();
        sampled.sort_unstable_by_key(|trace| (self.trace(*trace).start, *trace));
        sampled
    }

    /// Of each trace the group of failures that most of its failed spans belong to.
    fn main_failures(&self, traces: &[u32]) -> Vec<Option<u32>> {
        let mut main: Vec<Option<(u32, u32)>> = vec![None; self.traces.len()];
        for (trace, group, count) in &self.steps {
            let failed = &self.groups[*group as usize];
            let known = &mut main[*trace as usize];
            if (failed.is_error || failed.failed()) && known.is_none_or(|(most, _)| *count > most) {
                *known = Some((*count, *group));
            }
        }
        traces.iter().map(|trace| main[*trace as usize].map(|(_, group)| group)).collect()
    }
}
