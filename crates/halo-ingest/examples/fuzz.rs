//! Runs fuzz targets on changed fixtures: `cargo run --release -p halo-ingest --example fuzz -- 1000000 [TARGET...]`, all without names.
#![expect(clippy::print_stdout, reason = "an example tells what it did")]

#[path = "../tests/fuzz/cases.rs"]
mod cases;

use halo_ingest::fuzzing::TARGETS;

fn main() {
    let cases = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let only: Vec<String> = std::env::args().skip(2).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    for (name, _) in TARGETS.iter().filter(|(name, _)| wanted(name)) {
        let started = std::time::Instant::now();
        cases::run(cases, Some(name));
        println!("{name}: {cases} cases in {:.0} s, all hold", started.elapsed().as_secs_f64());
    }
}
