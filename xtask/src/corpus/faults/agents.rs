//! Faults between agents, in retrieval and in guardrails.

use super::super::plan::{Draft, Step, Sub};
use super::{ANYWHERE, Fault, Later, Scope};

/// The faults of this file.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "handoff-ping-pong",
        service: "support-desk",
        what: "Front desk and billing hand the same case to each other, 3 to 6 times, and nobody works on it.",
        cause: "The routing rules of tenant acme name each of the two as owner of refunds.",
        fix: "routing rules of tenant acme",
        scope: Scope { tenant: Some("acme"), ..ANYWHERE },
        rates: (520, 4),
        soft: false,
        population: "English traces of the tenant with a real request",
        could: |draft| draft.meta.language() == "en" && !draft.call_steps().is_empty(),
        plant: ping_pong,
        later: Later::Same,
    },
    Fault {
        id: "subagent-report-lost",
        service: "research-library",
        what: "Subagents report findings, their caller gets empty messages and says that nothing is known.",
        cause: "Release 1.4.0 reads the report from a field that subagents no longer write.",
        fix: "delegate tool of research-library 1.4.0",
        scope: Scope { version: Some(3), ..ANYWHERE },
        rates: (780, 0),
        soft: false,
        population: "traces of the version with subagents",
        could: |draft| draft.find_team().is_some(),
        plant: unheard,
        later: Later::Same,
    },
    Fault {
        id: "subagents-same-work",
        service: "research-library",
        what: "Several subagents are given the same task and repeat each other's work.",
        cause: "The planner's prompt asks for a number of researchers, not for distinct questions.",
        fix: "planner prompt of research-library",
        scope: ANYWHERE,
        rates: (200, 0),
        soft: false,
        population: "traces with subagents",
        could: |draft| draft.find_team().is_some(),
        plant: same_work,
        later: Later::Same,
    },
    Fault {
        id: "unparsed-json-dropped",
        service: "research-library",
        what: "The model's last answer is JSON that does not parse; the user gets a vague fallback instead of it.",
        cause: "Structured output is asked of llama-3.3-70b without constrained decoding, and parse errors are swallowed.",
        fix: "output parser for llama-3.3-70b in research-library",
        scope: Scope { model: Some("llama-3.3-70b"), ..ANYWHERE },
        rates: (540, 8),
        soft: false,
        population: "traces with the model and a real question",
        could: |draft| draft.turns.iter().any(|turn| !turn.steps.is_empty()),
        plant: json_dropped,
        later: Later::Same,
    },
    Fault {
        id: "stale-retrieval",
        service: "research-library",
        what: "The retriever returns the same irrelevant passages whatever is asked.",
        cause: "The index of us-west-2 was built from the wrong bucket.",
        fix: "retrieval index of us-west-2",
        scope: Scope { region: Some("us-west-2"), ..ANYWHERE },
        rates: (760, 0),
        soft: false,
        population: "traces in the region that retrieve",
        could: |draft| {
            draft
                .turns
                .iter()
                .flat_map(|turn| &turn.steps)
                .any(|step| matches!(step, Step::Retrieve(..) | Step::Team(_)))
        },
        plant: stale,
        later: Later::Same,
    },
    Fault {
        id: "guardrail-blocks-legitimate",
        service: "data-analyst",
        what: "The input guardrail blocks an ordinary business question.",
        cause: "Tenant globex has a list of forbidden words that holds the names of its own tables.",
        fix: "guardrail configuration of tenant globex",
        scope: Scope { tenant: Some("globex"), ..ANYWHERE },
        rates: (740, 6),
        soft: false,
        population: "traces of the tenant with a real question",
        could: |draft| !draft.call_steps().is_empty(),
        plant: blocked,
        later: Later::Same,
    },
];

fn billing(draft: &mut Draft<'_>, task: &str) -> Sub {
    let answer = draft.say("handoff.back");
    let steps = if draft.rng.chance(25) { vec![draft.good_step("lookup_order")] } else { Vec::new() };
    Sub { agent: "billing", system: "system.billing", task: task.to_owned(), steps, answer, unheard: false }
}

fn ping_pong(draft: &mut Draft<'_>) {
    let Some((at, step)) = draft.first_call() else { return };
    let task = draft.turns[at].user.clone();
    let mut steps = draft.turns[at].steps.clone();
    steps.truncate(if draft.rng.chance(70) { step + 1 } else { step });
    for _ in 0..draft.rng.between(3, 6) {
        let words = draft.say("handoff.out");
        let sub = billing(draft, &task);
        steps.push(Step::Handoff(words, sub));
    }
    let answer = draft.say("stuck.giveup");
    let turn = &mut draft.turns[at];
    turn.steps = steps;
    turn.answer = answer;
    draft.turns.truncate(at + 1);
    draft.success = false;
}

