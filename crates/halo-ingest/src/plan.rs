//! What to read of each source, by what the dataset holds of it: all, nothing, or what it has grown by.

use std::path::Path;

use halo_dataset::{Manifest, Settled, SourceMeta};

use crate::reader::{ReadPlan, Resume, SourceEnd};
use crate::source::{Prefix, fingerprint_file};
use crate::{IngestError, Source, SourceReport};

/// What to read, and the sources of which there is nothing new.
pub(crate) struct Planned {
    pub(crate) plans: Vec<ReadPlan>,
    pub(crate) unchanged: Vec<String>,
}

/// Decides for each source. A file's bytes are looked at only when its size is one that the dataset knows.
pub(crate) fn plan(sources: &[Source], manifest: &Manifest, hold_open: bool) -> Result<Planned, IngestError> {
    let mut planned = Planned { plans: Vec::new(), unchanged: Vec::new() };
    for source in sources {
        let mut plan = ReadPlan::whole(source);
        // A pipe is read once, and must not be opened to see what is in it.
        if let (Source::File(path), Some(size)) = (source, source.size())
            && path.is_file()
        {
            let unreadable = |source| IngestError::Input { path: path.clone(), source };
            let name = source.name();
            // Whatever its name: a log that was rotated is read once.
            let mut same_size = manifest.sources.iter().filter(|known| known.size == size && size > 0).peekable();
            if same_size.peek().is_some() {
                let fingerprint = hex(fingerprint_file(path).map_err(unreadable)?);
                if same_size.any(|known| known.fingerprint == fingerprint) {
                    planned.unchanged.push(name);
                    continue;
                }
            }
            let known = manifest.sources.iter().rev().find(|known| known.path == name);
            if let Some(settled) =
                known.and_then(|known| known.settled.as_ref()).filter(|settled| settled.bytes <= size)
            {
                let prefix = Prefix::of_file(path, settled.bytes).map_err(unreadable)?;
                if hex(prefix.fingerprint()) == settled.fingerprint {
                    plan.resume = Some(Resume { prefix, line: settled.line });
                }
            }
            plan.hold_open = hold_open;
        }
        planned.plans.push(plan);
    }
    Ok(planned)
}

fn hex(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// The entry of a source in the manifest. `before` is the one that reading went on from.
pub(crate) fn source_meta(report: &SourceReport, end: &SourceEnd, before: Option<&SourceMeta>) -> SourceMeta {
    let is_file = Path::new(&report.name).is_file();
    let settled = end.settled.filter(|_| is_file).and_then(|place| {
        // Mostly all of it is settled. Of a file with an open end the part before that is hashed again, which is rare.
        let fingerprint = if place.byte_offset == end.stored_bytes {
            end.fingerprint
        } else {
            Prefix::of_file(report.name.as_ref(), place.byte_offset).ok()?.fingerprint()
        };
        Some(Settled { bytes: place.byte_offset, line: place.line, fingerprint: hex(fingerprint) })
    });
    let sum = |of: fn(&SourceMeta) -> u64, new: u64| before.map_or(0, of) + new;
    SourceMeta {
        path: report.name.clone(),
        size: end.stored_bytes,
        fingerprint: hex(end.fingerprint),
        lines: sum(|before| before.lines, report.counts.lines),
        spans: sum(|before| before.spans, report.spans),
        duplicates: sum(|before| before.duplicates, report.duplicates),
        rejects: sum(|before| before.rejects, report.rejects),
        settled,
    }
}
