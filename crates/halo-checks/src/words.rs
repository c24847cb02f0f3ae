//! The words of a check: its settings, its sections, and filling in what a finding counted.

use std::collections::BTreeMap;

/// The settings at the head of a check's words.
pub(crate) struct Front<'a> {
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Front<'a> {
    /// Splits settings from the rest.
    pub(crate) fn parse(words: &'a str) -> Result<(Self, &'a str), String> {
        let parts = words.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
        let (settings, body) = parts.ok_or("no settings between two `---` lines")?;
        let mut values = BTreeMap::new();
        for line in settings.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("no setting: `{line}`"))?;
            values.insert(key.trim(), value.trim());
        }
        Ok((Self { values }, body))
    }

    pub(crate) fn optional(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|value| (*value).to_owned())
    }

    /// Names with commas between them.
    pub(crate) fn names(&self, key: &str) -> Vec<String> {
        let names = self.values.get(key).into_iter().flat_map(|names| names.split(','));
        names.map(|name| name.trim().to_owned()).collect()
    }

    pub(crate) fn text(&self, key: &str) -> Result<String, String> {
        self.optional(key).ok_or_else(|| format!("`{key}` is missing"))
    }

    pub(crate) fn count(&self, key: &str) -> Result<u64, String> {
        let text = self.text(key)?;
        text.parse().map_err(|_| format!("`{key}` is no count: `{text}`"))
    }

    /// A share of the population; `never` is one that nothing reaches.
    pub(crate) fn rate(&self, key: &str) -> Result<f64, String> {
        let text = self.text(key)?;
        if text == "never" {
            return Ok(f64::INFINITY);
        }
        text.parse().map_err(|_| format!("`{key}` is no share: `{text}`"))
    }
}

/// The texts under these headings, lines joined to paragraphs.
pub(crate) fn sections<const N: usize>(body: &str, headings: [&str; N]) -> Result<[String; N], String> {
    let mut texts: [Option<String>; N] = [const { None }; N];
    let mut current = None;
    for line in body.lines() {
        if let Some(heading) = line.strip_prefix("# ") {
            current = headings.iter().position(|known| *known == heading.trim());
            continue;
        }
        let Some(index) = current else { continue };
        let text = texts[index].get_or_insert_default();
        let line = line.trim();
        match (text.is_empty(), line.is_empty()) {
            (_, true) => {
                if !text.is_empty() {
                    text.push('\n');
                }
            }
            (true, false) => text.push_str(line),
            (false, false) => {
                text.push_str(if text.ends_with('\n') { "\n" } else { " " });
                text.push_str(line);
            }
        }
    }
    let mut found = [const { String::new() }; N];
    for (index, heading) in headings.iter().enumerate() {
        let text = texts[index].take().map(|text| text.trim_end().to_owned());
        found[index] =
            text.filter(|text| !text.is_empty()).ok_or_else(|| format!("the section `{heading}` is missing"))?;
    }
    Ok(found)
}

/// What a finding counted, for its texts.
pub(crate) struct Filling<'a> {
    pub(crate) subject: &'a str,
    pub(crate) affected: u64,
    pub(crate) population: u64,
    pub(crate) rate: f64,
}

impl Filling<'_> {
    /// Fills in a text. The subject comes from the traces and goes in last, so that nothing in it is filled in.
    pub(crate) fn fill(&self, template: &str) -> String {
        template
            .replace("{affected}", &self.affected.to_string())
            .replace("{population}", &self.population.to_string())
            .replace("{rate}", &percent(self.rate))
            .replace("{subject}", self.subject)
    }
}

/// A share as people read it: `12 %`, `3.4 %`, `0.2 %`.
pub(crate) fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    if percent >= 9.95 || percent == 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// A text of a trace as it may stand in a title: one line, no longer than a title can bear, in backticks that it can't close.
pub(crate) fn code(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let mut plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .map(|c| if c == '`' { '\'' } else { c })
        .take(CHARS_MAX + 1)
        .collect();
    if plain.chars().count() > CHARS_MAX {
        plain = plain.chars().take(CHARS_MAX - 1).collect();
        plain.push('…');
    }
    format!("`{}`", plain.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join_to_paragraphs() {
        let body = "# A\n\none\ntwo\n\nthree\n# B\nfour\n# C\nfive";
        assert_eq!(sections(body, ["A", "B"]), Ok(["one two\n\nthree".to_owned(), "four".to_owned()]));
    }

    #[test]
    fn texts_are_filled_in_and_subjects_are_data() {
        let filling = Filling { subject: &code("a`b\n{rate}"), affected: 3, population: 60, rate: 0.05 };
        assert_eq!(filling.fill("{subject}: {affected} of {population} ({rate})"), "`a'b {rate}`: 3 of 60 (5.0 %)");
        assert_eq!(code(&"x".repeat(90)).chars().count(), 82);
        assert_eq!([percent(0.123), percent(0.0), percent(0.002), percent(1.0)], ["12 %", "0 %", "0.2 %", "100 %"]);
    }
}
