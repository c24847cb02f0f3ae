//! The truth file: which traces carry which fault and which noise.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::clock;
use super::faults::{Drawn, Fault, Later};
use super::noise::{AMBIENT, CRASHES, Noise};
use super::world::{DAY_NS, Meta, START_NS};

/// What was put into one trace.
#[derive(Default)]
pub(crate) struct Found {
    /// Its faults.
    pub(crate) drawn: Drawn,
    /// Place in `noise::all()`.
    pub(crate) noise: Option<usize>,
    /// Places in `noise::AMBIENT`.
    pub(crate) ambient: Vec<usize>,
    /// Place in `noise::CRASHES`.
    pub(crate) crash: Option<usize>,
}

/// What is collected while the traces are written; ids as numbers, since a million traces must fit in memory.
pub(crate) struct Ledger {
    faults: Vec<&'static Fault>,
    noise: Vec<&'static Noise>,
    planted: Vec<Vec<u128>>,
    population: Vec<u64>,
    in_scope: Vec<u64>,
    noisy: Vec<Vec<u128>>,
    ambient: Vec<Vec<u128>>,
    crashes: Vec<Vec<u128>>,
    /// Traces written.
    pub(crate) traces: u64,
    /// Spans written.
    pub(crate) spans: u64,
}

impl Ledger {
    /// An empty ledger.
    pub(crate) fn new(faults: Vec<&'static Fault>, noise: Vec<&'static Noise>) -> Self {
        Self {
            planted: vec![Vec::new(); faults.len()],
            population: vec![0; faults.len()],
            in_scope: vec![0; faults.len()],
            noisy: vec![Vec::new(); noise.len()],
            ambient: vec![Vec::new(); AMBIENT.len()],
            crashes: vec![Vec::new(); CRASHES.len()],
            faults,
            noise,
            traces: 0,
            spans: 0,
        }
    }

    /// Notes what was drawn for one trace.
    pub(crate) fn note(&mut self, meta: &Meta, found: &Found) {
        let id = u128::from_str_radix(&meta.trace_id, 16).unwrap_or(0);
        self.traces += 1;
        for at in &found.drawn.population {
            self.population[*at] += 1;
        }
        for at in &found.drawn.planted {
            self.planted[*at].push(id);
            self.in_scope[*at] += u64::from(self.faults[*at].scope.holds(meta));
        }
        if let Some(at) = found.noise {
            self.noisy[at].push(id);
        }
        for at in &found.ambient {
            self.ambient[*at].push(id);
        }
        if let Some(at) = found.crash {
            self.crashes[at].push(id);
        }
    }

    /// The whole truth; it borrows the ids, which a million traces would not fit twice into memory.
    pub(crate) fn truth(&self, seed: u64, batch: &'static str, held_out: bool) -> Truth<'_> {
        let second = batch == "B";
        let mut faults = Vec::new();
        for (at, fault) in self.faults.iter().enumerate().filter(|(_, fault)| fault.exists(second)) {
            let since = fault.scope.since.filter(|_| !second).map(|day| clock::stamp(START_NS + day * DAY_NS));
            faults.push(FaultTruth {
                id: fault.id,
                what: fault.what,
                cause: fault.cause,
                fix_place: fault.fix,
                scope: fault.scope_json(),
                since,
                population_what: fault.population,
                population: self.population[at],
                in_scope: self.in_scope[at],
                trace_ids: Ids(&self.planted[at]),
            });
        }
        let mut noise = Vec::new();
        for (kind, traces) in self.noise.iter().zip(&self.noisy) {
            noise.push(NoiseTruth { id: kind.id, what: kind.what.to_owned(), trace_ids: Ids(traces) });
        }
        for ((id, what), traces) in AMBIENT.iter().zip(&self.ambient) {
            noise.push(NoiseTruth { id, what: (*what).to_owned(), trace_ids: Ids(traces) });
        }
        for ((id, text), traces) in CRASHES.iter().zip(&self.crashes) {
            let what = format!("One-off crash, not systemic: {text}");
            noise.push(NoiseTruth { id, what, trace_ids: Ids(traces) });
        }
        let changes = if second { changes(&self.faults) } else { Vec::new() };
        Truth {
            format_version: 1,
            seed,
            batch,
            held_out,
            traces: self.traces,
            spans: self.spans,
            changes,
            faults,
            noise,
        }
    }
}

/// The truth file.
#[derive(Serialize)]
pub(crate) struct Truth<'a> {
    format_version: u32,
    seed: u64,
    batch: &'static str,
    held_out: bool,
    traces: u64,
    spans: u64,
    changes: Vec<Value>,
    faults: Vec<FaultTruth<'a>>,
    noise: Vec<NoiseTruth<'a>>,
}

#[derive(Serialize)]
struct FaultTruth<'a> {
    id: &'static str,
    what: &'static str,
    cause: &'static str,
    fix_place: &'static str,
    scope: Value,
    since: Option<String>,
    population_what: &'static str,
    population: u64,
    in_scope: u64,
    trace_ids: Ids<'a>,
}

#[derive(Serialize)]
struct NoiseTruth<'a> {
    id: &'static str,
    what: String,
    trace_ids: Ids<'a>,
}

/// Trace ids, written as text one at a time.
struct Ids<'a>(&'a [u128]);

impl Serialize for Ids<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|id| format!("{id:032x}")))
    }
}

fn changes(faults: &[&'static Fault]) -> Vec<Value> {
    faults
        .iter()
        .filter_map(|fault| {
            let change = match fault.later {
                Later::Same => return None,
                Later::Fixed => "fixed",
                Later::Worse => "worse",
                Later::New => "new",
            };
            Some(json!({"id": fault.id, "change": change}))
        })
        .collect()
}
