//! What a regex cannot tell: check digits, whether a value looks drawn at random, whether it only stands for one.

use std::ops::Range;

use crate::bounds::is_word;

/// A second look at what a regex found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Validator {
    /// A card number: check digit, an issuer's prefix with its length, no part of a longer number.
    Luhn,
    /// An account number: the length of its country, and the remainder.
    Iban,
    /// A letter, a digit, and no text that repeats itself.
    Random,
    /// As `random`, with sixteen letters and digits in a row: what words with dashes between them never have.
    LongRandom,
    /// A value of a key such as `api_key`: looks like a credential, and not like a word or a variable.
    Credential,
    /// A value of a key such as `password`: anything that does not stand for a value.
    Password,
    /// The password of an address: anything that does not stand for one.
    UrlPassword,
    /// What decodes to `user:password`.
    Basic,
    /// An e-mail address, and no part of an address of the web or of code.
    Email,
    /// A number of the US social security, by what is never given out.
    Ssn,
    /// An IP address that names one host.
    Ip,
}

/// What was found, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'t> {
    pub(crate) text: &'t str,
    /// Where the regex match begins: the key of a value.
    pub(crate) key_start: usize,
    /// Whether the value stood in quotes, or is a whole text.
    pub(crate) is_quoted: bool,
}

impl Validator {
    /// The range that is really the secret; none when it is none.
    pub(crate) fn check(self, site: Site<'_>, found: Range<usize>) -> Option<Range<usize>> {
        let value = site.text.get(found.clone())?;
        let holds = match self {
            Self::Luhn => return is_card(site.text.as_bytes(), &found).then_some(found),
            Self::Iban => return iban(site.text.as_bytes(), found),
            Self::Password | Self::Credential => return self.check_value(site, found),
            Self::Random => is_random(value),
            Self::LongRandom => is_random(value) && longest_run(value) >= 16,
            Self::UrlPassword => !stands_for_a_value(value),
            Self::Basic => is_basic(value),
            Self::Email => is_email(site.text.as_bytes(), &found),
            Self::Ssn => is_ssn(value),
            Self::Ip => is_ip(value),
        };
        holds.then_some(found)
    }

    /// Whether spaces and dashes in the value are only there for the eye.
    pub(crate) fn ignores_separators(self) -> bool {
        matches!(self, Self::Luhn | Self::Iban | Self::Ssn)
    }

    fn check_value(self, site: Site<'_>, mut found: Range<usize>) -> Option<Range<usize>> {
        if !site.is_quoted {
            // The bracket of a call, or the end of a sentence.
            let value = &site.text[found.clone()];
            let has_opening = value.contains(['(', '[', '{']);
            let trimmed = if has_opening { value } else { value.trim_end_matches([')', ']', '}', '.', ':', '*']) };
            found.end = found.start + trimmed.len();
        }
        let value = &site.text[found.clone()];
        if stands_for_a_value(value) || pages(&site.text.as_bytes()[..site.key_start]) {
            return None;
        }
        let holds = match self {
            Self::Credential => is_credential(value) && (site.is_quoted || !is_code(value)),
            _ if site.is_quoted => value.chars().count() >= 4 && !value.contains('\n'),
            _ => is_bare_password(site, &found),
        };
        holds.then_some(found)
    }
}

/// Shannon's entropy of the bytes, in bits per byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = f64::from(counts.iter().sum::<u32>());
    let parts = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    parts.map(|part| -part * part.log2()).sum()
}

fn has_letter_and_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit()) && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_random(value: &str) -> bool {
    has_letter_and_digit(value) && entropy(value) >= 3.0
}

fn longest_run(value: &str) -> usize {
    value.split(|character: char| !character.is_ascii_alphanumeric()).map(str::len).max().unwrap_or(0)
}

