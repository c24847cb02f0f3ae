//! Joins that let others have their turn.
//!
//! The engine stops a query where it reads: there it counts batches, and gives its thread back after some. A join makes millions of batches
//! of one that was read, and would hold a thread for hours, long after its query was called off. So its output is counted as well.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

/// The rule, to run last.
#[derive(Debug)]
pub(crate) struct YieldInJoins;

impl PhysicalOptimizerRule for YieldInJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let wrapped = plan.transform_up(|node| {
            Ok(match node.name() {
                "CrossJoinExec"
                | "NestedLoopJoinExec"
                | "HashJoinExec"
                | "SortMergeJoinExec"
                | "PiecewiseMergeJoinExec"
                | "SymmetricHashJoinExec"
                | "UnnestExec" => Transformed::yes(Arc::new(CooperativeExec::new(node)) as _),
                _ => Transformed::no(node),
            })
        })?;
        Ok(wrapped.data)
    }

    fn name(&self) -> &str {
        "yield_in_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
