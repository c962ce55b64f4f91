//! What becomes of a plan when the table has changed since it was made.

use std::collections::BTreeSet;

use super::{Call, Fault, Plan, Row, Update};

impl Call<'_> {
    /// The table after a plan that was made for the rows `before` is applied
    /// to the rows `now`, or the errors of which it gives one.
    pub fn apply(
        &self,
        plan: &Plan,
        before: &[Row],
        now: &[Row],
    ) -> Result<Vec<Row>, BTreeSet<Fault>> {
        let found = |row: usize| self.found_again(&before[row], now);
        let updated = plan
            .updated
            .iter()
            .map(|update| found(update.row).map(|row| Update { row, ..update.clone() }));
        let updated: Option<Vec<_>> = updated.collect();
        let deleted: Option<Vec<_>> = plan.deleted.iter().map(|&row| found(row)).collect();
        let (Some(updated), Some(deleted)) = (updated, deleted) else {
            return Err(self.stale(plan));
        };
        let plan = Plan { updated, deleted, ..plan.clone() };
        if self.has_appeared(&plan, now) {
            return Err(self.stale(&plan));
        }
        self.carry_out(&plan, now)
    }

    /// A row that the plan writes has to be there as it was, and in scope.
    fn found_again(&self, row: &Row, now: &[Row]) -> Option<usize> {
        now.iter().position(|other| other == row && self.is_in_whole_scope(other, now))
    }

    /// Whether a row in scope has a key that the plan creates, or is another
    /// one with a key that it updates, soft-deleted ones apart.
    fn has_appeared(&self, plan: &Plan, now: &[Row]) -> bool {
        let created = |row: &Row| {
            let taken = plan.created.iter().any(|created| self.same_key(created, row));
            taken && self.is_in_whole_scope(row, now)
        };
        let is_written = |row: usize| {
            plan.deleted.contains(&row) || plan.updated.iter().any(|update| update.row == row)
        };
        let updated = |row: &Row| {
            let taken = plan.updated.iter().any(|update| self.same_key(&update.desired, row));
            taken && self.is_in_scope(row, now)
        };
        let mut rows = now.iter().enumerate();
        rows.any(|(position, row)| created(row) || (updated(row) && !is_written(position)))
    }

    pub(super) fn same_key(&self, left: &Row, right: &Row) -> bool {
        self.key().iter().all(|&column| left[column] == right[column])
    }

    /// Which of a stale plan and a guard is named is not promised.
    fn stale(&self, plan: &Plan) -> BTreeSet<Fault> {
        [Some(Fault::StalePlan), self.guard(plan)].into_iter().flatten().collect()
    }
}
