//! Flags of the commands that prove reports again and gate by checks.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{FailOn, RejectArgs, RowFormat, RuleArgs};

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Folder of the run, or its name among the runs that `halo runs` lists
    #[arg(value_name = "RUN", required_unless_present = "schema")]
    pub(crate) run: Option<PathBuf>,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "summary")]
    pub(crate) format: ReportForm,
    /// Print the JSON schema of the JSON form instead
    #[arg(long)]
    pub(crate) schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// What `halo analyze` prints at its end
    Summary,
    Markdown,
    Html,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Folder of the run, or its name among the runs that `halo runs` lists
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Other traces to compare with: a newer batch, or the same harness after a change
    #[arg(value_name = "DATASET|INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Form of the rows
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: RowFormat,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A dataset, or trace files, folders and globs (read once into a cache and used again while unchanged)
    #[arg(required = true, value_name = "DATASET|INPUT")]
    pub(crate) inputs: Vec<String>,
    /// An earlier run, its folder or name: only what is new or worse since then counts
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Exit with 1 when there is a finding of this severity or above
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    pub(crate) fail_on: FailOn,
    /// Form of what comes out
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: CheckFormat,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    Table,
    Json,
    Jsonl,
    Csv,
    Markdown,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For test reports: JUnit XML
    Junit,
}

impl CheckFormat {
    /// The form of rows that it is; `None` of a document.
    pub(crate) fn rows(self) -> Option<RowFormat> {
        Some(match self {
            Self::Table => RowFormat::Table,
            Self::Json => RowFormat::Json,
            Self::Jsonl => RowFormat::Jsonl,
            Self::Csv => RowFormat::Csv,
            Self::Markdown => RowFormat::Markdown,
            Self::Sarif | Self::Junit => return None,
        })
    }
}
