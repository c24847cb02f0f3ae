//! Ctrl-C: the first one asks the command to end well, the second ends the program at once.

use tokio_util::sync::CancellationToken;

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
