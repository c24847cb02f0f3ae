//! UTF-16 to UTF-8 on the way: what a careless script on Windows writes.

use std::io::{self, Read};

/// Order of the two bytes of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    LittleEndian,
    BigEndian,
}

impl Order {
    /// The order of a text that begins like this: by its byte order mark, or because JSON begins with two ASCII characters.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            // The mark of UTF-32 begins like that of UTF-16.
            [0xff, 0xfe, 0, 0, ..] => None,
            [0xff, 0xfe, ..] | [b'{' | b'[', 0, 1..=0x7f, 0, ..] => Some(Self::LittleEndian),
            [0xfe, 0xff, ..] | [0, b'{' | b'[', 0, 1..=0x7f, 0, ..] => Some(Self::BigEndian),
            _ => None,
        }
    }
}

const BLOCK_BYTES: usize = 64 << 10;

/// A reader of UTF-16 as UTF-8. What is no text becomes U+FFFD, so that its line is rejected or its string shows it.
pub(crate) struct Utf16<R> {
    inner: R,
    order: Order,
    /// Bytes read and not yet decoded.
    raw: Vec<u8>,
    /// Text not yet handed on.
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Utf16<R> {
    pub(crate) fn new(inner: R, order: Order) -> Self {
        Self { inner, order, raw: Vec::new(), text: Vec::new(), at: 0, ended: false }
    }

    fn decode_block(&mut self) -> io::Result<()> {
        let before = self.raw.len();
        self.raw.resize(BLOCK_BYTES, 0);
        let read = self.inner.read(&mut self.raw[before..]);
        self.raw.truncate(before + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        let mut units: Vec<u16> = self
            .raw
            .chunks_exact(2)
            .map(|pair| match self.order {
                Order::LittleEndian => u16::from_le_bytes([pair[0], pair[1]]),
                Order::BigEndian => u16::from_be_bytes([pair[0], pair[1]]),
            })
            .collect();
        // The first half of a pair waits for the second; half a unit for the other half.
        let waits = !self.ended && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        if waits {
            units.pop();
        }
        self.raw.drain(..units.len() * 2);
        if self.ended && !self.raw.is_empty() {
            units.push(0xfffd);
            self.raw.clear();
        }
        let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.text = text.into_bytes();
        self.at = 0;
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.ended {
            self.decode_block()?;
        }
        let rest = &self.text[self.at..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_with_and_without_a_mark_cut_anywhere() {
        struct Bytewise(Vec<u8>, usize);
        impl Read for Bytewise {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let Some(byte) = self.0.get(self.1) else { return Ok(0) };
                buffer[0] = *byte;
                self.1 += 1;
                Ok(1)
            }
        }
        let text = "{\"name\":\"héllo 🎉\"}\r\n".repeat(3);
        for mark in ["", "\u{feff}"] {
            for order in [Order::LittleEndian, Order::BigEndian] {
                let bytes: Vec<u8> = format!("{mark}{text}")
                    .encode_utf16()
                    .flat_map(|unit| match order {
                        Order::LittleEndian => unit.to_le_bytes(),
                        Order::BigEndian => unit.to_be_bytes(),
                    })
                    .collect();
                assert_eq!(Order::of(&bytes), Some(order));
                let mut read = String::new();
                Utf16::new(Bytewise(bytes.clone(), 0), order).read_to_string(&mut read).unwrap();
                assert_eq!(read, format!("{mark}{text}"));
                let mut odd = String::new();
                Utf16::new(&bytes[..bytes.len() - 1], order).read_to_string(&mut odd).unwrap();
                assert!(odd.ends_with("\r\u{fffd}"), "{odd:?}");
            }
        }
        assert_eq!(Order::of(b"{\"a\":1}"), None);
        assert_eq!(Order::of(b"\xff\xfe\0\0"), None);
    }
}
