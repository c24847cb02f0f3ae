//! Ctrl-C: the first one asks the command to end well, the second ends the program at once.

use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::exit::Exit;
use crate::output;

#[cfg(unix)]
type Stream = tokio::signal::unix::Signal;
#[cfg(windows)]
type Stream = tokio::signal::windows::CtrlC;

/// The user's Ctrl-C, from the moment this is made: none is lost while nobody waits for it.
pub(crate) struct Presses(Stream);

impl Presses {
    /// Begins to listen. Must be called within a tokio runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        let stream = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        #[cfg(windows)]
        let stream = tokio::signal::windows::ctrl_c()?;
        Ok(Self(stream))
    }

    /// Waits for the first one. The caller ends its work, then tells so with [`Presses::heard`].
    pub(crate) async fn first(&mut self) {
        self.0.recv().await;
    }

    /// Says that the first one was heard, and ends the program on the next: what it waits for may never come.
    pub(crate) async fn heard(mut self) {
        tell();
        self.end_on_the_next().await;
    }

    async fn end_on_the_next(&mut self) {
        if self.0.recv().await.is_some() {
            std::process::exit(Exit::Interrupted.code());
        }
    }
}

fn tell() {
    output::stderr("\ninterrupted: ending; once more to end at once");
}

/// A token that the first Ctrl-C cancels. Must be called within a tokio runtime.
pub(crate) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    // Where no signal can be listened to, Ctrl-C ends the program as it does by default.
    if let Ok(mut presses) = Presses::listen() {
        tokio::spawn(async move {
            presses.first().await;
            // Before the run tells of its end.
            tell();
            cancel.cancel();
            presses.end_on_the_next().await;
        });
    }
    token
}

/// Ctrl-C for one piece of work among several: it ends this one, and the program stays.
pub(crate) struct Once {
    token: CancellationToken,
    _watch: Option<AbortOnDropHandle<()>>,
}

impl Once {
    /// Begins to listen, until it is dropped. Must be called within a tokio runtime.
    pub(crate) fn listen() -> Self {
        let token = CancellationToken::new();
        let cancel = token.clone();
        let watch = Presses::listen().ok().map(|mut presses| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                presses.first().await;
                cancel.cancel();
            }))
        });
        Self { token, _watch: watch }
    }

    /// The token that Ctrl-C cancels.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

/// Watches for Ctrl-C until it is dropped, for work that knows no async.
pub(crate) struct OnInterrupt {
    /// Where there is none yet; within `analyze` there is one, which another must not be started in.
    runtime: Option<Runtime>,
    watch: Option<JoinHandle<()>>,
}

impl OnInterrupt {
    /// Calls `cancel` on the first Ctrl-C. Without a way to listen, Ctrl-C ends the program.
    pub(crate) fn start(cancel: impl FnOnce() + Send + 'static) -> Self {
        let runtime = match Handle::try_current() {
            Ok(_) => None,
            Err(_) => tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().ok(),
        };
        let handle = runtime.as_ref().map(|runtime| runtime.handle().clone()).or_else(|| Handle::try_current().ok());
        let watch = handle.and_then(|handle| watch(&handle, cancel));
        Self { runtime, watch }
    }
}

fn watch(handle: &Handle, cancel: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    let _within = handle.enter();
    let mut presses = Presses::listen().ok()?;
    Some(handle.spawn(async move {
        presses.first().await;
        cancel();
        presses.heard().await;
    }))
}

impl Drop for OnInterrupt {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
