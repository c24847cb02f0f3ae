//! `halo search`: a pattern in all texts of a dataset.

use serde_json::json;

use crate::args::{Common, SearchArgs, Show};
use crate::ask_tool;
use crate::exit::{Exit, Failure};

/// Runs the command.
pub(crate) async fn run(args: &SearchArgs, common: &Common) -> Result<Exit, Failure> {
    let SearchArgs { dataset, pattern, fixed_strings, ignore_case, show, limit, offset, context, filters } = args;
    let show = match show {
        Show::Texts => "texts",
        Show::Hits => "hits",
        Show::Traces => "traces",
    };
    let asked = json!({
        "pattern": pattern,
        "literal": fixed_strings,
        "ignore_case": ignore_case,
        "filters": ask_tool::filters(filters),
        "show": show,
        "limit": limit,
        "offset": offset,
        "context_buffer_chars": context,
    });
    ask_tool::ask(dataset, common, "search", &asked).await
}
