//! Random rows of all types at once: a batch stores what single rows store.

use bulk_sync::{SyncResult, prelude::*};
use bulk_sync_tests::{
    entity::every_type::{self, Label, Level, Model, Size, full, sparse},
    suite::{Db, Test, TestResult},
    tests,
};
use sea_orm::{QueryOrder, prelude::*};

use crate::{
    case::{chain, in_task},
    documents::documents,
    numbers::{decimals, doubles, floats},
    text::{texts, uuids},
    times::{date_times, dates, instants, times},
};

pub const TESTS: [Test; 1] = tests![a_batch_of_random_rows_stores_what_single_rows_store];

/// Rows that are tried.
const ROWS: usize = 200;

/// A small generator of the same numbers each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or_default()
    }

    /// One of the values at times, else the plain one.
    fn change<T: Clone>(&mut self, plain: &mut T, values: &[T]) {
        if self.below(8) == 0 {
            *plain = values[self.below(values.len())].clone();
        }
    }

    fn change_option<T: Clone>(&mut self, plain: &mut Option<T>, values: &[T]) {
        match self.below(8) {
            0 => *plain = Some(values[self.below(values.len())].clone()),
            1 => *plain = None,
            _ => {}
        }
    }
}

fn short_texts() -> Vec<String> {
    texts().into_iter().filter(|text| text.len() < 256).collect()
}

fn random_row(random: &mut Random, number: usize) -> Model {
    let label = format!("{number} {}", short_texts()[random.below(short_texts().len())]);
    let mut row = if random.below(2) == 0 { sparse(&label) } else { full(&label) };
    row.label = Label(label);
    random.change(&mut row.size, &[Size::Small, Size::Large]);
    random.change_option(&mut row.level_or_null, &[Level::Low, Level::High]);
    random.change(&mut row.json, &documents()[..18]);
    random.change_option(&mut row.json_or_null, &documents()[..18]);
    random.change_option(&mut row.bytes_or_null, &[vec![], vec![0, 255, 39, 92]]);
    random.change(&mut row.date, &dates());
    random.change_option(&mut row.date_or_null, &dates());
    random.change(&mut row.time, &times());
    random.change_option(&mut row.time_or_null, &times());
    random.change(&mut row.local, &date_times());
    random.change_option(&mut row.local_or_null, &date_times());
    random.change(&mut row.instant, &instants());
    random.change_option(&mut row.instant_or_null, &instants());
    random.change_option(&mut row.uuid_or_null, &uuids());
    random.change(&mut row.single, &floats());
    random.change(&mut row.double, &doubles());
    random.change_option(&mut row.double_or_null, &doubles());
    random.change(&mut row.decimal, &decimals());
    random.change_option(&mut row.decimal_or_null, &decimals());
    random.change(&mut row.text, &short_texts());
    random.change_option(&mut row.text_or_null, &short_texts());
    row
}

async fn sync(db: &Db, rows: &[Model]) -> Result<SyncResult, String> {
    let (db, rows) = (db.clone(), rows.to_vec());
    in_task(async move {
        let sync = every_type::Entity::bulk_sync(rows, WholeTable, None).skip_deletes();
        sync.exec(&db.pool).await.map_err(|error| format!("refused: {}", chain(&error)))
    })
    .await
}

/// The rows without their primary keys, as text: a NaN is not equal to itself.
async fn stored(db: &Db) -> Result<Vec<String>, DbErr> {
    let rows = every_type::Entity::find().order_by_asc(every_type::Column::Id).all(&db.pool);
    Ok(rows.await?.into_iter().map(|row| format!("{:?}", Model { id: 0, ..row })).collect())
}

async fn a_batch_of_random_rows_stores_what_single_rows_store(db: Db) -> TestResult {
    db.create_table(every_type::Entity).await?;
    let mut random = Random(0x5eed_0f5e);
    let rows: Vec<Model> = (0..ROWS).map(|number| random_row(&mut random, number)).collect();
    let mut accepted = Vec::new();
    for row in &rows {
        match sync(&db, std::slice::from_ref(row)).await {
            Ok(_) => accepted.push(row.clone()),
            Err(error) if error.starts_with("refused") => {}
            Err(error) => return Err(format!("{error}: {row:?}").into()),
        }
    }
    assert!(accepted.len() > ROWS / 10, "{} of {ROWS} rows were accepted", accepted.len());
    let one_by_one = stored(&db).await?;
    every_type::Entity::delete_many().exec(&db.pool).await?;
    if accepted.len() < rows.len() {
        assert!(sync(&db, &rows).await.is_err_and(|error| error.starts_with("refused")));
        assert!(stored(&db).await?.is_empty());
    }
    sync(&db, &accepted).await?;
    for (together, alone) in stored(&db).await?.iter().zip(&one_by_one) {
        assert_eq!(together, alone);
    }
    assert_eq!(one_by_one.len(), accepted.len());
    Ok(())
}
