//! What becomes of the table, or why the call is refused.

use std::collections::BTreeSet;

use super::{Call, Fault, Outcome, Plan, Row, Update};

/// A row of the table after the call.
struct After {
    row: Row,
    should_be_in_scope: bool,
    updated: bool,
    created: bool,
}

impl Call<'_> {
    /// What becomes of these rows.
    pub fn carry_out(&self, plan: &Plan, rows: &[Row]) -> Outcome {
        if let Some(fault) = self.guard(plan) {
            return [fault].into();
        }
        let after = self.after(plan, rows);
        let table: Vec<Row> = after.iter().map(|after| after.row.clone()).collect();
        let mut faults = self.refusals(plan, rows, &table);
        let mut is_refused = !faults.is_empty();
        let strays: Vec<&After> =
            after.iter().filter(|after| self.is_stray(after, &table)).collect();
        if !plan.is_empty() && !strays.is_empty() {
            faults.insert(Fault::OutOfScope);
            is_refused |= self.must_refuse(&strays, &table);
        }
        if self.steps_aside(plan, rows) {
            faults.extend([Fault::Constraint, Fault::Statement]);
        }
        Outcome { table: (!is_refused).then_some(table), faults }
    }

    /// Limits that the call sets itself.
    pub(super) fn guard(&self, plan: &Plan) -> Option<Fault> {
        let options = self.options;
        let (deletes, updates) = (plan.deleted.len() as u64, plan.updated.len() as u64);
        let share = |percent: u64| deletes * 100 > percent * plan.in_scope as u64;
        if plan.given == 0 && deletes > 0 && !options.allow_empty {
            Some(Fault::EmptyInput)
        } else if options.max_deletes.is_some_and(|limit| deletes > limit)
            || options.max_delete_percent.is_some_and(share)
        {
            Some(Fault::TooManyDeletes)
        } else if options.max_updates.is_some_and(|limit| updates > limit) {
            Some(Fault::TooManyUpdates)
        } else {
            None
        }
    }

    /// The guard's verdict on a plan.
    pub fn guarded(&self, plan: &Plan) -> Result<(), Fault> {
        self.guard(plan).map_or(Ok(()), Err)
    }

    /// Whether a unique value moves between updated rows, in a column of which
    /// any value may be another row's: one of them has to step aside, to a
    /// value that is not surely free, nor of those that the column can hold.
    fn steps_aside(&self, plan: &Plan, rows: &[Row]) -> bool {
        let columns = &self.table.columns;
        let unique = self.table.unique.iter().filter(|&&unique| !columns[unique].kept.is_empty());
        let moves = |column: usize| {
            let taken = |update: &Update| {
                let mut others = plan.updated.iter().filter(|other| other.row != update.row);
                others.any(|other| {
                    self.holds_equal(column, &rows[other.row][column], &update.desired[column])
                })
            };
            plan.updated.iter().any(taken)
        };
        unique.copied().any(moves)
    }

    /// Why the database refuses.
    fn refusals(&self, plan: &Plan, rows: &[Row], table: &[Row]) -> BTreeSet<Fault> {
        let mut faults = BTreeSet::new();
        // a created row without a value that the database insists on
        if plan.incomplete {
            faults.insert(Fault::Statement);
        }
        // a value that it does not have; which values are found before is not promised
        if plan.unstorable {
            faults.extend([Fault::InvalidInput, Fault::Statement]);
        }
        // two rows with one primary key or unique value
        if (0..table.len()).any(|row| !self.table.takes(&table[row], &table[..row])) {
            faults.insert(Fault::Constraint);
            // which may be because a row outside the scope has the key of a created one
            if plan.created.iter().any(|created| rows.iter().any(|row| self.same_key(row, created)))
            {
                faults.insert(Fault::OutOfScope);
            }
        }
        faults
    }

    /// The table as it should be after the call: deleted rows gone, updated
    /// and created rows equal to their models, all others as they were.
    fn after(&self, plan: &Plan, rows: &[Row]) -> Vec<After> {
        let mut after = Vec::new();
        for (position, row) in rows.iter().enumerate() {
            let mut row = row.clone();
            let deleted = plan.deleted.contains(&position);
            if deleted && self.options.soft_delete.is_empty() {
                continue;
            }
            // a soft delete stamps
            for (column, stamp) in self.options.soft_delete.iter().filter(|_| deleted) {
                row[*column] = stamp.clone();
            }
            let update = plan.updated.iter().find(|update| update.row == position);
            after.push(After {
                should_be_in_scope: update.is_some()
                    || (!deleted && self.is_in_scope(&rows[position], rows)),
                updated: update.is_some(),
                created: false,
                row: update.map_or(row, |update| update.desired.clone()),
            });
        }
        let created = plan.created.iter().cloned();
        after.extend(created.map(|row| After {
            row,
            should_be_in_scope: true,
            updated: false,
            created: true,
        }));
        after
    }

    /// The rows in scope after the call should be those that were kept or written.
    fn is_stray(&self, after: &After, table: &[Row]) -> bool {
        self.is_in_scope(&after.row, table) != after.should_be_in_scope
    }

    /// Updated rows have to be in scope. Others can leave it to rows that equal
    /// their models, and where nothing is deleted only created ones matter.
    fn must_refuse(&self, strays: &[&After], table: &[Row]) -> bool {
        let is_even = self.plan(table).is_ok_and(|left| left.is_empty());
        let matters = |stray: &&&After| stray.created || !self.options.skip_deletes;
        strays.iter().any(|stray| stray.updated) || (!is_even && strays.iter().any(|s| matters(&s)))
    }

    /// Whether a row is in scope; a soft-deleted one is not.
    pub(super) fn is_in_scope(&self, row: &Row, rows: &[Row]) -> bool {
        !self.is_stamped(row) && self.is_in_whole_scope(row, rows)
    }

    /// The same, soft-deleted or not.
    pub(super) fn is_in_whole_scope(&self, row: &Row, rows: &[Row]) -> bool {
        self.in_scope.is_some_and(|in_scope| in_scope(row, rows))
    }
}
