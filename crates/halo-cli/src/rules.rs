//! What runs are judged by: the checks, and the user's own word on how runs ended.

use std::path::Path;

use halo_checks::{Check, checks_with};
use halo_dataset::Dataset;
use halo_query::TraceSession;
use tokio_util::sync::CancellationToken;

use crate::args::Common;
use crate::commands::sql::session_options;
use crate::exit::Failure;
use crate::output;

/// The checks, and the statement that tells how runs ended.
pub(crate) struct Rules {
    pub(crate) checks: Vec<Check>,
    pub(crate) outcome: Option<String>,
}

impl Rules {
    /// The built-in checks with those of a folder.
    pub(crate) fn read(checks: Option<&Path>, outcome: Option<&str>) -> Result<Self, Failure> {
        Ok(Self { checks: checks_with(checks)?, outcome: outcome.map(str::to_owned) })
    }

    /// A session on a dataset in which runs ended as the user says.
    pub(crate) async fn session(
        &self,
        dataset: &Dataset,
        common: &Common,
        cancel: &CancellationToken,
    ) -> Result<TraceSession, Failure> {
        let session = TraceSession::open(dataset, session_options(common)).await?;
        if let Some(outcome) = &self.outcome {
            let told = session.set_outcomes(outcome, cancel).await?;
            output::note(common, &format!("outcomes of {} by --outcome", output::counted(told as u64, "trace")));
        }
        Ok(session)
    }
}
