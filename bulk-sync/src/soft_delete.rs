//! Deleting by a stamp: which rows bear it, and how it is put on and taken off.

use sea_orm::{
    ColumnTrait, EntityTrait, Value,
    sea_query::{Condition, Expr, ExprTrait},
};

use crate::{
    columns::{Columns, Position},
    error::InputFault,
    field::{Field, Row, is_null},
    plan::Task,
    scope::{IntoScope, Scope},
};

/// The stamps of a soft delete. The first column tells whether a row bears
/// them: it is not NULL, or, where the column cannot be NULL, TRUE.
#[derive(Clone, Debug)]
pub(crate) struct SoftDelete {
    stamps: Vec<(Position, Expr)>,
    first: Position,
}

impl SoftDelete {
    /// Resolves the stamps of a call; the columns have the same order.
    ///
    /// # Errors
    ///
    /// A column that cannot be cleared again.
    pub fn resolve<E: EntityTrait>(
        columns: &Columns<E>,
        names: Option<&[&'static str]>,
        stamps: Vec<Expr>,
    ) -> Result<Option<Self>, Vec<InputFault>> {
        if names.is_none() {
            return Ok(None);
        }
        let Some(&first) = columns.stamps.first() else {
            return Err(vec![InputFault::NoStamp]);
        };
        let fields = columns.stamps.iter().map(|&position| columns.field(position));
        let faults: Vec<_> = fields
            .filter(|field| !field.is_option() && !field.is_bool())
            .map(|field| InputFault::StampColumn { column: field.name() })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let stamps = columns.stamps.iter().copied().zip(stamps).collect();
        Ok(Some(Self { stamps, first }))
    }

    /// The assignments that stamp a row.
    pub fn stamped<E: EntityTrait>(&self, columns: &Columns<E>) -> Vec<(E::Column, Expr)> {
        let assign = |(position, expr): &(Position, Expr)| {
            let column = columns.field(*position).column();
            (column, column.save_as(expr.clone()))
        };
        self.stamps.iter().map(assign).collect()
    }

    /// The assignments that clear the stamps of a row.
    pub fn cleared<E: EntityTrait>(&self, columns: &Columns<E>) -> Vec<(E::Column, Expr)> {
        let clear = |(position, _): &(Position, Expr)| {
            let field = columns.field(*position);
            let cleared = if field.is_option() { Expr::null() } else { Expr::val(false) };
            (field.column(), cleared)
        };
        self.stamps.iter().map(clear).collect()
    }
}

impl<E: EntityTrait> Task<E> {
    /// Whether a row is soft-deleted.
    pub fn is_stamped(&self, row: Row<'_, E>) -> bool {
        let Some(soft_delete) = &self.soft_delete else { return false };
        match self.columns.field(soft_delete.first).value(row) {
            Some(Value::Bool(stamped)) => stamped.unwrap_or(false),
            Some(value) => !is_null(&value),
            None => false,
        }
    }

    /// The scope without soft-deleted rows.
    pub fn live_scope(&self) -> Scope {
        let Some(soft_delete) = &self.soft_delete else { return self.scope.clone() };
        let is_live = is_live(self.columns.field(soft_delete.first));
        Condition::all().add_option(self.scope.condition().cloned()).add(is_live).into_scope()
    }
}

fn is_live<E: EntityTrait>(field: &Field<E>) -> Expr {
    let column = Expr::col(field.column().as_column_ref());
    if field.is_option() { column.is_null() } else { column.eq(false) }
}
