//! What code prints: its beginning and its end are kept, whatever lies between is counted.

use std::time::{Duration, Instant};

/// Printed text that waits longer than this is sent, so that it is not lost when the code never ends.
const PAUSE: Duration = Duration::from_millis(50);

/// A bounded record of printed text. Two thirds of it are the beginning, which is sent on as it comes.
pub(super) struct Printed {
    head_left: usize,
    unsent: String,
    sent_at: Instant,
    tail: String,
    tail_max: usize,
    missing: usize,
}

impl Printed {
    /// Keeps about so many characters.
    pub(super) fn new(chars_max: usize) -> Self {
        let head_left = chars_max * 2 / 3;
        let tail_max = chars_max - head_left;
        Self { head_left, unsent: String::new(), sent_at: Instant::now(), tail: String::new(), tail_max, missing: 0 }
    }

    /// Adds text. Gives what should be sent now.
    pub(super) fn write(&mut self, text: &str) -> Option<String> {
        let split = text.char_indices().nth(self.head_left);
        let (head, rest) = text.split_at(split.map_or(text.len(), |(at, _)| at));
        if !head.is_empty() {
            self.head_left -= head.chars().count();
            self.unsent.push_str(head);
        }
        if !rest.is_empty() {
            self.tail.push_str(rest);
            // Cut now and then, not each time.
            if self.tail.len() > self.tail_max * 8 + 4096 {
                self.cut();
            }
        }
        (self.sent_at.elapsed() >= PAUSE).then(|| self.take_unsent()).flatten()
    }

    /// What was not sent yet of the beginning.
    pub(super) fn take_unsent(&mut self) -> Option<String> {
        self.sent_at = Instant::now();
        (!self.unsent.is_empty()).then(|| std::mem::take(&mut self.unsent))
    }

    /// The end, and how many characters are missing before it.
    pub(super) fn finish(mut self) -> (String, usize) {
        self.cut();
        (self.tail, self.missing)
    }

    fn cut(&mut self) {
        let chars = self.tail.chars().count();
        let surplus = chars.saturating_sub(self.tail_max);
        if surplus > 0 {
            let at = self.tail.char_indices().nth(surplus).map_or(self.tail.len(), |(at, _)| at);
            self.tail.drain(..at);
            self.missing += surplus;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(chars_max: usize, texts: &[&str]) -> (String, String, usize) {
        let mut printed = Printed::new(chars_max);
        let mut head = String::new();
        for text in texts {
            head.extend(printed.write(text));
        }
        head.extend(printed.take_unsent());
        let (tail, missing) = printed.finish();
        (head, tail, missing)
    }

    #[test]
    fn both_ends_are_kept_and_the_rest_is_counted() {
        assert_eq!(printed(9, &["héll", "o"]), ("héllo".to_owned(), String::new(), 0));
        assert_eq!(printed(9, &["0123456789ü", "abc"]), ("012345".to_owned(), "abc".to_owned(), 5));
        assert_eq!(printed(9, &["01234567"]), ("012345".to_owned(), "67".to_owned(), 0));
        let long = "x".repeat(10_000);
        let (head, tail, missing) = printed(9, &["abcdef", &long, &long, "end"]);
        assert_eq!((head.as_str(), tail.as_str(), missing), ("abcdef", "end", 20_000));
    }
}
