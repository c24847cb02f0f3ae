//! `view_traces`: several traces in one answer, each in a fair share of it.

use halo_tool::{Tool, ToolContext, ToolError, ToolOutput};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use super::step_writer::{Detail, StepBlocks, StepWriter, excerpts};
use super::text::{counted, ranges};
use super::tool_error;
use super::trace_header::{push_landmarks, push_names, push_numbers};
use super::view_trace::{Outline, outline};
use crate::trace_steps::{self, Step, chunks};
use crate::{Mark, MarkedText, TraceSession, pattern};

/// Traces of one call, and tokens of its answer, about.
const TRACES_MAX: usize = 50;
const TOKENS_MAX: usize = 8_000;

/// How long texts may be, from the most that is tried to the least.
const DETAILS: [Detail; 4] = [
    Detail { text_chars: 800, prompt_chars: 800 },
    Detail { text_chars: 300, prompt_chars: 200 },
    Detail { text_chars: 120, prompt_chars: 80 },
    Detail { text_chars: 50, prompt_chars: 50 },
];

/// Steps of a trace that are looked at when there is no room for so many: from its beginning and from its end.
const FIRST_STEPS: usize = 200;
const LAST_STEPS: usize = 100;

/// The tool.
pub(crate) struct ViewTraces {
    pub(crate) session: TraceSession,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewTracesArgs {
    /// At most 50.
    trace_ids: Vec<String>,
    focus: Option<String>,
}

/// What is shown of each trace.
enum Focus {
    All,
    Errors,
    Tools,
    Messages,
    Pattern(Regex),
}

impl Focus {
    fn of(words: Option<&str>) -> Result<Self, ToolError> {
        Ok(match words.map(str::trim).unwrap_or_default() {
            "" | "all" => Self::All,
            "errors" => Self::Errors,
            "tools" => Self::Tools,
            "messages" => Self::Messages,
            pattern => Self::Pattern(pattern::compile(pattern).map_err(tool_error)?),
        })
    }

    fn shows(&self, step: &Step) -> bool {
        match self {
            Self::All | Self::Pattern(_) => true,
            Self::Errors => step.failed(),
            Self::Tools => step.is("TOOL"),
            Self::Messages => step.is("LLM"),
        }
    }

    /// What the steps are that it shows.
    fn noun(&self) -> &'static str {
        match self {
            Self::All => "step",
            Self::Errors => "failed step",
            Self::Tools => "tool step",
            Self::Messages => "LLM step",
            Self::Pattern(_) => "matching step",
        }
    }
}

impl Tool for ViewTraces {
    type Args = ViewTracesArgs;

    fn name(&self) -> &'static str {
        "view_traces"
    }

    fn description(&self) -> &str {
        include_str!("view_traces.md")
    }

    async fn call(&self, args: ViewTracesArgs, context: &ToolContext) -> Result<ToolOutput, ToolError> {
        let focus = Focus::of(args.focus.as_deref())?;
        let mut trace_ids = args.trace_ids;
        let mut seen = std::collections::HashSet::new();
        trace_ids.retain(|trace_id| seen.insert(trace_id.clone()));
        if trace_ids.is_empty() || trace_ids.len() > TRACES_MAX {
            return Err(ToolError::for_model(format!(
                "{} are named, and one call shows 1 to {TRACES_MAX}\nhint: ids come from query_traces or from sql",
                counted(trace_ids.len() as u64, "trace")
            )));
        }
        let mut shown = Vec::new();
        for trace_id in &trace_ids {
            let outline = outline(&self.session, trace_id, &context.cancel).await?;
            shown.push(Traced { session: &self.session, trace_id, outline, focus: &focus });
        }
        let mut needs = Vec::new();
        for trace in &shown {
            let (text, _) = trace.at(DETAILS[0], TOKENS_MAX, &context.cancel).await?;
            needs.push(halo_tool::estimate_tokens(text.text()));
        }
        let mut text = MarkedText::default();
        text.mark(Mark::Title, &counted(shown.len() as u64, "trace"));
        text.push("\n");
        Reader::Model.push_data_note(&mut text);
        for (trace, share) in shown.iter().zip(shares(&needs, TOKENS_MAX)) {
            text.push("\n");
            text.append(&trace.within(share, &context.cancel).await?);
        }
        Ok(ToolOutput::showing(text.into_text(), trace_ids))
    }
}

/// What each gets of a budget: what it needs, or as much as the others that need more.
fn shares(needs: &[usize], budget: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|index| needs[*index]);
    let mut shares = vec![0; needs.len()];
    let mut left = budget;
    for (done, index) in order.into_iter().enumerate() {
        shares[index] = needs[index].min(left / (needs.len() - done));
        left -= shares[index];
    }
    shares
}

/// A trace of the call.
struct Traced<'a> {
    session: &'a TraceSession,
    trace_id: &'a str,
    outline: Outline,
    focus: &'a Focus,
}

