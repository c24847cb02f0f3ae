//! Noise that lies in what users and agents say.

use super::super::plan::{Draft, Step};
use super::{Noise, agent, english_calls, of};

/// The kinds of this file.
pub(super) const NOISE: &[Noise] = &[
    Noise {
        id: "angry-user",
        what: "The user is angry; the agent helps all the same.",
        rate: 43,
        could: english_calls,
        plant: angry,
    },
    Noise {
        id: "pasted-stack-trace",
        what: "The user pastes a stack trace of his own program; nothing failed in the agent.",
        rate: 34,
        could: english_calls,
        plant: |draft| {
            let trace = draft.say("user.stacktrace");
            draft.turns[0].user = format!("{}\n\n{trace}", draft.turns[0].user);
        },
    },
    Noise {
        id: "policy-refusal",
        what: "A forbidden request is refused, as it should be.",
        rate: 34,
        could: |draft| agent(draft) && draft.meta.language() == "en",
        plant: |draft| {
            let (user, answer) = (draft.say("user.forbidden"), draft.say("answer.policy_refusal"));
            let at = draft.rng.index(draft.turns.len() + 1);
            draft.insert_turn(at, user, Vec::new(), answer);
        },
    },
    Noise {
        id: "honest-failure",
        what: "A change is refused by the backend and the agent says so honestly.",
        rate: 51,
        could: |draft| english_calls(draft) && write_step(draft).is_some(),
        plant: honest,
    },
    Noise {
        id: "not-found-handled",
        what: "The number does not exist; the agent says so and asks to check it.",
        rate: 105,
        could: |draft| english_calls(draft) && lookup(draft).is_some(),
        plant: not_found,
    },
    Noise {
        id: "long-answer",
        what: "A long but sound answer.",
        rate: 48,
        could: |draft| english_calls(draft) && !of(draft, "travel"),
        plant: |draft| {
            let parts: Vec<String> = (0..draft.rng.between(4, 9)).map(|_| draft.say("answer.long_paragraph")).collect();
            if let Some(turn) = draft.turns.last_mut() {
                turn.answer = format!("{}\n\n{}", turn.answer, parts.join("\n\n"));
            }
        },
    },
    Noise {
        id: "repeated-greetings",
        what: "The user greets two or three times before he comes to the point.",
        rate: 28,
        could: |draft| agent(draft) && draft.meta.language() == "en",
        plant: |draft| {
            for _ in 0..draft.rng.between(2, 3) {
                let (user, answer) = (draft.say("user.greeting"), draft.say("answer.greeting"));
                draft.insert_turn(0, user, Vec::new(), answer);
            }
        },
    },
    Noise {
        id: "user-asks-twice",
        what: "The user asks for the same thing again; the same look-up is made again on purpose.",
        rate: 43,
        could: english_calls,
        plant: asks_twice,
    },
    Noise {
        id: "user-switches-language",
        what: "The user goes on in German and is answered in German.",
        rate: 34,
        could: |draft| draft.meta.language() == "en" && draft.meta.service.worldwide,
        plant: |draft| {
            let (user, answer) = (draft.say("user.switch"), draft.say("answer.switch_de"));
            let at = draft.turns.len();
            draft.insert_turn(at, user, Vec::new(), answer);
        },
    },
    Noise {
        id: "template-placeholders-asked",
        what: "The user asks about text templates, so placeholders in braces belong in the answer.",
        rate: 28,
        could: |draft| agent(draft) && draft.meta.language() == "en",
        plant: |draft| {
            let (user, answer) = (draft.say("user.template_question"), draft.say("answer.template_help"));
            let at = draft.turns.len();
            draft.insert_turn(at, user, Vec::new(), answer);
        },
    },
    Noise {
        id: "clarifying-question",
        what: "The agent asks a sensible question that the user had not answered before.",
        rate: 43,
        could: english_calls,
        plant: |draft| {
            let (ask, reply) = (draft.say("answer.clarify"), draft.say("user.gave_detail"));
            let Some(turn) = draft.turns.first_mut() else { return };
            let user = std::mem::take(&mut turn.user);
            turn.user = reply;
            draft.insert_turn(0, user, Vec::new(), ask);
        },
    },
    Noise {
        id: "invalid-user-input",
        what: "The user gives an impossible value, the tool rejects it, the agent asks, the user corrects it.",
        rate: 160,
        could: |draft| english_calls(draft) && dated(draft).is_some(),
        plant: invalid_input,
    },
    Noise {
        id: "user-cancels",
        what: "The user calls it off in the middle.",
        rate: 28,
        could: |draft| agent(draft) && draft.meta.language() == "en",
        plant: |draft| {
            let (user, answer) = (draft.say("user.nevermind"), draft.say("answer.cancelled_by_user"));
            let at = draft.turns.len();
            draft.insert_turn(at, user, Vec::new(), answer);
        },
    },
    Noise {
        id: "proposal-confirmed",
        what: "The agent proposes, the user agrees, then the change is made.",
        rate: 57,
        could: |draft| english_calls(draft) && write_step(draft).is_some(),
        plant: proposal,
    },
    Noise {
        id: "partial-listing-told",
        what: "The agent shows the first page and says openly that there is more.",
        rate: 270,
        could: |draft| draft.intents.contains(&"list") && draft.find("list_records").is_some(),
        plant: partial,
    },
    Noise {
        id: "twice-on-request",
        what: "The user wants the same change for a second thing; two writes are right.",
        rate: 57,
        could: |draft| english_calls(draft) && write_step(draft).is_some(),
        plant: twice,
    },
];

