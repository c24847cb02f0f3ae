//! Faults of prompts, histories and answers.

use super::super::plan::{Draft, Step, Turn};
use super::{ANYWHERE, Fault, Later, Scope};

/// The faults of this file.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "refusal-by-prompt",
        service: "legal-review",
        what: "The agent refuses ordinary contract work of the legal department.",
        cause: "Release 5.2.0 added cautious sentences to the system prompt that forbid the agent's own job.",
        fix: "system prompt of legal-review 5.2.0",
        scope: Scope { version: Some(3), ..ANYWHERE },
        rates: (850, 0),
        soft: false,
        population: "traces of the version",
        could: |draft| !draft.call_steps().is_empty(),
        plant: refusal,
        later: Later::Same,
    },
    Fault {
        id: "empty-answer",
        service: "code-assistant",
        what: "After its tool calls the last answer of the model is empty, and so is what the user gets.",
        cause: "The adapter of gemini-2.5-flash drops text that comes in the same part as thoughts.",
        fix: "response adapter for gemini-2.5-flash in code-assistant",
        scope: Scope { model: Some("gemini-2.5-flash"), ..ANYWHERE },
        rates: (560, 8),
        soft: false,
        population: "traces with the model that call a tool",
        could: |draft| !draft.call_steps().is_empty(),
        plant: empty_answer,
        later: Later::Same,
    },
    Fault {
        id: "answer-cut-by-max-tokens",
        service: "travel-concierge",
        what: "The final answer breaks off in the middle; finish reason length.",
        cause: "max_tokens is 64, measured on English answers; German ones need more.",
        fix: "max_tokens of travel-concierge (locale de-DE)",
        scope: Scope { locales: &["de-DE"], ..ANYWHERE },
        rates: (760, 6),
        soft: false,
        population: "traces of the locale that call a tool",
        could: |draft| !draft.call_steps().is_empty(),
        plant: cut_answer,
        later: Later::Same,
    },
    Fault {
        id: "context-exceeded",
        service: "legal-review",
        what: "A whole long contract goes into the prompt, the model call fails for its length, and the run ends.",
        cause: "fetch_contract does not shorten or page for the model with the smaller window.",
        fix: "fetch_contract / context budget for gpt-4.1-mini",
        scope: Scope { model: Some("gpt-4.1-mini"), ..ANYWHERE },
        rates: (620, 8),
        soft: false,
        population: "traces with the model that fetch a contract",
        could: |draft| draft.find("fetch_contract").is_some(),
        plant: context_exceeded,
        later: Later::Same,
    },
    Fault {
        id: "history-forgotten",
        service: "support-desk",
        what: "From the second turn on the prompt holds only the last message; the agent asks again for what was said.",
        cause: "Release 3.9.0 trims the history to the last user message.",
        fix: "history trimming of support-desk 3.9.0",
        scope: Scope { version: Some(2), ..ANYWHERE },
        rates: (900, 0),
        soft: false,
        population: "traces of the version with at least two turns in English",
        could: |draft| draft.turns.len() >= 2 && draft.meta.language() == "en" && !draft.call_steps().is_empty(),
        plant: forgotten,
        later: Later::Same,
    },
    Fault {
        id: "document-resent",
        service: "legal-review",
        what: "The same large document is attached again to the user's message of every turn.",
        cause: "The session's attachments are expanded anew at each turn.",
        fix: "attachment handling of legal-review",
        scope: ANYWHERE,
        rates: (500, 0),
        soft: true,
        population: "traces with at least two turns",
        could: |draft| draft.turns.len() >= 2,
        plant: resent,
        later: Later::Same,
    },
    Fault {
        id: "prompt-bloat",
        service: "hr-assistant",
        what: "The system prompt holds the whole policy handbook; prompt tokens are several times those of other versions.",
        cause: "Release 4.6.0 inlines the handbook instead of looking it up.",
        fix: "system prompt of hr-assistant 4.6.0",
        scope: Scope { version: Some(2), ..ANYWHERE },
        rates: (900, 0),
        soft: true,
        population: "traces of the version",
        could: |_| true,
        plant: bloat,
        later: Later::Same,
    },
    Fault {
        id: "cache-defeated",
        service: "ops-copilot",
        what: "The system prompt begins with the exact time, and no token is ever read from the cache.",
        cause: "Release 1.14.0 put the time before the fixed part of the prompt.",
        fix: "prompt template of ops-copilot 1.14.0",
        scope: Scope { version: Some(2), ..ANYWHERE },
        rates: (900, 0),
        soft: true,
        population: "traces of the version",
        could: |_| true,
        plant: cache_defeated,
        later: Later::Same,
    },
    Fault {
        id: "unfilled-placeholders",
        service: "hr-assistant",
        what: "The system prompt holds raw template placeholders instead of the user's data.",
        cause: "Release 4.5.0 renders the user's context before it is loaded.",
        fix: "prompt rendering of hr-assistant 4.5.0",
        scope: Scope { version: Some(1), ..ANYWHERE },
        rates: (900, 0),
        soft: true,
        population: "traces of the version",
        could: |_| true,
        plant: placeholders,
        later: Later::Same,
    },
    Fault {
        id: "stale-date",
        service: "travel-concierge",
        what: "The system prompt claims a date two years in the past; some answers reason from it.",
        cause: "Release 2.2.0 caches the rendered prompt with its date.",
        fix: "prompt rendering of travel-concierge 2.2.0",
        scope: Scope { version: Some(1), ..ANYWHERE },
        rates: (520, 0),
        soft: true,
        population: "traces of the version",
        could: |_| true,
        plant: stale_date,
        later: Later::Same,
    },
    Fault {
        id: "wrong-language",
        service: "support-desk",
        what: "The user writes Spanish and is answered in English.",
        cause: "The template of locale es-ES lacks the line that tells the model the language.",
        fix: "prompt template of locale es-ES",
        scope: Scope { locales: &["es-ES"], ..ANYWHERE },
        rates: (620, 8),
        soft: false,
        population: "traces of users of the locale with a real request",
        could: |draft| draft.meta.language() != "en" && !draft.call_steps().is_empty(),
        plant: wrong_language,
        later: Later::Same,
    },
    Fault {
        id: "answer-doubled",
        service: "ops-copilot",
        what: "The user gets the final answer twice, one after the other.",
        cause: "The stream of claude-sonnet-4 is joined with its own final message.",
        fix: "stream assembler for claude-sonnet-4 in ops-copilot",
        scope: Scope { model: Some("claude-sonnet-4"), ..ANYWHERE },
        rates: (580, 6),
        soft: true,
        population: "traces with the model",
        could: |draft| draft.turns.last().is_some_and(|turn| !turn.answer.is_empty()),
        plant: doubled,
        later: Later::Same,
    },
];

