//! Files whose header gives the length of the rest, plain or gzipped.

use std::{
    io::{BufRead, ErrorKind, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::{at_byte, unreadable};
use crate::{Error, Result};

/// How far gzip can compress: deflate needs at least 2 bits for 258 bytes.
const EXPANSION: u64 = 1032;

/// A file read from front to end, whose header is trusted only as far as the file's length allows.
pub(super) struct Source<'a, R> {
    path: &'a Path,
    content: Content<R>,
    /// The number of bytes of the content read so far.
    pub at: u64,
    /// The longest content that a file of this length can have.
    longest: u64,
}

enum Content<R> {
    Plain(R),
    Gzip(Box<MultiGzDecoder<R>>),
}

impl<R: BufRead> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(stream) => stream.read(buffer),
        }
    }
}

impl<'a, R: BufRead> Source<'a, R> {
    /// The content of `file`, whose length is `length`; unpacked if it starts like gzip.
    pub fn new(path: &'a Path, mut file: R, length: u64) -> Result<Self> {
        let gzip = file.fill_buf().map_err(|e| unreadable(path, e))?.starts_with(&[0x1f, 0x8b]);
        let (content, longest) = if gzip {
            (Content::Gzip(Box::new(MultiGzDecoder::new(file))), length.saturating_mul(EXPANSION))
        } else {
            (Content::Plain(file), length)
        };
        Ok(Self { path, content, at: 0, longest })
    }

    /// Whether the file is packed.
    pub fn is_gzip(&self) -> bool {
        matches!(self.content, Content::Gzip(_))
    }

    /// An error at byte `at` of the content.
    pub fn bad(&self, at: u64, reason: impl std::fmt::Display) -> Error {
        let unpacked = if self.is_gzip() { " of the unpacked content" } else { "" };
        at_byte(self.path, format!("{at}{unpacked}"), reason)
    }

    /// The next `N` bytes, which belong to the header.
    pub fn exactly<const N: usize>(&mut self) -> Result<Box<[u8; N]>> {
        let bytes = self.at_most(N as u64)?;
        bytes.try_into().map_err(|_| self.bad(self.at, "the file ends within its header"))
    }

    /// The `count` numbers of `width` bytes that the header promises.
    pub fn numbers(&mut self, count: u64, width: u64) -> Result<Vec<u8>> {
        let start = self.at;
        let promised = self.believed(count.saturating_mul(width))?;
        let bytes = self.at_most(promised)?;
        if (bytes.len() as u64) < promised { Err(self.cut_short(start, promised)) } else { Ok(bytes) }
    }

    /// The checksum of the `count` bytes that the header promises, read piece by piece.
    pub fn checksum(&mut self, count: u64) -> Result<u32> {
        const PIECE: u64 = 1 << 18;
        let start = self.at;
        let promised = self.believed(count)?;
        let mut hasher = crc32fast::Hasher::new();
        while self.at < start + promised {
            let piece = self.at_most(PIECE.min(start + promised - self.at))?;
            if piece.is_empty() {
                return Err(self.cut_short(start, promised));
            }
            hasher.update(&piece);
        }
        Ok(hasher.finalize())
    }

    /// Checks that `promised` bytes can follow, given the length of the file.
    fn believed(&self, promised: u64) -> Result<u64> {
        let longest = self.longest;
        if promised > longest.saturating_sub(self.at) {
            let most = if self.is_gzip() { "no gzip file of this length unpacks to more than" } else { "the file has" };
            let reason = format!("the header promises {promised} bytes from here on, but {most} {longest} in all");
            return Err(self.bad(self.at, reason));
        }
        Ok(promised)
    }

    fn cut_short(&self, start: u64, promised: u64) -> Error {
        self.bad(self.at, format!("the content ends, but the header promises {promised} bytes from byte {start} on"))
    }

    /// The next bytes, fewer only at the end of the content.
    fn at_most(&mut self, count: u64) -> Result<Vec<u8>> {
        // reserve no more than exists: all of a plain file; a gzip stream grows as it is unpacked
        let there = count.min(self.longest / if self.is_gzip() { EXPANSION } else { 1 });
        let mut bytes = Vec::with_capacity(usize::try_from(there).unwrap_or(0));
        let read = (&mut self.content).take(count).read_to_end(&mut bytes);
        self.at += bytes.len() as u64;
        match read {
            Ok(_) => Ok(bytes),
            Err(e) if self.is_gzip() && damaged(e.kind()) => {
                Err(self.bad(self.at, format!("the gzip stream is damaged or truncated here ({e}); get the file again")))
            }
            Err(e) => Err(unreadable(self.path, e)),
        }
    }

    /// Checks that nothing follows. For gzip this also compares the checksum of the content.
    pub fn end(&mut self) -> Result<()> {
        let at = self.at;
        if self.at_most(1)?.is_empty() { Ok(()) } else { Err(self.bad(at, "more follows than the header promises")) }
    }
}

fn damaged(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}
