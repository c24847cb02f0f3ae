//! Faults of results: failures that nobody tells, half results, wrong data.

use serde_json::json;

use super::super::plan::{Draft, Step};
use super::{ANYWHERE, Fault, Later, Scope};

/// The faults of this file.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "timeout-ignored",
        service: "travel-concierge",
        what: "search_hotels times out, and the answer presents an offer as if the search had worked.",
        cause: "The hotel client in eu-west-1 hands a timeout on as an ordinary result, without marking it.",
        fix: "error handling of search_hotels (region eu-west-1)",
        scope: Scope { tool: Some("search_hotels"), region: Some("eu-west-1"), ..ANYWHERE },
        rates: (860, 15),
        soft: false,
        population: "English traces in the region that search hotels",
        could: |draft| draft.meta.language() == "en" && draft.find("search_hotels").is_some(),
        plant: timeout_ignored,
        later: Later::Same,
    },
    Fault {
        id: "failed-action-claimed-done",
        service: "support-desk",
        what: "refund_order reports a failure, and the answer tells the customer that the refund is done.",
        cause: "Since 15 September the payment provider answers failures with status 200; the harness takes the call for done.",
        fix: "result check of refund_order",
        scope: Scope { tool: Some("refund_order"), since: Some(14), ..ANYWHERE },
        rates: (460, 5),
        soft: false,
        population: "traces since that day in which the front agent refunds",
        could: |draft| draft.find("refund_order").is_some(),
        plant: claimed_done,
        later: Later::Same,
    },
    Fault {
        id: "first-page-for-all",
        service: "data-analyst",
        what: "list_records says has_more, only the first page is read, and its ten rows are told as the total.",
        cause: "The tool's description does not mention the cursor.",
        fix: "description of list_records, paging in the tool",
        scope: ANYWHERE,
        rates: (360, 0),
        soft: false,
        population: "traces that call list_records in answer to a request for all records",
        could: |draft| draft.intents.contains(&"list") && draft.find("list_records").is_some(),
        plant: first_page,
        later: Later::Worse,
    },
    Fault {
        id: "credentials-expire",
        service: "ops-copilot",
        what: "From some call on every tool of the run answers that the token has expired; nothing renews it.",
        cause: "Short-lived tokens of eu-west-1 are fetched once at the start of a run.",
        fix: "credential provider of ops-copilot (region eu-west-1)",
        scope: Scope { region: Some("eu-west-1"), ..ANYWHERE },
        rates: (620, 8),
        soft: false,
        population: "traces in the region with at least two tool calls",
        could: |draft| draft.call_steps().len() >= 2,
        plant: credentials_expire,
        later: Later::Same,
    },
    Fault {
        id: "tool-result-cut",
        service: "code-assistant",
        what: "The model sees only the first few hundred characters of read_file and concludes that the function is missing.",
        cause: "Release 0.18.2 cuts tool results in the history to 240 characters.",
        fix: "history builder of code-assistant 0.18.2",
        scope: Scope { version: Some(2), tool: Some("read_file"), ..ANYWHERE },
        rates: (660, 0),
        soft: false,
        population: "traces of the version that read a file",
        could: |draft| draft.find("read_file").is_some(),
        plant: result_cut,
        later: Later::Same,
    },
    Fault {
        id: "tool-result-lost",
        service: "data-analyst",
        what: "A tool's span has a result, but the model gets an empty message for it and concludes that there is no data.",
        cause: "Release 2026.9.2 drops results of tools that run longer than the heartbeat.",
        fix: "result queue of data-analyst 2026.9.2",
        scope: Scope { version: Some(2), ..ANYWHERE },
        rates: (600, 8),
        soft: false,
        population: "traces of the version with a tool call",
        could: |draft| !draft.call_steps().is_empty(),
        plant: result_lost,
        later: Later::Same,
    },
    Fault {
        id: "unicode-arguments-swallowed",
        service: "hr-assistant",
        what: "The model's call of get_employee holds a name with accents; the tool is run with empty or mangled arguments.",
        cause: "The argument parser of the localised pipeline decodes as ASCII.",
        fix: "argument parser of hr-assistant (locales other than English)",
        scope: Scope { locales: &["de-DE", "fr-FR", "es-ES"], ..ANYWHERE },
        rates: (720, 0),
        soft: false,
        population: "traces of these locales that look up an employee whose name is not plain ASCII",
        could: |draft| {
            draft.find("get_employee").is_some() && draft.entities.get("employee").is_some_and(|name| !name.is_ascii())
        },
        plant: unicode_swallowed,
        later: Later::Same,
    },
    Fault {
        id: "other-tenants-record",
        service: "support-desk",
        what: "lookup_order returns the record of another tenant's customer, and the answer uses it.",
        cause: "The cache in ap-southeast-2 is keyed by the order's digits only.",
        fix: "cache key of lookup_order (region ap-southeast-2)",
        scope: Scope { region: Some("ap-southeast-2"), tool: Some("lookup_order"), ..ANYWHERE },
        rates: (900, 0),
        soft: false,
        population: "English traces in the region that look up an order",
        could: |draft| draft.meta.language() == "en" && draft.find("lookup_order").is_some(),
        plant: other_tenant,
        later: Later::Same,
    },
    Fault {
        id: "write-done-twice",
        service: "support-desk",
        what: "One call of refund_order is carried out twice by the harness, both times with success.",
        cause: "Release 3.9.2 sends the call again when the acknowledgement is slow, without an idempotency key.",
        fix: "dispatcher of support-desk 3.9.2",
        scope: Scope { version: Some(3), tool: Some("refund_order"), ..ANYWHERE },
        rates: (600, 0),
        soft: false,
        population: "traces of the version in which the front agent refunds",
        could: |draft| draft.find("refund_order").is_some(),
        plant: done_twice,
        later: Later::New,
    },
];

