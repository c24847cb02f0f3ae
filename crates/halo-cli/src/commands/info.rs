//! `halo info`: what a dataset holds and how well it was mapped.

use halo_dataset::{Dataset, Manifest};
use halo_ingest::{Mapping, Survey};
use serde::Serialize;

use crate::args::{Common, InfoArgs, SummaryFormat};
use crate::exit::{Exit, Failure};
use crate::output::{self, count, counted};

/// Runs the command.
pub(crate) fn run(args: &InfoArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let dataset = Dataset::open(&args.dataset)?;
    let survey = halo_ingest::survey(&dataset)?;
    let text = match args.format {
        SummaryFormat::Text => text(args, dataset.manifest(), &survey),
        SummaryFormat::Json => {
            let all = Everything { dataset: dataset.manifest(), mapping: &survey };
            let json = serde_json::to_string_pretty(&all);
            json.map_err(|error| Failure::new(Exit::Bug, error.to_string()))? + "\n"
        }
    };
    output::stdout(&text)?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Everything<'a> {
    dataset: &'a Manifest,
    mapping: &'a Survey,
}

/// Unmapped attributes that are shown of each group; the others are counted.
const UNMAPPED_SHOWN: usize = 12;
/// Inputs that are shown, the last ones.
const SOURCES_SHOWN: usize = 10;

fn text(args: &InfoArgs, manifest: &Manifest, survey: &Survey) -> String {
    let stored: u64 = manifest.segments.iter().map(|segment| segment.bytes).sum();
    let mut lines = vec![format!(
        "{}: {} of {}, {} in {}, format {}",
        args.dataset.display(),
        counted(manifest.spans, "span"),
        counted(manifest.traces, "trace"),
        megabytes(stored),
        counted(manifest.segments.len() as u64, "segment"),
        manifest.format_version,
    )];
    let hidden = manifest.sources.len().saturating_sub(SOURCES_SHOWN);
    if hidden > 0 {
        lines.push(format!(
            "read from {} (the last {SOURCES_SHOWN} of them):",
            counted(manifest.sources.len() as u64, "input")
        ));
    } else {
        lines.push("read from:".to_owned());
    }
    for source in manifest.sources.iter().skip(hidden) {
        let mut parts = vec![counted(source.lines, "line"), counted(source.spans, "span")];
        if source.duplicates > 0 {
            parts.push(counted(source.duplicates, "exact duplicate"));
        }
        if source.rejects > 0 {
            parts.push(counted(source.rejects, "reject"));
        }
        lines.push(format!("  {}: {}", source.path, parts.join(", ")));
    }
    for (service, dialects) in &survey.groups {
        for (dialect, mapping) in dialects {
            lines.push(String::new());
            let service = if service.is_empty() { "(no service.name)" } else { service };
            lines.extend(group(service, dialect, mapping));
        }
    }
    lines.join("\n") + "\n"
}

fn group(service: &str, dialect: &str, mapping: &Mapping) -> Vec<String> {
    let types: Vec<String> =
        mapping.span_types.iter().map(|(span_type, number)| format!("{} {span_type}", count(*number))).collect();
    let mut lines = vec![format!("{service} · {dialect}: {} ({})", counted(mapping.spans, "span"), types.join(", "))];
    let share = |filled: u64, of: u64| {
        // Rounded towards the middle: only what is full says 100 %, only what is empty says 0 %.
        match filled * 100 / of.max(1) {
            0 if filled > 0 => "<1 %".to_owned(),
            percent => format!("{percent} %"),
        }
    };
    let columns: Vec<String> =
        mapping.filled.iter().map(|filled| format!("{} {}", filled.column, share(filled.filled, filled.of))).collect();
    for part in columns.chunks(7) {
        lines.push(format!("  {}", part.join(" · ")));
    }
    if mapping.id_conflicts > 0 {
        lines.push(format!("  {} with the id of another, different span", counted(mapping.id_conflicts, "span")));
    }
    if !mapping.unmapped.is_empty() {
        let mut keys: Vec<(&String, &u64)> = mapping.unmapped.iter().collect();
        keys.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let shown: Vec<String> =
            keys.iter().take(UNMAPPED_SHOWN).map(|(key, number)| format!("{key} ({})", count(**number))).collect();
        let more = keys.len().saturating_sub(UNMAPPED_SHOWN);
        let more = if more > 0 { format!(" and {more} more (--format json shows all)") } else { String::new() };
        lines.push(format!("  in attributes only: {}{more}", shown.join(", ")));
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
