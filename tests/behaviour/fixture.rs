//! What the tests begin with, and how they look at the outcome.

use bulk_sync::{BulkSync, SyncResult, prelude::*};
use bulk_sync_tests::{
    entity::employee::{self, imported},
    suite::Db,
};
use sea_orm::{
    IntoActiveModel, Iterable, PrimaryKeyToColumn, QueryOrder, TryIntoModel, entity::prelude::*,
    sea_query::Expr,
};

/// Why a test failed before it came to its point.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The rows that most tests sync.
pub fn of_501() -> Expr {
    employee::Column::CompanyId.eq(501)
}

/// An employee of another company.
pub fn outsider(external_id: &str, name: &str) -> employee::Model {
    employee::Model { company_id: 502, ..imported(external_id, name) }
}

/// The table of employees with these rows.
pub async fn with_employees(db: &Db, rows: &[employee::Model]) -> Result<(), DbErr> {
    db.create_table(employee::Entity).await?;
    insert::<employee::Entity>(db, rows.to_vec()).await
}

/// Ann, Bob and Cid of company 501, and a Bob of 502 with the same number.
pub async fn with_ann_bob_and_cid(db: &Db) -> Result<(), DbErr> {
    let bob = outsider("B2", "Bob");
    with_employees(db, &[imported("A1", "Ann"), imported("B2", "Bob"), imported("C3", "Cid"), bob])
        .await
}

/// Inserts rows without bulk-sync; a primary key that the database generates is its own.
pub async fn insert<E>(db: &Db, rows: Vec<E::Model>) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    for row in rows {
        let mut row = row.into_active_model().reset_all();
        if E::PrimaryKey::auto_increment() {
            E::PrimaryKey::iter().for_each(|key| row.not_set(key.into_column()));
        }
        E::insert(row).exec_without_returning(&db.pool).await?;
    }
    Ok(())
}

/// The table, by primary key.
pub async fn rows<E: EntityTrait>(db: &impl ConnectionTrait) -> Result<Vec<E::Model>, DbErr> {
    let mut select = E::find();
    for key in E::PrimaryKey::iter() {
        select = select.order_by_asc(key.into_column());
    }
    select.all(db).await
}

/// The employees as `company external_id name`, sorted.
pub async fn people(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let rows = rows::<employee::Entity>(db).await?;
    let text =
        |row: employee::Model| format!("{} {} {}", row.company_id, row.external_id, row.name);
    let mut people: Vec<_> = rows.into_iter().map(text).collect();
    people.sort();
    Ok(people)
}

/// The primary key of the employee with that number in company 501.
pub async fn id_of(db: &impl ConnectionTrait, external_id: &str) -> Result<i64, Failure> {
    let select = employee::Entity::find()
        .filter(of_501())
        .filter(employee::Column::ExternalId.eq(external_id));
    Ok(select.one(db).await?.ok_or("no such employee")?.id)
}

/// The primary keys of the employees in the order in which they were created.
pub async fn ids(db: &impl ConnectionTrait) -> Result<Vec<i64>, DbErr> {
    Ok(rows::<employee::Entity>(db).await?.iter().map(|row| row.id).collect())
}

/// The error of a sync that must fail and leave the table as it was.
pub async fn refused<E>(db: &Db, sync: BulkSync<E>) -> Result<SyncError, Failure>
where
    E: EntityTrait,
    E::Model: SyncKey + PartialEq,
{
    let before = rows::<E>(&db.pool).await?;
    let error = match sync.exec(&db.pool).await {
        Ok(result) => return Err(format!("it was done: {result}").into()),
        Err(error) => error,
    };
    assert_eq!(rows::<E>(&db.pool).await?, before, "the table has changed");
    Ok(error)
}

/// Syncs the whole of a table twice: the second time there must be nothing to
/// do. Gives what the first one did.
pub async fn settled<E>(db: &Db, models: Vec<E::Model>) -> Result<SyncResult, Failure>
where
    E: EntityTrait,
    E::Model: SyncKey + IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: TryIntoModel<E::Model>,
{
    let unchanged = models.len() as u64;
    let result = E::bulk_sync(models.clone(), WholeTable, None).exec(&db.pool).await?;
    let again = E::bulk_sync(models, WholeTable, None).exec(&db.pool).await?;
    assert_eq!(
        again.to_string(),
        format!("0 created, 0 updated, 0 deleted, {unchanged} unchanged")
    );
    Ok(result)
}
