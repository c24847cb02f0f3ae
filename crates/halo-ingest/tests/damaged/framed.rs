//! Protobuf behind lengths of four bytes, of a varint, and without any; compressed as a whole or message by message; damaged anywhere.

use halo_ingest::RejectKind::{BadField, BrokenStream, CutJson, TooLong};

use crate::make::{field, frame, gzip, otlp_of, proto, proto_span, varint, zstd};
use crate::{case, check, gives, ingest_one, options};

/// Messages 1 and 3 with something between.
fn among(between: &[u8]) -> Vec<u8> {
    [&frame(&proto(&[1])), between, &frame(&proto(&[3]))].concat()
}

#[test]
fn lengths() {
    let message = proto(&[2]);
    let with_length = |length: u32| among(&[&length.to_be_bytes(), &message[..]].concat());
    let length = u32::try_from(message.len()).unwrap();
    let whole = among(&frame(&message));
    let lost = |name: &str, bytes: Vec<u8>| case(name, bytes, gives(&[1, 3]).reject(2, BrokenStream));
    check(&[
        case("whole", whole.clone(), gives(&[1, 2, 3])),
        case("cut in a length", &whole[..whole.len() - proto(&[3]).len() - 2], gives(&[1, 2]).reject(3, CutJson)),
        case("cut behind a length", &whole[..whole.len() - proto(&[3]).len()], gives(&[1, 2]).reject(3, CutJson)),
        case("cut in a message", &whole[..whole.len() - 20], gives(&[1, 2]).reject(3, CutJson)),
        case("without the last byte", &whole[..whole.len() - 1], gives(&[1, 2]).reject(3, CutJson)),
        lost("a length that is absurd", with_length(u32::MAX)),
        lost("a length of 2 GB", with_length(i32::MAX.cast_unsigned())),
        lost("a length that is one too many", with_length(length + 1)),
        lost("a length that is one too few", with_length(length - 1)),
        lost("a length in the other order", with_length(length.swap_bytes())),
        // A length of zero is a message of nothing: a blank. What follows it is no length.
        case("a length of zero before a message", with_length(0), gives(&[1, 3]).blanks(1).reject(3, BrokenStream)),
        case("a message of nothing", among(&frame(b"")), gives(&[1, 3]).blanks(1)),
        case("many messages of nothing", among(&[0; 400]), gives(&[1, 3]).blanks(1)),
        case("zeros at the end", [&whole[..], &[0; 1001]].concat(), gives(&[1, 2, 3]).blanks(1)),
        case("zeros at the beginning", [&[0; 400], &whole[..]].concat(), gives(&[1, 2, 3]).blanks(1)),
        // It is still a message, of another text; the first byte of the next length is taken for its last, and so the next one is lost.
        case(
            "a message that lost a byte",
            among(&[&frame(&message)[..100], &frame(&message)[101..]].concat()),
            gives(&[1, 2]).reject(3, BrokenStream),
        ),
        case(
            "a byte too many between two messages",
            among(&[&frame(&message)[..], b"x"].concat()),
            gives(&[1, 2, 3]).reject(3, BrokenStream),
        ),
        lost("a message without its length", among(&message)),
        lost("text between", among(b"2026-05-01 08:00:00 ERROR connection lost\n")),
        lost("a line of JSON without a length between", among(format!("{}\n", otlp_of(&[2])).as_bytes())),
        case("a line of JSON with a length between", among(&frame(otlp_of(&[2]).as_bytes())), gives(&[1, 2, 3])),
        case(
            "a cut line of JSON with a length between",
            among(&frame(&otlp_of(&[2]).as_bytes()[..150])),
            gives(&[1, 3]).reject(2, CutJson),
        ),
        case(
            "a message over the limit",
            among(&frame(&field(1, &field(2, &[field(2, &proto_span(2)), field(3, &[b'x'; 1_200_000])].concat())))),
            gives(&[1, 3]).reject(2, TooLong),
        ),
    ]);
}

