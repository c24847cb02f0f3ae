//! `final_answer`: ends the agent that calls it. Its result is the answer.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) const FINAL_ANSWER: &str = "final_answer";

/// The tool.
pub(crate) struct FinalAnswer;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinalAnswerArgs {
    answer: String,
}

impl Tool for FinalAnswer {
    type Args = FinalAnswerArgs;

    fn name(&self) -> &'static str {
        FINAL_ANSWER
    }

    fn description(&self) -> &str {
        include_str!("final_answer.md")
    }

    async fn call(&self, args: FinalAnswerArgs, _: &ToolContext) -> Result<ToolOutput, ToolError> {
        if args.answer.trim().is_empty() {
            return Err(ToolError::for_model("the answer is empty; write the summary into `answer`"));
        }
        Ok(ToolOutput::ending(args.answer))
    }
}
