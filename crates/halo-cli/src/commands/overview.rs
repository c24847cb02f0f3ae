//! `halo overview`: what a dataset holds, what differs in it and what failed, in about a page.

use serde_json::json;

use crate::args::{Common, OverviewArgs};
use crate::ask_tool;
use crate::exit::{Exit, Failure};

/// Runs the command.
pub(crate) async fn run(args: &OverviewArgs, common: &Common) -> Result<Exit, Failure> {
    let asked = json!({"filters": ask_tool::filters(&args.filters)});
    ask_tool::ask(&args.dataset, common, "get_dataset_overview", &asked).await
}