#[test]
fn messages() {
    // The frame and the lists around the spans are whole, and a span is not what it should be.
    let of = |span: &[u8]| among(&frame(&field(1, &field(2, &[field(2, &proto_span(2)), field(2, span)].concat()))));
    let taken = |name: &str, span: &[u8]| {
        case(name, of(&[&proto_span(4)[..], span].concat()), gives(&[1, 2, 3, 4]).span_lines(3))
    };
    let bad = |name: &str, span: &[u8]| case(name, of(span), gives(&[1, 3]).reject(2, BadField));
    let no_id = |name: &str, span: &[u8]| {
        case(name, of(span), gives(&[1, 2, 3]).span_lines(3).span_reject(2, halo_ingest::RejectKind::MissingId))
    };
    check(&[
        no_id("a span of nothing", b""),
        no_id("a span without a trace", &field(2, &[4; 8])),
        no_id("a span of zeros", &[field(1, &[0; 16]), field(2, &[0; 8])].concat()),
        taken("a field nobody knows", &[0xa2, 1, 3, 1, 2, 3]),
        taken("a group nobody knows", &[0xa3, 1, 0xa4, 1]),
        taken("text that is no UTF-8", &field(5, b"\xff\xfe")),
        taken("attributes of nothing", &field(9, b"")),
        bad("a field of another type", &[1 << 3, 5]),
        bad("a field with the number 0", &field(0, b"a")),
        bad("a field that is longer than its message", &[1 << 3 | 2, 100, 1]),
        bad("a group without its end", &[0xa3, 1]),
        bad("a type that is none", &[0xa7, 1]),
        bad("a number without an end", &[6 << 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]),
        bad(
            "200 levels of values",
            &field(
                9,
                &[field(1, b"a"), (0..200).fold(Vec::new(), |inner, _| field(2, &field(5, &field(1, &inner))))]
                    .concat(),
            ),
        ),
        case("no spans", among(&frame(&field(1, b""))), gives(&[1, 3]).others(1)),
    ]);
}

#[test]
fn other_framings() {
    let delimited = |ids: &[u64]| [varint(proto(ids).len() as u64), proto(ids)].concat();
    let three: Vec<u8> = [1, 2, 3].iter().flat_map(|id| delimited(&[*id])).collect();
    let bare: Vec<u8> = [1, 2, 3].iter().flat_map(|id| proto(&[*id])).collect();
    let frames = among(&frame(&proto(&[2])));
    let packed = |id: u64| frame(&zstd(&proto(&[id])));
    let damaged = |at: usize| {
        let mut message = zstd(&proto(&[2]));
        let at = at.min(message.len() - 1);
        message[at] ^= 0xff;
        [packed(1), frame(&message), packed(3)].concat()
    };
    let broken = |name: &str, bytes| case(name, bytes, gives(&[1, 3]).reject(2, BrokenStream));
    check(&[
        case("varints", three.clone(), gives(&[1, 2, 3])),
        case("varints, cut", &three[..three.len() - 9], gives(&[1, 2]).reject(3, CutJson)),
        // A length far beyond the file; there is no telling where the next message begins.
        case(
            "varints, one of them wrong",
            [delimited(&[1]), vec![255; 9], delimited(&[3])].concat(),
            gives(&[1]).reject(2, BrokenStream),
        ),
        case("one message without a length", bare.clone(), gives(&[1, 2, 3])),
        case("one message without a length, cut", &bare[..bare.len() - 9], gives(&[1, 2]).reject(3, CutJson)),
        case("frames in gzip", gzip(&frames), gives(&[1, 2, 3])),
        case("frames in gzip, cut", gzip(&frames)[..40].to_vec(), gives(&[]).reject(1, BrokenStream)),
        case(
            "frames in zstd with words behind",
            [&zstd(&frames)[..], b"more"].concat(),
            gives(&[1, 2, 3]).reject(4, BrokenStream),
        ),
        case("each message in zstd", [packed(1), packed(2), packed(3)].concat(), gives(&[1, 2, 3])),
        broken("a message in zstd with another sum", damaged(usize::MAX)),
        broken("a message in zstd with a damaged header", damaged(5)),
        broken("a message that is said to be zstd and is not", damaged(1)),
        broken("a message in zstd that is cut", [packed(1), frame(&zstd(&proto(&[2]))[..30]), packed(3)].concat()),
        case(
            "a message in zstd that unpacks to more than the limit",
            [packed(1), frame(&zstd(&vec![0; 3 << 20])), packed(3)].concat(),
            gives(&[1, 3]).reject(2, TooLong),
        ),
        case(
            "messages in zstd and plain ones",
            [packed(1), frame(&proto(&[2])), packed(3)].concat(),
            gives(&[1, 2, 3]),
        ),
    ]);
}

/// A bit turned over anywhere in a message costs that message at most.
#[test]
fn every_bit_of_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let whole = among(&frame(&proto(&[2])));
    let first = frame(&proto(&[1])).len();
    for bit in (0..frame(&proto(&[2])).len() * 8).step_by(13) {
        let mut bytes = whole.clone();
        bytes[first + bit / 8] ^= 1 << (bit % 8);
        std::fs::write(folder.path().join(format!("{bit}.pb")), bytes).unwrap();
    }
    let report =
        ingest_one(&folder.path().display().to_string(), &folder.path().join("ds"), &options(2, 1 << 16)).unwrap();
    assert!(report.sources.len() > 100);
    for source in &report.sources {
        let taken = source.spans + source.duplicates;
        assert!((2..=3).contains(&taken) && taken + source.rejects + source.counts.other_lines == 3, "{source:?}");
    }
}
