//! The conversation of one agent, and how it is kept from growing without end: old tool results become a line, old turns a summary.

use halo_protocol::{Message, ToolCall};
use halo_tool::{clip_middle, estimate_tokens};
use serde_json::Value;

use crate::items::ITEM_CHARS_MIN;

/// Characters of a call's arguments that its folded result repeats.
const FOLD_ARGUMENTS_CHARS: usize = 300;

/// Messages that open a conversation and always stay: the instructions and the task.
const OPENING: usize = 2;

/// Tokens that a message takes beside its words, about.
const MESSAGE_TOKENS: usize = 4;

/// Messages in order, with what is needed to fold old tool results.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    messages: Vec<Message>,
    tokens: usize,
    results: Vec<StoredResult>,
}

/// A tool result that has not been folded.
#[derive(Debug)]
struct StoredResult {
    position: usize,
    folded: String,
}

/// What folding did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folded {
    pub(crate) results: usize,
    pub(crate) tokens_before: usize,
    pub(crate) tokens_after: usize,
}

/// Turns that can be told in fewer words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OldTurns {
    /// What was said and done in them, for a model to sum up.
    pub(crate) transcript: String,
    /// The same in a line a call, for when no model can.
    pub(crate) calls: String,
    /// Messages they take, from the opening on.
    messages: usize,
}

impl Conversation {
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Tokens of all messages together, about.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    pub(crate) fn push_system(&mut self, content: String) {
        self.push(Message::System { content });
    }

    pub(crate) fn push_user(&mut self, content: String) {
        self.push(Message::User { content });
    }

    pub(crate) fn push_assistant(&mut self, content: String, tool_calls: Vec<ToolCall>, provider_items: Vec<Value>) {
        self.push(Message::Assistant { content, tool_calls, provider_items });
    }

    /// Adds the result of a call. `item_id` is the name under which the whole result is kept.
    pub(crate) fn push_result(&mut self, call: &ToolCall, content: String, item_id: Option<&str>) {
        let chars = content.chars().count();
        if chars >= ITEM_CHARS_MIN {
            let how = match item_id {
                Some(id) => format!("get_context_item(\"{id}\") shows it again"),
                None => "make the same call again to read it".to_owned(),
            };
            let arguments = shortened(&call.arguments, FOLD_ARGUMENTS_CHARS);
            let folded = format!("[folded: {}({arguments}) showed {chars} characters; {how}]", call.name);
            self.results.push(StoredResult { position: self.messages.len(), folded });
        }
        self.push(Message::Tool { tool_call_id: call.id.clone(), content });
    }

    /// Replaces tool results by a line each, the oldest first, until the conversation has at most `tokens_target` tokens. The
    /// results of the latest reply stay: the model has not read them yet. `None` when nothing could be folded.
    ///
    /// Call it seldom and with a target well below the limit. Every fold changes the conversation's beginning, and with it
    /// what the provider's prompt cache knows; one large step costs that once.
    pub(crate) fn fold(&mut self, tokens_target: usize) -> Option<Folded> {
        let unread =
            self.messages.iter().rposition(|message| matches!(message, Message::Assistant { .. })).unwrap_or(0);
        let tokens_before = self.tokens;
        let mut folded = 0;
        for result in &self.results {
            if self.tokens <= tokens_target || result.position > unread {
                break;
            }
            if let Some(Message::Tool { content, .. }) = self.messages.get_mut(result.position) {
                let before = estimate_tokens(content);
                content.clone_from(&result.folded);
                self.tokens = (self.tokens + estimate_tokens(content)).saturating_sub(before);
            }
            folded += 1;
        }
        self.results.drain(..folded);
        (folded > 0).then_some(Folded { results: folded, tokens_before, tokens_after: self.tokens })
    }

    /// The turns behind the opening, without the latest `keep`; `None` when there is none. Calls and their results stay
    /// together: the cut is always before a reply.
    pub(crate) fn old_turns(&self, keep: usize) -> Option<OldTurns> {
        let replies: Vec<usize> = (OPENING..self.messages.len())
            .filter(|position| matches!(self.messages.get(*position), Some(Message::Assistant { .. })))
            .collect();
        let end = *replies.get(replies.len().checked_sub(keep.max(1))?)?;
        let old = self.messages.get(OPENING..end)?;
        if old.is_empty() {
            return None;
        }
        let (mut transcript, mut calls) = (String::new(), String::new());
        for message in old {
            tell(message, &mut transcript, &mut calls);
        }
        Some(OldTurns { transcript, calls, messages: old.len() })
    }

    /// Puts a summary in the place of turns.
    pub(crate) fn replace(&mut self, old: &OldTurns, summary: String) {
        let end = OPENING + old.messages;
        let shift = old.messages - 1;
        self.results.retain(|result| result.position >= end);
        for result in &mut self.results {
            result.position -= shift;
        }
        self.messages.splice(OPENING..end, [Message::User { content: summary }]);
        self.tokens = self.messages.iter().map(tokens_of).sum();
    }

    fn push(&mut self, message: Message) {
        self.tokens += tokens_of(&message);
        self.messages.push(message);
    }
}

