//! Draws ordinary traces: what they speak about and what happens in them.

use std::collections::BTreeMap;

use super::{Draft, Quirks, Step, Sub};
use crate::corpus::texts::Texts;
use crate::corpus::world::{Meta, SERVICES};
use crate::rng::Rng;

const FIRST: [&str; 14] = [
    "Anna", "Jürgen", "Zoë", "José", "Marie", "Tom", "Aisha", "Luís", "Karin", "Peter", "Chloé", "Søren", "Ines",
    "Paul",
];
const LAST: [&str; 12] =
    ["Müller", "Smith", "García", "Lefèvre", "Novák", "Olsen", "Brown", "Öztürk", "Rossi", "Nguyen", "Weiß", "Peña"];
const CITIES: [&str; 12] =
    ["Berlin", "Lyon", "Madrid", "Boston", "Leeds", "Oslo", "Chicago", "Porto", "Vienna", "Austin", "Sydney", "Dublin"];
const TOPICS: [&str; 10] = [
    "heat pumps in old buildings",
    "four-day weeks",
    "school meal programmes",
    "battery recycling",
    "remote triage",
    "urban trees and heat",
    "vitamin D in winter",
    "open-plan offices",
    "peer review of software",
    "sleep and shift work",
];
const TABLES: [&str; 6] = ["invoices", "subscriptions", "orders", "accounts", "tickets", "shipments"];
const METRICS: [&str; 6] =
    ["net revenue", "churn rate", "active accounts", "average order value", "refund rate", "time to first reply"];
const SYSTEMS: [&str; 6] =
    ["checkout-api", "billing-worker", "search-index", "mail-gateway", "auth-proxy", "feed-builder"];
const CONTRACTS: [&str; 5] =
    ["Master Services Agreement", "NDA", "Data Processing Agreement", "Supply Agreement", "Reseller Contract"];
const CLAUSES: [&str; 6] =
    ["limitation of liability", "termination", "confidentiality", "indemnity", "governing law", "audit rights"];
const PARTIES: [&str; 6] =
    ["Northwind GmbH", "Contoso Ltd", "Fabrikam SA", "Aldermore Inc", "Quill & Co", "Brightwater plc"];
const ITEMS: [&str; 7] =
    ["kettle", "desk lamp", "rain jacket", "headphones", "office chair", "coffee grinder", "backpack"];
const FILES: [&str; 5] =
    ["src/core/merge.py", "lib/cart/total.ts", "pkg/queue/worker.go", "app/models/invoice.rb", "crates/io/src/read.rs"];
const FUNCS: [&str; 6] =
    ["merge_ranges", "computeTotal", "drain_queue", "parse_header", "normalize_keys", "split_batches"];

