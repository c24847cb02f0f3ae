//! The thread that reads: sources in order to chunks in order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use crate::chunks::{Chunk, Limits, Piece, Position};
use crate::detect::{Pieces, Reading};
use crate::input::BufferPool;
use crate::pipeline::{Clocks, Done, FromReader};
use crate::source::{OpenSource, Prefix};
use crate::unpack::Unpacked;
use crate::{IngestOptions, Source};

/// What to read of one source.
pub(crate) struct ReadPlan {
    pub(crate) source: Source,
    /// Where to go on, of an uncompressed file that was read before; `None` reads all of it.
    pub(crate) resume: Option<Resume>,
    /// The source may be written still: what is open at its end is not there yet, and is left out.
    pub(crate) hold_open: bool,
}

impl ReadPlan {
    /// All of a source.
    pub(crate) fn whole(source: &Source) -> Self {
        Self { source: source.clone(), resume: None, hold_open: false }
    }
}

/// A place in a file, and the hash of what stands before it.
pub(crate) struct Resume {
    /// The first bytes of the file, up to the place.
    pub(crate) prefix: Prefix,
    /// Number of the line that begins there.
    pub(crate) line: u64,
}

/// How a source ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SourceEnd {
    /// Hash of the stored bytes, from the first byte of the source on.
    pub(crate) fingerprint: u64,
    /// How many bytes these are.
    pub(crate) stored_bytes: u64,
    /// Where to read on when the source has grown. `None` when that is not possible, as with all that is compressed.
    pub(crate) settled: Option<Position>,
}

/// Reads all sources and sends what they hold, until the end or until nobody listens any more.
pub(crate) fn read_all(plans: Vec<ReadPlan>, options: &IngestOptions, clocks: &Clocks, channels: &ReaderChannels) {
    let mut sequence = 0;
    for (index, plan) in plans.into_iter().enumerate() {
        let ReadPlan { source, resume, hold_open } = plan;
        let start = resume
            .as_ref()
            .map_or(Position::START, |resume| Position { byte_offset: resume.prefix.bytes(), line: resume.line });
        let counter = Arc::clone(&options.progress.bytes_read);
        let opened = match resume {
            Some(resume) => source.open_at(resume.prefix, counter),
            None => source.open(counter),
        };
        let OpenSource { unpacked, stored } = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let _closed = channels.done.send(Done::Reader(FromReader::Failed(error)));
                return;
            }
        };
        let limits = Limits::new(options.chunk_bytes, options.line_bytes_max);
        let reading = Reading { limits, start, hold_open };
        let (mut pieces, is_plain) = match unpacked {
            Unpacked::Stream { reader, is_plain } => {
                (Clocks::time(&clocks.read, || Pieces::of(reader, channels.pool.clone(), reading)), is_plain)
            }
            Unpacked::Refused(words) => (Pieces::refused(&format!("the file {words}"), start), false),
        };
        while let Some(piece) = Clocks::time(&clocks.read, || pieces.next()) {
            if options.progress.cancel.load(Ordering::Relaxed) {
                break;
            }
            let sent = match piece {
                Piece::Parts(bytes, parts) => {
                    sequence += 1;
                    channels.chunks.send(Chunk { sequence: sequence - 1, source: index, bytes, parts }).is_ok()
                }
                Piece::Obstacle(obstacle) => {
                    channels.done.send(Done::Reader(FromReader::Obstacle(index, obstacle))).is_ok()
                }
            };
            // Nobody listens any more: another thread failed and the ingest ends.
            if !sent {
                return;
            }
        }
        let end = SourceEnd {
            fingerprint: stored.fingerprint(),
            stored_bytes: stored.bytes(),
            settled: is_plain.then(|| pieces.settled()),
        };
        let _closed = channels.done.send(Done::Reader(FromReader::Ended(index, end)));
    }
    let _closed = channels.done.send(Done::Reader(FromReader::Done(sequence)));
}

/// Where the reader sends to, and where its buffers come from. Workers give them back with [`BufferPool::put`].
pub(crate) struct ReaderChannels {
    pub(crate) chunks: Sender<Chunk>,
    pub(crate) done: Sender<Done>,
    pub(crate) pool: BufferPool,
}
