//! The command line: what the user typed, checked and inert.

mod model;
mod proof;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use halo_protocol::Severity;

pub(crate) use self::model::{Api, LimitArgs, ModelArgs, ReasoningEffort, SecretArgs};
pub(crate) use self::proof::{CheckArgs, CheckFormat, ReportArgs, ReportForm, VerifyArgs};

/// Finds the systemic faults of an LLM agent's harness in its OpenTelemetry traces.
#[derive(Debug, Parser)]
#[command(name = "halo", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

const EXAMPLES: &str = "\
Examples:
  halo analyze traces.jsonl                     report without a model, from the built-in checks
  halo analyze traces.jsonl -m gpt-5.4-mini     a model reads the traces as well (OPENAI_API_KEY)
  halo ingest 'logs/*.jsonl.gz' -o traces.halo  read once, ask often
  halo overview traces.halo                     what it holds, and traces to begin with
  halo trace traces.halo TRACE_ID               one trace, step by step
  halo sql traces.halo                          a SQL shell; `halo sql --functions` lists functions
  halo sql traces.halo 'select tool_name, count(*) from spans group by 1 order by 2 desc'

Exit codes: 0 done, 1 a gate fired, 2 usage, 3 input unreadable or too many
rejects, 4 model or network failed, 5 budget spent, 70 a bug in halo,
130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read traces into a dataset, or add to one
    Ingest(IngestArgs),
    /// Ask a dataset anything in SQL: one query, a script, or a shell
    Sql(SqlArgs),
    /// Tell in about a page what a dataset holds, what differs in it and what failed
    Overview(OverviewArgs),
    /// Show one trace as a tree of its steps, or where a pattern stands in it
    Trace(TraceArgs),
    /// Find a pattern in everything that the traces say
    ///
    /// Texts are decoded first: JSON inside JSON is opened, and what is sent again each turn counts once.
    Search(SearchArgs),
    /// Find the systemic faults in traces and write a report
    ///
    /// Without a key and without --model this runs on the built-in checks alone. `halo INPUT -p PROMPT` is short for it.
    Analyze(Box<AnalyzeArgs>),
    /// Go on with an analysis that was killed, interrupted, or ran out of its budget
    Resume(ResumeArgs),
    /// List the analyses there are
    Runs(RunsArgs),
    /// Show the report of an earlier run again, in any form
    Report(ReportArgs),
    /// Measure everything that a report says again; or, with other traces, tell what became of its findings
    ///
    /// On the traces of the report every figure and quote must come out as it stands, else the exit code is 1. With a dataset or trace
    /// files after RUN, each finding is held, worse, better or gone there, and what only they have is new.
    Verify(VerifyArgs),
    /// Run the built-in checks as a gate for CI
    ///
    /// The exit code is 1 when they find anything; with --baseline, when something is new or worse than in an earlier run.
    Check(CheckArgs),
    /// Tell what a dataset holds and how well its attributes were mapped to columns
    Info(InfoArgs),
    /// Give every span back as a line, as it came
    Export(ExportArgs),
    /// Rewrite a dataset as fewer and smaller files
    Compact(CompactArgs),
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Colours in messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Threads to work with [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Memory to work within, such as 500MB or 4GB
    #[arg(long, global = true, value_name = "SIZE", default_value = "2GB", value_parser = parse_memory)]
    pub(crate) memory_limit: u64,
}

impl Common {
    /// Threads to use.
    pub(crate) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(all, usize::from)
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// Trace files, folders, globs, or - for standard input; plain, gzip or zstd
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Dataset to make or add to
    #[arg(long, short, value_name = "DATASET")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
    /// Mask API keys, tokens, e-mail addresses, card numbers and the like before anything is stored; with a file, by its rules
    // An input may follow: the rules are given with `=`.
    #[arg(long, value_name = "RULES", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) redact: Option<String>,
    /// Secret that the masks are made with: without it, a value that can be guessed can be confirmed from its mask
    #[arg(long, value_name = "SECRET", env = "HALO_REDACT_SALT", hide_env_values = true, requires = "redact")]
    pub(crate) redact_salt: Option<String>,
    /// Go on reading what the files grow by, until Ctrl-C; a line without its end is not there yet
    #[arg(long)]
    pub(crate) follow: bool,
    /// Form of the summary: text on stderr, or json on stdout
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: SummaryFormat,
}

/// What to make of input that can't be taken.
#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// Share of rejected lines above which the exit code is 3, such as 5% or 0.05
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = parse_share)]
    pub(crate) max_rejects: f64,
    /// Longest line that is taken
    #[arg(long, value_name = "SIZE", default_value = "256MB", value_parser = parse_size)]
    pub(crate) max_line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Dataset made by `halo ingest`
    pub(crate) dataset: PathBuf,
    /// Form of the answer
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: SummaryFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Dataset made by `halo ingest`
    pub(crate) dataset: PathBuf,
    /// File to write, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Form of the spans
    #[arg(long, short, value_name = "FORMAT", default_value = "as-it-came")]
    pub(crate) format: ExportAs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportAs {
    /// Flat lines and OTLP/JSON, each span as it came
    AsItCame,
    /// HALO's flat lines
    Flat,
    /// OTLP/JSON, one span a line
    Otlp,
}