impl Traced<'_> {
    /// The trace in at most about so many tokens.
    async fn within(&self, tokens_max: usize, cancel: &CancellationToken) -> Result<MarkedText, ToolError> {
        for detail in &DETAILS[..DETAILS.len() - 1] {
            let (text, is_whole) = self.at(*detail, tokens_max, cancel).await?;
            if is_whole {
                return Ok(text);
            }
        }
        let steps = self.blocks(DETAILS[DETAILS.len() - 1], usize::MAX, cancel).await?;
        let mut text = self.head(steps.len());
        let sizes: Vec<usize> = steps.iter().map(|(_, block)| halo_tool::estimate_tokens(block.text())).collect();
        let room = tokens_max.saturating_sub(halo_tool::estimate_tokens(text.text()));
        let (front, back) = ends(&sizes, room);
        steps[..front].iter().for_each(|(_, block)| text.append(block));
        if front < back {
            let left_out: Vec<u64> = steps[front..back].iter().map(|(step, _)| *step).collect();
            let call = Reader::Model.trace_call(self.trace_id, 1);
            text.mark(
                Mark::Note,
                &super::text::clean(&format!("[steps {} are not shown: {call}]", ranges(&left_out, 4))),
            );
            text.push("\n");
        }
        steps[back..].iter().for_each(|(_, block)| text.append(block));
        Ok(text)
    }

    /// The trace with its texts this long, and whether that is at most so many tokens.
    async fn at(
        &self,
        detail: Detail,
        tokens_max: usize,
        cancel: &CancellationToken,
    ) -> Result<(MarkedText, bool), ToolError> {
        let steps = self.blocks(detail, tokens_max, cancel).await?;
        let mut text = self.head(steps.len());
        steps.iter().for_each(|(_, block)| text.append(block));
        let is_whole = halo_tool::estimate_tokens(text.text()) <= tokens_max;
        Ok((text, is_whole))
    }

    fn head(&self, steps: usize) -> MarkedText {
        let mut text = MarkedText::default();
        push_numbers(&mut text, &self.outline.row);
        push_names(&mut text, &self.outline.row);
        push_landmarks(&mut text, &self.outline.steps, &self.outline.facts);
        if !matches!(self.focus, Focus::All) && steps == 0 {
            text.push(&format!("no {}\n", self.focus.noun()));
        }
        text
    }

    /// The steps that are shown; no more of them are read once they take more than so many tokens.
    async fn blocks(
        &self,
        detail: Detail,
        tokens_max: usize,
        cancel: &CancellationToken,
    ) -> Result<Vec<(u64, MarkedText)>, ToolError> {
        let steps = &self.outline.steps;
        let mut places: Vec<usize> = (0..steps.len()).filter(|place| self.focus.shows(&steps[*place])).collect();
        if places.len() > FIRST_STEPS + LAST_STEPS && !matches!(self.focus, Focus::Pattern(_)) {
            places.drain(FIRST_STEPS..places.len() - LAST_STEPS);
        }
        let mut writer = StepWriter::new(&self.outline.facts, steps, detail);
        let (mut blocks, mut used) = (Vec::new(), 0);
        for chunk in chunks(steps, &places, trace_steps::FEW) {
            let wanted: Vec<&Step> = chunk.iter().map(|place| &steps[*place]).collect();
            let texts = trace_steps::texts(self.session, self.trace_id, &wanted, cancel).await.map_err(tool_error)?;
            for place in chunk {
                let block = match self.focus {
                    Focus::Pattern(pattern) => excerpts(&steps[*place], &texts, pattern, detail.text_chars),
                    _ => Some(together(&writer.write(*place, &texts))),
                };
                if let Some(block) = block {
                    used += halo_tool::estimate_tokens(block.text());
                    blocks.push((steps[*place].step, block));
                }
            }
            if used > tokens_max {
                break;
            }
        }
        Ok(blocks)
    }
}

/// A step as one text.
fn together(blocks: &StepBlocks) -> MarkedText {
    let mut text = blocks.first.text.clone();
    blocks.more.iter().for_each(|block| text.append(&block.text));
    text
}

/// How many from the front, and from where on to the end, fit into a size: two thirds of it for the front.
fn ends(sizes: &[usize], size_max: usize) -> (usize, usize) {
    let (mut front, mut back) = (0, sizes.len());
    let mut used = 0;
    while front < back && used + sizes[front] <= size_max * 2 / 3 {
        used += sizes[front];
        front += 1;
    }
    while back > front && used + sizes[back - 1] <= size_max {
        used += sizes[back - 1];
        back -= 1;
    }
    (front, back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_shared_fairly() {
        assert_eq!(shares(&[100, 100], 1000), [100, 100]);
        assert_eq!(shares(&[900, 100, 900], 1000), [450, 100, 450]);
        assert_eq!(shares(&[500, 600], 0), [0, 0]);
        assert_eq!(ends(&[10, 10, 10, 10, 10], 35), (2, 4));
        assert_eq!(ends(&[10, 10], 100), (2, 2));
        assert_eq!(ends(&[], 5), (0, 0));
    }
}
