//! What becomes of a plan when the table has changed since it was made.

use super::{Call, Fault, Outcome, Plan, Row, Update};

impl Call<'_> {
    /// What becomes of the rows `now` when a plan is applied to them that was
    /// made for the rows `before`.
    pub fn apply(&self, plan: &Plan, before: &[Row], now: &[Row]) -> Outcome {
        let found = |row: usize| self.found_again(&before[row], now);
        let updated = plan
            .updated
            .iter()
            .map(|update| found(update.row).map(|row| Update { row, ..update.clone() }));
        let updated: Option<Vec<_>> = updated.collect();
        let deleted: Option<Vec<_>> = plan.deleted.iter().map(|&row| found(row)).collect();
        let (Some(updated), Some(deleted)) = (updated, deleted) else {
            return self.stale(plan);
        };
        // a row in scope with a key that the plan creates
        let taken = |row: &Row| plan.created.iter().any(|created| self.same_key(created, row));
        if now.iter().any(|row| taken(row) && self.is_in_whole_scope(row, now)) {
            return self.stale(plan);
        }
        let mut outcome = self.carry_out(&Plan { updated, deleted, ..plan.clone() }, now);
        if self.may_be_stale(plan, now) {
            outcome.faults.extend([Fault::StalePlan, Fault::OutOfScope]);
        }
        outcome
    }

    /// A row that the plan writes has to be there as it was, and in scope.
    fn found_again(&self, row: &Row, now: &[Row]) -> Option<usize> {
        now.iter().position(|other| other == row && self.is_in_whole_scope(other, now))
    }

    /// Whether the plan may be refused although its rows are as they were: there
    /// is another row with the key of one that it updates.
    fn may_be_stale(&self, plan: &Plan, now: &[Row]) -> bool {
        let same =
            |update: &Update| now.iter().filter(|row| self.same_key(&update.desired, row)).count();
        plan.updated.iter().any(|update| same(update) > 1)
    }

    /// Whether two rows have the same key; NULL is like NULL here.
    pub fn same_key(&self, left: &Row, right: &Row) -> bool {
        let same = |&column: &usize| self.holds_equal(column, &left[column], &right[column]);
        self.key().iter().all(same)
    }

    /// Which of a stale plan and a guard is named is not promised.
    fn stale(&self, plan: &Plan) -> Outcome {
        let faults = [Some(Fault::StalePlan), self.guard(plan)].into_iter().flatten();
        Outcome { table: None, faults: faults.collect() }
    }
}
