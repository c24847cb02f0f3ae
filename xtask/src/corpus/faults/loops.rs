//! Faults of repetition: loops, retries, limits of steps.

use serde_json::Value;

use super::super::plan::{Call, Draft, Step};
use super::{ANYWHERE, Fault, Later, Scope};

/// The faults of this file.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "renamed-tool",
        service: "travel-concierge",
        what: "The model calls a search tool under a name that is not among the offered tools; the harness answers that the tool is unknown.",
        cause: "Release 2.3.0 renamed the search tools in the registry; prompt examples still teach old names.",
        fix: "tool registry / prompt examples of travel-concierge 2.3.0",
        scope: Scope { version: Some(2), ..ANYWHERE },
        rates: (560, 0),
        soft: false,
        population: "traces of the version that search flights or hotels",
        could: |draft| search_tool(draft).is_some(),
        plant: renamed_tool,
        later: Later::Same,
    },
    Fault {
        id: "identical-call-loop",
        service: "code-assistant",
        what: "run_tests is called 4 to 10 times in a row with the same arguments and the same failing result, with no edit in between.",
        cause: "The loop has no guard against repeated identical calls.",
        fix: "agent loop of code-assistant: detect repeated calls",
        scope: ANYWHERE,
        rates: (180, 0),
        soft: false,
        population: "traces that run tests",
        could: |draft| draft.find("run_tests").is_some(),
        plant: identical_loop,
        later: Later::Same,
    },
    Fault {
        id: "alternating-loop",
        service: "ops-copilot",
        what: "get_metrics and query_logs are called in turns, 3 to 6 rounds, each time with the same arguments and results.",
        cause: "The prompt of 1.13.0 asks to confirm metrics by logs and logs by metrics, without an end.",
        fix: "system prompt / loop guard of ops-copilot 1.13.0",
        scope: Scope { version: Some(1), ..ANYWHERE },
        rates: (680, 10),
        soft: false,
        population: "traces of the version that query logs",
        could: |draft| draft.find("query_logs").is_some(),
        plant: alternating_loop,
        later: Later::Same,
    },
    Fault {
        id: "retry-without-backoff",
        service: "hr-assistant",
        what: "A failing get_employee is retried by the harness 3 to 8 times within a fraction of a second, so that all attempts fail.",
        cause: "The retry policy of the directory client in us-east-1 has a delay of 0.",
        fix: "retry policy of the get_employee client (region us-east-1)",
        scope: Scope { tool: Some("get_employee"), region: Some("us-east-1"), ..ANYWHERE },
        rates: (640, 20),
        soft: false,
        population: "traces in the region that call get_employee",
        could: |draft| draft.find("get_employee").is_some(),
        plant: no_backoff,
        later: Later::Same,
    },
    Fault {
        id: "rate-limit-storm",
        service: "research-library",
        what: "Model calls hit the provider's rate limit and are fired again at once, 4 to 14 times.",
        cause: "Tenant globex brings its own API key of a small quota; the harness ignores retry-after.",
        fix: "model client: honour retry-after / quota of tenant globex",
        scope: Scope { tenant: Some("globex"), ..ANYWHERE },
        rates: (880, 8),
        soft: false,
        population: "traces of the tenant",
        could: |draft| !draft.intents.is_empty(),
        plant: rate_limit,
        later: Later::Same,
    },
    Fault {
        id: "step-limit",
        service: "code-assistant",
        what: "The run is cut at its limit of steps while still working, and the user gets the harness's message or nothing.",
        cause: "Release 0.18.0 lowered the limit of steps to 12.",
        fix: "max_steps of code-assistant 0.18.0",
        scope: Scope { version: Some(1), ..ANYWHERE },
        rates: (740, 0),
        soft: false,
        population: "traces of the version that edit a file",
        could: |draft| draft.find("edit_file").is_some(),
        plant: step_limit,
        later: Later::Fixed,
    },
    Fault {
        id: "wrong-argument-type",
        service: "data-analyst",
        what: "run_query is called with a `limit` that its schema does not allow (text, missing, or renamed) and rejected, once or more.",
        cause: "The schema is flattened for gemini and loses the type of `limit`.",
        fix: "schema adapter for gemini-2.5-flash in data-analyst",
        scope: Scope { model: Some("gemini-2.5-flash"), tool: Some("run_query"), ..ANYWHERE },
        rates: (720, 12),
        soft: false,
        population: "traces with the model that call run_query",
        could: |draft| draft.find("run_query").is_some(),
        plant: wrong_argument,
        later: Later::Same,
    },
];

