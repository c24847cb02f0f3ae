//! Plays a plan into spans: clocks, histories, ids and tokens.

use std::rc::Rc;

use serde_json::{Value, json};

use super::plan::{Call, Draft, Step, Sub, Turn, house_prompt};
use super::span::{Asked, Kind, Message, ModelCall, Span};

const MS: i64 = 1_000_000;

/// One agent's run while it is played.
struct Frame {
    agent: &'static str,
    parent: String,
    history: Vec<Rc<Message>>,
    clock: i64,
    turn: usize,
    offers_tools: bool,
}

/// The state of playing one trace.
struct Player<'a, 'b> {
    draft: &'a mut Draft<'b>,
    spans: Vec<Span>,
    model: &'static str,
    model_calls: usize,
    seed: u64,
}

/// Plays `draft`; the spans come in order of creation.
pub(crate) fn play(draft: &mut Draft<'_>, seed: u64) -> Vec<Span> {
    let model = draft.meta.model;
    let mut player = Player { draft, spans: Vec::new(), model, model_calls: 0, seed };
    player.trace();
    player.spans
}

impl Player<'_, '_> {
    fn ms(&mut self, median: i64) -> i64 {
        self.draft.rng.skewed(median) * MS + self.draft.rng.between(0, MS)
    }

    fn blank(&mut self, kind: Kind, name: &str, frame: &Frame) -> Span {
        Span {
            id: self.draft.rng.hex(16),
            parent: frame.parent.clone(),
            kind,
            name: name.to_owned(),
            agent: frame.agent,
            start: frame.clock,
            end: frame.clock,
            error: None,
            input: String::new(),
            output: String::new(),
            call_id: String::new(),
            docs: Vec::new(),
            model: None,
            extra: Vec::new(),
            unexported: false,
        }
    }

    fn system_prompt(&mut self) -> String {
        let slot = format!("system.{}", self.draft.meta.service.domain);
        let mut prompt = house_prompt(&self.draft.meta, self.draft.texts, &slot, self.seed);
        if let Some(prefix) = &self.draft.quirks.prefix {
            prompt = format!("{prefix}\n{prompt}");
        }
        if let Some(suffix) = &self.draft.quirks.suffix {
            prompt.push_str("\n\n");
            prompt.push_str(suffix);
        }
        let today = self.draft.quirks.claimed_date.clone().unwrap_or_else(|| super::clock::date(self.draft.meta.start));
        prompt.push_str(&format!("\n\nToday is {today}."));
        prompt
    }

    fn trace(&mut self) {
        let meta = self.draft.meta.clone();
        let mut frame = Frame {
            agent: meta.service.agent,
            parent: String::new(),
            history: Vec::new(),
            clock: meta.start,
            turn: 0,
            offers_tools: !meta.service.tools.is_empty(),
        };
        let mut root = self.blank(Kind::Agent, meta.service.agent, &frame);
        root.unexported = self.draft.quirks.no_root;
        root.extra.append(&mut self.draft.quirks.root);
        frame.parent.clone_from(&root.id);
        frame.clock += self.draft.rng.between(1, 9) * MS;
        let system = self.system_prompt();
        frame.history.push(Rc::new(Message { role: "system", text: system, ..Message::default() }));
        let turns = std::mem::take(&mut self.draft.turns);
        for (at, turn) in turns.iter().enumerate() {
            frame.turn = at;
            if at > 0 {
                frame.clock += self.ms(26_000);
            }
            self.turn(&mut frame, turn);
        }
        root.input = turns.first().map(|turn| turn.user.clone()).unwrap_or_default();
        root.output =
            turns.last().map(|turn| turn.shown.clone().unwrap_or_else(|| turn.answer.clone())).unwrap_or_default();
        self.draft.turns = turns;
        if let Some((score, label, error)) = self.draft.quirks.evaluation.take() {
            frame.clock += self.ms(300);
            let mut span = self.blank(Kind::Evaluator, "quality_judge", &frame);
            span.end += self.ms(700);
            span.output = json!({"score": score, "label": label}).to_string();
            span.extra.push(("evaluation.name", json!("quality")));
            span.extra.push(("evaluation.label", json!(label)));
            if let Some(score) = score {
                span.extra.push(("evaluation.score", json!(score)));
            }
            span.error = error;
            frame.clock = span.end;
            self.spans.push(span);
        }
        root.end = frame.clock + self.draft.rng.between(1, 20) * MS;
        let last = self.spans.iter().map(|span| span.end).max().unwrap_or(root.end);
        root.end = root.end.max(last + MS);
        self.spans.push(root);
    }