/// Values in documentation, templates and schemas: nothing secret is lost when they stay.
fn stands_for_a_value(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "none",
        "null",
        "nil",
        "true",
        "false",
        "undefined",
        "string",
        "required",
        "optional",
        "redacted",
        "empty",
        "hidden",
        "masked",
        "placeholder",
        "default",
        "text",
        "password",
        "secret",
        "token",
        "disabled",
        "enabled",
        "unknown",
        "n/a",
    ];
    let bytes = value.as_bytes();
    let Some(first) = bytes.first() else { return true };
    let lower = value.to_ascii_lowercase();
    let is_advice = ["your", "example", "placeholder", "<your", "insert"].iter().any(|word| lower.starts_with(word));
    is_template(value)
        || (is_advice && !value.bytes().any(|byte| byte.is_ascii_digit()))
        || bytes.iter().all(|byte| byte == first)
        || bytes.iter().all(|byte| b"*.xX-_#".contains(byte))
        // The first letters shown, the rest starred out.
        || value.contains("***")
        || value.contains("...")
        || WORDS.contains(&lower.as_str())
}

/// `${NAME}`, `$NAME`, `$(command)`, `{{ name }}`, `<name>`, `%(name)s`: what is filled in later.
fn is_template(value: &str) -> bool {
    let is_between = |opening: &str, closing: char| value.starts_with(opening) && value.ends_with(closing);
    let is_variable = value.strip_prefix('$').is_some_and(|name| {
        name.starts_with(['{', '('])
            || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    });
    is_variable || is_between("{", '}') || is_between("<", '>') || is_between("%", '%') || is_between("%(", 's')
}

/// Whether the key before ends so that its value is a cursor: `next_page_`token.
pub(crate) fn pages(before: &[u8]) -> bool {
    let key = before.iter().rev().take_while(|byte| is_word(**byte) || **byte == b'-').count().min(24);
    let key = String::from_utf8_lossy(&before[before.len() - key..]).to_ascii_lowercase();
    let key = key.trim_end_matches(['_', '-']);
    ["page", "next", "continuation", "cursor", "sync", "stop", "eos", "bos", "pad"]
        .iter()
        .any(|word| key.ends_with(word))
}

fn is_credential(value: &str) -> bool {
    // What base64, hex, UUIDs, JWTs and signatures are written with.
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=~:%@!$^*|#".contains(&byte);
    (8..=2048).contains(&value.len()) && value.bytes().all(is_allowed) && has_letter_and_digit(value) && {
        let is_date = value.as_bytes().first_chunk::<5>().is_some_and(|[year @ .., dash]| {
            *dash == b'-' && year.iter().all(u8::is_ascii_digit) && value.len() <= 32 && value.contains(':')
        });
        let is_path = value.starts_with(['/', '.']) || value.contains("://");
        !is_date && !is_path && entropy(value) >= 2.5
    }
}

/// `settings.DB2_PASSWORD`, `os.environ[`, `get_password(`: what a program reads it from.
fn is_code(value: &str) -> bool {
    let is_name = |part: &str| {
        part.bytes().all(is_word) && part.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    };
    let is_path = value.contains('.') && value.split('.').all(is_name) && longest_run(value) < 20;
    value.contains(['(', '[', '{']) && value.starts_with(|first: char| first.is_ascii_alphabetic())
        || is_path
        || value.contains("environ")
        || value.contains("getenv")
}

/// A password without quotes, as in `PASSWORD=hunter2` or `password: hunter2`, and not a word of a sentence or a program.
fn is_bare_password(site: Site<'_>, found: &Range<usize>) -> bool {
    let value = &site.text[found.clone()];
    let before = site.text.as_bytes()[..found.start].last().copied();
    if value.contains("://") || is_code(value) {
        return false;
    }
    let key = &site.text[site.key_start..found.start];
    if key.trim_end_matches(['=', ':', ' ']).eq_ignore_ascii_case("pwd") && value.starts_with(['/', '~', '.']) {
        return false;
    }
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    if before == Some(b'=') {
        // A form or a variable of the shell: all is value, except for the name of another variable.
        let is_name = value.contains('_') && value.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        return value.len() >= 4 && (has_digit || !is_name);
    }
    value.len() >= 6 && has_digit && !(value.contains('/') && value.starts_with('/'))
}

fn is_basic(value: &str) -> bool {
    let decoded = base64_text(value);
    decoded.len() >= 3
        && decoded.contains(&b':')
        && decoded.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ' || *byte >= 0x80)
}

fn base64_text(value: &str) -> Vec<u8> {
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in value.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff).to_le_bytes()[0]);
        }
    }
    out
}

fn digits(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')).collect()
}

