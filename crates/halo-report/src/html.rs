//! The report as one self-contained page.

use halo_protocol::Report;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::answer;
use crate::markdown::markdown;
use crate::view::View;

const TEMPLATE: &str = include_str!("../templates/report.html");
const STYLE: &str = include_str!("../templates/report.css");

/// The report as one HTML page that needs nothing but itself: no script, no network, light and dark, for
/// screen, phone and print.
#[must_use]
pub fn html(report: &Report) -> String {
    let view = View::new(report);
    laid_out(TEMPLATE, &view).unwrap_or_else(|error| plain_page(report, &view, &error))
}

fn laid_out(template: &str, view: &View) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    let answer = view.answer.as_deref().map(answer::to_html).unwrap_or_default();
    environment.template_from_str(template)?.render(context! { view => Serde(view), answer, style => STYLE })
}

/// A page without layout. The template is part of the program and tests hold it, so nobody should see this;
/// but a report may have cost hours and money, and a plain one that says what went wrong is better than none.
fn plain_page(report: &Report, view: &View, error: &minijinja::Error) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{}</title>\n\
         <p>This page could not be laid out: {}</p>\n<pre>{}</pre></html>\n",
        escaped(&view.page_title),
        escaped(&error.to_string()),
        escaped(&markdown(report)),
    )
}

#[cfg(test)]
mod tests {
    use halo_protocol::{Coverage, DatasetSummary, RunEnd, RunInfo, RunMode, Usage};

    use super::*;

    #[test]
    fn a_template_that_fails_still_gives_a_report() {
        let report = Report {
            format_version: 1,
            run: RunInfo {
                halo_version: "0.1.0".to_owned(),
                started_at: "2026-03-02T08:00:00Z".to_owned(),
                elapsed_ms: 1,
                mode: RunMode::Offline,
                prompt: Some("why <script>?".to_owned()),
                input: "traces".to_owned(),
                end: RunEnd::Complete,
            },
            dataset: DatasetSummary { traces: 3, ..DatasetSummary::default() },
            answer: None,
            findings: Vec::new(),
            refused: Vec::new(),
            coverage: Coverage::default(),
            usage: Usage::default(),
            cost_usd: None,
            queries: Vec::new(),
        };
        let view = View::new(&report);
        let error = laid_out("{{ view.no_such_thing.at_all }}", &view).expect_err("strict templates fail");
        let page = plain_page(&report, &view, &error);
        assert!(page.contains("could not be laid out") && page.contains("No systemic fault found in 3 runs."));
        assert!(!page.contains("<script"), "{page}");
    }
}
