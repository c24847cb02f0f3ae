//! Faults of timing and of the telemetry itself.

use super::super::plan::{Draft, Step};
use super::{ANYWHERE, Fault, Later, Scope};

/// The faults of this file.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "latency-shift",
        service: "data-analyst",
        what: "run_query takes 6 to 9 times as long as before.",
        cause: "On 18 September the connection pool of run_query was cut to one connection.",
        fix: "connection pool of run_query",
        scope: Scope { tool: Some("run_query"), since: Some(17), ..ANYWHERE },
        rates: (890, 0),
        soft: true,
        population: "traces since that day that call run_query",
        could: |draft| draft.find("run_query").is_some(),
        plant: slow,
        later: Later::Same,
    },
    Fault {
        id: "orphan-spans",
        service: "code-assistant",
        what: "Spans name a parent that is never exported: the root is missing, or tool spans hang below nothing.",
        cause: "Release 0.19.0 shuts the exporter down before the outer spans have ended.",
        fix: "telemetry shutdown of code-assistant 0.19.0",
        scope: Scope { version: Some(3), ..ANYWHERE },
        rates: (580, 0),
        soft: true,
        population: "traces of the version",
        could: |draft| !draft.call_steps().is_empty(),
        plant: orphans,
        later: Later::Same,
    },
    Fault {
        id: "token-counts-missing",
        service: "",
        what: "Model calls carry no token counts and no cost.",
        cause: "The adapter of mistral-large-2 does not read the usage of streamed answers.",
        fix: "usage adapter for mistral-large-2 (all services)",
        scope: Scope { model: Some("mistral-large-2"), ..ANYWHERE },
        rates: (640, 0),
        soft: true,
        population: "traces with the model",
        could: |draft| !draft.meta.service.intents.is_empty(),
        plant: |draft| draft.quirks.no_tokens = true,
        later: Later::Same,
    },
    Fault {
        id: "clock-skew",
        service: "ops-copilot",
        what: "Tool spans begin before the model call that asks for them has ended.",
        cause: "The tool hosts of us-west-2 run seconds behind.",
        fix: "clock synchronisation of the tool hosts (region us-west-2)",
        scope: Scope { region: Some("us-west-2"), ..ANYWHERE },
        rates: (900, 0),
        soft: true,
        population: "traces in the region with a tool call",
        could: |draft| !draft.call_steps().is_empty(),
        plant: |draft| draft.quirks.skew_ms = draft.rng.between(1500, 6000),
        later: Later::Same,
    },
];

fn slow(draft: &mut Draft<'_>) {
    let factor = draft.rng.between(6, 9);
    for turn in &mut draft.turns {
        for step in &mut turn.steps {
            if let Step::Calls(calls, _) = step {
                for call in calls.iter_mut().filter(|call| call.tool == "run_query") {
                    call.ms *= factor;
                }
            }
        }
    }
}

fn orphans(draft: &mut Draft<'_>) {
    match draft.rng.index(3) {
        0 => draft.quirks.no_root = true,
        1 => draft.quirks.lost_wrappers = true,
        _ => {
            draft.quirks.no_root = true;
            draft.quirks.lost_wrappers = true;
        }
    }
}
