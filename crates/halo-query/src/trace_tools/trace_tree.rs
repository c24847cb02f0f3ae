//! Who is whose parent in a trace.

use std::collections::{HashMap, HashSet};

use crate::trace_steps::Step;

/// The tree of a trace: the depth of each step, its parent, and whether it has children.
#[derive(Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
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
    /// Whether no step ran in it.
    pub(crate) is_leaf: bool,
}

impl Tree {
    /// From the steps in their order.
    pub(crate) fn of(steps: &[Step]) -> Self {
        // The first span of an id counts, as everywhere.
        let mut by_id = HashMap::new();
        for (index, step) in steps.iter().enumerate() {
            by_id.entry(step.span_id.as_str()).or_insert(index);
        }
        let mut nodes: Vec<Node> = steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let id = step.parent_span_id.as_deref();
                let parent = id.and_then(|id| by_id.get(id)).copied().filter(|parent| *parent != index);
                Node { parent, parent_missing: id.is_some() && parent.is_none(), depth: usize::MAX, is_leaf: true }
            })
            .collect();
        for index in 0..nodes.len() {
            set_depth(&mut nodes, index);
            if let Some(parent) = nodes[index].parent {
                nodes[parent].is_leaf = false;
            }
        }
        Self { nodes }
    }

    /// The step at this place.
    pub(crate) fn node(&self, index: usize) -> Option<Node> {
        self.nodes.get(index).copied()
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