#[derive(Debug, Args)]
pub(crate) struct CompactArgs {
    /// Dataset made by `halo ingest`
    pub(crate) dataset: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// Dataset made by `halo ingest`
    #[arg(required_unless_present_any = ["functions", "reference"])]
    pub(crate) dataset: Option<PathBuf>,
    /// One read-only statement; without it a shell on a terminal, else a script from standard input
    pub(crate) query: Option<String>,
    /// Script of statements that end with `;`, run one after the other up to the first that fails; - for standard input
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// List the functions of SQL, those whose names match PATTERN, with what they mean and examples
    #[arg(long, value_name = "PATTERN", num_args = 0..=1, conflicts_with_all = ["query", "file"])]
    pub(crate) functions: Option<Option<String>>,
    /// Print all tables, columns and functions as a page in Markdown
    #[arg(long, conflicts_with_all = ["query", "file", "functions"])]
    pub(crate) reference: bool,
    /// Form of the rows
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: RowFormat,
    /// Longest time a query may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) max_time: u64,
}

#[derive(Debug, Args)]
pub(crate) struct OverviewArgs {
    /// Dataset made by `halo ingest`
    pub(crate) dataset: PathBuf,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// Which traces to look at. All given conditions must hold.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which traces")]
pub(crate) struct FilterArgs {
    /// Only traces with a span of status ERROR; `--errors false` those without
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = false, default_missing_value = "true")]
    pub(crate) errors: Option<bool>,
    /// Only traces of this service; may be repeated
    #[arg(long = "service", value_name = "NAME")]
    pub(crate) services: Vec<String>,
    /// Only traces in which this model answered; may be repeated
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Only traces in which this agent took part; may be repeated
    #[arg(long = "agent", value_name = "NAME")]
    pub(crate) agents: Vec<String>,
    /// Only traces of this project
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// Only traces that began then or later, as in 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only traces that ended then or earlier
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only traces with a text that matches this regular expression
    #[arg(long, value_name = "PATTERN")]
    pub(crate) matching: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// Dataset made by `halo ingest`
    pub(crate) dataset: PathBuf,
    /// Id of the trace, whole
    pub(crate) trace_id: String,
    /// Page of what is long, from 1
    #[arg(long, value_name = "N", conflicts_with = "search")]
    pub(crate) page: Option<usize>,
    /// Show only where this regular expression stands in its texts
    #[arg(long, value_name = "PATTERN")]
    pub(crate) search: Option<String>,
    /// Show this span whole, with all its attributes; with --search, search only this span
    #[arg(long, value_name = "SPAN_ID")]
    pub(crate) span: Option<String>,
    /// Show these steps whole, with all their attributes, as in 3,5
    #[arg(long = "step", value_name = "STEPS", value_delimiter = ',', conflicts_with_all = ["search", "span"])]
    pub(crate) steps: Vec<u64>,
    /// A page as text, or the whole trace as one JSON document: {trace, spans: [{every column, depth, children}]}
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: TraceFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Dataset made by `halo ingest`
    pub(crate) dataset: PathBuf,
    /// Regular expression to find
    #[arg(allow_hyphen_values = true)]
    pub(crate) pattern: String,
    /// Take the pattern as it is written
    #[arg(long, short = 'F')]
    pub(crate) fixed_strings: bool,
    /// Take capital and small letters for the same
    #[arg(long, short)]
    pub(crate) ignore_case: bool,
    /// What to show: the distinct texts by wording, the hits of each trace, or ids of traces
    #[arg(long, value_name = "WHAT", default_value = "texts")]
    pub(crate) show: Show,
    /// Most lines to show [default: 20, of ids 100]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Lines to pass over first
    #[arg(long, value_name = "N")]
    pub(crate) offset: Option<usize>,
    /// Characters to show on each side of a hit [default: 100]
    #[arg(long, short = 'C', value_name = "CHARS")]
    pub(crate) context: Option<usize>,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// What a search shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    Texts,
    Hits,
    Traces,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    Table,
    Json,
    Jsonl,
    Csv,
    Markdown,
}

/// Flags of `halo resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Folder of the run, or its name among the runs that `halo runs` lists
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Print this on stdout in place of the summary
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<ReportFormat>,
    /// Exit with 1 when there is a finding of this severity or above
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
}