fn is_card(bytes: &[u8], found: &Range<usize>) -> bool {
    let value = &bytes[found.clone()];
    let digits = digits(value);
    let is_part = {
        // Decimals, ids with dashes, a table of numbers: what goes on behind one more character.
        let (before, behind) = (&bytes[..found.start], &bytes[found.end..]);
        let goes_on = |near: Option<&u8>, far: Option<&u8>| match (near, far) {
            (Some(b'.' | b',' | b'-' | b'+'), Some(far)) => far.is_ascii_alphanumeric(),
            (Some(b' '), Some(far)) => far.is_ascii_digit() && value.contains(&b' '),
            _ => false,
        };
        goes_on(before.last(), before.len().checked_sub(2).map(|at| &before[at]))
            || (behind.first() != Some(&b',') && goes_on(behind.first(), behind.get(1)))
    };
    let is_repeated = digits.windows(2).all(|pair| pair[0] == pair[1]);
    !is_part && !is_repeated && is_issued(&digits) && luhn(&digits)
}

/// Prefixes and lengths of the large issuers.
fn is_issued(digits: &[u32]) -> bool {
    let prefix = digits.iter().take(4).fold(0, |prefix, digit| prefix * 10 + digit);
    match digits.len() {
        13 | 19 if prefix / 1000 == 4 => true,
        14 => matches!(prefix / 10, 300..=305 | 360..=369 | 380..=389),
        15 => matches!(prefix / 100, 34 | 37),
        16 => {
            matches!(prefix, 4000..=4999 | 5100..=5599 | 2221..=2720 | 6011 | 6440..=6599 | 6200..=6299 | 3528..=3589)
        }
        17..=19 => prefix / 100 == 62,
        _ => false,
    }
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum = digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit });
    sum.sum::<u32>() % 10 == 0
}

/// Countries with the length of their numbers, from the registry of SWIFT.
const IBAN_LENGTHS: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18\
FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19\
MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29\
VA22VG24XK20YE30";

/// The regex takes whatever letters and digits follow; the country says how many belong to it.
fn iban(bytes: &[u8], found: Range<usize>) -> Option<Range<usize>> {
    let value = &bytes[found.clone()];
    let row = IBAN_LENGTHS.as_bytes().chunks_exact(4).find(|row| value.starts_with(&row[..2]))?;
    let length = usize::from(row[2] - b'0') * 10 + usize::from(row[3] - b'0');
    let places = value.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric());
    let last = places.map(|(at, _)| at).nth(length - 1)?;
    let end = found.start + last + 1;
    if bytes.get(end).copied().is_some_and(is_word) {
        return None;
    }
    let account: Vec<u8> = value[..=last].iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let moved = account[4..].iter().chain(&account[..4]);
    let remainder = moved.fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        letter => (remainder * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    (remainder == 1).then_some(found.start..end)
}

fn is_email(bytes: &[u8], found: &Range<usize>) -> bool {
    let (before, value, behind) = (&bytes[..found.start], &bytes[found.clone()], &bytes[found.end..]);
    // `git@host:path`, and a product of matrices: `q@k.transpose(`.
    if (value.starts_with(b"git@") && behind.first() == Some(&b':')) || behind.first() == Some(&b'(') {
        return false;
    }
    // `image@2x.png`
    let host = value.iter().rposition(|byte| *byte == b'@').map_or(&value[..0], |at| &value[at + 1..]);
    if matches!(host, [b'1'..=b'4', b'x', b'.', ..]) || before.last() == Some(&b'@') {
        return false;
    }
    // `scheme://user:password@host.example`: the password is another rule's, and the host is nobody's.
    let is_end = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>');
    let run = before.iter().rev().take(256).take_while(|byte| !is_end(**byte)).count();
    let run = &before[before.len() - run..];
    let is_userinfo = run.contains(&b':') && before[..before.len() - run.len()].ends_with(b"://");
    !is_userinfo
}

fn is_ssn(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let area = digits.get(..3).unwrap_or("000");
    !matches!(area, "000" | "666")
        && !area.starts_with('9')
        && digits.get(3..5) != Some("00")
        && digits.get(5..) != Some("0000")
}

fn is_ip(value: &str) -> bool {
    // A slice of Python, `1::4`, has the form of a very short address.
    value.len() >= 7
        && value.parse::<std::net::IpAddr>().is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

#[cfg(test)]
mod tests;
