//! A writer that knows nothing of syncs: transactions of one to three
//! statements, each on one row.
//!
//! In the scope of the syncs it changes rows in a way that shows: their
//! generation is below zero and nobody else's. It takes rows out of the scope,
//! into its own hands, where no sync may touch them, and works on rows that
//! were never in it.

use std::collections::BTreeMap;

use bulk_sync_tests::suite::TestResult;
use sea_orm::{
    ActiveValue::NotSet, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, TransactionTrait, sea_query::Expr,
};

use crate::{
    arena::Arena,
    entry::{Column, Entity, Model, name},
    history::Deed,
    random::Random,
    transience::is_transient,
};

/// How many transactions a writer does.
const TRANSACTIONS: usize = 120;

/// A tenant that no sync has in its scope.
const ELSEWHERE: i32 = 0;

/// Codes of rows that a writer makes; no input has them.
const OWN_CODES: i32 = 1_000;

/// Where a writer works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Outside of every scope.
    Outside,
    /// In and outside of the scope of this tenant.
    Everywhere(i32),
}

/// Writes again and again.
pub async fn write_repeatedly(arena: Arena, number: i32, range: Range) -> TestResult {
    let random = arena.random(usize::try_from(number).unwrap_or_default() + 100);
    let mut writer = Writer { arena, number, range, random, own: BTreeMap::new(), counter: 0 };
    for _ in 0..writer.arena.operations(TRANSACTIONS) {
        writer.transaction().await?;
    }
    Ok(())
}

struct Writer {
    arena: Arena,
    number: i32,
    range: Range,
    random: Random,
    /// The rows that are in its hands.
    own: BTreeMap<i64, Model>,
    counter: i64,
}

