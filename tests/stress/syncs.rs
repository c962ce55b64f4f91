//! A task that syncs a scope with inputs of its own.

use std::collections::BTreeSet;

use bulk_sync::{BulkSync, prelude::*};
use bulk_sync_tests::suite::TestResult;
use sea_orm::{ColumnTrait, Condition};

use crate::{
    arena::Arena,
    entry::{Column, Entity, Model, name},
    history::{Input, Sync},
    random::Random,
};

/// The highest code of an input.
const CODES: i32 = 12;

/// How many syncs a task does.
const SYNCS: usize = 40;

/// What a call is told beside the models and the scope.
pub type Options = fn(BulkSync<Entity>) -> BulkSync<Entity>;

/// Syncs the tenants again and again, and at times with the same input once more.
pub async fn sync_repeatedly(
    arena: Arena,
    task: usize,
    tenants: Vec<i32>,
    options: Options,
) -> TestResult {
    let mut random = arena.random(task);
    let mut previous: Option<(i64, Input)> = None;
    for _ in 0..arena.operations(SYNCS) {
        let (generation, input) = match previous.take() {
            Some(same) if random.below(5) == 0 => same,
            _ => (arena.history.next_generation(), input(&tenants, &mut random)),
        };
        sync(&arena, generation, &input, options).await;
        previous = Some((generation, input));
        if random.below(4) == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Random codes of each tenant.
fn input(tenants: &[i32], random: &mut Random) -> Input {
    tenants.iter().map(|&tenant| (tenant, random.codes(CODES))).collect()
}

/// Syncs once. What it says goes into the history.
async fn sync(arena: &Arena, generation: i64, input: &Input, options: Options) {
    let models = input.iter().flat_map(|(&tenant, codes)| models(generation, tenant, codes));
    let tenants = input.keys().copied();
    let scope = Condition::all().add(Column::Tenant.is_in(tenants)).add(Column::Owner.eq(0));
    let call = options(Entity::bulk_sync(models.collect::<Vec<_>>(), scope, None));
    let start = arena.history.now();
    let result = call.exec(&arena.pool).await;
    let span = arena.history.since(start);
    let done = result.is_ok();
    arena.history.add_sync(Sync { generation, input: input.clone(), span, done });
    if let Err(error) = result {
        let debug = format!("{error:?}");
        let kind = debug.split([' ', '(']).next().unwrap_or_default();
        arena.history.add_error(error.is_retryable(), kind.to_owned(), debug);
    }
}

fn models(generation: i64, tenant: i32, codes: &BTreeSet<i32>) -> impl Iterator<Item = Model> {
    codes.iter().map(move |&code| Model {
        id: 0,
        tenant,
        code,
        generation,
        name: name(generation, code),
        owner: 0,
        counter: 0,
    })
}
