//! Bytes of an event stream to the data of its events.

/// Takes the bytes as they come and gives the data of each event once it is complete. Comments, names and ids of events
/// carry nothing for us and are passed over.
#[derive(Debug, Default)]
pub(crate) struct SseDecoder {
    /// Bytes of the line that has not ended yet.
    line: Vec<u8>,
    /// Data lines of the event that has not ended yet.
    data: Option<String>,
    started: bool,
}

impl SseDecoder {
    /// Adds bytes and gives the events that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            self.end_line(&mut events);
        }
        self.line.extend_from_slice(rest);
        events
    }

    /// The event that the end of the stream completes: many endpoints leave out the last empty line.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let mut events = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut events);
        }
        events.pop().or_else(|| self.data.take())
    }

    /// Whether no line has ended yet.
    pub(crate) fn is_empty_so_far(&self) -> bool {
        !self.started
    }

    fn end_line(&mut self, events: &mut Vec<String>) {
        let bytes = std::mem::take(&mut self.line);
        // Whole lines only: a character that was split between two chunks is whole again here.
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.strip_suffix('\r').unwrap_or(&text);
        if !self.started {
            self.started = true;
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            events.extend(self.data.take());
            return;
        }
        let Some(value) = line.strip_prefix("data:") else {
            return;
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes in pieces of every size and expects the same events each time.
    fn check(stream: &str, expected: &[&str]) {
        for size in 1..=stream.len().max(1) {
            let mut decoder = SseDecoder::default();
            let mut events = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                events.extend(decoder.push(piece));
            }
            events.extend(decoder.finish());
            assert_eq!(events, expected, "in pieces of {size}: {stream:?}");
        }
    }

    #[test]
    fn decodes_what_servers_send() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data:a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check(": ping\n\nevent: x\nid: 1\nretry: 5\ndata: ü€\n\n: ping\n\n", &["ü€"]);
        check("data: one\ndata: two\n\n", &["one\ntwo"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check("data: a\n\ndata: [DONE]", &["a", "[DONE]"]);
        check("data: a\n", &["a"]);
        check("not a stream at all", &[]);
        check("", &[]);
    }

    #[test]
    fn invalid_bytes_do_not_stop_it() {
        let mut decoder = SseDecoder::default();
        assert_eq!(decoder.push(b"data: a\xffb\n\n"), ["a\u{fffd}b"]);
    }
}
