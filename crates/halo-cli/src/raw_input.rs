//! What `analyze` works on: a dataset, or trace files that are read into a cached dataset first and used again while unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use halo_dataset::Dataset;
use halo_ingest::{IngestError, Source};
use serde::{Deserialize, Serialize};

use crate::args::{Common, RejectArgs};
use crate::commands::ingest;
use crate::exit::{Exit, Failure};
use crate::{folders, output, progress};

/// A dataset to analyse, and how the user named it.
pub(crate) struct Input {
    pub(crate) dataset: Dataset,
    pub(crate) name: String,
}

/// Opens a dataset, or makes one from raw trace files.
pub(crate) fn open(inputs: &[String], rejects: &RejectArgs, common: &Common) -> Result<Input, Failure> {
    let name = inputs.join(" ");
    if let [only] = inputs
        && Path::new(only).join("manifest.json").is_file()
    {
        return Ok(Input { dataset: Dataset::open(Path::new(only))?, name });
    }
    let sources = Source::find(inputs).map_err(missing)?;
    if sources.contains(&Source::Stdin) {
        return Err(Failure::new(Exit::Usage, "traces can't be read from standard input here")
            .hint("read it into a dataset first: halo ingest - -o DATASET"));
    }
    Ok(Input { dataset: cached(&sources, rejects, common)?, name })
}

/// An input that can't be found. A bare word may have been meant for a command.
fn missing(error: IngestError) -> Failure {
    let bare_word = matches!(&error, IngestError::Missing { path }
        if path.extension().is_none() && path.components().count() == 1);
    let failure = Failure::from(error);
    if bare_word {
        failure.hint("`halo help` lists the commands; any other first word is taken for traces to analyse")
    } else {
        failure
    }
}

/// What a cached dataset was made of. It serves as long as this is still so.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    /// Datasets of another version of halo may lack columns.
    halo_version: String,
    files: Vec<FileState>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileState {
    path: PathBuf,
    size: u64,
    modified_ns: u128,
}

impl Origin {
    fn of(sources: &[Source]) -> Result<Self, Failure> {
        let state = |path: &PathBuf| -> std::io::Result<FileState> {
            let metadata = path.metadata()?;
            let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(FileState { path: path.canonicalize()?, size: metadata.len(), modified_ns: modified.as_nanos() })
        };
        let mut files = Vec::new();
        for source in sources {
            if let Source::File(path) = source {
                files.push(state(path).map_err(|error| {
                    Failure::new(Exit::Input, format!("cannot read `{}`: {error}", path.display()))
                })?);
            }
        }
        Ok(Self { halo_version: env!("CARGO_PKG_VERSION").to_owned(), files })
    }

    /// Folder name for these files, whatever their state: a changed file replaces its old dataset.
    fn key(&self) -> String {
        use std::hash::{Hash as _, Hasher as _};
        // Fixed keys: the same files must give the same name in every process.
        #[expect(deprecated, reason = "the one hasher of the standard library with fixed keys")]
        let mut hasher = std::hash::SipHasher::new();
        for file in &self.files {
            file.path.hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish())
    }
}

fn cached(sources: &[Source], rejects: &RejectArgs, common: &Common) -> Result<Dataset, Failure> {
    let origin = Origin::of(sources)?;
    let folder = folders::cached_datasets()?;
    let root = folder.join(origin.key());
    let origin_file = folder.join(format!("{}.json", origin.key()));
    let known = fs::read(&origin_file).ok().and_then(|text| serde_json::from_slice::<Origin>(&text).ok());
    if known.as_ref() == Some(&origin)
        && let Ok(dataset) = Dataset::open(&root)
    {
        output::note(common, "the traces were read before and are unchanged");
        let rejects: u64 = dataset.manifest().sources.iter().map(|source| source.rejects).sum();
        if rejects > 0 {
            output::warning(&format!(
                "{} when they were read; see {}",
                output::counted(rejects, "reject"),
                root.join("rejects.jsonl").display()
            ));
        }
        return Ok(dataset);
    }
    // Made aside and moved into place whole: two analyses of one file at a time do not disturb each other.
    let fresh = folder.join(format!("{}.{}", origin.key(), std::process::id()));
    let io = |action: &str, path: &Path| {
        let message = format!("cannot {action} `{}`", path.display());
        move |error: std::io::Error| Failure::new(Exit::Input, format!("{message}: {error}"))
    };
    let _cleanup = RemoveOnDrop(&fresh);
    let options = ingest::options(rejects, common);
    let report = ingest::ingest(sources, &fresh, &options, common)?;
    let advice = "mend the input, or analyse the rest of it with a higher --max-rejects";
    let accepted = ingest::accept(&report, sources, rejects, advice);
    if report.dataset_spans > 0 {
        output::note(common, &progress::reading(&report));
        // The folder moves when all is well, and goes when it is not.
        let kept_in = accepted.is_ok().then_some(root.as_path());
        for line in progress::reject_lines(&report, kept_in) {
            output::note(common, &line);
        }
    }
    accepted?;
    if root.exists() {
        fs::remove_dir_all(&root).map_err(io("remove", &root))?;
    }
    fs::rename(&fresh, &root).map_err(io("make", &root))?;
    let text = serde_json::to_vec(&origin).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    fs::write(&origin_file, text).map_err(io("write", &origin_file))?;
    Ok(Dataset::open(&root)?)
}

/// Removes what a failed ingest left; nothing is there after a good one.
struct RemoveOnDrop<'a>(&'a Path);

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        let _absent = fs::remove_dir_all(self.0);
    }
}
