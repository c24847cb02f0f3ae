//! Pages by tokens: blocks come one after the other, and those of one page are kept.

use crate::MarkedText;

/// Tokens of a page, about.
pub(crate) const PAGE_TOKENS: usize = 6_000;

/// Collects the blocks of one page while all that stands before it passes by.
pub(crate) struct Pager {
    wanted: usize,
    tokens_max: usize,
    page: usize,
    used: usize,
    text: MarkedText,
}

impl Pager {
    /// For a page, counted from 1.
    pub(crate) fn new(wanted: usize, tokens_max: usize) -> Self {
        Self { wanted, tokens_max, page: 1, used: 0, text: MarkedText::default() }
    }

    /// Takes a block, which stays whole, and tells whether it is on the page. Where a page begins in the midst of something, the block comes
    /// after `heading`, which says of what.
    pub(crate) fn push(&mut self, block: &MarkedText, heading: Option<&MarkedText>) -> bool {
        let tokens = halo_tool::estimate_tokens(block.text());
        if self.used > 0 && self.used + tokens > self.tokens_max {
            self.page += 1;
            self.used = 0;
            if let Some(heading) = heading {
                self.put(heading, halo_tool::estimate_tokens(heading.text()));
            }
        }
        self.put(block, tokens)
    }

    fn put(&mut self, block: &MarkedText, tokens: usize) -> bool {
        self.used += tokens;
        if self.page == self.wanted {
            self.text.append(block);
        }
        self.page == self.wanted
    }

    /// The page that the last block is on.
    pub(crate) fn page(&self) -> usize {
        self.page
    }

    /// Whether the page is complete: more has come than stands on it.
    pub(crate) fn is_past(&self) -> bool {
        self.page > self.wanted
    }

    /// The page.
    pub(crate) fn into_text(self) -> MarkedText {
        self.text
    }
}
