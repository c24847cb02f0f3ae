//! Who is whose parent in a trace.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::filled;
use crate::overview::number;

/// The tree of a trace: the depth of each step, and its parent.
#[derive(Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    first_llm_steps: Vec<u64>,
}

/// A step in the tree.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// Place of its parent among the steps.
    pub(crate) parent: Option<usize>,
    /// Whether it names a parent that is not in the trace.
    pub(crate) parent_missing: bool,
    /// 0 for a root.
    pub(crate) depth: usize,
}

impl Tree {
    /// From rows of step, ids, type and agent in order of step.
    pub(crate) fn of(rows: &[Map<String, Value>]) -> Self {
        // The first span of an id counts, as everywhere.
        let mut by_id = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            if let Some(id) = filled(row, "span_id") {
                by_id.entry(id).or_insert(index);
            }
        }
        let mut nodes: Vec<Node> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| {
                let id = filled(row, "parent_span_id");
                let parent = id.and_then(|id| by_id.get(id)).copied().filter(|parent| *parent != index);
                Node { parent, parent_missing: id.is_some() && parent.is_none(), depth: usize::MAX }
            })
            .collect();
        for index in 0..nodes.len() {
            set_depth(&mut nodes, index);
        }
        let mut agents = HashSet::new();
        let first_llm_steps = rows
            .iter()
            .filter(|row| filled(row, "span_type") == Some("LLM"))
            .filter(|row| agents.insert(filled(row, "agent_name")))
            .map(|row| number(row, "step"))
            .collect();
        Self { nodes, first_llm_steps }
    }

    /// The step at this place.
    pub(crate) fn node(&self, index: usize) -> Option<Node> {
        self.nodes.get(index).copied()
    }

    /// The first LLM step of each agent.
    pub(crate) fn first_llm_steps(&self) -> impl Iterator<Item = u64> {
        self.first_llm_steps.iter().copied()
    }
}

/// Walks up to a known depth and back down. A cycle, which broken exporters make, is cut where it closes.
fn set_depth(nodes: &mut [Node], start: usize) {
    let mut path = Vec::new();
    let mut on_path = HashSet::new();
    let mut at = start;
    while nodes[at].depth == usize::MAX && on_path.insert(at) {
        path.push(at);
        match nodes[at].parent {
            Some(parent) => at = parent,
            None => break,
        }
    }
    let mut depth = match nodes[at].depth {
        usize::MAX => 0,
        known => known + 1,
    };
    while let Some(index) = path.pop() {
        nodes[index].depth = depth;
        depth += 1;
    }
}
