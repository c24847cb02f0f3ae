//! What happens in one trace, before it is played into spans: turns of a conversation with their steps.

mod draw;

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::texts::{Texts, fill};
use super::tools::{self, ToolSpec};
use super::world::Meta;
use crate::rng::Rng;
use draw::draw_entities;
pub(crate) use draw::{draw_plan, house_prompt};

/// One call of a tool as the harness carries it out.
#[derive(Clone, Default)]
pub(crate) struct Call {
    /// Tool asked for.
    pub(crate) tool: String,
    /// Arguments as the model wrote them (JSON).
    pub(crate) args: String,
    /// Arguments as the harness passed them on, where they differ.
    pub(crate) sent: Option<String>,
    /// What the tool gave back.
    pub(crate) result: String,
    /// What the model got to see of it, where it differs.
    pub(crate) seen: Option<String>,
    /// Latency.
    pub(crate) ms: i64,
    /// Pause before the call.
    pub(crate) wait_ms: i64,
    /// Status message of the span when it is marked as an error.
    pub(crate) error: Option<String>,
    /// Whether the harness writes no TOOL span for it.
    pub(crate) spanless: bool,
    /// Attempts of the harness before this one: (result, pause after it).
    pub(crate) attempts: Vec<(String, i64)>,
    /// Attributes of its own.
    pub(crate) extra: Vec<(&'static str, Value)>,
}

/// A subagent's work.
#[derive(Clone)]
pub(crate) struct Sub {
    /// Agent's name.
    pub(crate) agent: &'static str,
    /// Slot of its system prompt.
    pub(crate) system: &'static str,
    /// What it was told to do.
    pub(crate) task: String,
    /// What it does.
    pub(crate) steps: Vec<Step>,
    /// What it reports.
    pub(crate) answer: String,
    /// Whether its report never reaches the caller.
    pub(crate) unheard: bool,
}

/// One step of a turn.
#[derive(Clone)]
pub(crate) enum Step {
    /// One answer of the model with calls, and the words beside them.
    Calls(Vec<Call>, String),
    /// A model call that failed: error text, latency, pause after it.
    ModelFails(String, i64, i64),
    /// Subagents at work at the same time.
    Team(Vec<Sub>),
    /// A hand-off: words of the one who hands over, then the other's work, one after the other.
    Handoff(String, Sub),
    /// A look-up by the harness: query and documents.
    Retrieve(String, Vec<String>),
    /// A guardrail: (name, verdict, blocks).
    Guard(&'static str, String, bool),
    /// From here on the model is another one (fallback).
    Switch(&'static str),
}

/// One turn: what the user says and what comes of it.
#[derive(Clone, Default)]
pub(crate) struct Turn {
    /// The user's words.
    pub(crate) user: String,
    /// What happens.
    pub(crate) steps: Vec<Step>,
    /// The final answer.
    pub(crate) answer: String,
    /// `stop`, `length`, `content_filter`…
    pub(crate) finish: &'static str,
    /// Whether the answer comes from the harness and not from a model call.
    pub(crate) canned: bool,
    /// The names and numbers of this turn.
    pub(crate) about: Option<Rc<BTreeMap<&'static str, String>>>,
    /// What the user is given, where the harness changes the model's answer.
    pub(crate) shown: Option<String>,
}

/// Oddities of a whole trace.
#[derive(Default)]
pub(crate) struct Quirks {
    /// From this turn on the history holds but the last messages.
    pub(crate) forget_from: Option<usize>,
    /// A document sent again as part of each turn's message.
    pub(crate) resent: Option<String>,
    /// Text before the system prompt.
    pub(crate) prefix: Option<String>,
    /// Text after the system prompt.
    pub(crate) suffix: Option<String>,
    /// Whether nothing is ever read from the prompt cache.
    pub(crate) no_cache: bool,
    /// Whether the first model call reads nothing from the cache.
    pub(crate) cold: bool,
    /// Whether token counts are missing.
    pub(crate) no_tokens: bool,
    /// Whether the root span is never exported.
    pub(crate) no_root: bool,
    /// Whether tool spans hang below a wrapper span that is never exported.
    pub(crate) lost_wrappers: bool,
    /// Milliseconds by which tool spans begin too early.
    pub(crate) skew_ms: i64,
    /// A declared sampling rule that drops tool spans.
    pub(crate) sampled: bool,
    /// Limit of answer tokens.
    pub(crate) max_tokens: Option<i64>,
    /// Attributes of the root span.
    pub(crate) root: Vec<(&'static str, Value)>,
    /// An evaluator's span: (score or none, label, error).
    pub(crate) evaluation: Option<(Option<f64>, String, Option<String>)>,
    /// Date that the system prompt claims.
    pub(crate) claimed_date: Option<String>,
}

/// A trace in the making.
pub(crate) struct Draft<'a> {
    /// Its facts.
    pub(crate) meta: Meta,
    /// Its turns.
    pub(crate) turns: Vec<Turn>,
    /// Key of each turn's intent, empty for a follow-up.
    pub(crate) intents: Vec<&'static str>,
    /// Its oddities.
    pub(crate) quirks: Quirks,
    /// Whether the user got what he wanted.
    pub(crate) success: bool,
    /// Names and numbers the texts speak about.
    pub(crate) entities: BTreeMap<&'static str, String>,
    /// Its own random numbers.
    pub(crate) rng: Rng,
    /// The wording.
    pub(crate) texts: &'a Texts,
    /// Seed of the whole corpus, for what is the same in all traces.
    pub(crate) seed: u64,
}

impl Draft<'_> {
    /// A filled variant of `slot`.
    pub(crate) fn say(&mut self, slot: &str) -> String {
        fill(self.texts.pick(slot, &mut self.rng), &self.entities)
    }

    /// The variant of `slot` that all traces of the corpus share, filled.
    pub(crate) fn say_same(&self, slot: &str, label: u64) -> String {
        let mut rng = Rng::new(self.seed).fork(0xc0de + label);
        fill(self.texts.pick(slot, &mut rng), &self.entities)
    }

    /// The tool's description.
    pub(crate) fn spec(&self, tool: &str) -> Option<&'static ToolSpec> {
        self.meta.service.tools.iter().find(|spec| spec.name == tool)
    }

