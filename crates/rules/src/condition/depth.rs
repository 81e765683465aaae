//! How deep an expression nests, counted without recursion.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// Levels from the root to the deepest node.
pub(super) fn of(root: &IdedExpr) -> usize {
    let mut deepest = 0;
    let mut waiting = vec![(root, 1)];
    while let Some((node, level)) = waiting.pop() {
        deepest = deepest.max(level);
        let mut below = |child| waiting.push((child, level + 1));
        match &node.expr {
            Expr::Call(call) => {
                call.target.iter().for_each(|target| below(target));
                call.args.iter().for_each(&mut below);
            }
            Expr::Comprehension(it) => {
                for child in [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result] {
                    below(child);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(&mut below),
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::StructField(field) => below(&field.value),
                        EntryExpr::MapEntry(entry) => {
                            below(&entry.key);
                            below(&entry.value);
                        }
                    }
                }
            }
            Expr::Select(select) => below(&select.operand),
            Expr::Struct(of) => {
                for entry in &of.entries {
                    match &entry.expr {
                        EntryExpr::StructField(field) => below(&field.value),
                        EntryExpr::MapEntry(entry) => {
                            below(&entry.key);
                            below(&entry.value);
                        }
                    }
                }
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }
    deepest
}
