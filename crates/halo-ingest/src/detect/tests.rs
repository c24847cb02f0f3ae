//! Which stream is taken for what.

use crate::testing::{How, read, span};

#[track_caller]
fn check(bytes: &[u8], spans: usize, reject: Option<&str>) {
    let outcome = read(bytes, How::default());
    assert_eq!(outcome.spans.len(), spans, "{outcome:?}");
    assert_eq!(outcome.rejects.len(), usize::from(reject.is_some()), "{outcome:?}");
    if let Some(words) = reject {
        assert!(outcome.rejects[0].contains(words), "{outcome:?}");
    }
}

#[test]
fn by_the_first_bytes() {
    let line = span("a") + "\n";
    let utf16 = |mark: &str| -> Vec<u8> { format!("{mark}{line}").encode_utf16().flat_map(u16::to_le_bytes).collect() };
    check(line.as_bytes(), 1, None);
    check(format!("\n\n  \t\n{line}").as_bytes(), 1, None);
    check(&utf16("\u{feff}"), 1, None);
    check(&utf16(""), 1, None);
    check(b"\x7fELF\x02\x01\x01\0\0\0", 0, Some("is binary data"));
    check(&[0; 5000], 0, Some("is binary data"));
    check(&[0; 3], 0, Some("is binary data"));
    check("\n".repeat(4096).as_bytes(), 0, None);
    check(b" ", 0, None);
}

#[test]
fn zeros_where_a_log_was_cut_off_under_its_writer() {
    let line = span("a") + "\n";
    let at_the_beginning = [vec![0; 300_000], line.clone().into_bytes()].concat();
    check(&at_the_beginning, 1, Some("begins with 300000 zero bytes"));
    let outcome = read(&at_the_beginning, How::default());
    assert!(outcome.rejects[0].starts_with("1@0 "), "{outcome:?}");
    let between = [line.as_bytes(), &[0; 300], line.as_bytes()].concat();
    check(&between, 2, None);
    check(&[line.as_bytes(), &[0; 300]].concat(), 1, Some("zero"));
}
