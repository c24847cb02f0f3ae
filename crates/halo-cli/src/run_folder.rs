//! The folder of one run: settings, event log, findings and the report in all its forms.

use std::fs;
use std::path::{Path, PathBuf};

use halo_protocol::Report;
use serde::Serialize;

use crate::commands::analyze::settings::RunSettings;
use crate::exit::{Exit, Failure};
use crate::folders;

/// Where a run keeps its files.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    root: PathBuf,
}

/// The log of what happened.
pub(crate) const EVENTS: &str = "events.jsonl";
/// Folder of whole tool results.
pub(crate) const RESULTS: &str = "results";
/// Folder of saved tables.
pub(crate) const TABLES: &str = "tables";
const SETTINGS: &str = "run.json";
const REPORT: &str = "report.json";

impl RunFolder {
    /// Makes the folder: the one the user named, or a new one among the user's runs.
    pub(crate) fn create(named: Option<&Path>, started_at: &jiff::Timestamp) -> Result<Self, Failure> {
        let root = match named {
            Some(path) => path.to_owned(),
            None => {
                // Two runs may begin in one second.
                let unique = getrandom::u32().unwrap_or_else(|_| std::process::id()) & 0xffff;
                let name = format!("{}-{:04x}", started_at.strftime("%Y%m%d-%H%M%S"), unique);
                folders::runs()?.join(name)
            }
        };
        if root.join("manifest.json").exists() {
            let message = format!("`{}` is a dataset; a run's files do not go into it", root.display());
            return Err(Failure::new(Exit::Usage, message).hint("name another folder with --out DIR"));
        }
        fs::create_dir_all(&root).map_err(|error| {
            Failure::new(Exit::Input, format!("cannot make the folder `{}`: {error}", root.display()))
                .hint("name another one with --out DIR")
        })?;
        let folder = Self { root };
        folder.clear()?;
        Ok(folder)
    }

    /// The file of this name in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Removes what an earlier run left here: its tables and results are not this run's. The log is emptied by whoever writes it next, who
    /// also sees whether somebody still does.
    fn clear(&self) -> Result<(), Failure> {
        for name in [SETTINGS, RESULTS, TABLES, "findings.json", REPORT, "report.md", "report.html"] {
            let path = self.file(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::new(Exit::Input, format!("cannot replace `{}`: {error}", path.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The run that the user names: its folder, or its name among the user's runs.
    pub(crate) fn named(named: &Path) -> Result<Self, Failure> {
        if named.is_dir() {
            return Self::open(named);
        }
        if let (true, Some(folder)) = (named.is_file(), named.parent()) {
            // One of its files.
            return Self::open(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        }
        let listed = folders::runs()?.join(named);
        if named.components().count() == 1 && listed.is_dir() {
            return Self::open(&listed);
        }
        Err(Failure::new(Exit::Input, format!("there is no run `{}`", named.display()))
            .hint("`halo runs` lists the runs there are; a folder given with --out is named by its path"))
    }

    /// The report of the run.
    pub(crate) fn read_report(&self) -> Result<Report, Failure> {
        let path = self.file(REPORT);
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::new(Exit::Input, format!("cannot read `{}`: {error}", path.display()))
                .hint("a run that has not ended has no report: `halo resume` goes on with it")
        })?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::new(Exit::Input, format!("`{}` is no report: {error}", path.display())))
    }

    /// The folder of a run that there is.
    pub(crate) fn open(root: &Path) -> Result<Self, Failure> {
        if root.join(SETTINGS).is_file() {
            return Ok(Self { root: root.to_owned() });
        }
        Err(Failure::new(
            Exit::Input,
            format!("`{}` is no run of `halo analyze`: it has no {SETTINGS}", root.display()),
        ))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes `run.json`.
    pub(crate) fn write_settings(&self, settings: &RunSettings) -> Result<(), Failure> {
        self.write(SETTINGS, &to_json(settings)?)
    }

    /// Reads `run.json`.
    pub(crate) fn read_settings(&self) -> Result<RunSettings, Failure> {
        let path = self.file(SETTINGS);
        let broken = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Input, format!("cannot read `{}`: {error}", path.display()))
        };
        let text = fs::read_to_string(&path).map_err(|error| broken(&error))?;
        serde_json::from_str(&text).map_err(|error| broken(&error))
    }

    /// Writes the report as Markdown, HTML and JSON, and the findings alone.
    pub(crate) fn write_report(&self, report: &Report) -> Result<(), Failure> {
        for (name, text) in Self::pages(report)? {
            self.write(name, &text)?;
        }
        self.write(REPORT, &halo_report::json(report))
    }

    /// The files that are made of a report, for people and programs, by their names.
    pub(crate) fn pages(report: &Report) -> Result<[(&'static str, String); 3], Failure> {
        Ok([
            ("findings.json", to_json(&report.findings)?),
            ("report.md", halo_report::markdown(report)),
            ("report.html", halo_report::html(report)),
        ])
    }

    /// Written aside and renamed: a reader never sees half a report.
    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.file(name);
        let aside = self.file(&format!("{name}.new"));
        fs::write(&aside, text)
            .and_then(|()| fs::rename(&aside, &path))
            .map_err(|error| Failure::new(Exit::Input, format!("cannot write `{}`: {error}", path.display())))
    }
}

fn to_json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
    Ok(text + "\n")
}
