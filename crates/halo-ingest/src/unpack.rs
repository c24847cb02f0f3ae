//! Compressed streams by their first bytes: gzip and zstd, several members, one inside another; other archives are refused with a word of help.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder, Operation as _};

use crate::utf16::{Order, Utf16};

/// How often a stream may be compressed over again.
const LEVELS_MAX: usize = 3;
/// Bytes that are looked at to tell what a stream is.
const HEAD_BYTES: usize = 1024;
const BUFFER_BYTES: usize = 256 << 10;
/// Largest window of a zstd frame, as a power of two: what `zstd --long` makes. The decoder allocates the window that a frame asks for.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// A stream without its compression.
pub(crate) enum Unpacked {
    /// The bytes, and whether they are those of the source itself.
    Stream { reader: Box<dyn Read + Send>, is_plain: bool },
    /// What cannot be read, and what to do about it.
    Refused(String),
}

/// Takes the compression off a stream.
pub(crate) fn unpack(stored: impl Read + Send + 'static) -> Unpacked {
    let mut reader: Box<dyn Read + Send> = Box::new(stored);
    for level in 0..=LEVELS_MAX {
        let peeked = Peeked::new(reader);
        let head = peeked.head.as_slice();
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        if !is_gzip && !is_zstd(head) {
            if let Some(words) = refusal(head) {
                return Unpacked::Refused(words);
            }
            return match Order::of(head) {
                Some(order) => Unpacked::Stream { reader: Box::new(Utf16::new(peeked, order)), is_plain: false },
                None => Unpacked::Stream { reader: Box::new(peeked), is_plain: level == 0 },
            };
        }
        let buffered = BufReader::with_capacity(BUFFER_BYTES, peeked);
        reader = if is_gzip {
            Box::new(Gzip::Between(buffered))
        } else {
            match Zstd::new(buffered) {
                Ok(zstd) => Box::new(zstd),
                Err(error) => return Unpacked::Refused(format!("cannot be decompressed: {error}")),
            }
        };
    }
    Unpacked::Refused(format!("is compressed more than {LEVELS_MAX} times over: unpack it first"))
}

/// A frame of data, or a frame that says nothing and is skipped.
fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || (head.len() >= 8 && (0x50..=0x5f).contains(&head[0]) && head[1..4] == [0x2a, 0x4d, 0x18])
}

/// Formats that are told by their first bytes and not read: what it is, and the command that helps.
const REFUSED: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "is a zip archive: unpack it first, e.g. `unzip -p FILE | halo ingest -`"),
    (b"PK\x05\x06", "is an empty zip archive"),
    (b"BZh", "is compressed with bzip2: unpack it first, e.g. `bzcat FILE | halo ingest -`"),
    (b"\xfd7zXZ\0", "is compressed with xz: unpack it first, e.g. `xzcat FILE | halo ingest -`"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first, e.g. `7z x -so FILE | halo ingest -`"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4: unpack it first, e.g. `lz4cat FILE | halo ingest -`"),
    (b"\xff\x06\0\0sNaPpY", "is compressed with snappy: unpack it first"),
    (b"\x1f\x9d", "is compressed with compress: unpack it first, e.g. `zcat FILE | halo ingest -`"),
    (b"LZIP", "is compressed with lzip: unpack it first"),
    (b"Rar!\x1a\x07", "is a rar archive: unpack it first"),
    (b"PAR1", "is a Parquet file: ask it with `halo sql` if it belongs to a dataset, or write it as JSON lines first"),
    (b"ARROW1", "is an Arrow file: write it as JSON lines first"),
    (b"Obj\x01", "is an Avro file: write it as JSON lines first"),
    (b"ORC", "is an ORC file: write it as JSON lines first"),
    (b"SQLite format 3\0", "is a SQLite database: write its spans as JSON lines first"),
    (b"%PDF-", "is a PDF document"),
    (b"\x89PNG\r\n", "is a picture"),
    (b"version https://git-lfs", "is a Git LFS pointer: get the file itself with `git lfs pull`"),
];

/// Why a stream that begins like this is not read.
fn refusal(head: &[u8]) -> Option<String> {
    let known = REFUSED.iter().find(|(magic, _)| head.starts_with(magic));
    if let Some((_, words)) = known {
        return Some((*words).to_owned());
    }
    if head.get(257..262).is_some_and(|magic| magic == b"ustar") {
        return Some("is a tar archive: unpack it first, e.g. `tar xOf FILE | halo ingest -`".to_owned());
    }
    if is_utf32(head) {
        return Some(
            "is text in UTF-32: convert it first, e.g. `iconv -f UTF-32 -t UTF-8 FILE | halo ingest -`".to_owned(),
        );
    }
    let start = head.trim_ascii_start();
    let begins_with = |tag: &[u8]| start.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
    if begins_with(b"<!doctype") || begins_with(b"<html") || begins_with(b"<?xml") {
        return Some("is a page of HTML or XML, not traces: was the download refused?".to_owned());
    }
    None
}

/// Whether this is text of four bytes a character: by its byte order mark, or because JSON begins with two ASCII characters.
fn is_utf32(head: &[u8]) -> bool {
    matches!(
        head,
        [0xff, 0xfe, 0, 0, ..]
            | [0, 0, 0xfe, 0xff, ..]
            | [b'{' | b'[', 0, 0, 0, 1..=0x7f, 0, 0, 0, ..]
            | [0, 0, 0, b'{' | b'[', 0, 0, 0, 1..=0x7f, ..]
    )
}

