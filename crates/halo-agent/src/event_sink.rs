//! Where events go: to the log first, then to whoever watches.

use std::fs::{File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo_protocol::{EventKind, RunEvent};

use crate::{AgentError, RunHistory};

/// Which agent an event belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// Id, `root` for the first agent.
    pub id: String,
    /// The agent that started this one.
    pub parent_id: Option<String>,
    /// The parent's tool call that started this one.
    pub parent_tool_call_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// 0 for the root.
    pub depth: u32,
}

impl AgentIdentity {
    /// The first agent of a run.
    #[must_use]
    pub fn root() -> Self {
        Self { id: "root".to_owned(), parent_id: None, parent_tool_call_id: None, name: "root".to_owned(), depth: 0 }
    }

    /// The subagent of this number that a tool call of this agent starts.
    pub(crate) fn child(&self, number: &str, tool_call_id: &str) -> Self {
        let id = format!("{}/{number}", self.id);
        Self {
            name: id.clone(),
            id,
            parent_id: Some(self.id.clone()),
            parent_tool_call_id: Some(tool_call_id.to_owned()),
            depth: self.depth + 1,
        }
    }
}

type Observer = Box<dyn FnMut(&RunEvent) + Send>;

/// Numbers events, appends each to `events.jsonl`, and then calls the observers. Clones are one sink.
#[derive(Clone)]
pub struct EventSink {
    state: Arc<Mutex<State>>,
}

struct State {
    log: Option<(PathBuf, File)>,
    observers: Vec<Observer>,
    sequence: u64,
    failure: Option<String>,
}

impl EventSink {
    /// A sink that appends to a new file; what stood there before is replaced.
    ///
    /// # Errors
    /// [`AgentError::CreateLog`] when the file can't be made.
    pub fn create(path: &Path) -> Result<Self, AgentError> {
        let open = || {
            // Not emptied before it is known to be nobody's.
            let file = File::options().create(true).truncate(false).write(true).open(path)?;
            lock(&file)?;
            file.set_len(0)?;
            Ok(file)
        };
        let file = open().map_err(|source| AgentError::CreateLog { path: path.to_owned(), source })?;
        Ok(Self::new(Some((path.to_owned(), file))))
    }

    /// A sink that goes on with the log of an earlier attempt, whose half-written last line is cut off.
    ///
    /// # Errors
    /// [`AgentError::CreateLog`] when the file can't be written.
    pub fn resume(path: &Path, history: &RunHistory) -> Result<Self, AgentError> {
        let open = || {
            let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
            lock(&file)?;
            file.set_len(history.whole_bytes())?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(|source| AgentError::CreateLog { path: path.to_owned(), source })?;
        let sink = Self::new(Some((path.to_owned(), file)));
        sink.lock().sequence = history.next_sequence();
        Ok(sink)
    }

    /// A sink for observers alone.
    #[must_use]
    pub fn without_log() -> Self {
        Self::new(None)
    }

    fn new(log: Option<(PathBuf, File)>) -> Self {
        Self { state: Arc::new(Mutex::new(State { log, observers: Vec::new(), sequence: 0, failure: None })) }
    }

    /// Calls `observer` with every event from now on, after it was logged. An observer must not emit events itself.
    pub fn observe(&self, observer: impl FnMut(&RunEvent) + Send + 'static) {
        self.lock().observers.push(Box::new(observer));
    }

    /// Records that something happened to an agent. A log that can't be written does not stop the event from being shown;
    /// [`EventSink::failure`] tells of it.
    pub fn emit(&self, agent: &AgentIdentity, item: EventKind) {
        let mut state = self.lock();
        let event = RunEvent {
            sequence: state.sequence,
            at: format!("{:.3}", jiff::Timestamp::now()),
            agent_id: agent.id.clone(),
            parent_agent_id: agent.parent_id.clone(),
            parent_tool_call_id: agent.parent_tool_call_id.clone(),
            agent_name: agent.name.clone(),
            depth: agent.depth,
            is_final: matches!(item, EventKind::RunFinished { .. }),
            item,
        };
        state.sequence += 1;
        state.append(&event);
        for observer in &mut state.observers {
            observer(&event);
        }
    }

    /// Why the log is incomplete; `None` while it is not.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One process writes a log. The lock goes with the process, however it ends.
fn lock(file: &File) -> std::io::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(std::io::Error::other("another process writes it; this run is at work")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl State {
    /// One write for one line: a killed process leaves whole lines and at most one that is cut.
    fn append(&mut self, event: &RunEvent) {
        let Some((path, file)) = &mut self.log else {
            return;
        };
        // Half a line stands at its end; another one behind it would make it a line that is none.
        if self.failure.is_some() {
            return;
        }
        let line = serde_json::to_vec(event).map(|mut line| {
            line.push(b'\n');
            line
        });
        let written = match line {
            Ok(line) => file.write_all(&line).and_then(|()| file.flush()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written
            && self.failure.is_none()
        {
            self.failure = Some(format!("cannot write the event log `{}`: {error}", path.display()));
        }
    }
}

impl std::fmt::Debug for EventSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventSink").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_before_it_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let sink = EventSink::create(&path).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (for_observer, for_reading) = (Arc::clone(&seen), path.clone());
        sink.observe(move |event| {
            let log = std::fs::read_to_string(&for_reading).unwrap();
            let last: RunEvent = serde_json::from_str(log.lines().last().unwrap()).unwrap();
            assert_eq!(&last, event, "the event is in the log before it is shown");
            for_observer.lock().unwrap().push(event.sequence);
        });
        for text in ["a", "b\nc"] {
            sink.emit(&AgentIdentity::root(), EventKind::Notice { text: text.into() });
        }
        assert_eq!(*seen.lock().unwrap(), [0, 1]);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
        assert_eq!(sink.failure(), None);
    }

    #[test]
    fn times_have_milliseconds() {
        let sink = EventSink::without_log();
        let (sender, receiver) = std::sync::mpsc::channel();
        sink.observe(move |event| sender.send(event.at.clone()).unwrap());
        sink.emit(&AgentIdentity::root(), EventKind::Notice { text: String::new() });
        let at = receiver.recv().unwrap();
        assert_eq!((at.len(), &at[19..20], &at[23..]), (24, ".", "Z"), "{at}");
    }

    #[test]
    fn a_log_that_cannot_be_made_or_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = EventSink::create(&folder.path().join("none/events.jsonl")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write the event log `"), "{error}");
        // A file opened for reading refuses every write.
        let path = folder.path().join("read-only");
        std::fs::write(&path, "").unwrap();
        let sink = EventSink::new(Some((path.clone(), File::open(&path).unwrap())));
        sink.emit(&AgentIdentity::root(), EventKind::Notice { text: "x".into() });
        assert!(sink.failure().unwrap().contains("cannot write the event log"));
    }
}
