//! `halo report`: the report of an earlier run again, in any form, and the schema of its JSON.

use halo_protocol::report_schema;

use crate::args::{Common, ReportArgs, ReportForm};
use crate::commands::analyze::terminal_width;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::run_folder::RunFolder;

/// Runs the command.
pub(crate) fn run(args: &ReportArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    if args.schema {
        let schema = serde_json::to_string_pretty(&report_schema());
        let schema = schema.map_err(|error| Failure::new(Exit::Bug, error.to_string()))?;
        output::stdout(&format!("{schema}\n"))?;
        return Ok(Exit::Done);
    }
    // The command line asks for one where there is no --schema.
    let Some(run) = &args.run else {
        return Err(Failure::new(Exit::Usage, "which run?").hint("`halo runs` lists them"));
    };
    let report = RunFolder::named(run)?.read_report()?;
    output::stdout(&match args.format {
        ReportForm::Summary => format!("{}\n", halo_report::summary(&report, terminal_width()).trim_end()),
        ReportForm::Markdown => halo_report::markdown(&report),
        ReportForm::Html => halo_report::html(&report),
        ReportForm::Json => halo_report::json(&report),
    })?;
    Ok(Exit::Done)
}
