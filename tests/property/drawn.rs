//! Tables whose columns are drawn from the table of types: what each is
//! declared as, and a few of the values to try in it. What a column makes of a
//! value is not computed: a single row with it is created in the empty table,
//! and read back.

use bulk_sync_tests::{
    column::create_type,
    database::{Server, TestDatabase},
    oracle::{Absent, Column, Role},
};
use libtest_mimic::Failed;
use proptest::{
    sample::subsequence,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, IdenStatic,
    Iterable, Schema, Value,
    sea_query::{ColumnDef, Index, Table},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    agreement::{Disagreement, agree_in_transaction},
    left_out::no_key,
    mixed::{Mixed, TABLE},
    runner::{Settings, Tally, open},
    slot::Slot,
    subject::{Layout, column},
    trial::Trial,
};

/// How many tables are drawn of an entity: as many as there are types that a
/// column is declared as.
const TABLES: usize = 4;

/// How many of the values of a type a table has.
const VALUES: usize = 7;

/// The syncs of drawn tables agree with the oracle.
pub fn run<E: Mixed>(server: Server) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let database = runtime.block_on(TestDatabase::create(server))?;
    let outcome = run_all::<E>(&runtime, &database);
    runtime.block_on(database.close())?;
    outcome
}

fn run_all<E: Mixed>(runtime: &Runtime, database: &TestDatabase) -> Result<(), Failed> {
    let usual = if database.backend() == DbBackend::Sqlite { 400 } else { 160 };
    let settings = Settings::of_call(usual, 10)?;
    let mut tally = Tally::default();
    runtime.block_on(create_types(database, &E::slots()))?;
    let mut failures = Vec::new();
    for turn in 0..TABLES {
        // statements of one text on tables of two types: no connection may see both
        let db = runtime.block_on(open(database))?;
        let settings = settings.turn(turn as u64, TABLES as u32);
        let mut runner = settings.runner();
        let draw = |slot| DrawnSlot::draw(slot, database.backend(), turn, &mut runner);
        let slots: Vec<_> = E::slots().iter().map(draw).collect();
        let layout = runtime.block_on(prepare::<E>(&db, &slots, turn))?;
        let agree = |case: &_| runtime.block_on(agree_in_transaction::<E>(&db, &layout, case));
        let outcome = settings.check(&layout, &mut tally, agree);
        failures.extend(outcome.err().and_then(|failure| failure.message().map(str::to_owned)));
        runtime.block_on(db.execute(&Table::drop().table(TABLE).to_owned()))?;
        runtime.block_on(db.close())?;
    }
    if !failures.is_empty() {
        return Err(failures.join("\n\n").into());
    }
    tally.finish(&[Ok(true), Ok(false)])
}

/// A column type in a table.
pub struct DrawnSlot {
    name: &'static str,
    backend: DbBackend,
    declared: ColumnType,
    declared_text: String,
    /// Two values that the column stores as they are.
    pub plain: Vec<Value>,
    /// Others.
    pub values: Vec<Value>,
}

impl DrawnSlot {
    fn draw(slot: &Slot, backend: DbBackend, turn: usize, runner: &mut TestRunner) -> Self {
        let number = VALUES.min(slot.hostile.len());
        let values = subsequence(slot.hostile.clone(), number).new_tree(runner);
        let declared = slot.declared(backend, turn);
        Self {
            name: slot.name,
            backend,
            declared_text: format!("{declared:?}"),
            declared,
            plain: slot.plain.clone(),
            values: values.map(|tree| tree.current()).unwrap_or_default(),
        }
    }

    /// The type, for people.
    fn about(&self) -> String {
        let no_key = self.no_key().map(|reason| format!(" (not as a key: {reason})"));
        format!("{} as {}{}", self.name, self.declared_text, no_key.unwrap_or_default())
    }

    /// Why the type is no key, where it is none.
    fn no_key(&self) -> Option<&'static str> {
        no_key(self.backend, self.name, &self.declared_text)
    }
}

/// Creates the table, and tries the values.
async fn prepare<E: Mixed>(
    db: &DatabaseConnection,
    slots: &[DrawnSlot],
    turn: usize,
) -> Result<Layout, Disagreement> {
    create_table::<E>(db, slots).await?;
    let mut layout = Layout::new(fixed_columns()).keys(&[&["id"], &["number"]]).key_percent(60);
    let mut keyable = Vec::new();
    for slot in slots {
        let position = layout.table.columns.len();
        let trial = Trial::<E>::new(db, slots, slot, position);
        let values = trial.values().await?;
        let absent = trial.absent().await?;
        let null = || Absent::Default(slot.plain[0].as_null());
        let nulls = vec![slot.plain[0].as_null(); 2];
        layout.push(E::column(position).as_str(), absent, Vec::new(), values.kept);
        layout.push(E::column(position + 1).as_str(), null(), nulls, values.kept_or_null);
        if values.have_equality && slot.no_key().is_none() {
            layout.keys.extend([vec![position], vec![1, position], vec![2, position + 1]]);
            layout.keys.extend(keyable.iter().map(|&before| vec![before, position]));
            keyable.push(position);
        }
    }
    // some tables have a unique column; of those types that can be
    if turn % 2 == 1 && !keyable.is_empty() {
        let position = keyable[turn / 2 % keyable.len()];
        if create_unique_index::<E>(db, position).await {
            layout.table.unique.push(position);
        }
    }
    layout.about = slots.iter().map(DrawnSlot::about).collect::<Vec<_>>().join(", ");
    Ok(layout.primary_key(&["id"]))
}

/// The columns beside those that are drawn.
fn fixed_columns() -> Vec<(Column, Vec<Value>)> {
    vec![
        // ids below zero never meet those that the database gives
        column("id", Role::Value, Absent::Generated, (1..=12).map(|id: i64| -id)),
        column("company", Role::Key, Absent::Refused, [1, 2, 3]),
        column("number", Role::Key, Absent::Refused, [1, 2, 3]),
        column(
            "level",
            Role::Value,
            Absent::Default(Value::Int(None)),
            [None, Some(1), Some(2), Some(3)],
        ),
    ]
}

/// Declares the columns as what was drawn.
async fn create_table<E: Mixed>(db: &DatabaseConnection, slots: &[DrawnSlot]) -> Result<(), DbErr> {
    let schema = Schema::new(db.get_database_backend());
    let mut table = Table::create().table(TABLE).to_owned();
    for (position, column) in E::Column::iter().enumerate() {
        let mut definition = schema.get_column_def::<E>(column);
        if let Some(slot) = position.checked_sub(4).map(|drawn| &slots[drawn / 2]) {
            definition = ColumnDef::new_with_type(column, slot.declared.clone());
            if !column.def().is_null() {
                definition.not_null();
            }
        }
        table.col(definition);
    }
    db.execute(&table).await.map(drop)
}

/// Whether a unique index of the column could be created: not each type has one.
async fn create_unique_index<E: Mixed>(db: &DatabaseConnection, position: usize) -> bool {
    let column = E::column(position);
    let mut index = Index::create();
    index.unique().name(format!("unique_{}", column.as_str())).table(TABLE).col(column);
    db.execute(&index).await.is_ok()
}

/// Creates the types that the database has to know.
async fn create_types(db: &TestDatabase, slots: &[Slot; 3]) -> Result<(), DbErr> {
    let mut created = Vec::new();
    for column_type in
        slots.iter().flat_map(|slot| (0..TABLES).map(|turn| slot.declared(db.backend(), turn)))
    {
        if !created.contains(&column_type) {
            create_type(&db.pool, &column_type).await?;
            created.push(column_type);
        }
    }
    Ok(())
}