/// Draws the names and numbers of a trace.
pub(super) fn draw_entities(rng: &mut Rng, meta: &Meta) -> BTreeMap<&'static str, String> {
    let table = rng.pick(&TABLES);
    let metric = rng.pick(&METRICS);
    let date = format!("2026-{:02}-{:02}", rng.between(10, 12), rng.between(1, 28));
    let topic_at = rng.index(TOPICS.len());
    let mut map = BTreeMap::new();
    let mut put = |key: &'static str, value: String| map.insert(key, value);
    let given = rng.pick(&FIRST);
    put("name", given.to_owned());
    put("employee", format!("{given} {}", rng.pick(&LAST)));
    put("order", format!("{}-{}", rng.pick(&["A", "B", "R", "ORD"]), rng.between(100_000, 999_999)));
    put("item", rng.pick(&ITEMS).to_owned());
    put("amount", format!("{}.{:02} EUR", rng.skewed(80), rng.between(0, 99)));
    put("date2", format!("2027-01-{:02}", rng.between(1, 28)));
    let from = rng.index(CITIES.len());
    put("city", CITIES[from].to_owned());
    put("city2", CITIES[(from + 1 + rng.index(CITIES.len() - 1)) % CITIES.len()].to_owned());
    put("flight", format!("{}{}", rng.pick(&["LH", "BA", "AF", "IB", "QF"]), rng.between(100, 1999)));
    put("hotel", format!("Hotel {}", rng.pick(&["Aurora", "Central", "Linden", "Miramar", "Royal", "Station"])));
    put("file", rng.pick(&FILES).to_owned());
    put("func", rng.pick(&FUNCS).to_owned());
    put("topic", TOPICS[topic_at].to_owned());
    put("topic2", TOPICS[(topic_at + 1 + rng.index(TOPICS.len() - 1)) % TOPICS.len()].to_owned());
    put("contract", rng.pick(&CONTRACTS).to_owned());
    put("party", rng.pick(&PARTIES).to_owned());
    put("clause", rng.pick(&CLAUSES).to_owned());
    let days = rng.between(2, 14);
    let left = rng.between(2, 9);
    put("days", days.to_string());
    put("n", left.to_string());
    put("days_left", (days + left).to_string());
    put("service", rng.pick(&SYSTEMS).to_owned());
    put("host", format!("{}-{}", rng.pick(&["web", "db", "worker"]), rng.between(1, 24)));
    put("count", rng.between(11, 60).to_string());
    put("total", rng.between(120, 9000).to_string());
    put("hour", format!("{:02}:{:02}", rng.between(0, 23), rng.between(0, 59)));
    put("secs", rng.pick(&[10, 15, 20, 30, 60]).to_string());
    put(
        "policy_query",
        rng.pick(&["carry over of leave", "remote work abroad", "volunteering days", "sick note", "parental leave"])
            .to_owned(),
    );
    put("log_query", rng.pick(&["level>=WARN", "level>=ERROR", "status>=500", "slow", "connection"]).to_owned());
    put("docid", format!("D-{}", rng.between(1000, 99_999)));
    put("tables", TABLES.join(", "));
    put(
        "sql",
        format!("SELECT region, SUM(amount) FROM {table} WHERE created_at >= '{date}' GROUP BY region -- {metric}"),
    );
    put("table", table.to_owned());
    put("metric", metric.to_owned());
    put("date", date);
    put("tenant", meta.tenant.to_owned());
    put("tool", "lookup".to_owned());
    put("field", "limit".to_owned());
    put("note", "Checked by staff.".to_owned());
    map
}

/// The plan of an ordinary trace of `meta`'s service.
pub(crate) fn draw_plan(meta: Meta, mut rng: Rng, texts: &Texts, seed: u64) -> Draft<'_> {
    let entities = draw_entities(&mut rng, &meta);
    let mut draft = Draft {
        meta,
        turns: Vec::new(),
        intents: Vec::new(),
        quirks: Quirks::default(),
        success: true,
        entities,
        rng,
        texts,
        seed,
    };
    let note = draft.say("doc.note");
    draft.entities.insert("note", note);
    if draft.meta.service.intents.is_empty() {
        let user = draft.say("user.greeting");
        draft.insert_turn(0, user, Vec::new(), "ok".to_owned());
        return draft;
    }
    let turns = match draft.rng.between(1, 100) {
        1..=45 => 1,
        46..=76 => 2,
        77..=88 => 3,
        89..=96 => draft.rng.between(4, 6),
        _ => draft.rng.between(7, 15),
    };
    let mut spans = 0;
    for at in 0..turns {
        let turn_spans = add_turn(&mut draft, at == 0);
        spans += turn_spans;
        if spans > 60 {
            break;
        }
    }
    draft.cold_start();
    draft
}

impl Draft<'_> {
    /// One trace in seven finds the prompt cache cold, as after an idle while.
    fn cold_start(&mut self) {
        self.quirks.cold = self.rng.chance(14);
    }
}

