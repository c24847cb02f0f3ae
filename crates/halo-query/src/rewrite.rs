//! What the planner is told of the views, so that a statement reads no more than it asks for.
//!
//! - One attribute (`attributes->>'key'`) is picked out of what is stored, and only its value is put together.
//! - Whether there is a text, or a tool call, is told without reading it.
//! - Conditions on columns come before those on texts, and those on texts before those on whole JSON.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Case, Expr, Filter, LogicalPlan, ScalarUDF, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::content::{ContentFunction, FILL_JSON, HAS_TOOL_CALLS, PICK_JSON, PICK_KEY, TEXT_OF, TOOL_CALLS};

/// Functions that look at one member of JSON, by a key that is their second argument.
const MEMBER_FUNCTIONS: &[&str] = &[
    "json_as_text",
    "json_get",
    "json_get_str",
    "json_get_int",
    "json_get_float",
    "json_get_bool",
    "json_get_json",
    "json_get_array",
    "json_length",
    "json_object_keys",
];

/// The rule. It needs functions that no statement names.
#[derive(Debug)]
pub(crate) struct ReadLess {
    pick: Arc<ScalarUDF>,
    pick_key: Arc<ScalarUDF>,
    has_calls: Arc<ScalarUDF>,
}

impl ReadLess {
    /// The rule over these functions; `None` when one is missing.
    pub(crate) fn of(functions: &[Arc<ScalarUDF>]) -> Option<Self> {
        let function = |name: &str| functions.iter().find(|function| function.name() == name).cloned();
        Some(Self { pick: function(PICK_JSON)?, pick_key: function(PICK_KEY)?, has_calls: function(HAS_TOOL_CALLS)? })
    }

    fn rewrite_expr(&self, expr: Expr, names: &NamePreserver) -> Result<Transformed<Expr>> {
        let saved = names.save(&expr);
        let rewritten =
            expr.transform_up(|expr| Ok(self.shorter(&expr).map_or(Transformed::no(expr), Transformed::yes)))?;
        Ok(rewritten.update_data(|expr| saved.restore(expr)))
    }

    /// The same with less to read, when there is such.
    fn shorter(&self, expr: &Expr) -> Option<Expr> {
        match expr {
            Expr::ScalarFunction(call) => self.one_member(call),
            Expr::IsNotNull(inner) => self.is_there(inner),
            Expr::IsNull(inner) => self.is_there(inner).map(|is_there| Expr::Not(Box::new(is_there))),
            _ => None,
        }
    }

    fn one_member(&self, call: &ScalarFunction) -> Option<Expr> {
        let (json, path) = call.args.split_first()?;
        let (FILL_JSON, parts) = ContentFunction::called(json)? else { return None };
        let Expr::Literal(key, _) = path.first()? else { return None };
        let key = key.try_as_str()??;
        let name = call.func.name();
        let pick = match name {
            // Whether there is the key, and not what lies deeper.
            "json_contains" if path.len() == 1 => &self.pick_key,
            "json_contains" => &self.pick,
            _ if MEMBER_FUNCTIONS.contains(&name) => &self.pick,
            _ => return None,
        };
        let mut picked = parts.to_vec();
        picked.push(Expr::Literal(ScalarValue::Utf8View(Some(key.to_owned())), None));
        let mut args = call.args.clone();
        args[0] = Arc::clone(pick).call(picked);
        Some(Expr::ScalarFunction(ScalarFunction { func: Arc::clone(&call.func), args }))
    }

    /// Whether an expression is not null, without what it is.
    fn is_there(&self, expr: &Expr) -> Option<Expr> {
        match expr {
            Expr::Alias(alias) => self.is_there(&alias.expr),
            Expr::Case(Case { expr: None, when_then_expr, else_expr: None }) => {
                let [(when, then)] = when_then_expr.as_slice() else { return None };
                let there = self.is_there(then)?;
                Some(Expr::IsTrue(when.clone()).and(there))
            }
            _ => match ContentFunction::called(expr)? {
                (TEXT_OF | FILL_JSON, parts) => Some(Expr::IsNotNull(Box::new(parts.first()?.clone()))),
                (TOOL_CALLS, parts) => Some(self.has_calls.call(parts.to_vec())),
                _ => None,
            },
        }
    }
}

impl OptimizerRule for ReadLess {
    fn name(&self) -> &'static str {
        "read_less"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| self.rewrite_expr(expr, &names))?.transform_data(cheap_first)
    }
}

/// Puts the conditions of a filter into the order of what they cost, where they are in another.
fn cheap_first(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let mut conditions = split_conjunction_owned(filter.predicate.clone());
            if !sort_by_cost(&mut conditions) {
                return Ok(Transformed::no(LogicalPlan::Filter(filter)));
            }
            let predicate = conjunction(conditions).unwrap_or_else(|| lit(true));
            Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)))
        }
        LogicalPlan::TableScan(mut scan) => {
            let changed = sort_by_cost(&mut scan.filters);
            let plan = LogicalPlan::TableScan(scan);
            Ok(if changed { Transformed::yes(plan) } else { Transformed::no(plan) })
        }
        other => Ok(Transformed::no(other)),
    }
}

fn sort_by_cost(conditions: &mut [Expr]) -> bool {
    if conditions.is_sorted_by_key(cost) {
        return false;
    }
    conditions.sort_by_key(cost);
    true
}

/// How much a condition reads: nothing but columns, long columns, texts, whole JSON.
fn cost(expr: &Expr) -> u8 {
    let mut highest = 0;
    let walked = expr.apply(|inner| {
        let cost = match inner {
            Expr::Column(column) => {
                u8::from(matches!(column.name.as_str(), "attributes" | "resource_attributes" | "events" | "links"))
            }
            Expr::ScalarFunction(_) => match ContentFunction::called(inner) {
                Some((FILL_JSON, _)) => 4,
                Some((PICK_JSON | PICK_KEY | HAS_TOOL_CALLS, _)) => 2,
                Some(_) => 3,
                None => 0,
            },
            _ => 0,
        };
        highest = highest.max(cost);
        Ok(TreeNodeRecursion::Continue)
    });
    // What can't be told counts as dear.
    if walked.is_err() {
        return u8::MAX;
    }
    highest
}