/// Tokens of a message, about.
pub(crate) fn tokens_of(message: &Message) -> usize {
    MESSAGE_TOKENS
        + match message {
            Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
                estimate_tokens(content)
            }
            Message::Assistant { content, tool_calls, provider_items } => {
                let calls: usize = tool_calls
                    .iter()
                    .map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments) + MESSAGE_TOKENS)
                    .sum();
                // Mostly encrypted text, which counts by what it stands for: about this.
                let items: usize = provider_items.iter().map(|item| item.to_string().len() / 8).sum();
                estimate_tokens(content) + calls + items
            }
        }
}

/// Writes a message for whoever sums up.
fn tell(message: &Message, transcript: &mut String, calls: &mut String) {
    match message {
        Message::System { .. } => {}
        Message::User { content } => transcript.push_str(&format!("[told] {}\n", clip_middle(content, 2_000))),
        Message::Assistant { content, tool_calls, .. } => {
            if !content.trim().is_empty() {
                transcript.push_str(&format!("[agent] {}\n", clip_middle(content.trim(), 2_000)));
            }
            for call in tool_calls {
                transcript.push_str(&format!("[call] {}({})\n", call.name, clip_middle(&call.arguments, 600)));
                calls.push_str(&format!("- {}({})\n", call.name, shortened(&call.arguments, 120)));
            }
        }
        Message::Tool { content, .. } => {
            transcript.push_str(&format!("[result] {}\n", clip_middle(content, 1_200)));
        }
    }
}

fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, arguments: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "sql".into(), arguments: arguments.into() }
    }

    fn turn(conversation: &mut Conversation, id: &str, result: &str) {
        let call = call(id, "{\"query\":1}");
        conversation.push_assistant(String::new(), vec![call.clone()], vec![]);
        conversation.push_result(&call, result.to_owned(), Some("r7").filter(|_| id != "3"));
    }

    fn conversation() -> Conversation {
        let mut conversation = Conversation::default();
        conversation.push_system("You look into traces.".to_owned());
        conversation.push_user("Why?".to_owned());
        turn(&mut conversation, "1", &"word ".repeat(1000));
        turn(&mut conversation, "2", "short");
        turn(&mut conversation, "3", &"more ".repeat(1000));
        turn(&mut conversation, "4", &"last ".repeat(1000));
        conversation
    }

    fn text(conversation: &Conversation, position: usize) -> &str {
        match &conversation.messages()[position] {
            Message::Tool { content, .. } | Message::User { content } => content,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn folds_the_oldest_results_and_never_the_unread_ones() {
        let mut conversation = conversation();
        let before = conversation.tokens();
        let folded = conversation.fold(before - 500).unwrap();
        assert_eq!((folded.results, folded.tokens_before, folded.tokens_after), (1, before, conversation.tokens()));
        assert_eq!(
            text(&conversation, 3),
            "[folded: sql({\"query\":1}) showed 5000 characters; get_context_item(\"r7\") shows it again]"
        );
        assert_eq!((text(&conversation, 5), text(&conversation, 7).len()), ("short", 5000));

        assert_eq!(conversation.fold(0).unwrap().results, 1);
        assert!(text(&conversation, 7).ends_with("make the same call again to read it]"), "{}", text(&conversation, 7));
        assert_eq!(conversation.fold(0), None, "the last result is unread, the short one stays");
        let sum: usize = conversation.messages().iter().map(tokens_of).sum();
        assert_eq!(conversation.tokens(), sum);
    }

    #[test]
    fn long_arguments_are_cut_in_the_folded_line() {
        let mut conversation = Conversation::default();
        let long = call("1", &"a".repeat(1000));
        conversation.push_assistant(String::new(), vec![long.clone()], vec![]);
        conversation.push_result(&long, "r".repeat(5000), None);
        conversation.push_assistant("done".into(), vec![], vec![]);
        conversation.fold(0).unwrap();
        assert!(text(&conversation, 1).contains(&format!("sql({}…)", "a".repeat(300))), "{}", text(&conversation, 1));
    }

    #[test]
    fn old_turns_become_one_message_and_calls_keep_their_results() {
        let mut conversation = conversation();
        let old = conversation.old_turns(2).unwrap();
        assert_eq!(old.calls, "- sql({\"query\":1})\n- sql({\"query\":1})\n");
        assert!(old.transcript.ends_with("[call] sql({\"query\":1})\n[result] short\n"), "{}", old.transcript);
        conversation.replace(&old, "Summary.".to_owned());
        assert_eq!(conversation.messages().len(), 3 + 4);
        assert_eq!(text(&conversation, 2), "Summary.");
        let sum: usize = conversation.messages().iter().map(tokens_of).sum();
        assert_eq!(conversation.tokens(), sum);

        // What is folded afterwards is what was meant.
        assert_eq!(conversation.fold(0).unwrap().results, 1);
        assert!(text(&conversation, 4).starts_with("[folded: sql"), "{}", text(&conversation, 4));
        assert!(text(&conversation, 6).starts_with("last"));
        assert_eq!(conversation.old_turns(2).map(|old| old.transcript), Some("[told] Summary.\n".to_owned()));
    }

    #[test]
    fn a_conversation_that_has_just_begun_has_no_old_turns() {
        let mut conversation = Conversation::default();
        conversation.push_system("s".to_owned());
        conversation.push_user("u".to_owned());
        assert_eq!(conversation.old_turns(1), None);
        turn(&mut conversation, "1", "x");
        assert_eq!(conversation.old_turns(1), None);
    }
}