/// A stream whose beginning was looked at.
struct Peeked {
    head: Vec<u8>,
    at: usize,
    inner: Box<dyn Read + Send>,
    /// An error that came while looking; it belongs after the head.
    error: Option<io::Error>,
}

impl Peeked {
    fn new(mut inner: Box<dyn Read + Send>) -> Self {
        let mut head = vec![0; HEAD_BYTES];
        let (mut filled, mut error) = (0, None);
        while filled < head.len() {
            match inner.read(&mut head[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(broken) if broken.kind() == io::ErrorKind::Interrupted => {}
                Err(broken) => {
                    error = Some(broken);
                    break;
                }
            }
        }
        head.truncate(filled);
        Self { head, at: 0, inner, error }
    }
}

impl Read for Peeked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.head[self.at..];
        if rest.is_empty() {
            return match self.error.take() {
                Some(error) => Err(error),
                None => self.inner.read(buffer),
            };
        }
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

/// Bytes that follow the end of the compressed data. All data before them is there.
#[derive(Debug)]
pub(crate) struct AfterEnd(&'static str);

impl fmt::Display for AfterEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "after the end of the {} data come other bytes, which were not read", self.0)
    }
}

impl std::error::Error for AfterEnd {}

/// What comes between two members.
enum Between {
    Member,
    End,
}

/// Looks for the next member. Zeros are padding.
fn next_member(reader: &mut impl BufRead, format: &'static str, begins: fn(u8) -> bool) -> io::Result<Between> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(Between::End);
        }
        match bytes.iter().position(|byte| *byte != 0) {
            None => {
                let padding = bytes.len();
                reader.consume(padding);
            }
            Some(at) if begins(bytes[at]) => {
                reader.consume(at);
                return Ok(Between::Member);
            }
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, AfterEnd(format))),
        }
    }
}

/// Members of gzip after one another.
enum Gzip<R> {
    Between(R),
    Member(Box<GzDecoder<R>>),
    Done,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::Done) {
                Self::Between(mut reader) => match next_member(&mut reader, "gzip", |byte| byte == 0x1f)? {
                    Between::Member => *self = Self::Member(Box::new(GzDecoder::new(reader))),
                    Between::End => return Ok(0),
                },
                Self::Member(mut decoder) => {
                    let read = decoder.read(buffer).map_err(gzip_error)?;
                    if read > 0 || buffer.is_empty() {
                        *self = Self::Member(decoder);
                        return Ok(read);
                    }
                    *self = Self::Between(decoder.into_inner());
                }
                Self::Done => return Ok(0),
            }
        }
    }
}

/// An error that is told in words of ours.
#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

fn told(kind: io::ErrorKind, words: impl Into<String>) -> io::Error {
    io::Error::new(kind, Told(words.into()))
}

/// Errors in words. Those of the stream below, which has words of its own, stay as they are.
fn gzip_error(error: io::Error) -> io::Error {
    let is_from_below = error.get_ref().is_some_and(|inner| inner.is::<Told>() || inner.is::<AfterEnd>());
    match error.kind() {
        _ if is_from_below || error.raw_os_error().is_some() => error,
        io::ErrorKind::Interrupted => error,
        kind @ io::ErrorKind::UnexpectedEof => told(kind, "the gzip data ends early"),
        kind => told(kind, format!("the gzip data is damaged ({error})")),
    }
}

/// Frames of zstd after one another.
struct Zstd<R> {
    inner: R,
    decoder: Decoder<'static>,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(inner: R) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        Ok(Self { inner, decoder, in_frame: false })
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                match next_member(&mut self.inner, "zstd", |byte| byte == 0x28 || (0x50..=0x5f).contains(&byte))? {
                    Between::Member => self.in_frame = true,
                    Between::End => return Ok(0),
                }
            }
            let input = self.inner.fill_buf()?;
            let at_end = input.is_empty();
            let status = self.decoder.run_on_buffers(input, buffer).map_err(|error| zstd_error(&error))?;
            self.inner.consume(status.bytes_read);
            if status.remaining == 0 {
                self.in_frame = false;
                self.decoder.reinit()?;
            }
            if status.bytes_written > 0 || buffer.is_empty() {
                return Ok(status.bytes_written);
            }
            if at_end && self.in_frame {
                return Err(told(io::ErrorKind::UnexpectedEof, "the zstd data ends early"));
            }
        }
    }
}

fn zstd_error(error: &io::Error) -> io::Error {
    let words = error.to_string();
    let explained = if words.contains("too much memory") {
        let megabytes = 1 << (ZSTD_WINDOW_LOG_MAX - 20);
        format!(
            "the zstd data needs a window over {megabytes} MB, as `zstd --long=28` and above make: \
             recompress it with `zstd -dc --long=31 FILE | zstd`"
        )
    } else if words.contains("Dictionary") {
        "the zstd data needs the dictionary it was made with: unpack it first with `zstd -d -D DICTIONARY`".to_owned()
    } else {
        format!("the zstd data is damaged ({words})")
    };
    told(io::ErrorKind::InvalidData, explained)
}

/// Decompresses one zstd message of which no more than `limit` bytes are wanted.
pub(crate) fn unzstd(packed: &[u8], limit: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let wanted = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    Zstd::new(packed)?.take(wanted).read_to_end(&mut out)?;
    if out.len() > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "over the limit when unpacked"));
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
