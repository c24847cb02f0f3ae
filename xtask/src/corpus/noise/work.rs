//! Noise that lies in what tools, models and the telemetry do.

use serde_json::json;

use super::super::plan::{Call, Draft, Step, Sub};
use super::{Noise, agent, english_calls, of};

/// The kinds of this file.
pub(super) const NOISE: &[Noise] = &[
    Noise {
        id: "retry-with-backoff",
        what: "A transient error, cured by a retry after seconds.",
        rate: 51,
        could: |draft| !draft.call_steps().is_empty(),
        plant: backoff,
    },
    Noise {
        id: "job-polling",
        what: "A long job is polled with the same arguments every few seconds until it is done, as meant.",
        rate: 180,
        could: |draft| of(draft, "data") && english_calls(draft),
        plant: polling,
    },
    Noise {
        id: "deploy-polling",
        what: "A rollout in progress is looked at again and again until it is complete, with pauses.",
        rate: 360,
        could: |draft| draft.find("get_deploy").is_some(),
        plant: deploy_polling,
    },
    Noise {
        id: "pagination",
        what: "All pages are read one after the other by cursor.",
        rate: 420,
        could: |draft| draft.intents.contains(&"list") && draft.find("list_records").is_some(),
        plant: pagination,
    },
    Noise {
        id: "empty-search-rephrased",
        what: "A search finds nothing, the model rephrases it and finds something.",
        rate: 57,
        could: |draft| rephrasable(draft).is_some(),
        plant: rephrased,
    },
    Noise {
        id: "error-words-as-data",
        what: "Logs, bug lists or test reports hold the words error and failed as data.",
        rate: 230,
        could: |draft| draft.find("query_logs").or_else(|| draft.find("search_code")).is_some(),
        plant: error_words,
    },
    Noise {
        id: "slow-by-nature",
        what: "full_text_review takes one to three minutes by design.",
        rate: 273,
        could: |draft| of(draft, "legal") && english_calls(draft),
        plant: slow_tool,
    },
    Noise {
        id: "sampled-children",
        what: "A declared sampling rule drops tool spans; the root says so.",
        rate: 19,
        could: |draft| !draft.call_steps().is_empty(),
        plant: |draft| {
            draft.quirks.sampled = true;
            let count = draft.call_steps().len();
            draft.quirks.root.push(("sampling.rule", json!("drop_tool_spans")));
            draft.quirks.root.push(("sampling.dropped_spans", json!(count)));
        },
    },
    Noise {
        id: "handoff-once",
        what: "One hand-off to billing and back, with work done.",
        rate: 126,
        could: |draft| of(draft, "support") && english_calls(draft),
        plant: handoff,
    },
    Noise {
        id: "parallel-subagents",
        what: "Subagents work on different parts at the same time.",
        rate: 316,
        could: |draft| draft.find_team().is_some(),
        plant: |_| (),
    },
    Noise {
        id: "evaluator-failed",
        what: "The quality judge failed; the agent did not.",
        rate: 22,
        could: agent,
        plant: |draft| {
            let error = draft.say("err.evaluator");
            draft.quirks.evaluation = Some((None, "not_scored".to_owned(), Some(error)));
        },
    },
    Noise {
        id: "model-fallback",
        what: "The first model is overloaded once; another one takes over and finishes.",
        rate: 25,
        could: |draft| !draft.call_steps().is_empty(),
        plant: fallback,
    },
    Noise {
        id: "tests-fail-then-fixed",
        what: "Tests fail, the agent edits the file, tests pass: ordinary work.",
        rate: 330,
        could: |draft| draft.find("run_tests").is_some() && draft.find("edit_file").is_some(),
        plant: fixed_tests,
    },
    Noise {
        id: "parallel-tools",
        what: "One answer of the model asks for two different look-ups.",
        rate: 37,
        could: |draft| !draft.call_steps().is_empty(),
        plant: two_tools,
    },
    Noise {
        id: "edit-conflict-reread",
        what: "An edit does not apply, the agent reads the file again and edits with success.",
        rate: 240,
        could: |draft| draft.find("edit_file").is_some(),
        plant: reread,
    },
    Noise {
        id: "guardrail-rightly-blocks",
        what: "The guardrail blocks a forbidden request.",
        rate: 144,
        could: |draft| of(draft, "data") && draft.meta.language() == "en",
        plant: |draft| {
            let (user, answer) = (draft.say("user.forbidden"), draft.say("answer.policy_refusal"));
            let steps = vec![Step::Guard("input_guard", "policy: private data".to_owned(), true)];
            let at = draft.turns.len();
            draft.insert_turn(at, user, steps, answer);
            draft.turns[at].canned = true;
        },
    },
];

