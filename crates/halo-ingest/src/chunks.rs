//! A stream of bytes to chunks of whole lines.

use std::io::Read;

/// Some whole lines of one source.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Position among all chunks of the ingest.
    pub(crate) sequence: u64,
    /// Which source.
    pub(crate) source: usize,
    /// Number of its first line, from 1.
    pub(crate) first_line: u64,
    /// Offset of its first byte in the source.
    pub(crate) byte_offset: u64,
    /// The lines; the last one of a source may lack its line end.
    pub(crate) bytes: Vec<u8>,
}

/// A place in a source where lines had to be passed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// A line longer than the limit.
    TooLong { line: u64, byte_offset: u64, bytes: u64, excerpt: Vec<u8> },
    /// The source is no text: nothing of it was read.
    Binary,
    /// The stream broke off; what it gave of a last line is dropped.
    Broken { line: u64, byte_offset: u64, reason: String, excerpt: Vec<u8> },
}

/// What reading gives.
#[derive(Debug)]
pub(crate) enum Piece {
    Lines { first_line: u64, byte_offset: u64, bytes: Vec<u8> },
    Obstacle(Obstacle),
}

/// Whether a source that begins like this is binary data. JSON has no NUL bytes; a text that has one further on is a matter of its line.
pub(crate) fn is_binary(beginning: &[u8]) -> bool {
    const LOOKED_AT: usize = 1024;
    let head = &beginning[..beginning.len().min(LOOKED_AT)];
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|byte| *byte != b'{') && head.contains(&0)
}

/// Reads a stream into pieces of about `chunk_bytes`, cut at line ends.
pub(crate) struct LineChunks<R> {
    reader: R,
    chunk_bytes: usize,
    line_bytes_max: usize,
    /// Bytes read after the last line end.
    rest: Vec<u8>,
    next_line: u64,
    offset: u64,
    ended: bool,
    /// An obstacle that comes after the lines before it.
    pending: Option<Obstacle>,
}

impl<R: Read> LineChunks<R> {
    pub(crate) fn new(reader: R, chunk_bytes: usize, line_bytes_max: usize) -> Self {
        Self {
            reader,
            chunk_bytes,
            line_bytes_max,
            rest: Vec::new(),
            next_line: 1,
            offset: 0,
            ended: false,
            pending: None,
        }
    }

    /// Reads until `buffer` holds `wanted` bytes or the stream ends.
    fn fill(&mut self, buffer: &mut Vec<u8>, wanted: usize) {
        while buffer.len() < wanted && !self.ended {
            let room = (wanted - buffer.len()) as u64;
            match self.reader.by_ref().take(room).read_to_end(buffer) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.pending = Some(Obstacle::Broken {
                        line: 0,
                        byte_offset: 0,
                        reason: error.to_string(),
                        excerpt: Vec::new(),
                    });
                }
            }
        }
    }

    /// Takes the lines of `bytes` and counts them.
    fn lines(&mut self, bytes: Vec<u8>) -> Piece {
        let (first_line, byte_offset) = (self.next_line, self.offset);
        let line_ends = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let open_line = u64::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
        self.next_line += line_ends + open_line;
        self.offset += bytes.len() as u64;
        Piece::Lines { first_line, byte_offset, bytes }
    }

    /// Passes over a line that is too long, without keeping it.
    fn skip_line(&mut self, mut buffer: Vec<u8>) -> Piece {
        let (line, byte_offset) = (self.next_line, self.offset);
        let excerpt = buffer[..buffer.len().min(512)].to_vec();
        let mut bytes = 0_u64;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &buffer) {
                bytes += end as u64;
                self.offset += bytes + 1;
                self.rest = buffer.split_off(end + 1);
                break;
            }
            bytes += buffer.len() as u64;
            buffer.clear();
            self.fill(&mut buffer, self.chunk_bytes);
            if buffer.is_empty() {
                self.offset += bytes;
                break;
            }
        }
        self.next_line += 1;
        Piece::Obstacle(Obstacle::TooLong { line, byte_offset, bytes, excerpt })
    }
}

impl<R: Read> Iterator for LineChunks<R> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let mut buffer = std::mem::take(&mut self.rest);
        buffer.reserve(self.chunk_bytes.saturating_sub(buffer.len()));
        let mut wanted = self.chunk_bytes.max(buffer.len());
        loop {
            self.fill(&mut buffer, wanted);
            if let Some(end) = memchr::memrchr(b'\n', &buffer) {
                self.rest = buffer.split_off(end + 1);
                return Some(self.lines(buffer));
            }
            if buffer.len() > self.line_bytes_max {
                return Some(self.skip_line(buffer));
            }
            if self.ended {
                break;
            }
            wanted = buffer.len() + self.chunk_bytes;
        }
        // The end: a last line without a line end, or the remains of a broken stream.
        match self.pending.take() {
            Some(Obstacle::Broken { reason, .. }) => {
                let excerpt = buffer[..buffer.len().min(512)].to_vec();
                Some(Piece::Obstacle(Obstacle::Broken {
                    line: self.next_line,
                    byte_offset: self.offset,
                    reason,
                    excerpt,
                }))
            }
            _ if buffer.is_empty() => None,
            _ => Some(self.lines(buffer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(input: &[u8], chunk_bytes: usize, line_bytes_max: usize) -> Vec<Piece> {
        LineChunks::new(input, chunk_bytes, line_bytes_max).collect()
    }

    proptest! {
        #[test]
        fn chunks_put_together_are_the_input(input in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..300), chunk_bytes in 1_usize..40) {
            let mut together = Vec::new();
            let mut line = 1;
            for piece in pieces(&input, chunk_bytes, usize::MAX) {
                let Piece::Lines { first_line, byte_offset, bytes } = piece else { panic!("no line is too long") };
                prop_assert_eq!(byte_offset, together.len() as u64);
                prop_assert_eq!(first_line, line);
                line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                together.extend(bytes);
            }
            prop_assert_eq!(together, input);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_the_next_one_has_its_number() {
        let mut input = b"a\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', 100));
        input.extend(b"\nb");
        let mut seen = Vec::new();
        for piece in pieces(&input, 8, 50) {
            seen.push(match piece {
                Piece::Lines { first_line, byte_offset, bytes } => {
                    (first_line, byte_offset, String::from_utf8(bytes).unwrap())
                }
                Piece::Obstacle(Obstacle::TooLong { line, byte_offset, bytes, .. }) => {
                    (line, byte_offset, format!("{bytes} too long"))
                }
                Piece::Obstacle(other) => panic!("{other:?}"),
            });
        }
        assert_eq!(seen, vec![(1, 0, "a\n".into()), (2, 2, "100 too long".into()), (3, 103, "b".into())]);
    }

    #[test]
    fn what_a_broken_stream_gave_before_counts() {
        struct Breaks(usize);
        impl Read for Breaks {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += 1;
                if self.0 > 1 {
                    return Err(std::io::Error::other("cut"));
                }
                buffer[..5].copy_from_slice(b"a\nb\nc");
                Ok(5)
            }
        }
        let pieces: Vec<Piece> = LineChunks::new(Breaks(0), 64, 64).collect();
        let [Piece::Lines { bytes, .. }, Piece::Obstacle(obstacle)] = pieces.as_slice() else { panic!("{pieces:?}") };
        assert_eq!(bytes, b"a\nb\n");
        let expected = Obstacle::Broken { line: 3, byte_offset: 4, reason: "cut".into(), excerpt: b"c".to_vec() };
        assert_eq!(*obstacle, expected);
    }
}
