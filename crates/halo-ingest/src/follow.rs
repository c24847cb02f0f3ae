//! Reading what is being written: again and again, each time what is new.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::pipeline::Session;
use crate::{IngestError, IngestOptions, IngestReport, Source};

/// How often the end of a follow is looked for while it waits.
const PATIENCE: Duration = Duration::from_millis(100);

/// Follows sources until [`Progress::cancel`](crate::Progress::cancel) is set: looks every `interval` for files that are new or have grown, and
/// commits what they hold. A line without its end is not there yet. `find` finds the sources, `told` gets what each commit brought.
///
/// # Errors
/// As [`ingest`](crate::ingest). What was committed stays.
pub fn follow(
    find: &mut dyn FnMut() -> Result<Vec<Source>, IngestError>,
    root: &Path,
    options: &IngestOptions,
    interval: Duration,
    told: &mut dyn FnMut(&IngestReport),
) -> Result<(), IngestError> {
    let mut session = Session::open(root, options)?;
    // Sizes as they were looked at last: what did not grow is not opened again, whether it could be read or not.
    let mut sizes: HashMap<String, Option<u64>> = HashMap::new();
    let is_cancelled = || options.progress.cancel.load(Ordering::Relaxed);
    while !is_cancelled() {
        let mut sources = find()?;
        sources.retain(|source| sizes.insert(source.name(), source.size()) != Some(source.size()));
        if !sources.is_empty() {
            match session.pass(&sources, true) {
                Ok(report) if report.counts.lines > 0 => told(&report),
                Ok(_) => {}
                // It was asked to end in the middle: what it was at comes with the next ingest.
                Err(IngestError::Interrupted) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let waited = Instant::now();
        while waited.elapsed() < interval && !is_cancelled() {
            std::thread::park_timeout(PATIENCE.min(interval));
        }
    }
    Ok(())
}