fn timeout_ignored(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("search_hotels") else { return };
    let secs = draft.rng.pick(&[10, 20, 30, 30, 60]);
    draft.entities.insert("secs", secs.to_string());
    draft.entities.insert("tool", "search_hotels".to_owned());
    let result = draft.error("err.timeout");
    if let Some(call) = draft.call_mut(at) {
        call.result = result;
        call.ms = secs * 1000 + 7;
    }
    let answer = draft.say("claim.timeout");
    draft.cut(at, answer, true);
    draft.success = false;
}

fn claimed_done(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("refund_order") else { return };
    let result = draft.error("err.write");
    if let Some(call) = draft.call_mut(at) {
        call.result = result;
    }
    // The ordinary answer of the turn claims the refund already; the general claim is the other wording.
    if draft.meta.language() == "en" && draft.rng.chance(50) {
        let answer = draft.say("claim.success");
        if let Some(turn) = draft.turns.get_mut(at.0) {
            turn.answer = answer;
        }
    }
    draft.success = false;
}

fn first_page(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("list_records") else { return };
    let pages = draft.rng.between(3, 40);
    let result = super::super::tools::page(&draft.entities, &mut draft.rng, 0, pages);
    if let Some(call) = draft.call_mut(at) {
        call.result = result;
    }
    draft.entities.insert("count", "10".to_owned());
    let answer = draft.say("firstpage.claim");
    if let Some(turn) = draft.turns.get_mut(at.0) {
        turn.answer = answer;
    }
    draft.success = false;
}

fn credentials_expire(draft: &mut Draft<'_>) {
    let steps = draft.call_steps();
    let from = draft.rng.between(1, i64::try_from(steps.len()).unwrap_or(2) - 1);
    let from = usize::try_from(from).unwrap_or(1);
    for at in steps.iter().skip(from) {
        let error = draft.error("err.auth");
        if let Some(call) = draft.call_mut(*at) {
            call.result = error;
            call.ms = call.ms.min(140);
        }
    }
    // In half of the runs the model tries the first refused call again, in vain.
    if let (Some(at), true) = (steps.get(from).copied(), draft.rng.chance(50)) {
        let error = draft.error("err.auth");
        if let Some(mut call) = draft.call_mut(at).map(|call| call.clone()) {
            call.result = error;
            if let Some(turn) = draft.turns.get_mut(at.0) {
                turn.steps.insert(at.1, Step::Calls(vec![call], String::new()));
            }
        }
    }
    for turn in steps.iter().skip(from).map(|at| at.0).collect::<std::collections::BTreeSet<_>>() {
        let answer = draft.say("answer.honest_failure");
        if let Some(turn) = draft.turns.get_mut(turn) {
            turn.answer = answer;
        }
    }
    draft.success = false;
}

