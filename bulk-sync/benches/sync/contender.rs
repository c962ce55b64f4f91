//! What one would do instead.

use std::collections::HashMap;

use bulk_sync::prelude::*;
use futures_util::TryStreamExt;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    QuerySelect, Set, TransactionTrait,
    entity::prelude::*,
    sea_query::{Alias, CommonTableExpression, ExprTrait, OnConflict, Query, Values, WithClause},
    sqlx::{self, AssertSqlSafe, Executor},
};

use crate::{
    Failure,
    backend::new_row,
    copy,
    employee::{self, COMPANY, Column, Entity, Model, is_same, scope},
    replay::Replay,
    scenario::Scenario,
};

/// Rows a statement, of those written by hand.
const ROWS: usize = 1_000;

/// Rows of an UPDATE written by hand: with 1,000 `PostgreSQL` scans the table each time.
const UPDATED_ROWS: usize = 500;

/// A way to make the rows in scope equal the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// This library.
    Ours,
    /// `Entity::find().filter(scope).all()`
    Load,
    /// The driver reads the scope and decodes nothing: as a stream.
    DriverStreams,
    /// The same, all at once.
    DriverFetches,
    /// Load, compare in a map, write many rows a statement.
    Tuned,
    /// Load, then save and delete row by row.
    Plain,
    /// `insert_many` with `on_conflict`, then delete what is missing.
    Upsert,
    /// Delete all, insert all.
    Replace,
    /// `insert_many`, where all is new.
    InsertMany,
    /// `COPY` to a temporary table, then three statements.
    Database,
    /// The statements that this library sent, sent again by hand.
    Bare,
}

impl Contender {
    pub const ALL: [Self; 11] = [
        Self::Ours,
        Self::Load,
        Self::DriverStreams,
        Self::DriverFetches,
        Self::Tuned,
        Self::Plain,
        Self::Upsert,
        Self::Replace,
        Self::InsertMany,
        Self::Database,
        Self::Bare,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Load => "load",
            Self::DriverStreams => "driver-stream",
            Self::DriverFetches => "driver-fetch",
            Self::Tuned => "tuned",
            Self::Plain => "plain",
            Self::Upsert => "upsert",
            Self::Replace => "replace",
            Self::InsertMany => "insert-many",
            Self::Database => "database",
            Self::Bare => "bare",
        }
    }

    /// Why it does not take part, where it does not.
    pub fn left_out(
        self,
        backend: DbBackend,
        scenario: Scenario,
        rows: usize,
    ) -> Option<&'static str> {
        let unchanged = scenario == Scenario::Unchanged;
        match self {
            Self::Load | Self::DriverStreams | Self::DriverFetches if !unchanged => {
                Some("only reads")
            }
            Self::Plain if rows > 10_000 && !unchanged => Some("too slow beyond 10,000 rows"),
            Self::InsertMany if scenario != Scenario::AllNew => Some("only inserts"),
            Self::Database if backend != DbBackend::Postgres => Some("only on PostgreSQL"),
            Self::Bare if rows > 1_000 => Some("for small syncs"),
            _ => None,
        }
    }

    /// Whether it leaves rows alone that are as they should be.
    pub fn compares(self) -> bool {
        !matches!(self, Self::Upsert | Self::Replace | Self::InsertMany | Self::Database)
    }

    /// Whether the table equals the models afterwards.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Load | Self::DriverStreams | Self::DriverFetches)
    }

    /// Does it.
    pub async fn run(
        self,
        db: &DatabaseConnection,
        models: Vec<Model>,
        replay: &Replay,
    ) -> Result<(), Failure> {
        match self {
            Self::Ours => {
                Entity::bulk_sync(models, scope(), None).allow_empty().exec(db).await?;
            }
            Self::Load => {
                std::hint::black_box(Entity::find().filter(scope()).all(db).await?);
            }
            Self::DriverStreams => drive(db, true).await?,
            Self::DriverFetches => drive(db, false).await?,
            Self::Tuned => tuned(db, &models).await?,
            Self::Plain => plain(db, models).await?,
            Self::Upsert => upsert(db, models).await?,
            Self::Replace => replace(db, models).await?,
            Self::InsertMany => {
                let transaction = db.begin().await?;
                insert(&transaction, models).await?;
                transaction.commit().await?;
            }
            Self::Database => copy::sync(db, &models).await?,
            Self::Bare => replay.run(db).await?,
        }
        Ok(())
    }
}

/// Reads the scope and decodes nothing.
async fn drive(db: &DatabaseConnection, streams: bool) -> Result<(), Failure> {
    let sql = format!(
        "SELECT id, company_id, external_id, name, phone, salary, hired_at, notes FROM employee \
         WHERE company_id = {COMPANY}"
    );
    match db.get_database_backend() {
        DbBackend::Postgres => read(db.get_postgres_connection_pool(), sql, streams).await,
        DbBackend::MySql => read(db.get_mysql_connection_pool(), sql, streams).await,
        _ => read(db.get_sqlite_connection_pool(), sql, streams).await,
    }
}

async fn read<'p, D, P>(pool: P, sql: String, streams: bool) -> Result<(), Failure>
where
    D: sqlx::Database,
    P: Executor<'p, Database = D>,
    D::Arguments: sqlx::IntoArguments<D>,
{
    let query = sqlx::query(AssertSqlSafe(sql));
    if streams {
        let mut rows = query.fetch(pool);
        while let Some(row) = rows.try_next().await? {
            std::hint::black_box(row);
        }
    } else {
        std::hint::black_box(query.fetch_all(pool).await?);
    }
    Ok(())
}

