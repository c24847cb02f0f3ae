//! Why there is no reply, by who can do something about it.

/// Why a request gave no reply. No variant holds a key: addresses are shown without user, password and query, and what an
/// endpoint says has the secrets of the request taken out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The caller's options make no request.
    #[error("cannot make a model request: {reason}")]
    Options {
        /// What is wrong with them.
        reason: String,
    },
    /// The endpoint says no, and would say it again.
    #[error("the model endpoint {url} refused the request with status {status}: {message}")]
    Refused {
        /// Address of the endpoint.
        url: String,
        /// HTTP status, or the one that stands for the error object in a stream.
        status: u16,
        /// The provider's words.
        message: String,
    },
    /// The conversation does not fit into the model.
    #[error("the conversation is too long for the model at {url}: {message}")]
    ContextLength {
        /// Address of the endpoint.
        url: String,
        /// The provider's words.
        message: String,
    },
    /// Every attempt failed in a way that might have passed.
    #[error("{attempts} requests in a row to the model endpoint {url} failed, the last one because {last}")]
    Unavailable {
        /// Address of the endpoint.
        url: String,
        /// Requests that were sent.
        attempts: u32,
        /// What went wrong with the last one.
        last: String,
    },
    /// The caller cancelled.
    #[error("the model request was interrupted")]
    Cancelled,
}

impl LlmError {
    /// What the user can do about it; `None` when there is nothing to do.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Options { .. } => Some("correct the model's options"),
            Self::Refused { status, .. } => Some(match status {
                300..=399 => "use the address it redirects to as base URL",
                401 | 403 => "check the API key, and that it may use this model",
                402 | 429 => "check the quota and the billing of the account behind the API key",
                404 | 405 => "check the base URL, which most often ends in /v1, and that the model's name exists there",
                _ => "check the model's name and its options, such as temperature or reasoning effort",
            }),
            Self::ContextLength { .. } => {
                Some("use a model with a larger context, or set a smaller limit for the context")
            }
            Self::Unavailable { .. } => {
                Some("check the base URL, the network and the state of the service, then run again")
            }
            Self::Cancelled => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_failed_where_and_what_to_do() {
        let refused = |status| LlmError::Refused { url: "https://x/v1".into(), status, message: "no such key".into() };
        assert_eq!(
            refused(401).to_string(),
            "the model endpoint https://x/v1 refused the request with status 401: no such key"
        );
        assert_eq!(refused(401).advice(), Some("check the API key, and that it may use this model"));
        assert!(refused(404).advice().unwrap().contains("/v1"));
        assert!(refused(429).advice().unwrap().contains("quota"));
        assert_eq!(LlmError::Cancelled.advice(), None);
    }
}
