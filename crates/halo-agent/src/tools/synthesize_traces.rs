//! `synthesize_traces`: a model reads several traces and says what they have in common.

use std::sync::Arc;

use halo_protocol::{Message, RequestPurpose};
use halo_tool::{Tool, ToolContext, ToolError, ToolOutput, estimate_tokens};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::budget::Share;
use crate::prompt;
use crate::runtime::{Question, Runtime};

/// The tool that shows one trace.
const VIEW_TRACE: &str = "view_trace";

const TRACES_MAX: usize = 50;

/// The tool.
pub(crate) struct SynthesizeTraces {
    pub(crate) runtime: Arc<Runtime>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SynthesizeTracesArgs {
    /// At most 50.
    trace_ids: Vec<String>,
    focus: Option<String>,
}

impl Tool for SynthesizeTraces {
    type Args = SynthesizeTracesArgs;

    fn name(&self) -> &'static str {
        "synthesize_traces"
    }

    fn description(&self) -> &str {
        include_str!("synthesize_traces.md")
    }

    fn waits(&self) -> bool {
        true
    }

    async fn call(&self, args: SynthesizeTracesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let count = args.trace_ids.len();
        if count == 0 || count > TRACES_MAX {
            return Err(ToolError::for_model(format!("give 1 to {TRACES_MAX} trace ids, not {count}")));
        }
        let (texts, shown, left_out) = self.read(&args.trace_ids, context).await?;
        let focus = args.focus.filter(|focus| !focus.trim().is_empty());
        let messages = [
            Message::System { content: prompt::synthesis() },
            Message::User { content: prompt::synthesis_task(focus.as_deref(), &texts) },
        ];
        let question = Question {
            purpose: RequestPurpose::Synthesis,
            turn: 0,
            messages: &messages,
            tools: &[],
            schema: None,
            share: Share::Work,
        };
        let agent = self.runtime.agent(&context.agent_id);
        let answer = match self.runtime.ask_once(&agent, question).await {
            Ok((reply, _)) => reply.content,
            Err(error) => return Err(ToolError::for_model(error.for_model())),
        };
        let mut text = answer.trim().to_owned();
        if !left_out.is_empty() {
            text.push_str(&format!("\n\n[no room for {}; call again with these alone]", left_out.join(", ")));
        }
        Ok(ToolOutput::showing(text, shown))
    }
}

impl SynthesizeTraces {
    /// The first pages of the traces, as many as fit into half of a context, and the ids of those that do not.
    async fn read(
        &self,
        ids: &[String],
        context: &ToolContext,
    ) -> Result<(String, Vec<String>, Vec<String>), ToolError> {
        let tokens_max = self.runtime.options.max_context / 2;
        let (mut texts, mut shown, mut left_out, mut tokens) = (String::new(), Vec::new(), Vec::new(), 0);
        for id in ids {
            let arguments = json!({"trace_id": id}).to_string();
            let output = self.runtime.tools().call(VIEW_TRACE, &arguments, context).await?;
            let needed = estimate_tokens(&output.text);
            if tokens + needed > tokens_max && !shown.is_empty() {
                left_out.push(id.clone());
                continue;
            }
            tokens += needed;
            texts.push_str(&output.text);
            texts.push_str("\n\n");
            shown.push(id.clone());
        }
        Ok((texts, shown, left_out))
    }
}