fn unheard(draft: &mut Draft<'_>) {
    let Some(at) = draft.find_team() else { return };
    draft.focus(at.0);
    if let Some(Step::Team(team)) = draft.turns[at.0].steps.get_mut(at.1) {
        for sub in team {
            sub.unheard = true;
        }
    }
    let answer = draft.say("unused.subagent");
    draft.cut(at, answer, true);
    draft.success = false;
}

fn same_work(draft: &mut Draft<'_>) {
    let Some(at) = draft.find_team() else { return };
    draft.focus(at.0);
    let task = draft.say("task.aspect");
    let size = draft.rng.between(3, 5);
    let verbatim = draft.rng.chance(50);
    let team = (0..size)
        .map(|number| {
            let given = if verbatim { task.clone() } else { format!("[{}] {task}", number + 1) };
            draft.researcher(given)
        })
        .collect();
    draft.turns[at.0].steps[at.1] = Step::Team(team);
}

fn json_dropped(draft: &mut Draft<'_>) {
    let Some(at) = draft.turns.iter().position(|turn| !turn.steps.is_empty()) else { return };
    let text = draft.turns[at].answer.replace('"', "'");
    let tail = draft.say("json.broken_tail");
    let broken = match draft.rng.index(5) {
        0 => format!("{{\"answer\": \"{text}\", \"sources\": [1, 2],}}\n{tail}"),
        1 => format!("```json\n{{\"answer\": \"{text}\", \"confidence\": high}}\n```\n{tail}"),
        2 => format!("{{\"answer\": \"{text}\", \"sources\": [1, 2"),
        3 => format!("{{'answer': '{text}', 'sources': [1]}} {tail}"),
        _ => format!("Here is the JSON:\n{{\"answer\": \"{text}\" \"sources\": [2]}}\n{tail}"),
    };
    let fallback = if draft.rng.chance(70) { draft.say("dropped.fallback") } else { draft.error("err.parse") };
    let turn = &mut draft.turns[at];
    turn.answer = broken;
    turn.shown = Some(fallback);
    draft.turns.truncate(at + 1);
    draft.success = false;
}

fn stale(draft: &mut Draft<'_>) {
    let mut fixed: Vec<String> = Vec::new();
    for at in 0..9 {
        let passage = draft.say_same("doc.irrelevant", 200 + at);
        if fixed.len() < 4 && !fixed.contains(&passage) {
            fixed.push(passage);
        }
    }
    let irrelevant = |steps: &mut Vec<Step>| {
        for step in steps {
            if let Step::Retrieve(_, docs) = step {
                docs.clone_from(&fixed);
            }
        }
    };
    for turn in &mut draft.turns {
        irrelevant(&mut turn.steps);
        for step in &mut turn.steps {
            if let Step::Team(team) = step {
                for sub in team {
                    sub.steps.retain(|step| matches!(step, Step::Retrieve(..)));
                    irrelevant(&mut sub.steps);
                }
            }
        }
    }
    let count = draft.turns.len();
    for at in 0..count {
        let teams =
            draft.turns[at].steps.iter().map(|step| if let Step::Team(team) = step { team.len() } else { 0 }).sum();
        let notes: Vec<String> = (0..teams).map(|_| draft.say("stale.answer")).collect();
        let mut notes = notes.into_iter();
        for step in &mut draft.turns[at].steps {
            if let Step::Team(team) = step {
                for (sub, note) in team.iter_mut().zip(&mut notes) {
                    sub.answer = note;
                }
            }
        }
        if draft.turns[at].steps.iter().any(|step| matches!(step, Step::Retrieve(..) | Step::Team(_))) {
            let answer = draft.say("stale.answer");
            draft.turns[at].answer = answer;
        }
    }
    draft.success = false;
}

fn blocked(draft: &mut Draft<'_>) {
    let Some((at, _)) = draft.first_call() else { return };
    let answer = draft.say("guardrail.block");
    let verdict = draft.rng.pick(&["keyword", "pii: table name", "sensitive topic", "score 0.51 > 0.5"]).to_owned();
    let name = draft.rng.pick(&["input_guard", "input_guard", "pii_filter"]);
    let turn = &mut draft.turns[at];
    turn.steps = vec![Step::Guard(name, verdict, true)];
    turn.answer = answer;
    turn.canned = true;
    draft.turns.truncate(at + 1);
    draft.success = false;
}
