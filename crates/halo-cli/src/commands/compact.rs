//! `halo compact`: fewer, larger and smaller files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use halo_dataset::{Dataset, DatasetWriter, compact};

use super::info::megabytes;
use crate::args::{Common, CompactArgs};
use crate::exit::{Exit, Failure};
use crate::interrupt::OnInterrupt;
use crate::output::{self, counted};

/// Runs the command.
pub(crate) fn run(args: &CompactArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    // What is no dataset must be told before a writer would make one.
    drop(Dataset::open(&args.dataset)?);
    let writer = DatasetWriter::open_or_create(&args.dataset)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let _watch = OnInterrupt::start(move || stopped.store(true, Ordering::Relaxed));
    match compact(writer, &mut |_| !stop.load(Ordering::Relaxed))? {
        Some(done) => output::note(
            common,
            &format!(
                "{}: {} in {}, before {} in {}",
                args.dataset.display(),
                megabytes(done.bytes_after),
                counted(done.segments_after as u64, "segment"),
                megabytes(done.bytes_before),
                counted(done.segments_before as u64, "segment"),
            ),
        ),
        None => return Err(Failure::new(Exit::Interrupted, "interrupted; the dataset is as it was")),
    }
    Ok(Exit::Done)
}