fn backoff(draft: &mut Draft<'_>) {
    let steps = draft.call_steps();
    let at = steps[draft.rng.index(steps.len())];
    let times = draft.rng.pick(&[1, 1, 1, 2]);
    let mut attempts = Vec::new();
    for attempt in 0..times {
        let error = draft.error("err.unavailable");
        attempts.push((error, draft.rng.between(1800, 4000) << attempt));
    }
    if let Some(call) = draft.call_mut(at) {
        call.attempts = attempts;
    }
}

fn poll(draft: &mut Draft<'_>, call: &Call, states: &[String], pause: (i64, i64)) -> Vec<Step> {
    let mut steps = Vec::new();
    for state in states {
        let mut poll = call.clone();
        poll.result.clone_from(state);
        poll.wait_ms = draft.rng.between(pause.0, pause.1);
        steps.push(Step::Calls(vec![poll], String::new()));
    }
    steps
}

fn polling(draft: &mut Draft<'_>) {
    let Some((turn, step)) = draft.last_call() else { return };
    let job = format!("job-{}", draft.rng.between(1000, 9999));
    let mut start = draft.good_call("start_export");
    start.result = json!({"status": "ok", "state": "started", "job_id": job}).to_string();
    let mut call = draft.good_call("get_job");
    call.args = json!({"job_id": job}).to_string();
    let rounds = draft.rng.between(3, 9);
    let mut states: Vec<String> = (1..=rounds)
        .map(|round| json!({"job_id": job, "state": "running", "progress": round * 100 / (rounds + 1)}).to_string())
        .collect();
    states.push(json!({"job_id": job, "state": "done", "progress": 100}).to_string());
    let mut steps = vec![Step::Calls(vec![start], String::new())];
    steps.extend(poll(draft, &call, &states, (4_000, 15_000)));
    let done = draft.say("tool.poll_done");
    let turn = &mut draft.turns[turn];
    turn.steps.splice(step + 1..=step, steps);
    turn.answer = format!("{done} {}", turn.answer);
}

fn deploy_polling(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("get_deploy") else { return };
    let Some(call) = draft.call_mut(at).map(|call| call.clone()) else { return };
    let service = draft.entities.get("service").cloned().unwrap_or_default();
    let rounds = draft.rng.between(3, 7);
    let states: Vec<String> = (0..rounds)
        .map(|ready| {
            json!({"service": service, "state": "progressing", "replicas_ready": ready, "replicas": rounds}).to_string()
        })
        .collect();
    let steps = poll(draft, &call, &states, (10_000, 30_000));
    draft.turns[at.0].steps.splice(at.1..at.1, steps);
}

fn pagination(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("list_records") else { return };
    let pages = draft.rng.between(2, 7);
    let base = draft.good_call("list_records");
    let mut steps = Vec::new();
    for number in 0..pages {
        let mut call = base.clone();
        call.result = super::super::tools::page(&draft.entities, &mut draft.rng, number, pages);
        if number > 0 {
            let mut args: serde_json::Value = serde_json::from_str(&base.args).unwrap_or_default();
            args["cursor"] = json!(format!("c{}", number * 10));
            call.args = args.to_string();
        }
        steps.push(Step::Calls(vec![call], String::new()));
    }
    draft.entities.insert("total", (pages * 10).to_string());
    let answer = draft.say("answer.data.list");
    let turn = &mut draft.turns[at.0];
    turn.steps.splice(at.1..=at.1, steps);
    turn.answer = answer;
}

fn rephrasable(draft: &Draft<'_>) -> Option<(usize, usize)> {
    ["search_code", "check_policy", "search_policy", "query_logs", "search_flights", "search_hotels"]
        .into_iter()
        .find_map(|tool| draft.find(tool))
}