fn search_tool(draft: &Draft<'_>) -> Option<(usize, usize)> {
    draft.find("search_flights").or_else(|| draft.find("search_hotels"))
}

fn insert(draft: &mut Draft<'_>, at: (usize, usize), steps: Vec<Step>) {
    if let Some(turn) = draft.turns.get_mut(at.0) {
        let place = at.1.min(turn.steps.len());
        turn.steps.splice(place..place, steps);
    }
}

fn step(call: &Call, words: String) -> Step {
    Step::Calls(vec![call.clone()], words)
}

fn renamed_tool(draft: &mut Draft<'_>) {
    let Some(at) = search_tool(draft) else { return };
    draft.focus(at.0);
    let Some(call) = draft.call_mut(at).map(|call| call.clone()) else { return };
    let old = if call.tool == "search_flights" {
        draft.rng.pick(&["flight_search", "find_flights", "searchFlights", "search_flights_v1"])
    } else {
        draft.rng.pick(&["hotel_search", "find_hotels", "searchHotels", "search_hotel"])
    };
    draft.entities.insert("tool", old.to_owned());
    let spanless = draft.rng.chance(50);
    let mut steps = Vec::new();
    for _ in 0..draft.rng.pick(&[1, 1, 2, 2, 3]) {
        let result = draft.error("err.unknown_tool");
        let wrong = Call { tool: old.to_owned(), result, spanless, ms: 3, ..call.clone() };
        let words = draft.interim(60);
        steps.push(step(&wrong, words));
    }
    let tries = steps.len();
    insert(draft, at, steps);
    if draft.meta.language() == "en" && draft.rng.chance(70) {
        let answer = draft.say("recover.unknown_tool");
        draft.cut((at.0, at.1 + tries - 1), answer, true);
        draft.success = false;
    }
}

fn identical_loop(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("run_tests") else { return };
    let result = draft.say("err.tests");
    let Some(call) = draft.call_mut(at) else { return };
    call.result = result;
    let call = call.clone();
    let times = draft.rng.between(3, 9);
    let mut steps = Vec::new();
    for _ in 0..times {
        let words = draft.interim(40);
        let mut again = call.clone();
        again.ms = draft.rng.skewed(6_500);
        steps.push(step(&again, words));
    }
    let added = steps.len();
    insert(draft, at, steps);
    let answer = draft.say("stuck.giveup");
    draft.cut((at.0, at.1 + added), answer, true);
    draft.success = false;
}

fn alternating_loop(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("query_logs") else { return };
    let metrics = draft.good_call("get_metrics");
    let Some(logs) = draft.call_mut(at).map(|call| call.clone()) else { return };
    let mut steps = Vec::new();
    for _ in 0..draft.rng.between(3, 6) {
        for call in [&metrics, &logs] {
            let words = draft.interim(25);
            let mut again = call.clone();
            again.ms = draft.rng.skewed(500);
            steps.push(step(&again, words));
        }
    }
    let added = steps.len();
    insert(draft, at, steps);
    if draft.rng.chance(45) {
        let answer = draft.say("stuck.giveup");
        draft.cut((at.0, at.1 + added), answer, true);
        draft.success = false;
    }
}

