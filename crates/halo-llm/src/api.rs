//! The wire forms that endpoints speak, and the address of each under a base URL.

use reqwest::Url;

use crate::LlmError;

/// A wire form in which an endpoint takes requests and sends replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelApi {
    /// Chat completions, which OpenAI began and nearly every server speaks.
    ChatCompletions,
    /// OpenAI's Responses API, without state on the server's side.
    Responses,
    /// Anthropic's own Messages API.
    AnthropicMessages,
}

impl ModelApi {
    const ALL: [Self; 3] = [Self::ChatCompletions, Self::Responses, Self::AnthropicMessages];

    /// The form that a base URL most likely stands for. A path that ends in `/chat/completions`, `/responses` or
    /// `/messages` names it; else Anthropic's own host speaks Anthropic's form, and everything else chat completions.
    ///
    /// The model's name decides nothing so far: the same model is served in several forms.
    #[must_use]
    pub fn guess(base_url: &str, _model: &str) -> Self {
        let Ok(url) = Url::parse(base_url.trim()) else {
            return Self::ChatCompletions;
        };
        let path = url.path().trim_end_matches('/');
        if let Some(named) = Self::ALL.into_iter().find(|api| path.ends_with(api.path())) {
            return named;
        }
        match url.host_str() {
            Some("api.anthropic.com") => Self::AnthropicMessages,
            _ => Self::ChatCompletions,
        }
    }

    /// What stands behind the version in an address of this form.
    fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Responses => "/responses",
            Self::AnthropicMessages => "/messages",
        }
    }

    /// The address for requests under a base URL. A query, as some clouds need it, stays behind the path.
    pub(crate) fn url(self, base_url: &str) -> Result<Url, LlmError> {
        let malformed = |reason: &str| LlmError::Options {
            reason: format!("the base URL {reason}; an example is https://api.openai.com/v1"),
        };
        let mut url = Url::parse(base_url.trim()).map_err(|error| malformed(&format!("is malformed: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(malformed("does not begin with http:// or https:// and a host"));
        }
        let whole = url.path().trim_end_matches('/').to_owned();
        // Whoever copies the address of another form means the server.
        let base = Self::ALL.into_iter().find_map(|api| whole.strip_suffix(api.path())).unwrap_or(&whole);
        // Anthropic's clients take a base URL without the version, all others one with it.
        let version = if self == Self::AnthropicMessages && !ends_in_version(base) { "/v1" } else { "" };
        url.set_path(&format!("{base}{version}{}", self.path()));
        Ok(url)
    }
}

/// Whether the last segment of a path is a version, such as `v1`.
fn ends_in_version(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_the_form_and_completes_the_path() {
        let check = |base: &str, api: ModelApi, path: &str| {
            assert_eq!(ModelApi::guess(base, "m"), api, "{base}");
            assert_eq!(api.url(base).unwrap().as_str(), path, "{base}");
        };
        let (chat, responses, messages) = (ModelApi::ALL[0], ModelApi::ALL[1], ModelApi::ALL[2]);
        check("https://api.openai.com/v1", chat, "https://api.openai.com/v1/chat/completions");
        check("http://localhost:8080/v1/", chat, "http://localhost:8080/v1/chat/completions");
        check("https://x.example/v1/chat/completions", chat, "https://x.example/v1/chat/completions");
        check("https://x.example/v1/responses?v=2", responses, "https://x.example/v1/responses?v=2");
        check("https://api.anthropic.com", messages, "https://api.anthropic.com/v1/messages");
        check("https://api.anthropic.com/v1/", messages, "https://api.anthropic.com/v1/messages");
        check("https://x.example/anthropic/v1/messages/", messages, "https://x.example/anthropic/v1/messages");
        check("https://api.anthropic.com/v1/chat/completions", chat, "https://api.anthropic.com/v1/chat/completions");
        assert_eq!(ModelApi::guess("nonsense", "claude"), chat);
        let switched = responses.url("https://api.openai.com/v1/chat/completions").unwrap();
        assert_eq!(switched.as_str(), "https://api.openai.com/v1/responses");
        let gateway = messages.url("https://x.example/anthropic").unwrap();
        assert_eq!(gateway.as_str(), "https://x.example/anthropic/v1/messages");
    }
}
