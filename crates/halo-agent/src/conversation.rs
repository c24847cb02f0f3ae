//! The conversation of one agent, and how it is kept from growing without end.

use halo_protocol::{Message, ToolCall};
use serde_json::Value;

/// Results shorter than this stay: folding them saves next to nothing.
const FOLD_CHARS_MIN: usize = 400;

/// Characters of a call's arguments that its folded result repeats.
const FOLD_ARGUMENTS_CHARS: usize = 300;

/// Messages in order, with what is needed to fold old tool results.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    messages: Vec<Message>,
    chars: usize,
    results: Vec<StoredResult>,
}

/// A tool result that has not been folded.
#[derive(Debug)]
struct StoredResult {
    position: usize,
    chars: usize,
    folded: String,
}

/// What folding did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folded {
    pub(crate) results: usize,
    pub(crate) chars_before: usize,
    pub(crate) chars_after: usize,
}

impl Conversation {
    pub(crate) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Characters of all messages together, arguments of tool calls included.
    pub(crate) fn chars(&self) -> usize {
        self.chars
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

    /// Adds the result of a call.
    pub(crate) fn push_result(&mut self, call: &ToolCall, content: String) {
        let chars = content.chars().count();
        if chars >= FOLD_CHARS_MIN {
            let mut arguments: String = call.arguments.chars().take(FOLD_ARGUMENTS_CHARS).collect();
            if arguments.len() < call.arguments.len() {
                arguments.push('…');
            }
            self.results.push(StoredResult {
                position: self.messages.len(),
                chars,
                folded: format!(
                    "[folded to save space: the result of {}({arguments}) had {chars} characters; make the same call \
                     again to read it]",
                    call.name
                ),
            });
        }
        self.push(Message::Tool { tool_call_id: call.id.clone(), content });
    }

    /// Replaces tool results by a line each, the oldest first, until the conversation has at most `chars_target`
    /// characters. The results of the latest reply stay: the model has not read them yet. `None` when nothing could be
    /// folded.
    ///
    /// Call it seldom and with a target well below the limit. Every fold changes the conversation's beginning, and with it
    /// what the provider's prompt cache knows; one large step costs that once.
    pub(crate) fn fold(&mut self, chars_target: usize) -> Option<Folded> {
        let unread =
            self.messages.iter().rposition(|message| matches!(message, Message::Assistant { .. })).unwrap_or(0);
        let chars_before = self.chars;
        let mut folded = 0;
        for result in &self.results {
            if self.chars <= chars_target || result.position > unread {
                break;
            }
            if let Some(Message::Tool { content, .. }) = self.messages.get_mut(result.position) {
                content.clone_from(&result.folded);
                self.chars = self.chars - result.chars + result.folded.chars().count();
            }
            folded += 1;
        }
        self.results.drain(..folded);
        (folded > 0).then_some(Folded { results: folded, chars_before, chars_after: self.chars })
    }

    fn push(&mut self, message: Message) {
        self.chars += match &message {
            Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
                content.chars().count()
            }
            Message::Assistant { content, tool_calls, .. } => {
                let calls: usize = tool_calls.iter().map(|call| call.name.len() + call.arguments.chars().count()).sum();
                content.chars().count() + calls
            }
        };
        self.messages.push(message);
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
        conversation.push_result(&call, result.to_owned());
    }

    #[test]
    fn folds_the_oldest_results_and_never_the_unread_ones() {
        let mut conversation = Conversation::default();
        conversation.push_system("s".repeat(100));
        turn(&mut conversation, "1", &"ü".repeat(1000));
        turn(&mut conversation, "2", "short");
        turn(&mut conversation, "3", &"y".repeat(1000));
        turn(&mut conversation, "4", &"z".repeat(1000));
        let before = conversation.chars();
        assert_eq!(before, 100 + 3005 + 4 * ("sql".len() + "{\"query\":1}".len()));

        let folded = conversation.fold(before - 500).unwrap();
        assert_eq!((folded.results, folded.chars_before), (1, before));
        assert_eq!(folded.chars_after, conversation.chars());
        let text = |position: usize| match &conversation.messages()[position] {
            Message::Tool { content, .. } => content.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text(2),
            "[folded to save space: the result of sql({\"query\":1}) had 1000 characters; make the same call again to read it]"
        );
        assert_eq!((text(4).as_str(), text(6).len()), ("short", 1000));

        assert_eq!(conversation.fold(0).unwrap().results, 1);
        assert_eq!(conversation.fold(0), None, "the last result is unread, the short one stays");
        assert_eq!(conversation.messages().len(), 9);
    }

    #[test]
    fn long_arguments_are_cut_in_the_folded_line() {
        let mut conversation = Conversation::default();
        let long = call("1", &"a".repeat(1000));
        conversation.push_assistant(String::new(), vec![long.clone()], vec![]);
        conversation.push_result(&long, "r".repeat(5000));
        conversation.push_assistant("done".into(), vec![], vec![]);
        conversation.fold(0).unwrap();
        let Message::Tool { content, .. } = &conversation.messages()[1] else {
            panic!("no result");
        };
        assert!(content.contains(&format!("sql({}…)", "a".repeat(300))), "{content}");
    }
}
