//! Harmless look-alikes of faults: what a detector must not report.

mod talk;
mod work;

use super::plan::Draft;
use super::world::SERVICES;
use crate::rng::Rng;

/// One kind of noise.
pub(crate) struct Noise {
    /// Its id.
    pub(crate) id: &'static str,
    /// What a reader sees, and why it is harmless.
    pub(crate) what: &'static str,
    /// Rate (permille) among the traces that could have it.
    pub(crate) rate: i64,
    /// Whether the trace could have it.
    pub(crate) could: fn(&Draft<'_>) -> bool,
    /// Plants it.
    pub(crate) plant: fn(&mut Draft<'_>),
}

/// One-off crashes: (id, error text's slot stays the same, agent's service).
pub(crate) const CRASHES: [(&str, &str); 5] = [
    ("crash-oom", "FATAL: out of memory"),
    ("crash-disk", "OSError: [Errno 28] No space left on device"),
    ("crash-certificate", "x509: certificate has expired"),
    ("crash-dns", "getaddrinfo ENOTFOUND api.internal"),
    ("crash-segfault", "signal 11 (SIGSEGV), core dumped"),
];

/// All kinds but those that follow from the service or the crashes.
pub(crate) fn all() -> Vec<&'static Noise> {
    [talk::NOISE, work::NOISE].into_iter().flatten().collect()
}

/// Kinds that are a matter of the facts of a trace and not of its steps: (id, what).
pub(crate) const AMBIENT: [(&str, &str); 7] = [
    (
        "classifier-one-token",
        "The intent router answers with one token by design (max_tokens=1, finish reason length).",
    ),
    ("uptime-probe", "A health check sends a greeting and gets `ok`; tiny traces by design."),
    ("canary", "A few traces of a canary build; behaves like the version it is built from."),
    ("long-texts-tenant", "Tenant wonka writes long messages by nature."),
    ("cold-cache", "The first model call reads nothing from the prompt cache after an idle while."),
    ("user-feedback", "A user's or judge's score is attached."),
    ("staging", "A trace of the staging environment."),
];

/// Plants at most one kind of noise in a trace that no fault has changed; gives its place in `all()`.
pub(crate) fn plant(draft: &mut Draft<'_>, kinds: &[&'static Noise]) -> Option<usize> {
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    draft.rng.shuffle(&mut order);
    for at in order {
        let kind = kinds[at];
        if (kind.could)(draft) && draft.rng.permille(kind.rate) {
            (kind.plant)(draft);
            return Some(at);
        }
    }
    None
}

/// Which crash, if any, strikes trace `index` of `count`: each strikes 1 to 3 traces of a batch.
pub(crate) fn crash(seed: u64, index: u64, count: u64) -> Option<usize> {
    (0..CRASHES.len()).find(|kind| {
        let mut rng = Rng::new(seed).fork(0xdead + *kind as u64);
        let times = rng.between(1, 3);
        (0..times).any(|_| rng.next() % count.max(1) == index)
    })
}

/// Whether this is a trace of a real agent.
pub(crate) fn agent(draft: &Draft<'_>) -> bool {
    !draft.meta.service.intents.is_empty()
}

/// Whether the service is the one of `domain`.
pub(crate) fn of(draft: &Draft<'_>, domain: &str) -> bool {
    SERVICES.iter().any(|service| service.domain == domain && service.name == draft.meta.service.name)
}

/// Whether the trace has a tool call and is in English.
pub(crate) fn english_calls(draft: &Draft<'_>) -> bool {
    draft.meta.language() == "en" && !draft.call_steps().is_empty()
}