fn rephrased(draft: &mut Draft<'_>) {
    let Some(at) = rephrasable(draft) else { return };
    draft.focus(at.0);
    let Some(mut call) = draft.call_mut(at).map(|call| call.clone()) else { return };
    let mut args: serde_json::Value = serde_json::from_str(&call.args).unwrap_or_default();
    for key in ["pattern", "query", "date", "city"] {
        if let Some(value) = args.get(key).and_then(serde_json::Value::as_str) {
            args[key] = json!(format!("\"{value}\" exact"));
            break;
        }
    }
    call.args = args.to_string();
    call.result = json!({"results": [], "count": 0}).to_string();
    draft.turns[at.0].steps.insert(at.1, Step::Calls(vec![call], String::new()));
}

fn error_words(draft: &mut Draft<'_>) {
    let Some(at) = draft.find("query_logs").or_else(|| draft.find("search_code")) else { return };
    let slot = if of(draft, "ops") { "doc.log_error" } else { "doc.bugtracker" };
    let lines: Vec<String> = (0..draft.rng.between(2, 5)).map(|_| draft.say(slot)).collect();
    if let Some(call) = draft.call_mut(at) {
        call.result = lines.join("\n");
    }
}

fn slow_tool(draft: &mut Draft<'_>) {
    let Some((turn, step)) = draft.last_call() else { return };
    let mut call = draft.good_call("full_text_review");
    call.ms = draft.rng.between(60_000, 180_000);
    draft.turns[turn].steps.insert(step + 1, Step::Calls(vec![call], String::new()));
}

fn handoff(draft: &mut Draft<'_>) {
    let Some((turn, step)) = draft.last_call() else { return };
    let words = draft.say("handoff.out");
    let work = draft.good_step("lookup_order");
    let answer = draft.say("followup_answer.support");
    let task = draft.turns[turn].user.clone();
    let sub = Sub { agent: "billing", system: "system.billing", task, steps: vec![work], answer, unheard: false };
    draft.turns[turn].steps.insert(step + 1, Step::Handoff(words, sub));
}

fn fallback(draft: &mut Draft<'_>) {
    let Some((turn, step)) = draft.first_call() else { return };
    let error = draft.error("err.unavailable");
    let other = if draft.meta.model == "gpt-4o" { "claude-sonnet-4" } else { "gpt-4o" };
    let steps = [Step::ModelFails(error, 900, 1500), Step::Switch(other)];
    draft.turns[turn].steps.splice(step..step, steps);
}

fn fixed_tests(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("run_tests") else { return };
    let mut steps = Vec::new();
    for _ in 0..draft.rng.pick(&[1, 1, 2]) {
        let mut tests = draft.good_call("run_tests");
        tests.result = draft.say("err.tests");
        steps.push(Step::Calls(vec![tests], String::new()));
        let mut edit = draft.good_call("edit_file");
        let mark = draft.rng.between(10, 999);
        edit.args = edit.args.replace("patched", &format!("patched_{mark}"));
        steps.push(Step::Calls(vec![edit], String::new()));
    }
    draft.turns[at.0].steps.splice(at.1..at.1, steps);
}

fn two_tools(draft: &mut Draft<'_>) {
    let Some(at) = draft.first_call() else { return };
    let first = draft.call_mut(at).map(|call| call.tool.clone()).unwrap_or_default();
    let reads: Vec<&str> = draft
        .meta
        .service
        .tools
        .iter()
        .filter(|tool| !tool.write && tool.name != "delegate" && tool.name != first)
        .map(|tool| tool.name)
        .collect();
    if reads.is_empty() {
        return;
    }
    let tool = draft.rng.pick(&reads);
    let call = draft.good_call(tool);
    if let Some(Step::Calls(calls, _)) = draft.turns[at.0].steps.get_mut(at.1) {
        calls.push(call);
    }
}

fn reread(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("edit_file") else { return };
    let Some(mut failed) = draft.call_mut(at).map(|call| call.clone()) else { return };
    failed.result = draft.error("err.edit");
    failed.args = failed.args.replace("patched", "patch");
    let read = draft.good_step("read_file");
    draft.turns[at.0].steps.splice(at.1..at.1, [Step::Calls(vec![failed], String::new()), read]);
}
