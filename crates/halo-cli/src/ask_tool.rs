//! A tool of the model, asked by a person: the same text, on standard output.

use std::path::Path;

use halo_dataset::Dataset;
use halo_query::{DATA_NOTE, TraceSession, tools};
use halo_tool::{ToolContext, ToolError};
use serde_json::{Value, json};

use crate::args::{Common, FilterArgs};
use crate::commands::sql::session_options;
use crate::exit::{Exit, Failure};
use crate::{interrupt, output};

/// Calls a tool on a dataset and prints what it says.
pub(crate) async fn ask(dataset: &Path, common: &Common, tool: &str, args: &Value) -> Result<Exit, Failure> {
    let session = session(dataset, common).await?;
    let context = ToolContext { cancel: interrupt::token(), agent_id: String::new(), tool_call_id: String::new() };
    let said = tools(session).call(tool, &args.to_string(), &context).await.map_err(refused)?;
    // The note to the model about what is data is none of a person's business.
    let text: String = said.text.split_inclusive('\n').filter(|line| line.trim_end() != DATA_NOTE).collect();
    output::stdout(&text).map(|()| Exit::Done)
}

/// Opens a dataset for a command that shows something of it.
pub(crate) async fn session(dataset: &Path, common: &Common) -> Result<TraceSession, Failure> {
    output::set_color(common);
    let dataset = Dataset::open(dataset)?;
    Ok(TraceSession::open(&dataset, session_options(common)).await?)
}

/// What a tool refused to do, as a failure of the command.
pub(crate) fn refused(error: ToolError) -> Failure {
    match error {
        ToolError::ForModel { message } => failure(Exit::Usage, &message),
        ToolError::Fatal { message } => failure(Exit::Input, &message),
    }
}

/// The words of a tool as an error with its hint.
fn failure(exit: Exit, message: &str) -> Failure {
    match message.split_once("\nhint: ") {
        Some((message, hint)) => Failure::new(exit, message.to_owned()).hint(hint.to_owned()),
        None => Failure::new(exit, message.to_owned()),
    }
}

/// Filters as the tools take them.
pub(crate) fn filters(args: &FilterArgs) -> Value {
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