fn result_cut(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("read_file") else { return };
    let mut whole = String::new();
    while whole.chars().count() < 320 {
        whole.push_str(&draft.say("doc.code_noise"));
        whole.push_str("\n\n");
    }
    let head: String = whole.chars().take(240).collect();
    whole.push_str(&draft.say("doc.code"));
    let mark = draft.rng.pick(&["", "…", "\n[output truncated]", "\n... (cut)"]);
    if let Some(call) = draft.call_mut(at) {
        call.result = whole;
        call.seen = Some(format!("{head}{mark}"));
    }
    let answer = draft.say("half.claim");
    draft.cut(at, answer, true);
    draft.success = false;
}

fn result_lost(draft: &mut Draft<'_>) {
    let steps = draft.call_steps();
    let at = steps[draft.rng.index(steps.len())];
    let Some(tool) = draft.call_mut(at).map(|call| {
        call.seen = Some(String::new());
        call.tool.clone()
    }) else {
        return;
    };
    draft.entities.insert("tool", tool);
    let answer = draft.say("lost.result");
    draft.cut(at, answer, true);
    draft.success = false;
}

fn unicode_swallowed(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("get_employee") else { return };
    let name = draft.entities.get("employee").cloned().unwrap_or_default();
    let plain: String = name.chars().filter(char::is_ascii).collect();
    let sent = match draft.rng.index(4) {
        0 => json!({}),
        1 => json!({"full_name": ""}),
        2 => json!({"full_name": plain}),
        _ => json!({"full_name": name.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect::<String>()}),
    };
    draft.entities.insert("tool", "get_employee".to_owned());
    draft.entities.insert("field", "full_name".to_owned());
    let result = if sent.as_object().is_some_and(serde_json::Map::is_empty) {
        draft.error("err.validation")
    } else {
        json!({"matches": [], "query": sent["full_name"]}).to_string()
    };
    if let Some(call) = draft.call_mut(at) {
        call.sent = Some(sent.to_string());
        call.result = result;
    }
    let slot = format!("unicode.confused.{}", draft.meta.language());
    let answer = draft.say(&slot);
    draft.cut(at, answer, true);
    draft.success = false;
}

fn other_tenant(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("lookup_order") else { return };
    let others = ["acme", "globex", "initech", "umbra", "hooli"];
    let mut other = draft.rng.pick(&others);
    if other == draft.meta.tenant {
        other = "wonka";
    }
    let person = draft.rng.pick(&["Bernd Krause", "Lucía Prieto", "Hugo Marchand", "Ellen Ward", "Takeshi Ono"]);
    draft.entities.insert("employee", person.to_owned());
    draft.entities.insert("party", other.to_owned());
    let order = draft.entities.get("order").cloned().unwrap_or_default();
    let digits: String = order.chars().filter(char::is_ascii_digit).collect();
    let record = json!({"order_id": format!("X-{digits}"), "item": "server rack", "total": "4210.00 EUR", "customer": person, "account": other, "state": "delivered"});
    if let Some(call) = draft.call_mut(at) {
        call.result = record.to_string();
    }
    let answer = draft.say("wrong.tenant_note");
    draft.cut(at, answer, true);
    draft.success = false;
}

fn done_twice(draft: &mut Draft<'_>) {
    let Some(at) = draft.seek("refund_order") else { return };
    let pause = draft.rng.between(15, 900);
    let first =
        json!({"status": "ok", "state": "refunded", "id": draft.rng.hex(8), "tool": "refund_order"}).to_string();
    if let Some(call) = draft.call_mut(at) {
        call.attempts.push((first, pause));
    }
    if draft.meta.language() == "en" {
        let answer = draft.say("double.write");
        if let Some(turn) = draft.turns.get_mut(at.0) {
            turn.answer = answer;
        }
    }
}
