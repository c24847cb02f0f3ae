//! Whole tool results, kept outside the conversations: what was cut or folded there can be read again here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Results shorter than this are not kept: they stand whole in the conversation.
pub(crate) const ITEM_CHARS_MIN: usize = 400;

/// Results by name, in a folder or in memory. Clones are one store.
#[derive(Debug, Clone)]
pub(crate) struct ItemStore {
    folder: Option<PathBuf>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    count: u64,
    in_memory: HashMap<String, Arc<str>>,
}

impl ItemStore {
    /// A store that goes on after this many items. Without a folder they are kept in memory.
    pub(crate) fn new(folder: Option<PathBuf>, count: u64) -> Self {
        Self { folder, state: Arc::new(Mutex::new(State { count, in_memory: HashMap::new() })) }
    }

    /// Keeps a text and gives its name. A text that cannot be written is kept in memory.
    pub(crate) fn put(&self, text: &str) -> String {
        let id = {
            let mut state = self.lock();
            state.count += 1;
            format!("r{}", state.count)
        };
        let written = self.folder.as_ref().map(|folder| {
            std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(format!("{id}.txt")), text))
        });
        if !matches!(written, Some(Ok(()))) {
            self.lock().in_memory.insert(id.clone(), text.into());
        }
        id
    }

    /// The whole text of this name; `None` when there is none.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<str>> {
        // Names come from a model, and become names of files.
        let is_name = id.strip_prefix('r').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if !is_name {
            return None;
        }
        if let Some(text) = self.lock().in_memory.get(id) {
            return Some(Arc::clone(text));
        }
        let path = self.folder.as_ref()?.join(format!("{id}.txt"));
        std::fs::read_to_string(path).ok().map(Into::into)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_back_and_names_are_no_paths() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("results");
        std::fs::write(folder.path().join("secret.txt"), "secret").unwrap();
        for store in [ItemStore::new(Some(inside.clone()), 7), ItemStore::new(None, 7)] {
            assert_eq!(store.put("ä whole text"), "r8");
            assert_eq!(store.get("r8").as_deref(), Some("ä whole text"));
            for id in ["r9", "r", "8", "../secret", "r8/../../secret", "r+8", ""] {
                assert_eq!(store.get(id), None, "{id}");
            }
        }
        assert_eq!(std::fs::read_to_string(inside.join("r8.txt")).unwrap(), "ä whole text");
    }
}
