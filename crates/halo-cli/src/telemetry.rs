//! Where halo's own spans go: a file in the run's folder, a file that the user names, or an endpoint that takes OTLP.

use std::path::Path;

use halo_agent::EventSink;
use halo_protocol::{RequestPurpose, RunEvent};
use halo_telemetry::{OtlpOptions, SpanBuilder, TelemetryError};

use crate::commands::analyze::settings::{ModelRun, RunSettings};
use crate::exit::{Exit, Failure};
use crate::run_folder::{EVENTS, RunFolder};
use crate::{folders, output};

/// The file in the run's folder.
const FILE: &str = "telemetry.jsonl";

/// What watches a run for spans; nothing when nobody asked for them.
pub(crate) struct Telemetry(Option<halo_telemetry::Telemetry>);

/// Begins to make spans of what is told to the sink, when the settings of the run ask for it. What an earlier attempt logged is known.
pub(crate) fn observe(sink: &EventSink, settings: &RunSettings, folder: &RunFolder) -> Result<Telemetry, Failure> {
    let Some(target) = settings.telemetry.as_deref() else {
        return Ok(Telemetry(None));
    };
    let run = folder.root().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut builder = SpanBuilder::new(format!("{run} {}", settings.started_at));
    if let Some(model) = settings.model.clone() {
        builder = builder.naming_models(move |purpose, depth| Some(model_name(&model, purpose, depth).to_owned()));
    }
    let older = older_events(&folder.file(EVENTS));
    let is_resumed = !older.is_empty();
    builder.recall(&older);
    let made = if target.starts_with("http://") || target.starts_with("https://") {
        let options = OtlpOptions { headers: folders::otlp_headers(), ..OtlpOptions::new(target) };
        halo_telemetry::Telemetry::to_endpoint(builder, &options)
    } else {
        let path = if target.is_empty() { folder.file(FILE) } else { target.into() };
        match is_resumed {
            true => halo_telemetry::Telemetry::append_to_file(builder, &path),
            false => halo_telemetry::Telemetry::to_file(builder, &path),
        }
    };
    let telemetry = made.map_err(|error| {
        let exit = match error {
            TelemetryError::File { .. } => Exit::Input,
            TelemetryError::Options { .. } => Exit::Usage,
        };
        Failure::new(exit, error.to_string())
    })?;
    sink.observe(telemetry.observer());
    Ok(Telemetry(Some(telemetry)))
}

impl Telemetry {
    /// Sends what is left, and says what was lost.
    pub(crate) async fn finish(self) {
        let Some(telemetry) = self.0 else {
            return;
        };
        let report = telemetry.finish().await;
        if let Some(error) = report.error {
            output::warning(&format!("telemetry is incomplete: {error}"));
        } else if report.dropped > 0 {
            output::warning(&format!(
                "telemetry is incomplete: {} were dropped",
                output::counted(report.dropped, "span")
            ));
        }
    }
}

/// Events of the log so far, without those that can't be read: they tell of the past only.
fn older_events(path: &Path) -> Vec<RunEvent> {
    let log = std::fs::read_to_string(path).unwrap_or_default();
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn model_name(model: &ModelRun, purpose: RequestPurpose, depth: u32) -> &str {
    match purpose {
        RequestPurpose::Turn if depth == 0 => &model.model,
        RequestPurpose::Turn => &model.subagent_model,
        RequestPurpose::Compaction => &model.compaction_model,
        RequestPurpose::Synthesis => &model.synthesis_model,
        RequestPurpose::Row | RequestPurpose::Code => &model.row_model,
    }
}
