//! `halo overview`: what a dataset holds, what differs in it and what failed, in about a page.

use serde_json::{Value, json};

use crate::args::{Common, FilterArgs, OverviewArgs};
use crate::ask_tool;
use crate::exit::{Exit, Failure};

/// Runs the command.
pub(crate) async fn run(args: &OverviewArgs, common: &Common) -> Result<Exit, Failure> {
    let asked = json!({"filters": filters(&args.filters)});
    ask_tool::ask(&args.dataset, common, "get_dataset_overview", &asked).await
}

/// Filters as the tools take them.
fn filters(args: &FilterArgs) -> Value {
    let FilterArgs { errors, services, models, agents, project, since, until, matching } = args;
    let listed = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
    json!({
        "has_errors": errors,
        "service_names": listed(services),
        "model_names": listed(models),
        "agent_names": listed(agents),
        "project_id": project,
        "start_time_gte": since,
        "end_time_lte": until,
        "regex_pattern": matching,
    })
}