    /// A call that goes well.
    pub(crate) fn good_call(&mut self, tool: &str) -> Call {
        if tool == "fetch_document" {
            let document = format!("D-{}", self.rng.between(1000, 99_999));
            self.entities.insert("docid", document);
        }
        let Some(spec) = self.spec(tool) else { return Call { tool: tool.to_owned(), ..Call::default() } };
        let args = Value::Object(tools::arguments(spec, &self.entities, &mut self.rng)).to_string();
        let result = tools::reply(spec, &self.entities, self.texts, &mut self.rng);
        Call { tool: tool.to_owned(), args, result, ms: self.rng.skewed(spec.ms), ..Call::default() }
    }

    /// Words beside a call in `percent` of the calls; only English has such a slot.
    pub(crate) fn interim(&mut self, percent: i64) -> String {
        if self.rng.chance(percent) && self.meta.language() == "en" {
            self.say("interim.generic")
        } else {
            String::new()
        }
    }

    /// A step with one call of `tool` that goes well.
    pub(crate) fn good_step(&mut self, tool: &str) -> Step {
        self.entities.insert("tool", tool.to_owned());
        let words = self.interim(30);
        Step::Calls(vec![self.good_call(tool)], words)
    }

    /// The wording of `slot` in one of the shapes in which tools and harnesses hand back errors.
    pub(crate) fn error(&mut self, slot: &str) -> String {
        let text = self.say(slot);
        let code = self.rng.pick(&["E1001", "internal", "bad_request", "upstream", "conflict", "retry_later"]);
        match self.rng.index(9) {
            0 => json!({"error": {"code": code, "message": text}}).to_string(),
            1 => json!({"status": "error", "detail": text}).to_string(),
            2 => json!({"isError": true, "content": [{"type": "text", "text": text}]}).to_string(),
            3 => format!("<html><head><title>Error</title></head><body><h1>{code}</h1><p>{text}</p></body></html>"),
            4 => json!({"result": {"ok": false, "errors": [{"msg": text, "code": code}]}}).to_string(),
            5 => format!("exit code {}\nstderr: {text}", self.rng.pick(&[1, 2, 124, 127])),
            6 => json!({"success": false, "reason": text}).to_string(),
            7 => format!("Error: {text}"),
            _ => text,
        }
    }

