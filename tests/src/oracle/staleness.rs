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
        // a row in scope with a key that the plan creates
        if plan.created.iter().any(|created| self.is_taken(created, now)) {
            return Err(self.stale(plan));
        }
        self.carry_out(&Plan { updated, deleted, ..plan.clone() }, now)
    }

    /// A row that the plan writes has to be there as it was, and in scope.
    fn found_again(&self, row: &Row, now: &[Row]) -> Option<usize> {
        now.iter().position(|other| other == row && self.is_in_whole_scope(other, now))
    }

    fn is_taken(&self, created: &Row, now: &[Row]) -> bool {
        let mut rows = now.iter();
        rows.any(|row| {
            self.is_in_whole_scope(row, now)
                && self.key().iter().all(|&column| row[column] == created[column])
        })
    }

    /// Which of a stale plan and a guard is named is not promised.
    fn stale(&self, plan: &Plan) -> BTreeSet<Fault> {
        [Some(Fault::StalePlan), self.guard(plan)].into_iter().flatten().collect()
    }
}
