//! Fixtures with their bytes changed, for the fuzz targets: shared by the test, which runs some, and the example, which runs a million.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

use std::path::Path;

use halo_ingest::fuzzing::TARGETS;

/// A generator of SplitMix64: the same run each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below.max(1) as u64).unwrap()
    }
}

/// What every parser finds interesting.
const WORDS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"null",
    b"1e999",
    b"-0",
    b"\0",
    b"\0\0\0\0",
    b"\x0a",
    b"\xff\xff\xff\xff",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\"resourceSpans\":[",
    b"\"spans\":",
    b"\x1a",
    b"{\"role\":\"user\",\"content\":\"x\"}",
    b"[{\"role\":\"user\"}]",
    b"2026-05-01T08:00:00Z",
    b"1777622400000.5",
    b"AAAAAAAAAKs=",
];

/// Changes some bytes: turned over, cut out, doubled, or words put in.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.roll(6) {
        let at = dice.roll(bytes.len());
        let end = (at + dice.roll(40)).min(bytes.len());
        match dice.roll(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let copy = bytes[at..end].to_vec();
                let to = dice.roll(bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            3 => bytes.truncate(at.max(1)),
            4 => {
                drop(bytes.splice(
                    at..at,
                    (0..dice.roll(8)).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect::<Vec<_>>(),
                ))
            }
            _ => drop(bytes.splice(at..at, WORDS[dice.roll(WORDS.len())].iter().copied())),
        }
    }
}

/// Pieces of the fixtures, and what has no fixture.
fn seeds() -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut seeds = Vec::new();
    for name in ["small.jsonl", "small.otlp.jsonl", "small.genai.otlp.jsonl"] {
        let text = std::fs::read(fixtures.join(name)).unwrap();
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        seeds.extend(lines.iter().map(|line| line.to_vec()).filter(|line| line.len() < 4000));
        seeds.push(lines[..2].concat());
        seeds.push(zstd::encode_all(lines[0], 1).unwrap());
    }
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()][..], bytes].concat();
    let span = [
        field(1, &[7; 16]),
        field(2, &[8; 8]),
        field(5, b"n"),
        field(9, &[field(1, b"a"), field(2, &field(1, b"b"))].concat()),
    ];
    let message = field(1, &field(2, &field(2, &span.concat())));
    let frame = [&[0, 0, 0, u8::try_from(message.len()).unwrap()][..], &message].concat();
    seeds.extend([message.clone(), frame.repeat(3), [&[9, 0][..], &frame.repeat(3)].concat()]);
    seeds.extend(
        [
            "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}]",
            "{\"messages\":[{\"role\":\"x\"}]}",
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    seeds.extend(WORDS.iter().map(|word| word.to_vec()));
    seeds.push(Vec::new());
    seeds
}

/// Runs targets on so many changed seeds each, and fails on the first that does not hold.
pub(crate) fn run(cases: usize, only: Option<&str>) {
    let seeds = seeds();
    for (name, target) in TARGETS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        let mut dice = Dice(20_260_501);
        for case in 0..cases {
            let mut bytes = seeds[dice.roll(seeds.len())].clone();
            mutate(&mut bytes, &mut dice);
            if let Err(words) = target(&bytes) {
                panic!("{name}, case {case}: {words}\n{:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}