    /// Where `tool` is called: (turn, step), by the main agent.
    pub(crate) fn find(&self, tool: &str) -> Option<(usize, usize)> {
        self.turns.iter().enumerate().find_map(|(turn_at, turn)| {
            let step_at = turn
                .steps
                .iter()
                .position(|step| matches!(step, Step::Calls(calls, _) if calls.iter().any(|call| call.tool == tool)))?;
            Some((turn_at, step_at))
        })
    }

    /// Like `find`, and speaks from then on about what that turn is about.
    pub(crate) fn seek(&mut self, tool: &str) -> Option<(usize, usize)> {
        let at = self.find(tool)?;
        self.focus(at.0);
        Some(at)
    }

    /// Speaks from now on about what the turn `at` is about.
    pub(crate) fn focus(&mut self, at: usize) {
        if let Some(about) = self.turns.get(at).and_then(|turn| turn.about.as_ref()) {
            self.entities = BTreeMap::clone(about);
        }
    }

    /// The first call of the main agent, in focus.
    pub(crate) fn first_call(&mut self) -> Option<(usize, usize)> {
        let at = self.call_steps().first().copied()?;
        self.focus(at.0);
        Some(at)
    }

    /// The last call of the main agent, in focus.
    pub(crate) fn last_call(&mut self) -> Option<(usize, usize)> {
        let at = self.call_steps().last().copied()?;
        self.focus(at.0);
        Some(at)
    }

    /// All steps of the main agent with a call.
    pub(crate) fn call_steps(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (turn_at, turn) in self.turns.iter().enumerate() {
            for (step_at, step) in turn.steps.iter().enumerate() {
                if matches!(step, Step::Calls(calls, _) if !calls.is_empty()) {
                    found.push((turn_at, step_at));
                }
            }
        }
        found
    }

    /// The turn and step of a team of subagents.
    pub(crate) fn find_team(&self) -> Option<(usize, usize)> {
        self.turns.iter().enumerate().find_map(|(turn_at, turn)| {
            turn.steps.iter().position(|step| matches!(step, Step::Team(_))).map(|step_at| (turn_at, step_at))
        })
    }

    /// The first call of a step, to change it.
    pub(crate) fn call_mut(&mut self, at: (usize, usize)) -> Option<&mut Call> {
        match self.turns.get_mut(at.0)?.steps.get_mut(at.1)? {
            Step::Calls(calls, _) => calls.first_mut(),
            _ => None,
        }
    }

    /// Ends the turn after `step` with `answer`; later turns go away when `last`.
    pub(crate) fn cut(&mut self, at: (usize, usize), answer: String, last: bool) {
        if let Some(turn) = self.turns.get_mut(at.0) {
            turn.steps.truncate(at.1 + 1);
            turn.answer = answer;
        }
        if last {
            self.turns.truncate(at.0 + 1);
        }
    }

    /// Inserts a turn; an index past the end appends.
    pub(crate) fn insert_turn(&mut self, at: usize, user: String, steps: Vec<Step>, answer: String) {
        let at = at.min(self.turns.len());
        let about = Some(Rc::new(self.entities.clone()));
        self.turns.insert(at, Turn { user, steps, answer, finish: "stop", about, ..Turn::default() });
        self.intents.insert(at.min(self.intents.len()), "");
    }
}

impl Draft<'_> {
    /// Up to `count` different variants of a slot.
    pub(crate) fn distinct(&mut self, slot: &str, count: i64) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for _ in 0..count {
            let text = self.say(slot);
            if !found.contains(&text) {
                found.push(text);
            }
        }
        found
    }

    /// From now on the same user speaks about other things.
    pub(crate) fn refresh(&mut self) {
        let mut fresh = draw_entities(&mut self.rng, &self.meta);
        for key in ["name", "employee", "tenant", "docid"] {
            if let Some(old) = self.entities.remove(key) {
                fresh.insert(key, old);
            }
        }
        self.entities = fresh;
    }

    /// A research subagent with its own look-ups.
    pub(crate) fn researcher(&mut self, task: String) -> Sub {
        let count = self.rng.between(2, 4);
        let docs = self.distinct("doc.research", count);
        let mut steps = vec![Step::Retrieve(task.clone(), docs)];
        if self.rng.chance(40) {
            steps.push(self.good_step("fetch_document"));
        }
        let answer = self.say("doc.subnote");
        Sub { agent: "researcher", system: "system.researcher", task, steps, answer, unheard: false }
    }
}
