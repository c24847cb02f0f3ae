//! One compiled rule, and what it finds at a place.

use std::ops::Range;

use regex::{Captures, Regex, RegexBuilder};

use crate::{
    bounds::{Bounds, behind_escape, opens_value, quoted},
    pattern::{ByteSet, Pattern},
    rule_file::RuleText,
    validate::{Site, Validator, pages},
};

/// Bytes that one match may have unless the rule says more; what bounds the time that hostile text can cost.
const LONGEST_MATCH: usize = 512;
/// Bytes that a match may begin before its pattern.
const LONGEST_BACK: usize = 64;

/// A rule, ready to look.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) search: Search,
    regex: Regex,
    /// Whether the regex says which part is the secret.
    has_groups: bool,
    back: Option<ByteSet>,
    /// Bytes that one match may have.
    longest: usize,
    bounds: Bounds,
    pub(crate) validator: Option<Validator>,
    /// Names of fields whose whole value is a secret.
    field: Option<Regex>,
}

/// Where a rule looks.
#[derive(Debug, Clone)]
pub(crate) enum Search {
    /// Where one of these patterns stands, and nowhere else.
    Start(Vec<Pattern>),
    /// In the whole text, when one of these patterns stands anywhere.
    Keywords(Vec<Pattern>),
    /// In every text.
    Everywhere,
}

impl Rule {
    pub(crate) fn compile(text: RuleText) -> Result<Self, String> {
        let parse = |texts: &[String]| -> Result<Vec<Pattern>, String> {
            texts.iter().map(|pattern| Pattern::parse(pattern, text.ignore_case)).collect()
        };
        let search = match (text.start.as_slice(), text.keywords.as_slice()) {
            ([], []) => Search::Everywhere,
            (start, []) => Search::Start(parse(start)?),
            ([], keywords) => Search::Keywords(parse(keywords)?),
            _ => return Err("it has both `start` and `keywords`; one of them is enough".to_owned()),
        };
        if text.back.is_some() && !matches!(search, Search::Start(_)) {
            return Err("`back` needs `start`".to_owned());
        }
        let source = match search {
            Search::Start(_) => format!("^(?:{})", text.regex),
            _ => text.regex.clone(),
        };
        let regex = compile_regex(&source, text.ignore_case).map_err(|fault| format!("regex: {fault}"))?;
        if regex.is_match("") {
            return Err("regex: it matches the empty text, and so everywhere".to_owned());
        }
        let field = text.field.map(|source| compile_regex(&source, true)).transpose();
        Ok(Self {
            has_groups: regex.capture_names().flatten().any(is_secret_group),
            search,
            regex,
            back: text
                .back
                .map(|inside| ByteSet::parse(&inside))
                .transpose()
                .map_err(|fault| format!("back: {fault}"))?,
            longest: text.longest.unwrap_or(LONGEST_MATCH),
            bounds: text.bounds,
            validator: text.validator,
            field: field.map_err(|fault| format!("field: {fault}"))?,
            what: text.what,
            id: text.id,
        })
    }

    /// What the rule finds at a place where one of its patterns stands.
    pub(crate) fn find_at(&self, text: &str, hit: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let start = match self.back {
            Some(back) => {
                let run = bytes[..hit].iter().rev().take(LONGEST_BACK).take_while(|byte| back.has(**byte)).count();
                behind_escape(bytes, hit - run..hit)
            }
            None => hit,
        };
        if !self.bounds.allow_start(bytes, start) {
            return None;
        }
        let window = &text[start..text.floor_char_boundary(start.saturating_add(self.longest))];
        let found = if self.has_groups {
            self.secret_of(text, start, &self.regex.captures(window)?)?
        } else {
            let found = self.regex.find(window)?;
            self.accept(text, start, start + found.start()..start + found.end(), false)?
        };
        Some(found)
    }

    /// Everything the rule finds in a text, whatever patterns stand in it.
    pub(crate) fn find_all(&self, text: &str, mut on_found: impl FnMut(Range<usize>)) {
        for captures in self.regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            if !self.bounds.allow_start(text.as_bytes(), whole.start()) {
                continue;
            }
            let found = if self.has_groups {
                self.secret_of(text, 0, &captures)
            } else {
                self.accept(text, whole.start(), whole.range(), false)
            };
            if let Some(found) = found {
                on_found(found);
            }
        }
    }

    /// Whether the whole value of a field of this name is a secret.
    pub(crate) fn covers_field(&self, name: &str, value: &str) -> bool {
        let site = Site { text: value, key_start: 0, is_quoted: true };
        let key = self.field.as_ref().and_then(|field| field.find(name));
        key.is_some_and(|key| !pages(&name.as_bytes()[..key.start()]))
            && !value.is_empty()
            && self.validator.is_none_or(|validator| validator.check(site, 0..value.len()) == Some(0..value.len()))
    }

    /// The part that the groups of the regex name. `offset` is where the searched text begins.
    fn secret_of(&self, text: &str, offset: usize, captures: &Captures<'_>) -> Option<Range<usize>> {
        let key_start = offset + captures.get(0)?.start();
        if let Some(opening) = captures.name("open") {
            let range = offset + opening.start()..offset + opening.end();
            let is_opening = match captures.name("close") {
                Some(key_quote) => key_quote.len() == opening.len(),
                None => opens_value(text.as_bytes(), &range),
            };
            if !is_opening {
                return None;
            }
            let value = quoted(text.as_bytes(), range);
            return self.accept(text, key_start, value, true);
        }
        let mut names = self.regex.capture_names().flatten().filter(|name| is_secret_group(name));
        let secret = names.find_map(|name| captures.name(name))?;
        self.accept(text, key_start, offset + secret.start()..offset + secret.end(), false)
    }

    fn accept(&self, text: &str, key_start: usize, found: Range<usize>, is_quoted: bool) -> Option<Range<usize>> {
        let site = Site { text, key_start, is_quoted };
        let found = match self.validator {
            Some(validator) => validator.check(site, found)?,
            None => found,
        };
        let is_whole = is_quoted || self.bounds.allow_end(text.as_bytes(), found.end);
        (is_whole && !found.is_empty()).then_some(found)
    }
}

/// `secret`, `secret2` and so on: one name can stand in a regex once. `open` is the quote before a secret.
fn is_secret_group(name: &str) -> bool {
    name == "open" || name.strip_prefix("secret").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn compile_regex(source: &str, ignore_case: bool) -> Result<Regex, String> {
    let regex = RegexBuilder::new(source).case_insensitive(ignore_case).build();
    // The parser draws its message below the pattern, over lines; the last one is the fault.
    regex.map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
}
