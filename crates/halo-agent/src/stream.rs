//! The entry points for callers: a stream of all events, a stream of the completed items, and a list, each async and blocking.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;
use halo_protocol::{EventKind, RunEvent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinError;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use crate::{AgentOptions, RunHistory, RunResult, RunServices, resume};

/// A run under way: its events as a [`Stream`], then its result. Dropping it interrupts the run.
pub struct RunStream {
    events: UnboundedReceiver<RunEvent>,
    run: AbortOnDropHandle<RunResult>,
    _interrupt: DropGuard,
}

impl RunStream {
    /// Waits for the end of the run; events that were not read are dropped.
    ///
    /// # Errors
    /// When the run broke down, which is a bug.
    pub async fn result(mut self) -> Result<RunResult, JoinError> {
        self.events.close();
        (&mut self.run).await
    }

    /// The next event; `None` when the run has ended.
    pub async fn next_event(&mut self) -> Option<RunEvent> {
        self.events.recv().await
    }
}

impl Stream for RunStream {
    type Item = RunEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RunEvent>> {
        self.events.poll_recv(context)
    }
}

/// Starts a run and gives all its events, pieces of text included. Must be called within a tokio runtime.
#[must_use]
pub fn stream_events(options: AgentOptions, services: RunServices) -> RunStream {
    start(options, services, |_| true)
}

/// Starts a run and gives its completed items: whole replies, results and findings, without pieces of text. Must be called within a
/// tokio runtime.
#[must_use]
pub fn stream_items(options: AgentOptions, services: RunServices) -> RunStream {
    start(options, services, is_complete)
}

/// Runs to the end and gives the completed items as a list, with the result.
///
/// # Errors
/// When the run broke down, which is a bug.
pub async fn collect_items(
    options: AgentOptions,
    services: RunServices,
) -> Result<(Vec<RunEvent>, RunResult), JoinError> {
    let mut stream = stream_items(options, services);
    let mut items = Vec::new();
    while let Some(event) = stream.next_event().await {
        items.push(event);
    }
    Ok((items, stream.result().await?))
}

fn start(
    options: AgentOptions,
    mut services: RunServices,
    wanted: impl Fn(&EventKind) -> bool + Send + 'static,
) -> RunStream {
    let (sender, events) = unbounded_channel();
    let sender = OpenUntilDone(Arc::new(Mutex::new(Some(sender))));
    let for_events = Arc::clone(&sender.0);
    services.sink.observe(move |event| {
        if wanted(&event.item)
            && let Some(sender) = for_events.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            // A caller that no longer listens does not end the run: its log and its result still count.
            drop(sender.send(event.clone()));
        }
    });
    let cancel: CancellationToken = services.cancel.child_token();
    services.cancel = cancel.clone();
    let run = AbortOnDropHandle::new(tokio::spawn(async move {
        let _open = sender;
        resume(options, services, RunHistory::default()).await
    }));
    RunStream { events, run, _interrupt: cancel.drop_guard() }
}

/// Ends the stream with the run, also when that breaks down: the caller's own copies of the sink live on.
struct OpenUntilDone(Arc<Mutex<Option<UnboundedSender<RunEvent>>>>);

impl Drop for OpenUntilDone {
    fn drop(&mut self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn is_complete(item: &EventKind) -> bool {
    !matches!(item, EventKind::TextDelta { .. } | EventKind::ModelRequest { .. } | EventKind::ModelRetry { .. })
}

/// The same for callers without async. Each call has a runtime of its own, and must not be made within one.
pub mod blocking {
    use std::io;

    use halo_protocol::RunEvent;
    use tokio::runtime::Runtime;

    use super::RunStream;
    use crate::{AgentOptions, RunResult, RunServices};

    /// A run under way: its events as an [`Iterator`], then its result. Dropping it interrupts the run.
    pub struct BlockingRun {
        // Before the runtime, on which it must end.
        stream: RunStream,
        runtime: Runtime,
    }

    impl BlockingRun {
        /// Waits for the end of the run; events that were not read are dropped.
        ///
        /// # Errors
        /// When the run broke down, which is a bug.
        pub fn result(self) -> io::Result<RunResult> {
            let Self { stream, runtime } = self;
            runtime.block_on(stream.result()).map_err(io::Error::other)
        }
    }

    impl Iterator for BlockingRun {
        type Item = RunEvent;

        fn next(&mut self) -> Option<RunEvent> {
            self.runtime.block_on(self.stream.next_event())
        }
    }

    /// Starts a run and gives all its events, pieces of text included.
    ///
    /// # Errors
    /// When no runtime can be had.
    pub fn stream_events(options: AgentOptions, services: RunServices) -> io::Result<BlockingRun> {
        start(options, services, super::stream_events)
    }

    /// Starts a run and gives its completed items: whole replies, results and findings, without pieces of text.
    ///
    /// # Errors
    /// When no runtime can be had.
    pub fn stream_items(options: AgentOptions, services: RunServices) -> io::Result<BlockingRun> {
        start(options, services, super::stream_items)
    }

    /// Runs to the end and gives the completed items as a list, with the result.
    ///
    /// # Errors
    /// When no runtime can be had, or the run broke down.
    pub fn collect_items(options: AgentOptions, services: RunServices) -> io::Result<(Vec<RunEvent>, RunResult)> {
        let runtime = new_runtime()?;
        runtime.block_on(super::collect_items(options, services)).map_err(io::Error::other)
    }

    fn start(
        options: AgentOptions,
        services: RunServices,
        begin: fn(AgentOptions, RunServices) -> RunStream,
    ) -> io::Result<BlockingRun> {
        let runtime = new_runtime()?;
        let within = runtime.enter();
        let stream = begin(options, services);
        drop(within);
        Ok(BlockingRun { stream, runtime })
    }

    fn new_runtime() -> io::Result<Runtime> {
        tokio::runtime::Builder::new_multi_thread().enable_all().build()
    }
}