fn no_backoff(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("get_employee") else { return };
    let mut attempts = Vec::new();
    for _ in 0..draft.rng.between(3, 8) {
        let error = draft.error("err.unavailable");
        attempts.push((error, draft.rng.between(2, 120)));
    }
    // Only English has a slot for the honest answer after it.
    let recovers = draft.meta.language() != "en" || draft.rng.chance(20);
    let last = draft.error("err.unavailable");
    if let Some(call) = draft.call_mut(at) {
        call.attempts = attempts;
        call.ms = call.ms.min(90);
        if !recovers {
            call.result = last;
        }
    }
    if !recovers {
        let answer = draft.say("answer.honest_failure");
        draft.cut(at, answer, true);
        draft.success = false;
    }
}

fn rate_limit(draft: &mut Draft<'_>) {
    let turn = draft.rng.index(draft.turns.len());
    let place = draft.rng.index(draft.turns.get(turn).map_or(0, |turn| turn.steps.len()) + 1);
    let mut steps = Vec::new();
    for _ in 0..draft.rng.between(4, 14) {
        let error = draft.error("err.ratelimit");
        steps.push(Step::ModelFails(error, draft.rng.between(40, 260), draft.rng.between(1, 300)));
    }
    let added = steps.len();
    insert(draft, (turn, place), steps);
    if draft.rng.chance(40) {
        let answer = draft.say("answer.honest_failure");
        draft.cut((turn, place + added - 1), answer, true);
        if let Some(turn) = draft.turns.get_mut(turn) {
            turn.canned = true;
        }
        draft.success = false;
    }
}

fn step_limit(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("edit_file") else { return };
    let file = draft.entities.get("file").cloned().unwrap_or_default();
    let done = at.1;
    let mut steps = Vec::new();
    for round in done..12 {
        let tool = draft.rng.pick(&["read_file", "search_code", "edit_file", "run_tests", "read_file"]);
        let folder = draft.rng.pick(&["src", "lib", "tests", "internal", "pkg"]);
        draft.entities.insert("file", format!("{folder}/part_{round}.py"));
        let mut call = draft.good_call(tool);
        if tool == "run_tests" {
            call.args = format!("{{\"path\":\"tests/part_{round}\"}}");
            call.result = draft.say("err.tests");
        }
        let words = draft.interim(40);
        steps.push(step(&call, words));
    }
    draft.entities.insert("file", file);
    let added = steps.len();
    insert(draft, at, steps);
    draft.entities.insert("n", "12".to_owned());
    let answer = if draft.rng.chance(25) { String::new() } else { draft.say("err.step_limit") };
    draft.cut((at.0, at.1 + added - 1), answer, true);
    if let Some(turn) = draft.turns.get_mut(at.0) {
        turn.canned = true;
    }
    draft.success = false;
}

fn wrong_argument(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("run_query") else { return };
    draft.entities.insert("tool", "run_query".to_owned());
    draft.entities.insert("field", "limit".to_owned());
    let Some(call) = draft.call_mut(at).map(|call| call.clone()) else { return };
    let tries = draft.rng.pick(&[1, 2, 2, 3, 4]);
    let mut steps = Vec::new();
    for _ in 0..tries {
        let mut args: Value = serde_json::from_str(&call.args).unwrap_or_default();
        if let Some(map) = args.as_object_mut() {
            match draft.rng.index(5) {
                0 => drop(map.insert("limit".to_owned(), Value::from("100 rows"))),
                1 => drop(map.insert("limit".to_owned(), Value::from("100"))),
                2 => drop(map.remove("limit")),
                3 => {
                    map.remove("limit");
                    map.insert("max_rows".to_owned(), Value::from(100));
                }
                _ => drop(map.insert("limit".to_owned(), Value::Array(vec![Value::from(100)]))),
            }
        }
        let result = draft.error("err.validation");
        let wrong = Call { args: args.to_string(), result, ms: draft.rng.between(3, 30), ..call.clone() };
        let words = draft.interim(30);
        steps.push(step(&wrong, words));
    }
    let added = steps.len();
    insert(draft, at, steps);
    if tries > 2 {
        let answer = draft.say("answer.honest_failure");
        draft.cut((at.0, at.1 + added - 1), answer, true);
        draft.success = false;
    }
}
