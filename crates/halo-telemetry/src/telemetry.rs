//! Events in, spans out to wherever they go: builder and exporter together, as an observer of a run.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halo_protocol::RunEvent;
use jiff::Timestamp;

use crate::{FileExporter, OtlpExporter, OtlpOptions, Span, SpanBuilder, TelemetryError};

/// The telemetry of one run. It never fails the run and never waits for a network.
#[derive(Debug)]
pub struct Telemetry {
    state: Arc<Mutex<State>>,
}

/// What became of the spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TelemetryReport {
    /// Spans that were written or taken by the endpoint.
    pub spans: u64,
    /// Spans that are lost.
    pub dropped: u64,
    /// What went wrong first; `None` when nothing did. It holds no secrets of the request.
    pub error: Option<String>,
}

#[derive(Debug)]
struct State {
    builder: SpanBuilder,
    exporter: Exporter,
}

/// Where spans go.
#[derive(Debug)]
enum Exporter {
    File(FileExporter),
    Endpoint(OtlpExporter),
    /// It was finished; what still comes belongs to no span that was open then.
    Finished,
}

impl Telemetry {
    /// Spans into a new file; what stood there before is replaced.
    ///
    /// # Errors
    /// [`TelemetryError::File`] when the file can't be made.
    pub fn to_file(builder: SpanBuilder, path: &Path) -> Result<Self, TelemetryError> {
        Ok(Self::new(builder, Exporter::File(FileExporter::create(path)?)))
    }

    /// Spans to the end of a file, for a run that goes on. The builder should know the older log ([`SpanBuilder::recall`]).
    ///
    /// # Errors
    /// [`TelemetryError::File`] when the file can't be opened.
    pub fn append_to_file(builder: SpanBuilder, path: &Path) -> Result<Self, TelemetryError> {
        Ok(Self::new(builder, Exporter::File(FileExporter::append(path)?)))
    }

    /// Spans to an endpoint. Call it within a tokio runtime, which sends them.
    ///
    /// # Errors
    /// [`TelemetryError::Options`] when address or headers are malformed, or there is no runtime.
    pub fn to_endpoint(builder: SpanBuilder, options: &OtlpOptions) -> Result<Self, TelemetryError> {
        Ok(Self::new(builder, Exporter::Endpoint(OtlpExporter::start(options)?)))
    }

    fn new(builder: SpanBuilder, exporter: Exporter) -> Self {
        Self { state: Arc::new(Mutex::new(State { builder, exporter })) }
    }

    /// What to call with every event of the run, in order.
    pub fn observer(&self) -> impl FnMut(&RunEvent) + Send + 'static {
        let state = Arc::clone(&self.state);
        move |event| {
            let mut state = lock(&state);
            let spans = state.builder.on_event(event);
            state.exporter.export(&spans);
        }
    }

    /// Closes what is open, gives the last spans on and tells what became of all of them. An endpoint has as long for it as its options
    /// say. Events that come later are passed over.
    pub async fn finish(self) -> TelemetryReport {
        let exporter = {
            let mut state = lock(&self.state);
            let spans = state.builder.finish(&format!("{:.3}", Timestamp::now()));
            state.exporter.export(&spans);
            std::mem::replace(&mut state.exporter, Exporter::Finished)
        };
        match exporter {
            Exporter::File(exporter) => exporter.finish(),
            Exporter::Endpoint(exporter) => exporter.finish().await,
            Exporter::Finished => TelemetryReport::default(),
        }
    }
}

impl Exporter {
    fn export(&mut self, spans: &[Span]) {
        match self {
            Self::File(exporter) => exporter.export(spans),
            Self::Endpoint(exporter) => exporter.export(spans),
            Self::Finished => {}
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
