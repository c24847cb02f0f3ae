//! Who reads what is shown: how to ask for more is told as a tool call to a model, and as a command to a person.

use serde_json::json;

use super::text::{DATA_NOTE, clean, ranges};
use crate::{Mark, MarkedText};

/// Steps that one call to see more of them names.
const STEPS_MAX: usize = 200;

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// A model, which has the tools.
    Model,
    /// A person at a terminal.
    Person {
        /// The dataset as the person named it.
        dataset: String,
    },
}

/// Which page of what is shown is wanted, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The page, from 1.
    pub page: usize,
    /// Who reads it.
    pub reader: Reader,
}

impl View {
    /// A page for a model; the first when it names none.
    pub(crate) fn for_model(page: Option<usize>) -> Self {
        Self { page: page.unwrap_or(1), reader: Reader::Model }
    }
}

impl Reader {
    /// How to get a page of a trace.
    pub(crate) fn trace_call(&self, trace_id: &str, page: usize) -> String {
        match self {
            Self::Model => format!("view_trace {}", json!({"trace_id": trace_id, "page": page})),
            Self::Person { dataset } => format!("halo trace {} {} --page {page}", word(dataset), word(trace_id)),
        }
    }

    /// How to see steps whole.
    pub(crate) fn steps_call(&self, trace_id: &str, steps: &[u64], page: usize) -> String {
        let steps = &steps[..steps.len().min(STEPS_MAX)];
        match self {
            Self::Model if page > 1 => {
                format!("view_spans {}", json!({"trace_id": trace_id, "steps": steps, "page": page}))
            }
            Self::Model => format!("view_spans {}", json!({"trace_id": trace_id, "steps": steps})),
            Self::Person { dataset } => {
                let listed: Vec<String> = steps.iter().map(u64::to_string).collect();
                let page = if page > 1 { format!(" --page {page}") } else { String::new() };
                format!("halo trace {} {} --step {}{page}", word(dataset), word(trace_id), listed.join(","))
            }
        }
    }

    /// Adds that what comes is data, which a model must be told and a person knows.
    pub(crate) fn push_data_note(&self, out: &mut MarkedText) {
        if *self == Self::Model {
            out.push(DATA_NOTE);
            out.push("\n");
        }
    }

    /// Adds how to see what is cut on a page, or what it does not show of any step.
    pub(crate) fn push_cut_note(&self, out: &mut MarkedText, trace_id: &str, cut: &[u64], first: u64) {
        let note = if cut.is_empty() {
            format!("[all attributes of a step: {}]", self.steps_call(trace_id, &[first], 1))
        } else {
            let call = self.steps_call(trace_id, cut, 1);
            format!("[texts of steps {} are cut; these steps whole, with all attributes: {call}]", ranges(cut, 30))
        };
        out.push("\n");
        out.mark(Mark::Note, &clean(&note));
        out.push("\n");
    }
}

/// A word of a command line, in quotes where a shell would split or read it.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_written_for_their_reader() {
        let person = Reader::Person { dataset: "traces.halo".to_owned() };
        assert_eq!(person.trace_call("it's", 2), r"halo trace traces.halo 'it'\''s' --page 2");
        assert_eq!(person.steps_call("t1", &[1, 2], 3), "halo trace traces.halo t1 --step 1,2 --page 3");
        assert_eq!(Reader::Model.trace_call("it's", 2), r#"view_trace {"page":2,"trace_id":"it's"}"#);
        assert_eq!(Reader::Model.steps_call("t1", &[1, 2], 1), r#"view_spans {"steps":[1,2],"trace_id":"t1"}"#);
    }
}
