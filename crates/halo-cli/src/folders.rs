//! What the environment says: where halo keeps files that the user did not name, where programs are, and what OpenTelemetry is to be told.

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::exit::{Exit, Failure};

fn project() -> Result<ProjectDirs, Failure> {
    ProjectDirs::from("", "", "halo").ok_or_else(|| {
        Failure::new(Exit::Input, "this user has no home folder for halo's files")
            .hint("name the places yourself: `halo ingest … -o DATASET`, then `halo analyze DATASET --out DIR`")
    })
}

/// Datasets made from raw inputs.
pub(crate) fn cached_datasets() -> Result<PathBuf, Failure> {
    Ok(project()?.cache_dir().join("datasets"))
}

/// Runs of `halo analyze`.
pub(crate) fn runs() -> Result<PathBuf, Failure> {
    Ok(project()?.data_dir().join("runs"))
}

/// What was typed into the SQL shell, in a folder that is there; `None` where there is no place for it.
pub(crate) fn sql_history() -> Option<PathBuf> {
    let project = project().ok()?;
    // Only Linux tells state from data.
    let folder = project.state_dir().unwrap_or_else(|| project.data_dir());
    std::fs::create_dir_all(folder).ok()?;
    Some(folder.join("sql_history"))
}

/// Where programs are looked for; `None` when the environment does not say.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that reads the environment")]
pub(crate) fn search_path() -> Option<std::ffi::OsString> {
    std::env::var_os("PATH")
}

/// Headers for an endpoint that takes OTLP, as the variable that OpenTelemetry specifies gives them: `name=value`, parted by commas.
#[expect(clippy::disallowed_methods, reason = "this crate is the one that reads the environment")]
pub(crate) fn otlp_headers() -> Vec<(String, String)> {
    let given = std::env::var("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let pairs = given.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}
