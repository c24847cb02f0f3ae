//! Prints the JSON schema of a report: `cargo run -p halo-protocol --example schema > docs/report.schema.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{:#}", halo_protocol::report_schema())
}