/// Adds one ordinary turn and tells roughly how many spans it takes.
fn add_turn(draft: &mut Draft<'_>, first: bool) -> usize {
    let service = draft.meta.service;
    let language = draft.meta.language();
    if first && draft.rng.chance(5) {
        let (user, answer) = (draft.say("user.greeting"), draft.say("answer.greeting"));
        let at = draft.turns.len();
        draft.insert_turn(at, user, Vec::new(), answer);
        return 1;
    }
    let whole = first || (language == "en" && draft.rng.chance(40));
    if !whole {
        let tail = if language == "en" { service.domain } else { language };
        let user = draft.say(&format!("followup.{tail}"));
        let answer = draft.say(&format!("followup_answer.{tail}"));
        let reads: Vec<&str> =
            service.tools.iter().filter(|tool| !tool.write && tool.name != "delegate").map(|tool| tool.name).collect();
        // Answers to follow-ups about code claim a change or a look at other places.
        let steps = if service.domain == "coding" {
            ["search_code", "edit_file", "run_tests"].map(|tool| draft.good_step(tool)).into()
        } else if draft.rng.chance(35) {
            let tool = draft.rng.pick(&reads);
            vec![draft.good_step(tool)]
        } else {
            Vec::new()
        };
        let spans = 1 + steps.len() * 2;
        let at = draft.turns.len();
        draft.insert_turn(at, user, steps, answer);
        return spans;
    }
    let intent = if language == "en" {
        &service.intents[draft.rng.weighted(service.intents.iter().map(|intent| intent.weight))]
    } else {
        &service.intents[0]
    };
    if !first {
        // A second refund of one order would be a fault.
        draft.refresh();
    }
    let tail = if language == "en" { intent.key } else { language };
    let user = draft.say(&format!("ask.{}.{tail}", service.domain));
    let mut steps = Vec::new();
    for step in intent.steps {
        let (name, optional) = step.strip_prefix('?').map_or((*step, false), |name| (name, true));
        if optional && draft.rng.chance(50) {
            continue;
        }
        add_step(draft, name, &mut steps);
    }
    for step in &mut steps {
        if let Step::Handoff(_, sub) = step {
            sub.task.clone_from(&user);
        }
    }
    // An ordinary listing has one page of ten rows, and the answer must not say another number.
    let total = draft.entities.get("total").cloned().unwrap_or_default();
    if intent.key == "list" {
        draft.entities.insert("total", "10".to_owned());
    }
    let answer = draft.say(&format!("answer.{}.{tail}", service.domain));
    draft.entities.insert("total", total);
    let spans = 1 + steps.iter().map(|step| if matches!(step, Step::Team(_)) { 14 } else { 2 }).sum::<usize>();
    let at = draft.turns.len();
    draft.insert_turn(at, user, steps, answer);
    if let Some(slot) = draft.intents.get_mut(at) {
        *slot = intent.key;
    }
    spans
}

fn add_step(draft: &mut Draft<'_>, name: &str, steps: &mut Vec<Step>) {
    match name {
        "@retrieve" => {
            let times = draft.rng.pick(&[1, 1, 1, 2, 3]);
            for query in draft.distinct("task.aspect", times) {
                let count = draft.rng.between(2, 5);
                let docs = draft.distinct("doc.research", count);
                steps.push(Step::Retrieve(query, docs));
            }
            if draft.rng.chance(45) {
                steps.push(draft.good_step("fetch_document"));
            }
        }
        "@team" => {
            let size = draft.rng.pick(&[2, 2, 3, 3, 4]);
            let mut tasks: Vec<String> = Vec::new();
            for _ in 0..size * 3 {
                let task = draft.say("task.aspect");
                if tasks.len() < size && !tasks.contains(&task) {
                    tasks.push(task);
                }
            }
            let team = tasks.into_iter().map(|task| draft.researcher(task)).collect();
            steps.push(Step::Team(team));
        }
        "refund_order" if draft.rng.chance(18) => {
            let words = if draft.meta.language() == "en" { draft.say("handoff.out") } else { String::new() };
            let refund = draft.good_step("refund_order");
            let tail = if draft.meta.language() == "en" { "refund" } else { draft.meta.language() };
            let answer = draft.say(&format!("answer.support.{tail}"));
            let task = draft.say(&format!("ask.support.{tail}"));
            steps.push(Step::Handoff(
                words,
                Sub { agent: "billing", system: "system.billing", task, steps: vec![refund], answer, unheard: false },
            ));
        }
        tool => steps.push(draft.good_step(tool)),
    }
}

/// The system prompt of a service at a version is one and the same for all its traces.
pub(crate) fn house_prompt(meta: &Meta, texts: &Texts, slot: &str, seed: u64) -> String {
    let place = SERVICES.iter().position(|service| service.name == meta.service.name).unwrap_or(0) as u64;
    let mut rng = Rng::new(seed).fork(0x5157 + place * 16 + meta.version_at as u64);
    let mut prompt = texts.pick(slot, &mut rng).to_owned();
    if !meta.service.rules.is_empty() && !slot.ends_with("researcher") {
        prompt.push_str("\n\nHouse rules:");
        for _ in 0..6 {
            let rule = texts.pick(meta.service.rules, &mut rng);
            if !prompt.contains(rule) && !rule.contains('{') {
                prompt.push_str("\n- ");
                prompt.push_str(rule);
            }
        }
    }
    prompt
}
