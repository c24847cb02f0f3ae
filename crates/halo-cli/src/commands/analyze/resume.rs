//! `halo resume`: a run that stopped goes on from its folder, without asking again for what was answered.

use std::time::Instant;

use halo_agent::RunHistory;
use halo_dataset::Dataset;
use halo_protocol::{Report, RunEnd};

use super::{Job, Show, endpoint, work};
use crate::args::{Common, ResumeArgs};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::raw_input::Input;
use crate::run_folder::{EVENTS, RunFolder};

/// Runs the command.
///
/// 1. Find the run and read its settings. 2. Read what it had done. 3. Go on.
pub(crate) async fn resume(args: &ResumeArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let started = Instant::now();
    let folder = RunFolder::named(&args.run)?;
    let mut settings = folder.read_settings()?;
    let Some(model) = settings.model.take() else {
        return Err(Failure::new(Exit::Usage, "this run had no model, so there is nothing to go on with")
            .hint("run `halo analyze` again: the checks take no longer than before"));
    };
    let model = model.with_limits(&args.limits);
    let models = endpoint::models(&model, &args.secrets)?;
    let path = folder.file(EVENTS);
    let history = RunHistory::load(&path).map_err(|error| Failure::new(Exit::Input, error.to_string()))?;
    // One that was killed after its last event and before its report gets the report now.
    if history.end() == Some(&RunEnd::Complete) && is_reported(&folder) {
        let report = folder.file("report.html");
        output::note(common, &format!("this run is complete; its report is `{}`", report.display()));
        return Ok(Exit::Done);
    }
    let (replies, results) = history.kept();
    output::note(common, &format!("going on after {replies} replies and {results} results that are kept"));
    settings.model = Some(model);
    let input = Input { dataset: Dataset::open(&settings.dataset)?, name: settings.inputs.join(" ") };
    folder.write_settings(&settings)?;
    let show = Show { format: args.format, fail_on: args.fail_on };
    work(Job { settings, models: Some(models), input, folder, history, started }, &show, common).await
}

/// Whether the report of a complete run is there.
fn is_reported(folder: &RunFolder) -> bool {
    let text = std::fs::read_to_string(folder.file("report.json")).unwrap_or_default();
    let report: Result<Report, _> = serde_json::from_str(&text);
    report.is_ok_and(|report| report.run.end == RunEnd::Complete) && folder.file("report.html").is_file()
}
