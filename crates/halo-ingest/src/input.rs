//! The buffer between a stream and whoever cuts it into pieces. Buffers come from a pool and go back to it: they are zeroed once, not each time.

use std::io::Read;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::unpack::AfterEnd;

/// Bytes of one read: small enough that what was read is still in the cache when it is hashed and searched.
pub(crate) const READ_BYTES: usize = 1 << 20;

/// Buffers for chunks that were used before. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct BufferPool {
    buffer_bytes: usize,
    sender: Sender<Vec<u8>>,
    receiver: Receiver<Vec<u8>>,
}

impl BufferPool {
    /// A pool that keeps up to `kept` buffers of this size.
    pub(crate) fn new(buffer_bytes: usize, kept: usize) -> Self {
        let (sender, receiver) = bounded(kept);
        Self { buffer_bytes, sender, receiver }
    }

    fn get(&self) -> Vec<u8> {
        self.receiver.try_recv().unwrap_or_else(|_| vec![0; self.buffer_bytes])
    }

    /// Takes back the bytes of a chunk. One that had to grow is not kept.
    pub(crate) fn put(&self, buffer: Vec<u8>) {
        if buffer.len() == self.buffer_bytes {
            let _full = self.sender.try_send(buffer);
        }
    }
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// Where it should.
    Whole,
    /// Somewhere in its data.
    Broken(String),
    /// All data is there, and something else follows that is none.
    Trailing(String),
}

/// A stream and what was read of it and not yet handed on.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    pool: BufferPool,
    buffer: Vec<u8>,
    filled: usize,
    offset: u64,
    end: Option<StreamEnd>,
}

impl Input {
    /// `offset` is where the stream stands in its source.
    pub(crate) fn new(reader: Box<dyn Read + Send>, pool: BufferPool, offset: u64) -> Self {
        let buffer = pool.get();
        Self { reader, pool, buffer, filled: 0, offset, end: None }
    }

    /// What is there.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// Offset of the first of these bytes in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How the stream ended, once all of it is there.
    pub(crate) fn end(&self) -> Option<&StreamEnd> {
        self.end.as_ref()
    }

    /// Whether nothing more comes.
    pub(crate) fn is_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Reads until this many bytes are there, or the stream ends.
    pub(crate) fn read_to(&mut self, wanted: usize) {
        if self.buffer.len() < wanted && self.end.is_none() {
            self.buffer.resize(wanted, 0);
        }
        while self.filled < wanted && self.end.is_none() {
            let to = wanted.min(self.filled + READ_BYTES);
            match self.reader.read(&mut self.buffer[self.filled..to]) {
                Ok(0) => self.end = Some(StreamEnd::Whole),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let is_trailing =
                        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<AfterEnd>);
                    let words = error.to_string();
                    self.end = Some(if is_trailing { StreamEnd::Trailing(words) } else { StreamEnd::Broken(words) });
                }
            }
        }
    }

    /// Hands over the buffer, of which the first `used` bytes are the caller's; the others stay here.
    pub(crate) fn take(&mut self, used: usize) -> Vec<u8> {
        let mut next = self.pool.get();
        let rest = &self.buffer[used..self.filled];
        if next.len() < rest.len() {
            next.resize(rest.len(), 0);
        }
        next[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
        self.offset += used as u64;
        std::mem::replace(&mut self.buffer, next)
    }

    /// Drops the first `used` bytes.
    pub(crate) fn discard(&mut self, used: usize) {
        self.buffer.copy_within(used..self.filled, 0);
        self.filled -= used;
        self.offset += used as u64;
    }
}

#[cfg(test)]
impl Input {
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}
