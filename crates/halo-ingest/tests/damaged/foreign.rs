//! Files of other formats: refused in one line that says what helps.

use crate::make::{good, gzip, zstd};
use crate::{case, check, check_refused, gives};

#[test]
fn refused_by_their_first_bytes() {
    let tar = {
        let mut header = vec![0; 512];
        header[..7].copy_from_slice(b"t.jsonl");
        header[257..262].copy_from_slice(b"ustar");
        [header, good(1).into_bytes()].concat()
    };
    let head = |bytes: &[u8]| [bytes, &[7, 0, 200, 13, 10].repeat(200)].concat();
    check_refused(&[
        ("zip", head(b"PK\x03\x04"), "zip archive"),
        ("an empty zip", head(b"PK\x05\x06"), "zip archive"),
        ("tar", tar.clone(), "tar archive"),
        ("tar in gzip", gzip(&tar), "tar archive"),
        ("bzip2", head(b"BZh9"), "bzip2"),
        ("xz", head(b"\xfd7zXZ\0"), "xz"),
        ("7z", head(b"7z\xbc\xaf\x27\x1c"), "7z"),
        ("lz4", head(b"\x04\x22\x4d\x18"), "lz4"),
        ("snappy", head(b"\xff\x06\0\0sNaPpY"), "snappy"),
        ("compress", head(b"\x1f\x9d"), "compress"),
        ("Parquet", head(b"PAR1"), "Parquet"),
        ("Arrow", head(b"ARROW1\0\0"), "Arrow"),
        ("Avro", head(b"Obj\x01"), "Avro"),
        ("SQLite", head(b"SQLite format 3\0"), "SQLite"),
        ("PDF", head(b"%PDF-1.7\n"), "PDF"),
        ("PNG", head(b"\x89PNG\r\n\x1a\n"), "picture"),
        ("a page of error", b"<!DOCTYPE html><html><body>403 Forbidden</body></html>".to_vec(), "HTML"),
        ("a page of error behind blanks", b"\r\n\r\n  <html>\n".to_vec(), "HTML"),
        ("XML of a bucket", b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".to_vec(), "HTML or XML"),
        (
            "a pointer of Git LFS",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n".to_vec(),
            "git lfs pull",
        ),
        ("a program", head(b"\x7fELF\x02\x01\x01\0"), "binary"),
        ("random bytes", (0..5000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect(), "binary"),
        ("gzip four times over", (0..4).fold(good(1).into_bytes(), |bytes, _| gzip(&bytes)), "more than 3 times"),
    ]);
}

#[test]
fn with_nothing_in_them() {
    check(&[
        case("no bytes", "", gives(&[])),
        case("no bytes in gzip", gzip(b""), gives(&[])),
        case("no bytes in zstd", zstd(b""), gives(&[])),
        case("a blank", " ", gives(&[]).blanks(1)),
        case("a line feed", "\n", gives(&[]).blanks(1)),
        case("line feeds", "\n\n\n", gives(&[]).blanks(3)),
        case("blanks and line ends", " \r\n\t\r\n", gives(&[]).blanks(2)),
    ]);
}
