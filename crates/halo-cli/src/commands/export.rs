//! `halo export`: a dataset back to lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use halo_dataset::Dataset;
use halo_ingest::{ExportError, ExportFormat};

use crate::args::{Common, ExportArgs, ExportAs};
use crate::exit::{Exit, Failure};
use crate::output::{self, counted};

/// Runs the command.
pub(crate) fn run(args: &ExportArgs, common: &Common) -> Result<Exit, Failure> {
    output::set_color(common);
    let dataset = Dataset::open(&args.dataset)?;
    let format = match args.format {
        ExportAs::AsItCame => ExportFormat::AsItCame,
        ExportAs::Flat => ExportFormat::Flat,
        ExportAs::Otlp => ExportFormat::Otlp,
    };
    let exported = match &args.output {
        None => halo_ingest::export(&dataset, format, &mut BufWriter::new(io::stdout().lock())),
        Some(path) => {
            let file = File::create_new(path).map_err(|error| {
                Failure::new(Exit::Input, format!("cannot create `{}`: {error}", path.display()))
                    .hint("name a file that is not there yet")
            })?;
            let mut file = BufWriter::new(file);
            halo_ingest::export(&dataset, format, &mut file).and_then(|count| {
                file.flush()?;
                file.get_ref().sync_all()?;
                Ok(count)
            })
        }
    };
    match exported {
        Ok(count) => output::note(common, &counted(count, "span")),
        // Whoever read the export has seen enough.
        Err(ExportError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(ExportError::Output(error)) => {
            return Err(Failure::new(Exit::Input, format!("cannot write the export: {error}")));
        }
        Err(ExportError::Dataset(error)) => return Err(error.into()),
    }
    Ok(Exit::Done)
}
