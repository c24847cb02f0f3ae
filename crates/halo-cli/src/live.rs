//! A model run as it happens, on stderr: a tree of the agents on a terminal, plain lines elsewhere.

mod lines;
mod tree;

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use halo_agent::{EventSink, Limits};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::tree::Tree;
use crate::output;

/// How often the tree is drawn.
const REDRAWS_PER_SECOND: u8 = 8;

/// Shows a run until it is dropped.
pub(crate) struct LiveView {
    _on_terminal: Option<Drawn>,
}

struct Drawn {
    bar: ProgressBar,
    stop: Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl LiveView {
    /// Begins to show what is told to the sink.
    pub(crate) fn start(sink: &EventSink, limits: &Limits) -> Self {
        if !std::io::stderr().is_terminal() {
            sink.observe(|event| {
                if let Some(line) = lines::line(event) {
                    output::line(&line);
                }
            });
            return Self { _on_terminal: None };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND));
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let tree = Arc::new(Mutex::new(Tree::new(*limits)));
        let (for_events, for_lines) = (Arc::clone(&tree), bar.clone());
        sink.observe(move |event| {
            let line = for_events.lock().unwrap_or_else(PoisonError::into_inner).take(event);
            if let Some(line) = line {
                for_lines.println(output::printable(&line));
            }
        });
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (stopped, drawn) = (Arc::clone(&stop), bar.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                let size = terminal_size::terminal_size_of(std::io::stderr());
                let (width, height) = size.map_or((100, 30), |(width, height)| (width.0, height.0));
                let text =
                    tree.lock().unwrap_or_else(PoisonError::into_inner).render(usize::from(width), usize::from(height));
                drawn.set_message(output::printable(&text));
                std::thread::park_timeout(Duration::from_millis(1_000 / u64::from(REDRAWS_PER_SECOND)));
            }
        });
        Self { _on_terminal: Some(Drawn { bar, stop, thread: Some(thread) }) }
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It only draws: there is nothing to tell of its end.
            drop(thread.join());
        }
        self.bar.finish_and_clear();
    }
}
