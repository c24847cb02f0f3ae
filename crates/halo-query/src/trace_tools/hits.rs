//! What a search finds as rows, for code that goes on with it.

use std::sync::Arc;

use halo_dataset::texts_hash;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::excerpt::excerpt;
use crate::pattern::Matcher;
use crate::search::Scope;
use crate::{QueryError, TraceSession};

/// Characters shown on each side of a hit.
const CONTEXT_CHARS: usize = 200;

impl TraceSession {
    /// Texts of the whole dataset in which a pattern stands, each once a trace: `trace_id`, `span_id`, `span_type`, `field` and `text`, the
    /// hit with what stands around it. At most `limit`, traces in an order that is as good as chance and the same each time.
    ///
    /// # Errors
    /// The pattern is none, or a file is missing or damaged.
    pub async fn hits(
        &self,
        pattern: &str,
        limit: usize,
        cancel: &CancellationToken,
    ) -> Result<Vec<Map<String, Value>>, QueryError> {
        let matcher = Matcher::new(pattern)?;
        let engine = Arc::clone(&self.shared.search);
        let stop = cancel.clone();
        let rows = self.shared.blocking(move || {
            let found = engine.find(&matcher, &|| stop.is_cancelled())?;
            let mut texts = found.texts(Scope::Trace, |_| true)?;
            texts.sort_by_cached_key(|text| {
                (texts_hash(&[found.trace_id(text.first)]), found.order(text.first), text.key)
            });
            texts.truncate(limit);
            let row = |text| {
                let shown = found.read(text, |whole| excerpt(whole, found.matcher(), CONTEXT_CHARS))?;
                let value = json!({
                    "trace_id": found.trace_id(text.first),
                    "span_id": found.span_id(text.first),
                    "span_type": found.span_type(text.first),
                    "field": found.field(text),
                    "text": shown,
                });
                Ok(value.as_object().cloned().unwrap_or_default())
            };
            texts.iter().map(row).collect()
        });
        let rows = rows.await?;
        if cancel.is_cancelled() { Err(QueryError::Cancelled) } else { rows }
    }
}