impl Writer {
    /// One transaction; one that loses against others is as if it never was.
    async fn transaction(&mut self) -> TestResult {
        let statements = 1 + self.random.below(3);
        let mut free = self.look().await?;
        let own = self.own.clone();
        let start = self.arena.history.now();
        match self.attempt(statements, &mut free).await {
            Ok(deeds) => {
                let span = self.arena.history.since(start);
                self.arena.history.add_deeds(span, deeds);
                Ok(())
            }
            Err(error) if is_transient(&error) => {
                self.own = own;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The rows that it could take.
    async fn look(&self) -> Result<Vec<Model>, DbErr> {
        let Range::Everywhere(tenant) = self.range else { return Ok(Vec::new()) };
        let select = Entity::find().filter(Column::Tenant.eq(tenant)).filter(Column::Owner.eq(0));
        match select.all(&self.arena.pool).await {
            Err(error) if is_transient(&error) => Ok(Vec::new()),
            rows => rows,
        }
    }

    async fn attempt(
        &mut self,
        statements: usize,
        free: &mut Vec<Model>,
    ) -> Result<Vec<Deed>, DbErr> {
        let transaction = self.arena.pool.begin().await?;
        let mut deeds = Vec::new();
        let mut touched = Vec::new();
        for _ in 0..statements {
            let done = match self.random.below(2) {
                0 if !free.is_empty() => {
                    let row = free.swap_remove(self.random.below(free.len()));
                    self.disturb(&transaction, row, &mut touched).await
                }
                _ => self.work(&transaction, &mut touched).await,
            };
            match done {
                Ok(more) => deeds.extend(more),
                Err(error) => {
                    // a deadlock has ended the transaction already on some servers
                    let _ = transaction.rollback().await;
                    return Err(error);
                }
            }
        }
        transaction.commit().await?;
        Ok(deeds)
    }

    /// Does something to a row in scope, if it is still there.
    async fn disturb(
        &mut self,
        transaction: &DatabaseTransaction,
        row: Model,
        touched: &mut Vec<i64>,
    ) -> Result<Vec<Deed>, DbErr> {
        let (mark, code) = (self.arena.history.next_mark(), self.own_code());
        match self.random.below(5) {
            0 => {
                let deleted = Entity::delete_many()
                    .filter(Column::Id.eq(row.id))
                    .filter(Column::Owner.eq(0))
                    .exec(transaction)
                    .await?;
                let gone = vec![Deed::Remove(row.tenant, row.code)];
                Ok(if deleted.rows_affected == 1 { gone } else { Vec::new() })
            }
            1 => {
                let inserted = Model { owner: 0, ..self.new_row(row.tenant, code, mark) };
                insert(transaction, inserted).await?;
                Ok(vec![Deed::Add(mark)])
            }
            2 => {
                let taken = Model {
                    id: row.id,
                    counter: self.next_counter(),
                    ..self.new_row(row.tenant, code, mark)
                };
                let changes = [
                    (Column::Owner, self.number.into()),
                    (Column::Code, code.into()),
                    (Column::Generation, mark.into()),
                    (Column::Name, taken.name.clone().into()),
                    (Column::Counter, taken.counter.into()),
                ];
                if !update(transaction, row.id, 0, changes).await? {
                    return Ok(Vec::new());
                }
                touched.push(row.id);
                self.own.insert(row.id, taken.clone());
                Ok(vec![Deed::Remove(row.tenant, row.code), Deed::Own(row.id, Some(taken))])
            }
            // one writer counts each row, so that its counter only grows
            3 if row.id % 3 == i64::from(self.number % 3) => {
                let counter = self.next_counter();
                let changes = [(Column::Counter, counter.into())];
                let counted = update(transaction, row.id, 0, changes).await?;
                Ok(if counted { vec![Deed::Count(row.id, counter)] } else { Vec::new() })
            }
            _ => {
                let changes = [
                    (Column::Generation, mark.into()),
                    (Column::Name, name(mark, row.code).into()),
                ];
                let marked = update(transaction, row.id, 0, changes).await?;
                // a row that was added is one that a sync may not have seen
                let deed = if row.code < OWN_CODES { Deed::Mark(mark) } else { Deed::Add(mark) };
                Ok(if marked { vec![deed] } else { Vec::new() })
            }
        }
    }

    /// Does something to a row of its own.
    async fn work(
        &mut self,
        transaction: &DatabaseTransaction,
        touched: &mut Vec<i64>,
    ) -> Result<Vec<Deed>, DbErr> {
        let untouched: Vec<i64> =
            self.own.keys().copied().filter(|id| !touched.contains(id)).collect();
        let (mark, code) = (self.arena.history.next_mark(), self.own_code());
        let Some(&id) = self.random.one(&untouched).filter(|_| untouched.len() > 3) else {
            let row = self.new_row(ELSEWHERE, code, mark);
            let id = insert(transaction, row.clone()).await?;
            let row = Model { id, ..row };
            touched.push(id);
            self.own.insert(id, row.clone());
            return Ok(vec![Deed::Own(id, Some(row))]);
        };
        touched.push(id);
        if self.random.below(3) == 0 {
            self.own.remove(&id);
            let deleted = Entity::delete_by_id(id).exec(transaction).await?;
            return Ok(if deleted.rows_affected == 1 {
                vec![Deed::Own(id, None)]
            } else {
                Vec::new()
            });
        }
        let counter = self.next_counter();
        let Some(row) = self.own.get_mut(&id) else { return Ok(Vec::new()) };
        *row = Model { generation: mark, name: name(mark, row.code), counter, ..row.clone() };
        let row = row.clone();
        let changes = [
            (Column::Generation, mark.into()),
            (Column::Name, row.name.clone().into()),
            (Column::Counter, counter.into()),
        ];
        let updated = update(transaction, id, self.number, changes).await?;
        Ok(if updated { vec![Deed::Own(id, Some(row))] } else { Vec::new() })
    }

    fn new_row(&self, tenant: i32, code: i32, mark: i64) -> Model {
        let owner = self.number;
        Model { id: 0, tenant, code, generation: mark, name: name(mark, code), owner, counter: 0 }
    }

    fn own_code(&mut self) -> i32 {
        let used = i32::try_from(self.next_counter()).unwrap_or_default();
        OWN_CODES + used * 100 + self.number
    }

    fn next_counter(&mut self) -> i64 {
        self.counter += 1;
        self.counter
    }
}

async fn insert(transaction: &DatabaseTransaction, row: Model) -> Result<i64, DbErr> {
    let mut active = row.into_active_model();
    active.id = NotSet;
    Ok(Entity::insert(active).exec(transaction).await?.last_insert_id)
}

/// Whether the row was there, and of this owner.
async fn update<const N: usize>(
    transaction: &DatabaseTransaction,
    id: i64,
    owner: i32,
    changes: [(Column, Expr); N],
) -> Result<bool, DbErr> {
    let mut update =
        Entity::update_many().filter(Column::Id.eq(id)).filter(Column::Owner.eq(owner));
    for (column, value) in changes {
        update = update.col_expr(column, value);
    }
    Ok(update.exec(transaction).await?.rows_affected == 1)
}
