//! Windows over texts that come in pieces of every size.

use proptest::prelude::*;

use super::*;

fn wanted(offset: u64, limit: u64) -> Wanted {
    Wanted { offset, limit, column: 1, chars_max: 10_000 }
}

fn shown(text: &[u8], piece: usize, wanted: Wanted) -> Lines {
    let mut window = Window::new(wanted);
    for part in text.chunks(piece) {
        if !window.feed(part) {
            break;
        }
    }
    window.finish()
}

fn texts(lines: &Lines) -> Vec<(u64, &str)> {
    lines.lines.iter().map(|line| (line.number, line.text.as_str())).collect()
}

#[test]
fn line_ends_and_broken_bytes_survive() {
    let text = b"\xef\xbb\xbfa\r\nb\xff\n\n\tlast";
    let lines = shown(text, 2, wanted(1, 10));
    assert_eq!(texts(&lines), [(1, "a"), (2, "b\u{fffd}"), (3, ""), (4, "\tlast")]);
    assert_eq!((lines.total, lines.has_crlf, lines.is_binary), (4, true, false));
    assert!(shown(b"a\0b", 1, wanted(1, 10)).is_binary);
    assert_eq!(shown(b"", 1, wanted(1, 10)).total, 0);
}

#[test]
fn what_does_not_fit_is_told() {
    let tight = Wanted { chars_max: 20, ..wanted(1, 10) };
    let lines = shown(b"0123456789\n0123456789\nx\n", 100, tight);
    assert_eq!(texts(&lines), [(1, "0123456789")]);
    assert_eq!(lines.total, 3);
}

#[test]
fn a_long_line_goes_on_at_another_column() {
    let line = format!("{}\r\n", "é".repeat(1500));
    let first = shown(line.as_bytes(), 7, wanted(1, 1));
    assert_eq!((first.lines[0].text.chars().count(), first.lines[0].missing), (1000, 500));
    let rest = shown(line.as_bytes(), 7, Wanted { column: 1001, ..wanted(1, 1) });
    assert_eq!((rest.lines[0].text.chars().count(), rest.lines[0].missing), (500, 0));
}

proptest! {
    #[test]
    fn any_window_is_what_splitting_gives(
        text in "[ab\u{e9}\n]{0,60}",
        piece in 1_usize..9,
        offset in 1_u64..12,
        limit in 0_u64..12,
    ) {
        let all: Vec<(u64, &str)> = (1..).zip(text.split_terminator('\n')).collect();
        let expected: Vec<(u64, &str)> =
            all.iter().copied().filter(|(number, _)| (offset..offset + limit).contains(number)).collect();
        let lines = shown(text.as_bytes(), piece, wanted(offset, limit));
        prop_assert_eq!(texts(&lines), expected);
        prop_assert_eq!(lines.total, all.len() as u64);
    }
}