/// The first step with a tool that changes something.
fn write_step(draft: &Draft<'_>) -> Option<(usize, usize)> {
    let tools = draft.meta.service.tools.iter().filter(|tool| tool.write);
    tools.filter_map(|tool| draft.find(tool.name)).min()
}

fn lookup(draft: &Draft<'_>) -> Option<(usize, usize)> {
    ["lookup_order", "get_reservation"].into_iter().find_map(|tool| draft.find(tool))
}

fn angry(draft: &mut Draft<'_>) {
    let (anger, calm) = (draft.say("user.angry"), draft.say("answer.calm"));
    if let Some(turn) = draft.turns.first_mut() {
        turn.user = format!("{anger} {}", turn.user);
        turn.answer = format!("{calm} {}", turn.answer);
    }
}

fn honest(draft: &mut Draft<'_>) {
    let Some(at) = write_step(draft) else { return };
    draft.focus(at.0);
    let result = draft.error("err.write");
    if let Some(call) = draft.call_mut(at) {
        if result.len().is_multiple_of(3) {
            call.error = Some("tool failed".to_owned());
        }
        call.result = result;
    }
    let answer = draft.say("answer.honest_failure");
    draft.cut(at, answer, true);
    draft.success = false;
}

fn not_found(draft: &mut Draft<'_>) {
    let Some(at) = lookup(draft) else { return };
    draft.focus(at.0);
    let result = draft.error("err.not_found");
    if let Some(call) = draft.call_mut(at) {
        call.result = result;
    }
    let answer = draft.say("answer.not_found");
    draft.cut(at, answer, true);
}

fn asks_twice(draft: &mut Draft<'_>) {
    let Some(at) = draft.first_call() else { return };
    let writes = draft
        .call_mut(at)
        .map(|call| call.tool.clone())
        .and_then(|tool| draft.spec(&tool))
        .is_some_and(|tool| tool.write);
    let step = draft.turns[at.0].steps[at.1].clone();
    let (user, answer) = (draft.say("user.repeat"), draft.say("answer.repeat"));
    let steps = if writes { Vec::new() } else { vec![step] };
    draft.insert_turn(at.0 + 1, user, steps, answer);
}

/// Tools that take a date.
fn dated(draft: &Draft<'_>) -> Option<(usize, usize)> {
    ["search_flights", "search_hotels", "submit_leave"].into_iter().find_map(|tool| draft.find(tool))
}

fn invalid_input(draft: &mut Draft<'_>) {
    let Some(at) = dated(draft) else { return };
    draft.focus(at.0);
    let (wrong, right) = (draft.say("user.wrong_input"), draft.say("user.correct_input"));
    let ask = draft.say("answer.ask_fix_input");
    let result = draft.error("err.user_input");
    let date = draft.entities.get("date").cloned().unwrap_or_default();
    let Some(mut call) = draft.call_mut(at).map(|call| call.clone()) else { return };
    call.args = call.args.replace(&date, "2027-02-31");
    call.result = result;
    call.ms = 25;
    let Some(turn) = draft.turns.get_mut(at.0) else { return };
    let mut before: Vec<Step> = turn.steps.drain(..at.1).collect();
    before.push(Step::Calls(vec![call], String::new()));
    let user = format!("{} {wrong}", turn.user);
    turn.user = right;
    draft.insert_turn(at.0, user, before, ask);
}

fn proposal(draft: &mut Draft<'_>) {
    let Some(at) = write_step(draft) else { return };
    draft.focus(at.0);
    let (propose, yes) = (draft.say("answer.propose"), draft.say("user.confirm"));
    let Some(turn) = draft.turns.get_mut(at.0) else { return };
    let before: Vec<Step> = turn.steps.drain(..at.1).collect();
    let user = std::mem::replace(&mut turn.user, yes);
    draft.insert_turn(at.0, user, before, propose);
}

fn partial(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("list_records") else { return };
    let pages = draft.rng.between(3, 30);
    let result = super::super::tools::page(&draft.entities, &mut draft.rng, 0, pages);
    if let Some(call) = draft.call_mut(at) {
        call.result = result;
    }
    draft.entities.insert("count", "10".to_owned());
    draft.entities.insert("total", (pages * 10).to_string());
    let answer = draft.say("answer.partial_told");
    draft.turns[at.0].answer = answer;
}

fn twice(draft: &mut Draft<'_>) {
    let Some(at) = write_step(draft) else { return };
    draft.focus(at.0);
    let Some(tool) = draft.call_mut(at).map(|call| call.tool.clone()) else { return };
    let again = draft.say("user.again_more");
    draft.refresh();
    let domain = draft.meta.service.domain;
    let key = draft.intents.get(at.0).copied().unwrap_or_default();
    // The second request names its own things, and its answer speaks of them.
    let (ask, answer) = if key.is_empty() {
        (draft.say(&format!("followup.{domain}")), draft.say(&format!("followup_answer.{domain}")))
    } else {
        (draft.say(&format!("ask.{domain}.{key}")), draft.say(&format!("answer.{domain}.{key}")))
    };
    let step = draft.good_step(&tool);
    draft.insert_turn(at.0 + 1, format!("{again} {ask}"), vec![step], answer);
}
