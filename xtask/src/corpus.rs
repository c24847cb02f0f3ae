//! A corpus of production-like traces of agents, with planted harness faults, harmless look-alikes and the truth.
//!
//! `xtask corpus --out DIR [--traces N=5000] [--seed S=1] [--held-out] [--batch A|B]` writes `DIR/traces.jsonl`, one
//! flat span a line in order of end time, and `DIR/truth.json`. The same arguments give the same bytes. `--held-out`
//! takes the other half of the wording, so that detectors tuned on one half can be judged on the other. `--batch B`
//! is a second batch of the same world, four weeks later: one fault is fixed, one about doubled, one new; see
//! `changes` in its truth. In the truth `population` counts the traces in the fault's scope that could have it,
//! `in_scope` those of them (by scope) that do, and `trace_ids` holds all that do, wherever they are.
//!
//! The world is in `world.rs` and `tools.rs`; `plan.rs` draws what happens in a trace, `faults` and `noise` change
//! that plan, `play.rs` turns it into spans and `dialect` names their attributes. All wording is in `texts/*.toml`.

mod clock;
mod dialect;
mod faults;
mod noise;
mod plan;
mod play;
mod span;
#[cfg(test)]
mod tests;
mod texts;
mod tools;
mod truth;
mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use crate::rng::Rng;
use faults::Fault;
use noise::Noise;
use plan::{Draft, Step};
use span::Span;
use texts::Texts;
use truth::{Found, Ledger};
use world::Meta;

/// Traces that start within the same minute and a half: an exporter sees them mixed.
const BURST: u64 = 6;
/// How long such a burst lasts.
const BURST_NS: i64 = 90_000_000_000;

/// What the command line asks for.
struct Options {
    out: PathBuf,
    traces: u64,
    seed: u64,
    held_out: bool,
    second_batch: bool,
}

fn options(args: &[&str]) -> anyhow::Result<Options> {
    let mut options = Options { out: PathBuf::new(), traces: 5000, seed: 1, held_out: false, second_batch: false };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if *arg == "--held-out" {
            options.held_out = true;
            continue;
        }
        let value = *rest.next().with_context(|| format!("{arg} needs a value"))?;
        match *arg {
            "--out" => options.out = PathBuf::from(value),
            "--traces" => options.traces = value.parse().context("--traces needs a number")?,
            "--seed" => options.seed = value.parse().context("--seed needs a number")?,
            "--batch" => {
                anyhow::ensure!(value == "A" || value == "B", "--batch is A or B");
                options.second_batch = value == "B";
            }
            other => anyhow::bail!("unknown option {other}"),
        }
    }
    anyhow::ensure!(!options.out.as_os_str().is_empty(), "--out is missing");
    anyhow::ensure!(options.traces > 0, "--traces must be at least 1");
    Ok(options)
}

/// Runs `xtask corpus`; gives back one line of report.
pub(crate) fn run(args: &[&str]) -> anyhow::Result<String> {
    let options = options(args)?;
    fs::create_dir_all(&options.out).with_context(|| format!("cannot create {}", options.out.display()))?;
    let path = options.out.join("traces.jsonl");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let ledger = write(&options, &mut out)?;
    out.flush()?;
    let batch = if options.second_batch { "B" } else { "A" };
    let truth = ledger.truth(options.seed, batch, options.held_out);
    let mut file = BufWriter::new(File::create(options.out.join("truth.json"))?);
    serde_json::to_writer_pretty(&mut file, &truth)?;
    file.flush()?;
    Ok(format!("{} traces, {} spans in {}", ledger.traces, ledger.spans, options.out.display()))
}

/// One span that waits for its turn: (end, trace, place) and its line.
type Waiting = Reverse<(i64, u64, usize, String)>;

fn write(options: &Options, out: &mut impl Write) -> anyhow::Result<Ledger> {
    let texts = Texts::load(options.held_out)?;
    let corpus = Corpus { options, texts: &texts, faults: faults::all(), noise: noise::all() };
    let mut ledger = Ledger::new(corpus.faults.clone(), corpus.noise.clone());
    let load = clock::Load::new();
    let origin = world::START_NS + if options.second_batch { world::DAYS * world::DAY_NS } else { 0 };
    let mut waiting: BinaryHeap<Waiting> = BinaryHeap::new();
    let mut index = 0;
    while index < options.traces {
        let base = origin + load.at(index, options.traces);
        // No span of this or any later burst ends before the burst begins.
        while waiting.peek().is_some_and(|Reverse(first)| first.0 < base) {
            if let Some(Reverse((_, _, _, line))) = waiting.pop() {
                writeln!(out, "{line}")?;
            }
        }
        for at in index..(index + BURST).min(options.traces) {
            let (meta, spans, found) = trace(&corpus, at, base);
            ledger.note(&meta, &found);
            for (place, span) in spans.iter().enumerate().filter(|(_, span)| !span.unexported) {
                ledger.spans += 1;
                waiting.push(Reverse((span.end, at, place, dialect::line(span, &meta))));
            }
        }
        index += BURST;
    }
    while let Some(Reverse((_, _, _, line))) = waiting.pop() {
        writeln!(out, "{line}")?;
    }
    Ok(ledger)
}

/// What all traces of a corpus share.
struct Corpus<'a> {
    options: &'a Options,
    texts: &'a Texts,
    faults: Vec<&'static Fault>,
    noise: Vec<&'static Noise>,
}