    fn turn(&mut self, frame: &mut Frame, turn: &Turn) {
        let mut user = turn.user.clone();
        if let Some(document) = &self.draft.quirks.resent {
            user = format!("{user}\n\n<attachment>\n{document}\n</attachment>");
        }
        frame.history.push(Rc::new(Message { role: "user", text: user, ..Message::default() }));
        self.steps(frame, &turn.steps);
        if turn.canned {
            let text = Message { role: "assistant", text: turn.answer.clone(), ..Message::default() };
            frame.history.push(Rc::new(text));
        } else {
            self.llm(frame, turn.answer.clone(), Vec::new(), turn.finish);
        }
        if let Some(shown) = &turn.shown {
            let mut span = self.blank(Kind::Chain, "render_reply", frame);
            span.end += self.draft.rng.between(1, 15) * MS;
            span.input.clone_from(&turn.answer);
            span.output.clone_from(shown);
            frame.clock = span.end;
            self.spans.push(span);
        }
    }

    fn steps(&mut self, frame: &mut Frame, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Calls(calls, words) => self.calls(frame, calls, words),
                Step::ModelFails(error, ms, pause) => self.model_fails(frame, error, *ms, *pause),
                Step::Team(subs) => self.team(frame, subs),
                Step::Handoff(words, sub) => self.handoff(frame, words, sub),
                Step::Retrieve(query, docs) => self.retrieve(frame, query, docs),
                Step::Guard(name, verdict, blocks) => {
                    let mut span = self.blank(Kind::Guardrail, name, frame);
                    span.end += self.ms(90);
                    span.input = frame.history.last().map(|message| message.text.clone()).unwrap_or_default();
                    span.output = json!({"blocked": blocks, "reason": verdict}).to_string();
                    frame.clock = span.end + MS;
                    self.spans.push(span);
                }
                Step::Switch(model) => self.model = model,
            }
        }
    }

    /// The messages of one model call; a forgetful harness sends only the last ones.
    fn snapshot(&self, frame: &Frame) -> Vec<Rc<Message>> {
        match self.draft.quirks.forget_from {
            Some(from) if frame.turn >= from && frame.history.len() > 4 => {
                // Cut at the last user message, as such harnesses do: a tool's message must follow its call.
                let last_user = frame.history.iter().rposition(|message| message.role == "user").unwrap_or(0);
                frame.history.iter().take(1).chain(frame.history.iter().skip(last_user)).cloned().collect()
            }
            _ => frame.history.clone(),
        }
    }

    fn tokens(&mut self, history: &[Rc<Message>], answer: &Message) -> (i64, i64, i64) {
        let size = |message: &Message| {
            let calls: usize = message.calls.iter().map(|call| call.args.len() + call.name.len() + 12).sum();
            i64::try_from(message.text.len() + calls).unwrap_or(0) / 4 + 4
        };
        let prompt: i64 = history.iter().map(|message| size(message)).sum();
        let tools = i64::try_from(self.draft.meta.service.tools.len()).unwrap_or(0) * 62;
        let prompt = prompt + tools;
        // Prefixes are cached in blocks; the newest message is never in the cache.
        let known = prompt - history.last().map_or(0, |message| size(message));
        let first = self.model_calls == 0;
        let system = history.first().map_or(0, |message| size(message)) + tools;
        let cached = if self.draft.quirks.no_cache || (first && self.draft.quirks.cold) {
            0
        } else if first {
            system / 64 * 64
        } else {
            known / 64 * 64
        };
        (prompt, size(answer).max(1), cached)
    }

    fn llm(&mut self, frame: &mut Frame, text: String, calls: Vec<Asked>, finish: &'static str) {
        let finish = if calls.is_empty() { finish } else { "tool_calls" };
        let answer = Rc::new(Message { role: "assistant", text, calls, call_id: String::new() });
        let history = self.snapshot(frame);
        let mut tokens = self.tokens(&history, &answer);
        let max_tokens = self.draft.quirks.max_tokens.unwrap_or(4096);
        if finish == "length" {
            tokens.1 = max_tokens;
        }
        self.model_calls += 1;
        let mut span = self.blank(Kind::Llm, self.model, frame);
        span.end += self.ms(500) + self.ms(tokens.1 * 11 + 40) + tokens.0 * 20_000;
        span.input = history
            .iter()
            .rev()
            .find(|message| message.role == "user")
            .map(|message| message.text.clone())
            .unwrap_or_default();
        span.output.clone_from(&answer.text);
        span.model = Some(ModelCall {
            model: self.model,
            history,
            answer: Rc::clone(&answer),
            finish,
            tokens: if self.draft.quirks.no_tokens { None } else { Some(tokens) },
            max_tokens,
            offers_tools: frame.offers_tools,
        });
        frame.history.push(answer);
        frame.clock = span.end + self.draft.rng.between(1, 6) * MS;
        self.spans.push(span);
    }

    fn model_fails(&mut self, frame: &mut Frame, error: &str, ms: i64, pause: i64) {
        let history = self.snapshot(frame);
        let mut span = self.blank(Kind::Llm, self.model, frame);
        span.end += ms * MS + self.draft.rng.between(0, MS);
        span.error = Some(error.to_owned());
        span.extra.push(("error.type", json!("provider_error")));
        span.model = Some(ModelCall {
            model: self.model,
            history,
            answer: Rc::new(Message { role: "assistant", ..Message::default() }),
            finish: "error",
            tokens: None,
            max_tokens: 4096,
            offers_tools: frame.offers_tools,
        });
        frame.clock = span.end + pause * MS;
        self.spans.push(span);
    }

    fn calls(&mut self, frame: &mut Frame, calls: &[Call], words: &str) {
        let asked: Vec<Asked> = calls
            .iter()
            .map(|call| Asked {
                id: format!("call_{}", self.draft.rng.hex(14)),
                name: call.tool.clone(),
                args: call.args.clone(),
            })
            .collect();
        self.llm(frame, words.to_owned(), asked.clone(), "tool_calls");
        for (call, asked) in calls.iter().zip(asked) {
            self.one_call(frame, call, &asked);
        }
    }

    fn one_call(&mut self, frame: &mut Frame, call: &Call, asked: &Asked) {
        frame.clock += call.wait_ms * MS;
        for (result, pause) in &call.attempts {
            let mut span = self.blank(Kind::Tool, &call.tool, frame);
            span.end += self.ms(70);
            span.input.clone_from(call.sent.as_ref().unwrap_or(&call.args));
            span.output.clone_from(result);
            span.call_id.clone_from(&asked.id);
            frame.clock = span.end + pause * MS + self.draft.rng.between(0, MS);
            self.spans.push(span);
        }
        if call.spanless {
            frame.clock += self.draft.rng.between(1, 4) * MS;
        } else {
            let mut span = self.blank(Kind::Tool, &call.tool, frame);
            span.end += call.ms.max(3) * MS + self.draft.rng.between(0, MS);
            span.input.clone_from(call.sent.as_ref().unwrap_or(&call.args));
            span.output.clone_from(&call.result);
            span.call_id.clone_from(&asked.id);
            span.error.clone_from(&call.error);
            span.extra.clone_from(&call.extra);
            frame.clock = span.end + self.draft.rng.between(1, 5) * MS;
            if self.draft.quirks.skew_ms > 0 {
                let skew = self.draft.rng.between(self.draft.quirks.skew_ms / 2, self.draft.quirks.skew_ms) * MS;
                span.start -= skew;
                span.end = (span.end - skew).max(span.start + MS);
            }
            span.unexported = self.draft.quirks.sampled;
            if self.draft.quirks.lost_wrappers {
                span.parent = self.draft.rng.hex(16);
            }
            self.spans.push(span);
        }
        let text = call.seen.clone().unwrap_or_else(|| call.result.clone());
        frame.history.push(Rc::new(Message { role: "tool", text, calls: Vec::new(), call_id: asked.id.clone() }));
    }

    fn retrieve(&mut self, frame: &mut Frame, query: &str, docs: &[String]) {
        let mut span = self.blank(Kind::Retriever, "library_retriever", frame);
        span.end += self.ms(210);
        query.clone_into(&mut span.input);
        span.docs = docs.to_vec();
        frame.clock = span.end + MS;
        self.spans.push(span);
        let mut text = String::from("Passages from the library:\n");
        for (at, doc) in docs.iter().enumerate() {
            text.push_str(&format!("[{}] {doc}\n", at + 1));
        }
        frame.history.push(Rc::new(Message { role: "user", text, ..Message::default() }));
    }

    /// Plays a subagent from `clock` on; gives back when it ended.
    fn sub(&mut self, frame: &Frame, sub: &Sub, clock: i64) -> i64 {
        let mut inner = Frame {
            agent: sub.agent,
            parent: frame.parent.clone(),
            history: Vec::new(),
            clock,
            turn: frame.turn,
            offers_tools: frame.offers_tools,
        };
        let mut span = self.blank(Kind::Agent, sub.agent, &inner);
        inner.parent.clone_from(&span.id);
        inner.clock += self.draft.rng.between(1, 8) * MS;
        let system = house_prompt(&self.draft.meta, self.draft.texts, sub.system, self.seed);
        inner.history.push(Rc::new(Message { role: "system", text: system, ..Message::default() }));
        inner.history.push(Rc::new(Message { role: "user", text: sub.task.clone(), ..Message::default() }));
        self.steps(&mut inner, &sub.steps);
        self.llm(&mut inner, sub.answer.clone(), Vec::new(), "stop");
        span.input.clone_from(&sub.task);
        span.output.clone_from(&sub.answer);
        span.end = inner.clock + MS;
        let end = span.end;
        self.spans.push(span);
        end
    }

    fn team(&mut self, frame: &mut Frame, subs: &[Sub]) {
        let asked: Vec<Asked> = subs
            .iter()
            .map(|sub| Asked {
                id: format!("call_{}", self.draft.rng.hex(14)),
                name: "delegate".to_owned(),
                args: json!({"task": sub.task}).to_string(),
            })
            .collect();
        self.llm(frame, String::new(), asked.clone(), "tool_calls");
        let mut latest = frame.clock;
        for (sub, asked) in subs.iter().zip(asked) {
            let begin = frame.clock + self.draft.rng.between(0, 40) * MS;
            let end = self.sub(frame, sub, begin);
            latest = latest.max(end);
            let text = if sub.unheard { String::new() } else { sub.answer.clone() };
            frame.history.push(Rc::new(Message { role: "tool", text, calls: Vec::new(), call_id: asked.id }));
        }
        frame.clock = latest + MS;
    }

    fn handoff(&mut self, frame: &mut Frame, words: &str, sub: &Sub) {
        let args: Value = json!({"to": sub.agent, "summary": sub.task});
        let asked = Asked {
            id: format!("call_{}", self.draft.rng.hex(14)),
            name: "transfer_to_agent".to_owned(),
            args: args.to_string(),
        };
        let id = asked.id.clone();
        self.llm(frame, words.to_owned(), vec![asked], "tool_calls");
        frame.clock = self.sub(frame, sub, frame.clock) + MS;
        frame.history.push(Rc::new(Message { role: "tool", text: sub.answer.clone(), calls: Vec::new(), call_id: id }));
    }
}