/// What an expert of `SeaORM` writes in an afternoon.
async fn tuned(db: &DatabaseConnection, models: &[Model]) -> Result<(), Failure> {
    let transaction = db.begin().await?;
    let rows = Entity::find().filter(scope()).all(&transaction).await?;
    let mut current: HashMap<&str, &Model> =
        rows.iter().map(|row| (row.external_id.as_str(), row)).collect();
    let (mut updates, mut inserts) = (Vec::new(), Vec::new());
    for model in models {
        match current.remove(model.external_id.as_str()) {
            None => inserts.push(model.clone()),
            Some(row) if is_same(row, model) => {}
            Some(row) => updates.push((row.id, model)),
        }
    }
    let gone: Vec<i64> = current.values().map(|row| row.id).collect();
    delete(&transaction, &gone).await?;
    for chunk in updates.chunks(UPDATED_ROWS) {
        update(&transaction, chunk).await?;
    }
    insert(&transaction, inserts).await?;
    transaction.commit().await?;
    Ok(())
}

async fn delete(transaction: &DatabaseTransaction, ids: &[i64]) -> Result<(), DbErr> {
    for chunk in ids.chunks(ROWS) {
        let ids = chunk.iter().copied();
        Entity::delete_many().filter(Column::Id.is_in(ids)).exec(transaction).await?;
    }
    Ok(())
}

async fn insert(transaction: &DatabaseTransaction, models: Vec<Model>) -> Result<(), DbErr> {
    for chunk in models.chunks(ROWS) {
        let rows = chunk.iter().cloned().map(new_row);
        Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}

const UPDATED: [Column; 5] =
    [Column::Name, Column::Phone, Column::Salary, Column::HiredAt, Column::Notes];

/// `WITH v AS (VALUES …) UPDATE … FROM v`; on `MySQL`, which has no such thing,
/// the upsert by primary key, which is the fastest there.
async fn update(transaction: &DatabaseTransaction, rows: &[(i64, &Model)]) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::MySql {
        let rows = rows
            .iter()
            .map(|&(id, model)| employee::ActiveModel { id: Set(id), ..new_row(model.clone()) });
        let on_conflict = OnConflict::column(Column::Id).update_columns(UPDATED).to_owned();
        Entity::insert_many(rows)
            .on_conflict(on_conflict)
            .exec_without_returning(transaction)
            .await?;
        return Ok(());
    }
    let values = rows.iter().map(|&(id, model)| {
        let Model { name, phone, salary, hired_at, notes, .. } = model.clone();
        Values(vec![
            id.into(),
            name.into(),
            phone.into(),
            salary.into(),
            hired_at.into(),
            notes.into(),
        ])
    });
    let v = || Alias::new("v");
    let names = ["id"].into_iter().chain(UPDATED.iter().map(IdenStatic::as_str));
    let mut table = CommonTableExpression::new();
    table.table_name(v()).columns(names).values(values.collect());
    let mut update = Query::update();
    update
        .table(Entity)
        .from(v())
        .values(UPDATED.map(|column| (column, Expr::col((v(), column)))))
        .and_where(Expr::col((Entity, Column::Id)).eq(Expr::col((v(), Column::Id))))
        .with_cte(WithClause::new().cte(table).to_owned());
    transaction.execute(&update).await?;
    Ok(())
}

/// Row by row, in one transaction.
async fn plain(db: &DatabaseConnection, models: Vec<Model>) -> Result<(), Failure> {
    let transaction = db.begin().await?;
    let rows = Entity::find().filter(scope()).all(&transaction).await?;
    let mut current: HashMap<String, Model> =
        rows.into_iter().map(|row| (row.external_id.clone(), row)).collect();
    let mut kept = Vec::new();
    for model in models {
        kept.push((current.remove(&model.external_id), model));
    }
    for row in current.into_values() {
        row.delete(&transaction).await?;
    }
    for (row, model) in kept {
        match row {
            None => {
                new_row(model).insert(&transaction).await?;
            }
            Some(row) if is_same(&row, &model) => {}
            Some(row) => {
                let row = employee::ActiveModel { id: Set(row.id), ..new_row(model) };
                row.update(&transaction).await?;
            }
        }
    }
    transaction.commit().await?;
    Ok(())
}

async fn upsert(db: &DatabaseConnection, models: Vec<Model>) -> Result<(), Failure> {
    let transaction = db.begin().await?;
    let rows: Vec<(i64, String)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::ExternalId])
        .filter(scope())
        .into_tuple()
        .all(&transaction)
        .await?;
    let given: std::collections::HashSet<&str> =
        models.iter().map(|model| model.external_id.as_str()).collect();
    let gone = rows.iter().filter(|(_, key)| !given.contains(key.as_str())).map(|(id, _)| *id);
    delete(&transaction, &gone.collect::<Vec<_>>()).await?;
    for chunk in models.chunks(ROWS) {
        let on_conflict = OnConflict::columns([Column::CompanyId, Column::ExternalId])
            .update_columns(UPDATED)
            .to_owned();
        Entity::insert_many(chunk.iter().cloned().map(new_row))
            .on_conflict(on_conflict)
            .exec_without_returning(&transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn replace(db: &DatabaseConnection, models: Vec<Model>) -> Result<(), Failure> {
    let transaction = db.begin().await?;
    Entity::delete_many().filter(scope()).exec(&transaction).await?;
    insert(&transaction, models).await?;
    transaction.commit().await?;
    Ok(())
}
