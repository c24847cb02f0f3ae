//! The scripted model: a small HTTP server on the loopback that answers model requests from a list of replies, one a
//! request and whatever the path, and keeps what it was asked.
//!
//! It has its own thread and its own runtime, so that it serves async tests, plain tests and spawned binaries alike;
//! every method blocks for no longer than a lock, except where its name says `wait`.

mod blocks;
mod completion;
mod http;
mod items;
mod reply;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use http::RecordedRequest;
pub use reply::Reply;

/// A running scripted model. Stops when dropped.
#[derive(Debug)]
pub struct ScriptedModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    script: VecDeque<Reply>,
    last: Reply,
    /// Chooses the reply when there is one; then the script is empty.
    answer: Option<Answer>,
    requests: Vec<RecordedRequest>,
}

type Answer = Box<dyn FnMut(&RecordedRequest) -> Reply + Send>;

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("script", &self.script)
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}

impl ScriptedModel {
    /// Starts a model that answers with these replies in order, and with status 500 when they are used up.
    ///
    /// # Errors
    /// When no loopback port or no thread can be had.
    pub fn start(script: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        Self::start_with_last(script, Reply::error(500, "the script of this test has no more replies"))
    }

    /// Like [`ScriptedModel::start`], with the reply for every request after the script.
    ///
    /// # Errors
    /// When no loopback port or no thread can be had.
    pub fn start_with_last(script: impl IntoIterator<Item = Reply>, last: Reply) -> io::Result<Self> {
        Self::serve(State { script: script.into_iter().collect(), last, answer: None, requests: Vec::new() })
    }

    /// Starts a model that looks at each request to choose its reply: for several agents that ask in any order.
    ///
    /// # Errors
    /// When no loopback port or no thread can be had.
    pub fn start_answering(answer: impl FnMut(&RecordedRequest) -> Reply + Send + 'static) -> io::Result<Self> {
        let last = Reply::error(500, "every request is answered");
        Self::serve(State { script: VecDeque::new(), last, answer: Some(Box::new(answer)), requests: Vec::new() })
    }

    fn serve(state: State) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::new(state), arrived: Condvar::new() });
        // Bound here, so that the address is known and listening before the caller goes on.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("scripted-model".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, for_thread, stopped));
        })?;
        Ok(Self { address, shared, stop, thread: Some(thread) })
    }

    /// The address to give as base URL, `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every request so far, in the order they arrived.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// Replies of the script that nobody has asked for yet.
    #[must_use]
    pub fn replies_left(&self) -> usize {
        self.shared.lock().script.len()
    }

    /// Blocks until so many requests have arrived; `false` when they have not within the time.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize, time_max: Duration) -> bool {
        let guard = self.shared.lock();
        let waited = self.shared.arrived.wait_timeout_while(guard, time_max, |state| state.requests.len() < count);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.requests.len() >= count
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request and takes the reply for it. The number counts requests from 1.
    fn take_reply(&self, request: RecordedRequest) -> (usize, Reply) {
        let mut state = self.lock();
        let state = &mut *state;
        let reply = match &mut state.answer {
            Some(answer) => answer(&request),
            None => state.script.pop_front().unwrap_or_else(|| state.last.clone()),
        };
        state.requests.push(request);
        let number = state.requests.len();
        self.arrived.notify_all();
        (number, reply)
    }
}

/// Accepts connections until it is told to stop; dropping the runtime afterwards ends those that stall.
async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(answer(stream, Arc::clone(&shared)));
                }
            }
        }
    }
}

/// One connection, one request, one reply. A client that goes away in between is what some tests want.
async fn answer(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let Some(request) = http::read_request(&mut stream).await? else {
        return Ok(());
    };
    let (number, reply) = shared.take_reply(request);
    tokio::time::sleep(reply.delay()).await;
    http::write_reply(stream, &reply, number).await
}

#[cfg(test)]
mod tests;
