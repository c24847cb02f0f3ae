//! What the planner is told so that no function, wherever it comes from, grows without bounds: calls are put within bounds before constants
//! are computed, and once more when all else is done.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::functions::regex::regexp_like;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable as _, LogicalPlan, Operator, ScalarUDF, WindowFunctionDefinition,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::functions::{bounded, bounded_window, of_operator, text_concat};

/// The rule.
#[derive(Debug)]
pub(crate) struct Bounds {
    memory_bytes: usize,
    concat: Arc<ScalarUDF>,
    matches: Arc<ScalarUDF>,
}

impl Bounds {
    /// The rule, within the memory that queries may take.
    pub(crate) fn of(memory_bytes: usize) -> Self {
        let within = |function: Arc<ScalarUDF>| bounded(&function, memory_bytes).unwrap_or(function);
        Self { memory_bytes, concat: within(Arc::new(text_concat())), matches: within(regexp_like()) }
    }

    fn within(&self, expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
        match expr {
            Expr::ScalarFunction(ScalarFunction { func, args }) => match bounded(&func, self.memory_bytes) {
                Some(func) => Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })),
                None => Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })),
            },
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right })
                if are_texts(&left, &right, schema) =>
            {
                // A chain of many is one call: a planner takes a deep tree apart again and again.
                let mut texts = match *left {
                    Expr::ScalarFunction(call) if call.func == self.concat => call.args,
                    other => vec![other],
                };
                texts.push(*right);
                Transformed::yes(self.concat.call(texts))
            }
            Expr::BinaryExpr(binary) => match of_operator(&binary, &self.matches) {
                Some(call) => Transformed::yes(call),
                None => Transformed::no(Expr::BinaryExpr(binary)),
            },
            Expr::WindowFunction(mut call) => {
                let WindowFunctionDefinition::AggregateUDF(function) = &call.fun else {
                    return Transformed::no(Expr::WindowFunction(call));
                };
                let Some(function) = bounded_window(function, &call.params.window_frame, self.memory_bytes) else {
                    return Transformed::no(Expr::WindowFunction(call));
                };
                call.fun = WindowFunctionDefinition::AggregateUDF(function);
                Transformed::yes(Expr::WindowFunction(call))
            }
            other => Transformed::no(other),
        }
    }
}

/// Whether both are texts of one kind: lists and bytes are joined by functions of their own.
fn are_texts(left: &Expr, right: &Expr, schema: &DFSchema) -> bool {
    match (left.get_type(schema), right.get_type(schema)) {
        (Ok(left), Ok(right)) => left == right && left.is_string(),
        _ => false,
    }
}

impl OptimizerRule for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        let names = NamePreserver::new(&plan);
        let mut schema = merge_schema(&plan.inputs());
        if let LogicalPlan::TableScan(scan) = &plan {
            schema.merge(&scan.projected_schema);
        }
        plan.map_expressions(|expr| {
            let saved = names.save(&expr);
            let rewritten = expr.transform_up(|expr| Ok(self.within(expr, &schema)))?;
            Ok(rewritten.update_data(|expr| saved.restore(expr)))
        })
    }
}
