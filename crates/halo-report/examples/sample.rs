//! Prints a report of made-up findings, to look at the layout:
//! `cargo run -p halo-report --example sample -- rich html > report.html`.
//!
//! The first word is `rich`, `clean`, `empty`, `failed` or `hostile`, the second `html`, `markdown`, `json` or `summary`.

use std::io::Write;

#[path = "../tests/it/sample.rs"]
mod sample;

#[path = "../tests/it/poison.rs"]
mod poison;

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let mut report = match word(0) {
        "clean" => sample::clean(),
        "empty" => sample::empty(),
        "failed" => sample::failed(),
        "hostile" => poison::poisoned(),
        _ => sample::rich(),
    };
    halo_report::rank(&mut report.findings, report.dataset.traces);
    let text = match word(1) {
        "markdown" => halo_report::markdown(&report),
        "json" => halo_report::json(&report),
        "summary" => halo_report::summary(&report, 100),
        _ => halo_report::html(&report),
    };
    std::io::stdout().write_all(text.as_bytes())
}
