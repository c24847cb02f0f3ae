//! How fast texts without and with secrets are read: `cargo run --release -p halo-redact --example throughput [FILE]…`.
//! Without a file it makes up prose, JSON and base64; of a file, each line is one text.

use std::{borrow::Cow, error::Error, io::Write as _, time::Instant};

use halo_redact::{RedactionCounts, Redactor};

/// Little at once and often: the best of many is the speed, whatever else the machine does.
const BYTES: usize = 1 << 20;
const TIMES: usize = 100;
const PROSE: &str = "The agent looked at the ticket again, asked a second question and, since the answer was clear, closed it. \
    A risk remains that the task-based budget (4,096 tokens in 2024) is spent before the desk replies; see section 3.2 of the guide. ";
const JSON: &str = r#"{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","start_time":"2026-03-02T08:00:00.123456789Z","attributes":{"llm.token_count.prompt":4113,"llm.model_name":"gpt-4o-mini","output.value":"{\"status\": \"ok\", \"order_id\": \"A-100234\"}"}},"#;
const BASE64: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg";
const SECRETS: &str =
    "Mail ada@example.org, card 4111 1111 1111 1111, or set OPENAI_API_KEY=sk-0f3a9c17d2e84b5569a0c1d2e3f40516. ";

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let started = Instant::now();
    let redactor = Redactor::builtin()?;
    writeln!(out, "rules compiled in {:.1} ms", started.elapsed().as_secs_f64() * 1e3)?;
    for (name, part) in [("prose", PROSE), ("json", JSON), ("base64", BASE64)] {
        for size in [200, 20_000] {
            let text: String = part.chars().cycle().take(size).collect();
            measure(&mut out, &redactor, &format!("{name}, {size} bytes"), std::slice::from_ref(&text))?;
        }
    }
    let with_secrets = format!("{}{SECRETS}", PROSE.repeat(40));
    measure(&mut out, &redactor, "prose, 3 secrets in 9 KB", &[with_secrets])?;
    for path in std::env::args().skip(1) {
        let lines: Vec<String> = std::fs::read_to_string(&path)?.lines().map(str::to_owned).collect();
        measure(&mut out, &redactor, &path, &lines)?;
    }
    Ok(())
}

fn measure(out: &mut impl std::io::Write, redactor: &Redactor, name: &str, texts: &[String]) -> std::io::Result<()> {
    let bytes: usize = texts.iter().map(String::len).sum();
    let rounds = (BYTES / bytes.max(1)).max(1);
    let mut best = f64::INFINITY;
    let mut counts = RedactionCounts::default();
    let mut masked = 0;
    for _ in 0..TIMES {
        let started = Instant::now();
        counts = RedactionCounts::default();
        for text in (0..rounds).flat_map(|_| texts) {
            masked += usize::from(matches!(redactor.redact_counted(text, &mut counts), Cow::Owned(_)));
        }
        best = best.min(started.elapsed().as_secs_f64());
    }
    let speed = (bytes * rounds) as f64 / best / 1e6;
    writeln!(out, "{name}: {speed:.0} MB/s, {} of {} texts masked ({counts})", masked / TIMES, texts.len() * rounds)
}
