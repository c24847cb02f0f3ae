//! Lines of bounded length from a pipe, in a way that loses nothing when the wait for one is given up.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    bytes_max: usize,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// More than a line may have.
    TooLong,
    /// Nothing more will come.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(source: R, bytes_max: usize) -> Self {
        Self { source: BufReader::with_capacity(64 * 1024, source), line: Vec::new(), bytes_max }
    }

    /// The next line. May be dropped at any time: what was read stays.
    pub(super) async fn next(&mut self) -> Line {
        loop {
            let Ok(bytes) = self.source.fill_buf().await else { return Line::End };
            if bytes.is_empty() {
                return Line::End;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            self.line.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.source.consume(used);
            if self.line.len() > self.bytes_max {
                return Line::TooLong;
            }
            if end.is_some() {
                return Line::Whole(std::mem::take(&mut self.line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_whole_and_bounded() {
        let mut lines = Lines::new(&b"ab\n\n0123456789\n"[..], 5);
        assert_eq!(lines.next().await, Line::Whole(b"ab".to_vec()));
        assert_eq!(lines.next().await, Line::Whole(Vec::new()));
        assert_eq!(lines.next().await, Line::TooLong);
        // A line without an end is no line.
        let mut lines = Lines::new(&b"ab\ncd"[..], 5);
        assert_eq!(lines.next().await, Line::Whole(b"ab".to_vec()));
        assert_eq!(lines.next().await, Line::End);
    }
}
