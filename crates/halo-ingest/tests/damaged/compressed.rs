//! gzip and zstd: cut, damaged, one after another, one in another, and under other names.

use halo_ingest::RejectKind::{self, BrokenStream, NotJson};

use crate::make::{good, gzip, lines, zstd};
use crate::{Case, case, check, gives};

fn two() -> String {
    lines(&[&good(1), &good(2)])
}

/// Line 3 is lost, with what the stream still had or with bytes behind its end.
fn broken(name: &str, bytes: Vec<u8>) -> Case {
    case(name, bytes, gives(&[1, 2]).reject(3, BrokenStream))
}

fn whole(name: &str, bytes: Vec<u8>) -> Case {
    case(name, bytes, gives(&[1, 2]))
}

#[test]
fn members_after_one_another() {
    let (text, a, b) = (two(), good(1) + "\n", good(2) + "\n");
    let (half, other_half) = text.split_at(300);
    check(&[
        whole("two members of gzip", [gzip(a.as_bytes()), gzip(b.as_bytes())].concat()),
        whole("a member that ends within a line", [gzip(half.as_bytes()), gzip(other_half.as_bytes())].concat()),
        whole("two frames of zstd", [zstd(half.as_bytes()), zstd(other_half.as_bytes())].concat()),
        whole("zeros behind gzip", [gzip(text.as_bytes()), vec![0; 3000]].concat()),
        whole("zeros between members", [gzip(a.as_bytes()), vec![0; 512], gzip(b.as_bytes())].concat()),
        whole("zeros between frames of zstd", [zstd(a.as_bytes()), vec![0; 512], zstd(b.as_bytes())].concat()),
        whole("an empty member between", [gzip(a.as_bytes()), gzip(b""), gzip(b.as_bytes())].concat()),
        whole(
            "a frame to be skipped before",
            [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &zstd(text.as_bytes())[..]].concat(),
        ),
        broken("words behind gzip", [&gzip(text.as_bytes())[..], b"and more"].concat()),
        broken("lines behind gzip that are not compressed", [&gzip(text.as_bytes())[..], good(3).as_bytes()].concat()),
        broken("words behind zstd", [&zstd(text.as_bytes())[..], b"and more"].concat()),
        broken("the beginning of a member behind gzip", [&gzip(text.as_bytes())[..], &gzip(b"abc")[..6]].concat()),
        broken("the first byte of a member behind gzip", [&gzip(text.as_bytes())[..], &[0x1f]].concat()),
        broken("the beginning of a frame behind zstd", [&zstd(text.as_bytes())[..], &zstd(b"abc")[..6]].concat()),
        broken("gzip behind zstd", [zstd(text.as_bytes()), gzip(b"abc")].concat()),
        broken("zstd behind gzip", [gzip(text.as_bytes()), zstd(b"abc")].concat()),
    ]);
}

#[test]
fn one_in_another() {
    let text = two();
    check(&[
        whole("gzip in zstd", zstd(&gzip(text.as_bytes()))),
        whole("zstd in gzip", gzip(&zstd(text.as_bytes()))),
        whole("gzip twice, as a proxy makes it", gzip(&gzip(text.as_bytes()))),
        whole("three times", gzip(&zstd(&gzip(text.as_bytes())))),
        broken("words behind the gzip in zstd", zstd(&[&gzip(text.as_bytes())[..], b"more"].concat())),
        case("text that only says that it is compressed", text.replace("chät", "x.gz"), gives(&[1, 2])),
    ]);
}

#[test]
fn cut_and_damaged() {
    let text = two();
    let (packed, framed) = (gzip(text.as_bytes()), zstd(text.as_bytes()));
    let nothing = |name: &str, bytes: &[u8]| case(name, bytes, gives(&[]).reject(1, BrokenStream));
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    check(&[
        nothing("gzip, the first two bytes", &packed[..2]),
        nothing("gzip, half a header", &packed[..7]),
        nothing("gzip, a header", &packed[..10]),
        nothing("zstd, the first four bytes", &framed[..4]),
        nothing("zstd, a header", &framed[..6]),
        // All data is there; what is missing is its proof.
        broken("gzip without its sum", packed[..packed.len() - 8].to_vec()),
        broken("gzip without its length", packed[..packed.len() - 4].to_vec()),
        broken("gzip without its last byte", packed[..packed.len() - 1].to_vec()),
        broken("gzip with another sum", flip(&packed, packed.len() - 7)),
        broken("gzip with another length", flip(&packed, packed.len() - 2)),
        nothing("gzip of an unknown method", &flip(&packed, 2)),
        case("one byte that begins a member", [0x1f], gives(&[]).reject(1, NotJson)),
        // zstd hands on a block when it has proved it, and this is the last.
        nothing("zstd with another sum", &flip(&framed, framed.len() - 2)),
    ]);
}

/// Wherever a stream is cut, the whole lines before the cut are there, and there is one reject for the rest.
#[test]
fn cut_anywhere() {
    let text: String = (1..=300).map(|id| good(id) + "\n").collect();
    let unpacked_lines = |bytes: &[u8], kind: RejectKind| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.jsonl");
        std::fs::write(&file, bytes).unwrap();
        let root = folder.path().join("ds");
        let report = crate::ingest_one(&file.display().to_string(), &root, &crate::options(1, 1 << 16)).unwrap();
        let (came, _) = crate::outcome(&report, &root);
        let ids: Vec<u64> = (1..=came.spans.len() as u64).collect();
        assert_eq!(came, gives(&ids).reject(ids.len() as u64 + 1, kind));
        ids.len()
    };
    for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let spans: Vec<usize> =
            (1..8).map(|eighth| unpacked_lines(&packed[..packed.len() * eighth / 8], BrokenStream)).collect();
        assert!(spans.is_sorted() && spans[6] < 300, "{spans:?}");
    }
    assert!(unpacked_lines(&gzip(text.as_bytes())[..gzip(text.as_bytes()).len() * 7 / 8], BrokenStream) > 100);
}