/// Flags of `halo runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Form of the rows
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: RowFormat,
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    /// A dataset, or trace files, folders and globs (read once into a cache and used again while unchanged)
    #[arg(required = true, value_name = "DATASET|INPUT")]
    pub(crate) inputs: Vec<String>,
    /// What you want to know; without it, all systemic faults
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Use no model, even when there is a key
    #[arg(long, conflicts_with = "model")]
    pub(crate) offline: bool,
    /// A text file that says what this dataset encodes, for the model
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
    /// Folder with the code of the harness, for the model to read; with git, its history too
    #[arg(long, value_name = "DIR")]
    pub(crate) repo_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Write halo's own agents, model calls and tools as spans: into the run's folder, to a file, or to an OTLP endpoint
    #[arg(long, value_name = "FILE|URL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) telemetry: Option<String>,
    /// Folder for the report and the run's files [default: a new one in the platform's data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print this on stdout in place of the summary
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<ReportFormat>,
    /// Exit with 1 when there is a finding of this severity or above
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
}

/// What runs are judged by.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// Folder with checks of your own, NAME.sql and NAME.md each, that run after the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) checks: Option<PathBuf>,
    /// How runs ended, as one SELECT of `trace_id` and `outcome` (success, failure, unknown); other runs keep what their spans say
    #[arg(long, value_name = "SQL")]
    pub(crate) outcome: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Markdown,
    Html,
    Json,
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Low,
    Medium,
    High,
    Critical,
}

impl FailOn {
    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

/// Flags of every command that take a value: the word after them is no command.
const COMMON_WITH_VALUE: &[&str] = &["--color", "--threads", "--memory-limit"];

/// HALO's own form, `halo INPUT -p PROMPT`, is `halo analyze INPUT -p PROMPT`.
pub(crate) fn with_short_form(mut arguments: Vec<OsString>) -> Vec<OsString> {
    use clap::CommandFactory as _;
    let command = Cli::command();
    let is_command = |word: &str| word == "help" || command.get_subcommands().any(|sub| sub.get_name() == word);
    let mut skip = false;
    let mut first_word = None;
    for argument in arguments.iter().skip(1) {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut skip) {
            continue;
        }
        if matches!(text.as_ref(), "--help" | "-h" | "--version" | "-V") {
            return arguments;
        }
        if text.starts_with('-') && text != "-" {
            skip = COMMON_WITH_VALUE.contains(&text.as_ref());
            continue;
        }
        first_word = Some(text.into_owned());
        break;
    }
    if first_word.is_some_and(|word| !is_command(&word)) {
        arguments.insert(1, "analyze".into());
    }
    arguments
}

/// `500MB`, `4GB`, `1.5GiB`, `1000000`.
fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| "not a size such as 500MB or 4GB".to_owned())?;
    let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        unit => return Err(format!("`{unit}` is no unit; use B, KB, MB or GB")),
    };
    let bytes = number * unit;
    if !(1.0..1e15).contains(&bytes) {
        return Err("out of range".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be within 1..1e15")]
    Ok(bytes as u64)
}

/// Least memory that halo works within: below it, not even a count over a small dataset runs.
const MEMORY_MIN: u64 = 64_000_000;

fn parse_memory(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bytes < MEMORY_MIN { Err("less than the 64 MB that halo needs".to_owned()) } else { Ok(bytes) }
}

/// `5%` or `0.05`, within 0..=1.
fn parse_share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().map_err(|_| "not a share such as 5% or 0.05".to_owned())? / scale;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("not within 0 and 100%".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn short_form() {
        let check = |line: &str| {
            let words = line.split(' ').map(OsString::from).collect();
            let words: Vec<String> =
                with_short_form(words).into_iter().map(|word| word.into_string().unwrap()).collect();
            words.join(" ")
        };
        assert_eq!(check("halo t.jsonl -p why"), "halo analyze t.jsonl -p why");
        assert_eq!(check("halo -p why t.jsonl"), "halo analyze -p why t.jsonl");
        assert_eq!(check("halo --threads 2 sql ds"), "halo --threads 2 sql ds");
        assert_eq!(check("halo --quiet ingest a -o b"), "halo --quiet ingest a -o b");
        assert_eq!(check("halo"), "halo");
        assert_eq!(check("halo --help"), "halo --help");
        assert_eq!(check("halo help sql"), "halo help sql");
    }

    #[test]
    fn sizes_and_shares() {
        assert_eq!(parse_size("500MB"), Ok(500_000_000));
        assert_eq!(parse_size("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(parse_size("12"), Ok(12));
        assert!(parse_size("many").is_err() && parse_size("0").is_err() && parse_size("5 parsecs").is_err());
        assert_eq!(parse_share("5%"), Ok(0.05));
        assert_eq!(parse_share("0.2"), Ok(0.2));
        assert!(parse_share("200%").is_err() && parse_share("x").is_err());
    }
}
