//! Who reads a dataset: readers share a lock, so that a writer does not remove what they still have open.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const FILE: &str = ".readers";

/// The lock of a reader; given back when the last copy goes. `None` where it can't be had (a read-only disk): then nobody can write there either.
pub(crate) fn share(root: &Path) -> Option<Arc<File>> {
    let path = root.join(FILE);
    let file = File::open(&path).or_else(|_| File::options().create(true).append(true).open(&path)).ok()?;
    // Waits for a writer that removes folders, which is a moment.
    file.lock_shared().ok()?;
    Some(Arc::new(file))
}

/// The lock of a writer that removes folders, while nobody reads.
pub(crate) fn try_exclusive(root: &Path) -> Option<File> {
    let file = File::options().create(true).append(true).open(root.join(FILE)).ok()?;
    file.try_lock().ok()?;
    Some(file)
}
