//! Runs every fuzz target on changed fixtures: `cargo run --release -p halo-ingest --example fuzz -- 1000000`.
#![expect(clippy::print_stdout, reason = "an example tells what it did")]

#[path = "../tests/fuzz/cases.rs"]
mod cases;

use halo_ingest::fuzzing::TARGETS;

fn main() {
    let cases = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    for (name, _) in TARGETS {
        let started = std::time::Instant::now();
        cases::run(cases, Some(name));
        println!("{name}: {cases} cases in {:.0} s, all hold", started.elapsed().as_secs_f64());
    }
}