fn refusal(draft: &mut Draft<'_>) {
    let Some((turn, _)) = draft.first_call() else { return };
    let answer = draft.say("refusal.legal");
    let keeps = usize::from(draft.rng.chance(35));
    if let Some(turn) = draft.turns.get_mut(turn) {
        turn.steps.truncate(keeps);
        turn.answer = answer;
    }
    draft.turns.truncate(turn + 1);
    draft.success = false;
}

fn empty_answer(draft: &mut Draft<'_>) {
    let Some((turn, step)) = draft.last_call() else { return };
    let answer = draft.rng.pick(&["", "", "", "\n", " "]).to_owned();
    draft.cut((turn, step), answer, true);
    draft.success = false;
}

fn cut_answer(draft: &mut Draft<'_>) {
    let Some((at, _)) = draft.last_call() else { return };
    let language = draft.meta.language();
    let (first, more) = if language == "en" {
        ("answer.travel.flight".to_owned(), "answer.long_paragraph".to_owned())
    } else {
        (format!("answer.travel.{language}"), format!("followup_answer.{language}"))
    };
    let mut answer = draft.say(&first);
    while answer.chars().count() < 300 {
        answer.push(' ');
        let slot = if draft.rng.chance(50) { &first } else { &more };
        answer.push_str(&draft.say(slot));
    }
    let mut cut: String = answer.chars().take(usize::try_from(draft.rng.between(225, 262)).unwrap_or(240)).collect();
    // A cut at the end of a sentence would look like a whole answer.
    while cut.ends_with(['.', '!', '?', ' ']) {
        cut.pop();
    }
    if let Some(turn) = draft.turns.get_mut(at) {
        turn.answer = cut;
        turn.finish = "length";
    }
    draft.turns.truncate(at + 1);
    draft.success = false;
}