/// Draws and plays one trace, with what was put into it.
fn trace(corpus: &Corpus<'_>, index: u64, base: i64) -> (Meta, Vec<Span>, Found) {
    let options = corpus.options;
    let batch_seed = options.seed.wrapping_mul(2).wrapping_add(u64::from(options.second_batch));
    // Numbers of neighbouring forks are far apart only after the state was mixed.
    let mut rng = Rng::new(Rng::new(batch_seed).fork(index.wrapping_add(1)).next());
    let start = base + rng.between(0, BURST_NS);
    let meta = world::draw_meta(&mut rng, start, options.second_batch);
    let mut draft = plan::draw_plan(meta, Rng::new(rng.next()), corpus.texts, options.seed);
    let mut found = Found { ambient: house(&mut draft), ..Found::default() };
    found.crash = noise::crash(batch_seed, index, options.traces).filter(|_| !draft.call_steps().is_empty());
    if let Some(kind) = found.crash {
        crashed(&mut draft, noise::CRASHES[kind].1);
    } else {
        found.drawn = faults::plant(&mut draft, &corpus.faults);
        if !found.drawn.hard {
            found.noise = noise::plant(&mut draft, &corpus.noise);
        }
    }
    outcome(&mut draft, &mut found.ambient);
    let spans = play::play(&mut draft, options.seed);
    (draft.meta, spans, found)
}

/// What belongs to a service as such; gives the places in `noise::AMBIENT`.
fn house(draft: &mut Draft<'_>) -> Vec<usize> {
    let mut ambient = Vec::new();
    match draft.meta.service.domain {
        "classifier" => {
            ambient.push(0);
            draft.quirks.max_tokens = Some(1);
            let label = draft.rng.pick(&["A", "B", "C"]).to_owned();
            let slot =
                draft.rng.pick(&["ask.support.refund", "ask.support.where", "user.greeting", "ask.support.change"]);
            let user = draft.say(slot);
            if let Some(turn) = draft.turns.first_mut() {
                turn.user = user;
                turn.answer = label;
                turn.finish = "length";
            }
        }
        "probe" => ambient.push(1),
        "travel" => draft.quirks.max_tokens = Some(64),
        "hr" => draft.quirks.suffix = Some(draft.say("context.filled")),
        "legal" if draft.meta.version_at == 3 => draft.quirks.suffix = Some(draft.say_same("system.legal_cautious", 7)),
        "data" => {
            if let Some(turn) = draft.turns.first_mut() {
                turn.steps.insert(0, Step::Guard("input_guard", "clean".to_owned(), false));
            }
        }
        _ => {}
    }
    if !draft.meta.service.intents.is_empty() {
        if draft.rng.permille(8) && draft.meta.service.domain != "legal" {
            ambient.push(2);
            draft.meta.version = format!("{}-canary.{}", draft.meta.version, draft.rng.between(1, 3));
            draft.meta.version_at = 9;
        }
        if draft.meta.tenant == "wonka" && draft.meta.language() == "en" {
            ambient.push(3);
            let parts: Vec<String> = (0..3).map(|_| draft.say("answer.long_paragraph")).collect();
            draft.turns[0].user = format!("{}\n\n{}", draft.turns[0].user, parts.join(" "));
        }
        if draft.quirks.cold {
            ambient.push(4);
        }
        if draft.meta.env == "staging" {
            ambient.push(6);
        }
    }
    ambient
}

/// One-off crash at the last call of the run.
fn crashed(draft: &mut Draft<'_>, text: &str) {
    let Some(at) = draft.call_steps().last().copied() else { return };
    if let Some(call) = draft.call_mut(at) {
        call.result = text.to_owned();
        call.error = Some(text.to_owned());
    }
    draft.cut(at, String::new(), true);
    draft.turns[at.0].canned = true;
    draft.success = false;
}

/// Explicit signals of the outcome in two services: right in most of the traces, wrong in some.
fn outcome(draft: &mut Draft<'_>, ambient: &mut Vec<usize>) {
    let good = draft.success != draft.rng.chance(12);
    match draft.meta.service.domain {
        "support" if draft.rng.chance(28) => {
            let score = if good { draft.rng.between(4, 5) } else { draft.rng.between(1, 3) };
            let label = if score > 3 { "thumbs_up" } else { "thumbs_down" };
            draft.quirks.root.extend([
                ("annotations.0.annotation.name", json!("user_feedback")),
                ("annotations.0.annotation.score", json!(score)),
                ("annotations.0.annotation.label", json!(label)),
                ("annotations.0.annotation.annotator_kind", json!("HUMAN")),
            ]);
            ambient.push(5);
        }
        "data" | "legal" if draft.quirks.evaluation.is_none() && draft.rng.chance(18) => {
            let hundredths = if good { draft.rng.between(62, 100) } else { draft.rng.between(2, 58) };
            let score = format!("{}.{:02}", hundredths / 100, hundredths % 100).parse::<f64>().unwrap_or(0.0);
            let label = if score > 0.6 { "pass" } else { "fail" };
            draft.quirks.evaluation = Some((Some(score), label.to_owned(), None));
            let reason = draft.say("judge.reason");
            draft.quirks.root.push(("evaluation.note", json!(reason)));
            ambient.push(5);
        }
        _ => {}
    }
}
