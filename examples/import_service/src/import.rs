//! The use of bulk-sync: a company's employees become those of a file.

use bulk_sync::{BulkSync, Fingerprint, Progress, UpdatedRow, prelude::*};
use sea_orm::{
    ActiveValue::Set, DatabaseConnection, DatabaseTransaction, DbErr, Value, entity::prelude::*,
    sqlx::types::chrono::Utc,
};

use crate::{
    entity::{company, employee, import},
    error::Problem,
};

/// What an import is about.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The company.
    pub company_id: i32,
    /// The name of the file.
    pub file_name: &'a str,
    /// The share of the employees that one import may delete.
    pub max_delete_share: f64,
}

impl Source<'_> {
    /// The company, which has to exist.
    pub async fn company(&self, db: &DatabaseConnection) -> Result<company::Model, Problem> {
        find_company(db, self.company_id).await
    }

    /// The sync: the scope is the company, and the guards are set.
    fn sync(&self, employees: Vec<employee::Model>) -> BulkSync<employee::Entity> {
        let scope = employee::Column::CompanyId.eq(self.company_id);
        employee::Entity::bulk_sync(employees, scope, None).max_delete_share(self.max_delete_share)
    }

    /// What an import would do. Only reads. The plan keeps `on_progress` for
    /// [`apply`](Self::apply).
    pub async fn compare(
        &self,
        employees: Vec<employee::Model>,
        on_progress: impl Fn(Progress) + Send + Sync + 'static,
        db: &DatabaseConnection,
    ) -> Result<SyncPlan<employee::Entity>, SyncError> {
        self.sync(employees).on_progress(on_progress).compare(db).await
    }

    /// Does what a plan says, and writes it down in the same transaction.
    pub async fn apply(
        &self,
        plan: SyncPlan<employee::Entity>,
        db: &DatabaseConnection,
    ) -> Result<SyncResult, SyncError> {
        let source = *self;
        plan.on_change(async move |plan: &SyncPlan<_>, transaction: &DatabaseTransaction| {
            source.write_down(plan, transaction).await
        })
        .apply(db)
        .await
    }

    /// As [`apply`](Self::apply), for a plan that nobody has looked at: waits for
    /// another import of the company, and compares again where it has to.
    pub async fn exec(
        &self,
        employees: Vec<employee::Model>,
        db: &DatabaseConnection,
    ) -> Result<SyncResult, SyncError> {
        let source = *self;
        self.sync(employees)
            .on_change(async move |plan: &SyncPlan<_>, transaction: &DatabaseTransaction| {
                source.write_down(plan, transaction).await
            })
            .exec(db)
            .await
    }

    /// The row of the audit table. It is committed together with the employees,
    /// or not at all.
    async fn write_down(
        &self,
        plan: &SyncPlan<employee::Entity>,
        transaction: &DatabaseTransaction,
    ) -> Result<(), DbErr> {
        let counts = plan.summary();
        let row = import::ActiveModel {
            company_id: Set(self.company_id),
            file_name: Set(self.file_name.into()),
            applied_at: Set(Utc::now()),
            created: Set(count(counts.created)),
            updated: Set(count(counts.updated)),
            deleted: Set(count(counts.deleted)),
            unchanged: Set(count(counts.unchanged)),
            fingerprint: Set(plan.fingerprint().to_string()),
            ..Default::default()
        };
        import::Entity::insert(row).exec_without_returning(transaction).await?;
        Ok(())
    }
}

fn count(rows: u64) -> i64 {
    rows.try_into().unwrap_or(i64::MAX)
}

/// Refuses a plan that is not the one that was confirmed.
pub fn check_confirmed(
    plan: &SyncPlan<employee::Entity>,
    confirmed: Fingerprint,
) -> Result<(), Problem> {
    if plan.fingerprint() == confirmed { Ok(()) } else { Err(Problem::Stale) }
}

/// The number of an employee to change, as the file has it: where the collation of
/// the database holds `a1` and `A1` equal, the table can have another spelling.
pub fn desired_id(row: &UpdatedRow) -> Option<&str> {
    const ID: &str = "external_id";
    let change = row.changes.iter().find(|change| change.column == ID);
    let key = || row.key.iter().find(|(column, _)| *column == ID).map(|(_, value)| value);
    match change.map(|change| &change.desired).or_else(key)? {
        Value::String(id) => id.as_deref(),
        _ => None,
    }
}

/// The company with this id.
pub async fn find_company(db: &DatabaseConnection, id: i32) -> Result<company::Model, Problem> {
    let company = company::Entity::find_by_id(id).one(db).await?;
    company.ok_or(Problem::NotFound("There is no such company."))
}
