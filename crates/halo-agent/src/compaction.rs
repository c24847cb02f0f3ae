//! Room in a conversation: old results fold to a line, and when that is not enough, a model tells the old turns in fewer words.

use halo_protocol::{Message, RequestPurpose, ToolSpec};
use halo_tool::clip_middle;

use crate::agent::Agent;
use crate::budget::Share;
use crate::conversation::Folded;
use crate::prompt;
use crate::runtime::{AskError, Question, tokens_of_tools};

/// Turns that stay as they are when older ones are summed up.
const TURNS_KEPT: usize = 2;

/// Characters of the old turns that the summing model reads, for each token that a conversation may have.
const TRANSCRIPT_CHARS_PER_TOKEN: usize = 3;

impl Agent {
    /// Makes room when the conversation has grown past half of what it may have. One large step: between two of them the
    /// beginning of the conversation stays the same to the byte, and providers' caches know it.
    pub(crate) async fn make_room(&mut self, turn: u32, tools: &[ToolSpec]) {
        let tools = usize::try_from(tokens_of_tools(tools)).unwrap_or(usize::MAX);
        let tokens_max = self.runtime.options.max_context.saturating_sub(tools).max(1);
        if self.conversation.tokens() <= tokens_max / 2 {
            return;
        }
        self.fold(tokens_max / 4);
        // What is left is the agent's own words and calls, or results that it has not read yet.
        if self.conversation.tokens() > tokens_max * 3 / 4 {
            self.compact(turn).await;
        }
    }

    /// Makes room because the endpoint says that the conversation is too long, whatever the estimate. `false` when there is none.
    pub(crate) async fn make_more_room(&mut self, turn: u32) -> bool {
        self.fold(self.conversation.tokens() / 2) || self.compact(turn).await
    }

    /// Folds old tool results. `false` when there was nothing to fold.
    fn fold(&mut self, tokens_target: usize) -> bool {
        let Some(Folded { results, tokens_before, tokens_after }) = self.conversation.fold(tokens_target) else {
            return false;
        };
        self.notice(format!(
            "folded {results} old tool results to a line each: the conversation went from about {tokens_before} to {tokens_after} tokens"
        ));
        true
    }

    /// Puts a summary in the place of old turns. `false` when there are none.
    async fn compact(&mut self, turn: u32) -> bool {
        let old = self.conversation.old_turns(TURNS_KEPT).or_else(|| self.conversation.old_turns(1));
        let Some(old) = old else {
            return false;
        };
        let before = self.conversation.tokens();
        let chars_max = self.runtime.options.max_context * TRANSCRIPT_CHARS_PER_TOKEN;
        let messages = [
            Message::System { content: prompt::compaction() },
            Message::User { content: clip_middle(&old.transcript, chars_max) },
        ];
        let question = Question {
            purpose: RequestPurpose::Compaction,
            turn,
            messages: &messages,
            tools: &[],
            schema: None,
            share: Share::Work,
        };
        let (summary, by) = match self.runtime.ask_once(&self.identity, question).await {
            Ok((reply, _)) if !reply.content.trim().is_empty() => {
                self.usage.add(&reply.usage);
                (reply.content, "a model")
            }
            // Also without a model, and when it fails, the agent must go on and know what it did.
            Ok(_) | Err(AskError::Stopped | AskError::Spent(_) | AskError::Model(_)) => (
                format!("These calls were made, and their results are no longer here:\n{}", old.calls),
                "a list of calls",
            ),
        };
        self.conversation.replace(&old, prompt::summary(summary.trim()));
        self.notice(format!(
            "summed up old turns by {by}: the conversation went from about {before} to {} tokens",
            self.conversation.tokens()
        ));
        true
    }
}
