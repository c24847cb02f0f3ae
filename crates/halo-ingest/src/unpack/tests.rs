//! Compressed sources as disks, networks and scripts leave them.

use std::io::Write as _;

use super::*;
use crate::testing::{How, Outcome, read, span};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn lines(ids: &[&str]) -> Vec<u8> {
    ids.iter().flat_map(|id| (span(id) + "\n").into_bytes()).collect()
}

#[track_caller]
fn check(bytes: &[u8], spans: &[&str], reject: Option<&str>) {
    let outcome = read(bytes, How::default());
    assert_eq!(outcome.spans, spans, "{outcome:#?}");
    assert_eq!(outcome.rejects.len(), usize::from(reject.is_some()), "{outcome:#?}");
    if let Some(words) = reject {
        assert!(outcome.rejects[0].contains(words), "{outcome:#?}");
    }
}

#[test]
fn members_padding_and_what_follows() {
    let (a, b) = (lines(&["a"]), lines(&["b"]));
    for pack in [gzip, zstd] {
        let (packed_a, packed_b) = (pack(&a), pack(&b));
        check(&packed_a, &["a"], None);
        check(&[packed_a.clone(), packed_b.clone()].concat(), &["a", "b"], None);
        check(&[packed_a.clone(), pack(b""), packed_b.clone()].concat(), &["a", "b"], None);
        check(&[packed_a.clone(), vec![0; 1000]].concat(), &["a"], None);
        check(&[packed_a.clone(), vec![0; 100], packed_b.clone()].concat(), &["a", "b"], None);
        check(&[packed_a.clone(), b"garbage".to_vec()].concat(), &["a"], Some("after the end of the"));
        check(&[packed_a.clone(), b.clone()].concat(), &["a"], Some("after the end of the"));
        // The last line counts although it lacks its end.
        let open = [pack(span("a").as_bytes()), b"garbage".to_vec()].concat();
        check(&open, &["a"], Some("other bytes, which were not read"));
        check(&pack(b""), &[], None);
        // A line that goes over from one member to the next.
        let (head, tail) = a.split_at(20);
        check(&[pack(head), pack(tail)].concat(), &["a"], None);
    }
    check(b"", &[], None);
    check(&[b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec(), zstd(&a)].concat(), &["a"], None);
    check(&[zstd(&a), b"\x5f\x2a\x4d\x18\x04\0\0\0skip".to_vec(), zstd(&b)].concat(), &["a", "b"], None);
}

#[test]
fn one_inside_another_up_to_three_times() {
    let a = lines(&["a"]);
    check(&gzip(&gzip(&a)), &["a"], None);
    check(&zstd(&gzip(&a)), &["a"], None);
    check(&gzip(&zstd(&gzip(&a))), &["a"], None);
    check(&gzip(&gzip(&gzip(&gzip(&a)))), &[], Some("compressed more than 3 times"));
    check(&gzip(b"PK\x03\x04zip in gzip"), &[], Some("zip archive"));
}

#[test]
fn every_cut_leaves_the_whole_lines_before_it() {
    let ids: Vec<String> = (0..300).map(|id| format!("s{id}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let text = lines(&names);
    for (pack, words) in [(gzip as fn(&[u8]) -> Vec<u8>, "gzip"), (zstd, "zstd")] {
        let packed = pack(&text);
        for length in (1..packed.len()).step_by(packed.len() / 37).chain([2, 5, 17, packed.len() - 1]) {
            let outcome = read(&packed[..length], How::default());
            // A few bytes are no compressed data yet.
            if length < 4 {
                assert_eq!((outcome.spans.len(), outcome.rejects.len()), (0, 1), "{length} {outcome:?}");
                continue;
            }
            assert_eq!(outcome.spans, names[..outcome.spans.len()], "{length}");
            assert_eq!(outcome.rejects.len(), 1, "{length} {outcome:?}");
            let told = format!("the stream breaks off: the {words} data ends early");
            assert!(outcome.rejects[0].contains(&told), "{length} {outcome:?}");
        }
        // Bytes that changed on the disk.
        let mut damaged = packed.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].fill(0xaa);
        let Outcome { spans, rejects, .. } = read(&damaged, How::default());
        assert!(spans.len() <= 300 && !rejects.is_empty(), "{rejects:?}");
        assert!(rejects.iter().any(|reject| reject.contains(&format!("the {words} data is damaged"))), "{rejects:?}");
    }
    // Cut inside of what is inside.
    let inner = gzip(&text);
    check_words(&gzip(&inner[..inner.len() / 2]), "the gzip data ends early");
    check_words(&zstd(&inner[..inner.len() / 2]), "the gzip data ends early");
}

fn check_words(bytes: &[u8], words: &str) {
    let outcome = read(bytes, How::default());
    assert!(outcome.rejects.len() == 1 && outcome.rejects[0].contains(words), "{outcome:?}");
}

#[test]
fn windows_and_dictionaries() {
    let text = lines(&["a"]).repeat(2000);
    let long = |window: u32| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(window).unwrap();
        encoder.write_all(&text).unwrap();
        encoder.finish().unwrap()
    };
    let outcome = read(&long(27), How::default());
    assert_eq!((outcome.spans.len(), outcome.rejects.len()), (2000, 0), "{:?}", outcome.rejects);
    check(&long(28), &[], Some("a window over 128 MB"));
    check(&long(30), &[], Some("recompress it with"));
    let dictionary = zstd::dict::from_samples(&vec![text[..2000].to_vec(); 100], 2000).unwrap();
    let mut encoder = zstd::Encoder::with_dictionary(Vec::new(), 1, &dictionary).unwrap();
    encoder.write_all(&text).unwrap();
    check(&encoder.finish().unwrap(), &[], Some("needs the dictionary it was made with"));
}

#[test]
fn what_is_refused_says_what_to_do() {
    let mut tar = vec![b'x'; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let cases: [(&[u8], &str); 12] = [
        (b"PK\x03\x04rest", "unzip -p"),
        (b"BZh91AY&SY", "bzcat"),
        (b"\xfd7zXZ\0", "xzcat"),
        (b"7z\xbc\xaf\x27\x1c", "7z x"),
        (b"\x04\x22\x4d\x18\0", "lz4cat"),
        (b"\xff\x06\0\0sNaPpY", "snappy"),
        (&tar, "tar xOf"),
        (b"PAR1....PAR1", "a Parquet file"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\n<!DOCTYPE html><html>", "a page of HTML"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ];
    for (bytes, words) in cases {
        check(bytes, &[], Some(words));
        assert!(read(bytes, How::default()).rejects[0].starts_with("1@0 Binary: the file is "));
    }
}

#[test]
fn a_bomb_does_no_harm() {
    // Half a gigabyte of one line in half a megabyte, with a line behind it.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let block = vec![b'x'; 1 << 20];
    encoder.write_all(b"{\"x\":\"").unwrap();
    for _ in 0..64 {
        encoder.write_all(&block).unwrap();
    }
    encoder.write_all(b"\n").unwrap();
    encoder.write_all(&lines(&["a"])).unwrap();
    check(&encoder.finish().unwrap(), &["a"], Some("the line has 67.1 MB"));
    assert_eq!(unzstd(&zstd(&block), 1 << 20).unwrap().len(), 1 << 20);
    assert_eq!(unzstd(&zstd(&block), (1 << 20) - 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}
