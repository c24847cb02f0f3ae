//! Rejects: input that became no span, with where it stood and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line, or one span of a line, that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// File, as the user named it.
    pub source: String,
    /// Line, from 1.
    pub line: u64,
    /// Offset of the line's first byte in the (decompressed) file.
    pub byte_offset: u64,
    /// Kind of reason: few distinct values, for counting.
    pub kind: RejectKind,
    /// What is wrong, in words.
    pub reason: String,
    /// The line's beginning.
    pub excerpt: String,
}

/// Why input was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectKind {
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is not JSON.
    NotJson,
    /// The JSON ends before its end: a cut file, or an object spread over lines.
    CutJson,
    /// JSON, and neither a flat span nor OTLP.
    NotASpan,
    /// A span without an id.
    MissingId,
    /// A field holds something that cannot be taken for what it should be.
    BadField,
    /// The line is longer than the limit.
    TooLong,
    /// The compressed stream is damaged or ends early.
    BrokenStream,
    /// The file is not text.
    Binary,
}

impl RejectKind {
    /// The kind in words, for a summary.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::NotUtf8 => "not UTF-8",
            Self::NotJson => "not JSON",
            Self::CutJson => "JSON that ends early (cut file?)",
            Self::NotASpan => "JSON that is no span",
            Self::MissingId => "span without trace_id or span_id",
            Self::BadField => "span with a field of the wrong type",
            Self::TooLong => "line over the length limit",
            Self::BrokenStream => "compressed stream that breaks off",
            Self::Binary => "binary data",
        }
    }
}

/// Rejects kept in full per ingest; beyond, only the counts go on.
pub(crate) const KEPT_MAX: usize = 10_000;

/// Rejects, counted by kind and kept up to a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rejects {
    /// How many of each kind.
    pub by_kind: BTreeMap<RejectKind, u64>,
    /// The first ones.
    pub kept: Vec<Reject>,
}

impl Rejects {
    pub(crate) fn push(&mut self, reject: Reject) {
        *self.by_kind.entry(reject.kind).or_default() += 1;
        if self.kept.len() < KEPT_MAX {
            self.kept.push(reject);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, count) in other.by_kind {
            *self.by_kind.entry(kind).or_default() += count;
        }
        let room = KEPT_MAX.saturating_sub(self.kept.len());
        self.kept.extend(other.kept.into_iter().take(room));
    }

    /// All of them, kept or only counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_kind.values().sum()
    }
}
