//! What a tool answers, and the one way to bound text that goes to a model.

/// The text a model reads as the result of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutput {
    /// The text.
    pub text: String,
    /// Whether the agent that called it has ended with this call (`final_answer`).
    pub ends_agent: bool,
    /// Traces whose content the text shows, so that a report can say how many were read.
    pub traces_shown: Vec<String>,
}

impl ToolOutput {
    /// A plain text result.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ends_agent: false, traces_shown: Vec::new() }
    }

    /// A result that shows the content of traces.
    pub fn showing(text: impl Into<String>, traces_shown: Vec<String>) -> Self {
        Self { text: text.into(), ends_agent: false, traces_shown }
    }

    /// A result that ends the calling agent.
    pub fn ending(text: impl Into<String>) -> Self {
        Self { text: text.into(), ends_agent: true, traces_shown: Vec::new() }
    }

    /// The same result with at most `chars_max` characters: both ends kept, the middle replaced by a note of how much is missing.
    #[must_use]
    pub fn bounded(mut self, chars_max: usize) -> Self {
        self.text = clip_middle(&self.text, chars_max);
        self
    }
}

/// Keeps at most about `chars_max` characters of a text: its beginning and its end, with a note between them that says how many are left
/// out. Shorter texts come back as they are. The late part of a long payload is where errors stand, so it is never dropped.
#[must_use]
pub fn clip_middle(text: &str, chars_max: usize) -> String {
    clip_middle_noting(text, chars_max, |left_out, _| format!("[… {left_out} characters left out …]"))
}

/// Like [`clip_middle`], with a note of the caller's: it is given how many characters are left out, and after how many the gap begins.
#[must_use]
pub fn clip_middle_noting(text: &str, chars_max: usize, note: impl FnOnce(usize, usize) -> String) -> String {
    // Every character is at least a byte: most texts are settled without counting.
    if text.len() <= chars_max {
        return text.to_owned();
    }
    let chars = text.chars().count();
    if chars <= chars_max {
        return text.to_owned();
    }
    let head = chars_max * 2 / 3;
    let tail = chars_max - head;
    let head_end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
    let tail_start = text.char_indices().nth(chars - tail).map_or(text.len(), |(at, _)| at);
    format!("{}{}{}", &text[..head_end], note(chars - chars_max, head), &text[tail_start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_keeps_both_ends_and_counts_what_is_missing() {
        assert_eq!(clip_middle("héllo", 5), "héllo");
        assert_eq!(clip_middle("0123456789", 6), "0123[… 4 characters left out …]89");
        assert_eq!(clip_middle("éééééééééé", 3), "éé[… 7 characters left out …]é");
        assert_eq!(clip_middle("abc", 0), "[… 3 characters left out …]");
    }
}
