//! The faults planted in the corpus: what they are, where they strike, and how one is drawn for a trace.

mod actions;
mod agents;
mod context;
mod loops;
mod telemetry;

use serde_json::{Value, json};

use super::plan::Draft;
use super::world::{DAYS, Meta, SERVICES};

/// The true cause's place. Empty fields do not restrict.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    /// Index of the harness version.
    pub(crate) version: Option<usize>,
    /// Model.
    pub(crate) model: Option<&'static str>,
    /// Tenant.
    pub(crate) tenant: Option<&'static str>,
    /// Tool; `could` of the fault sees to it.
    pub(crate) tool: Option<&'static str>,
    /// Locales.
    pub(crate) locales: &'static [&'static str],
    /// Region.
    pub(crate) region: Option<&'static str>,
    /// First day of batch A on which it strikes.
    pub(crate) since: Option<i64>,
}

/// No restriction.
pub(crate) const ANYWHERE: Scope =
    Scope { version: None, model: None, tenant: None, tool: None, locales: &[], region: None, since: None };

/// What becomes of a fault in batch B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    /// The same as in A.
    Same,
    /// Gone.
    Fixed,
    /// About double.
    Worse,
    /// Only in B.
    New,
}

/// One fault.
pub(crate) struct Fault {
    /// Its id.
    pub(crate) id: &'static str,
    /// The service it lives in; empty for all.
    pub(crate) service: &'static str,
    /// What a reader sees.
    pub(crate) what: &'static str,
    /// Why it happens.
    pub(crate) cause: &'static str,
    /// What to change.
    pub(crate) fix: &'static str,
    /// Where it strikes.
    pub(crate) scope: Scope,
    /// Rate in scope (permille of those that could have it), and out of scope.
    pub(crate) rates: (i64, i64),
    /// Whether it may stand beside other faults: it changes no step of the conversation.
    pub(crate) soft: bool,
    /// What the population is, in words.
    pub(crate) population: &'static str,
    /// Whether the trace could have it at all.
    pub(crate) could: fn(&Draft<'_>) -> bool,
    /// Plants it.
    pub(crate) plant: fn(&mut Draft<'_>),
    /// What becomes of it in batch B.
    pub(crate) later: Later,
}

impl Scope {
    /// Whether nothing is restricted.
    fn is_open(&self) -> bool {
        self.version.is_none()
            && self.model.is_none()
            && self.tenant.is_none()
            && self.tool.is_none()
            && self.locales.is_empty()
            && self.region.is_none()
            && self.since.is_none()
    }

    /// Whether `meta` lies in it.
    pub(crate) fn holds(&self, meta: &Meta) -> bool {
        self.version.is_none_or(|version| version == meta.version_at)
            && self.model.is_none_or(|model| model == meta.model)
            && self.tenant.is_none_or(|tenant| tenant == meta.tenant)
            && (self.locales.is_empty() || self.locales.contains(&meta.locale))
            && self.region.is_none_or(|region| region == meta.region)
            && self.since.is_none_or(|day| meta.second_batch || meta.day >= day)
    }
}

impl Fault {
    /// The scope as attribute and value; `null` when the fault strikes anywhere in its service.
    pub(crate) fn scope_json(&self) -> Value {
        if self.scope.is_open() {
            return Value::Null;
        }
        let mut map = serde_json::Map::new();
        if !self.service.is_empty() {
            map.insert("service.name".to_owned(), json!(self.service));
        }
        if let Some(version) = self.scope.version {
            let service = SERVICES.iter().find(|service| service.name == self.service);
            map.insert("service.version".to_owned(), json!(service.map(|service| service.versions[version])));
        }
        for (key, value) in [
            ("model", self.scope.model),
            ("tenant", self.scope.tenant),
            ("tool", self.scope.tool),
            ("region", self.scope.region),
        ] {
            if let Some(value) = value {
                map.insert(key.to_owned(), json!(value));
            }
        }
        if !self.scope.locales.is_empty() {
            map.insert("locale".to_owned(), json!(self.scope.locales));
        }
        Value::Object(map)
    }

    /// Whether it exists in this batch.
    pub(crate) fn exists(&self, second_batch: bool) -> bool {
        match self.later {
            Later::Fixed => !second_batch,
            Later::New => second_batch,
            Later::Same | Later::Worse => true,
        }
    }

    /// Rate in scope (permille). A fault that began during batch A strikes in B all the time, in fewer of the traces,
    /// so that the rates of the two batches stay comparable.
    fn inside(&self, second_batch: bool) -> i64 {
        match (second_batch, self.later, self.scope.since) {
            (true, Later::Worse, _) => self.rates.0 * 22 / 10,
            (true, _, Some(day)) => self.rates.0 * (DAYS - day) / DAYS,
            _ => self.rates.0,
        }
    }
}

/// All faults, in a fixed order.
pub(crate) fn all() -> Vec<&'static Fault> {
    [loops::FAULTS, actions::FAULTS, context::FAULTS, agents::FAULTS, telemetry::FAULTS].into_iter().flatten().collect()
}

/// What was drawn for one trace: the places in `all()` of what it could have had in scope, and of what it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// Faults in whose population it is.
    pub(crate) population: Vec<usize>,
    /// Faults planted.
    pub(crate) planted: Vec<usize>,
    /// Whether one of them changed the conversation.
    pub(crate) hard: bool,
}

/// Plants faults in `draft`: at most one that changes the conversation, and any of the others.
pub(crate) fn plant(draft: &mut Draft<'_>, faults: &[&'static Fault]) -> Drawn {
    let mut drawn = Drawn::default();
    let mut order: Vec<usize> = (0..faults.len()).collect();
    draft.rng.shuffle(&mut order);
    // Soft faults come after the hard ones: they must see the conversation as it ended up.
    order.sort_by_key(|at| faults[*at].soft);
    let second = draft.meta.second_batch;
    for at in order {
        let fault = faults[at];
        let ours = fault.service.is_empty() || fault.service == draft.meta.service.name;
        // A fault of the steps is judged on the ordinary plan; once another one struck, this trace no longer could.
        if !ours || !fault.exists(second) || (!fault.soft && drawn.hard) || !(fault.could)(draft) {
            continue;
        }
        let inside = fault.scope.holds(&draft.meta);
        if inside {
            drawn.population.push(at);
        }
        let rate = if inside { fault.inside(second) } else { fault.rates.1 };
        if draft.rng.permille(rate) {
            (fault.plant)(draft);
            drawn.planted.push(at);
            drawn.hard |= !fault.soft;
        }
    }
    drawn
}