fn context_exceeded(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("fetch_contract") else { return };
    let mut text = Vec::new();
    for number in 1..=draft.rng.between(260, 420) {
        text.push(format!("{number}. {}", draft.say("doc.contract")));
    }
    let text = text.join("\n\n");
    let total = text.len() / 4 + 700;
    if let Some(call) = draft.call_mut(at) {
        call.result = text;
    }
    draft.entities.insert("count", "8192".to_owned());
    draft.entities.insert("total", total.to_string());
    let mut fails = Vec::new();
    for _ in 0..draft.rng.pick(&[1, 1, 1, 2, 3]) {
        let error = draft.error("err.context");
        fails.push(Step::ModelFails(error, draft.rng.between(80, 600), draft.rng.between(10, 900)));
    }
    let added = fails.len();
    if let Some(turn) = draft.turns.get_mut(at.0) {
        turn.steps.truncate(at.1 + 1);
        turn.steps.extend(fails);
        turn.canned = true;
    }
    let answer = match draft.rng.index(3) {
        0 => String::new(),
        1 => draft.say("err.context"),
        _ => draft.say("answer.honest_failure"),
    };
    draft.cut((at.0, at.1 + added), answer, true);
    draft.success = false;
}

fn forgotten(draft: &mut Draft<'_>) {
    draft.quirks.forget_from = Some(1);
    let ask = draft.say("ask.again");
    let again = draft.say("user.already_said");
    let at = usize::try_from(draft.rng.between(1, i64::try_from(draft.turns.len()).unwrap_or(2) - 1)).unwrap_or(1);
    let Some(turn) = draft.turns.get_mut(at) else { return };
    let rest = Turn { user: again, ..turn.clone() };
    turn.answer = ask;
    turn.steps.clear();
    draft.turns.insert(at + 1, rest);
    draft.success = draft.rng.chance(50);
}

fn resent(draft: &mut Draft<'_>) {
    let mut text = Vec::new();
    for number in 1..=draft.rng.between(14, 30) {
        text.push(format!("{number}. {}", draft.say("doc.contract")));
    }
    draft.quirks.resent = Some(text.join("\n"));
}

fn bloat(draft: &mut Draft<'_>) {
    let text: Vec<String> = (0..26).map(|part| draft.say_same("hr.policy_dump", 100 + part)).collect();
    let suffix = draft.quirks.suffix.take().unwrap_or_default();
    draft.quirks.suffix = Some(format!("Handbook\n{}\n\n{suffix}", text.join("\n")));
}

fn cache_defeated(draft: &mut Draft<'_>) {
    let now = super::super::clock::stamp(draft.meta.start);
    draft.quirks.prefix = Some(match draft.rng.index(3) {
        0 => format!("Current time: {now}"),
        1 => format!("[{now}]"),
        _ => format!("now={now} request={}", draft.rng.hex(12)),
    });
    draft.quirks.no_cache = true;
}

fn placeholders(draft: &mut Draft<'_>) {
    draft.quirks.suffix = Some(draft.say("context.template"));
}

fn stale_date(draft: &mut Draft<'_>) {
    draft.quirks.claimed_date = Some("2024-06-01".to_owned());
    let plain = draft.meta.language() == "en" && draft.turns.len() == 1 && draft.find("search_flights").is_some();
    if plain && draft.turns.iter().all(|turn| turn.finish == "stop") && draft.rng.chance(45) {
        let answer = draft.say("stale.date");
        let at = draft.find("search_flights").unwrap_or((0, 0));
        draft.cut(at, answer, true);
        draft.success = false;
    }
}

fn wrong_language(draft: &mut Draft<'_>) {
    let all = draft.rng.chance(60);
    let count = draft.turns.len();
    for at in 0..count {
        if !all && at + 1 < count {
            continue;
        }
        let slot = if draft.turns[at].steps.is_empty() { "followup_answer.support" } else { "answer.support.refund" };
        let answer = draft.say(slot);
        draft.turns[at].answer = answer;
    }
}

fn doubled(draft: &mut Draft<'_>) {
    let gap = draft.rng.pick(&["", "\n\n", "\n", " "]);
    let in_model = draft.rng.chance(50);
    if let Some(turn) = draft.turns.last_mut() {
        let twice = format!("{}{gap}{}", turn.answer, turn.answer);
        if in_model {
            turn.answer = twice;
        } else {
            turn.shown = Some(twice);
        }
    }
}
