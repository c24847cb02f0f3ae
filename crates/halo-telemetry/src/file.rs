//! Spans into a file, a line each.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::span::document;
use crate::{Span, TelemetryError, TelemetryReport};

/// Writes each span as a line `{"resourceSpans":[…]}` with one write, so that who reads while it grows sees whole lines.
#[derive(Debug)]
pub struct FileExporter {
    path: PathBuf,
    file: File,
    /// Whether the last line was cut off in its middle.
    is_cut: bool,
    report: TelemetryReport,
}

impl FileExporter {
    /// A new file; what stood there before is replaced.
    ///
    /// # Errors
    /// [`TelemetryError::File`] when it can't be made.
    pub fn create(path: &Path) -> Result<Self, TelemetryError> {
        Self::of(path, File::create(path).map(|file| (file, false)))
    }

    /// Goes on with a file, or begins it. A line that was cut, because whoever wrote it was killed, stays behind alone.
    ///
    /// # Errors
    /// [`TelemetryError::File`] when it can't be opened.
    pub fn append(path: &Path) -> Result<Self, TelemetryError> {
        let open = || {
            let mut file = File::options().read(true).append(true).create(true).open(path)?;
            let mut last = [b'\n'];
            if file.seek(SeekFrom::End(0))? > 0 {
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
            }
            Ok((file, last != [b'\n']))
        };
        Self::of(path, open())
    }

    fn of(path: &Path, opened: std::io::Result<(File, bool)>) -> Result<Self, TelemetryError> {
        let (file, is_cut) = opened.map_err(|source| TelemetryError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, is_cut, report: TelemetryReport::default() })
    }

    /// Appends spans. One that can't be written is counted as dropped.
    pub fn export(&mut self, spans: &[Span]) {
        for span in spans {
            match self.write(span) {
                Ok(()) => self.report.spans += 1,
                Err(error) => {
                    self.is_cut = true;
                    self.report.dropped += 1;
                    let path = self.path.display();
                    self.report.error.get_or_insert_with(|| format!("cannot write telemetry to `{path}`: {error}"));
                }
            }
        }
    }

    fn write(&mut self, span: &Span) -> std::io::Result<()> {
        let mut line = document(&[serde_json::to_string(span)?]);
        line.push('\n');
        if self.is_cut {
            line.insert(0, '\n');
        }
        self.file.write_all(line.as_bytes())?;
        self.is_cut = false;
        Ok(())
    }

    /// What became of the spans.
    #[must_use]
    pub fn finish(self) -> TelemetryReport {
        self.report
    }
}
