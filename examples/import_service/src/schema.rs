//! The tables, made where they are missing, and what stands in them at first.

use sea_orm::{
    ActiveValue::Set, DatabaseConnection, DbErr, IntoActiveModel, TransactionTrait,
    entity::prelude::*,
};

use crate::entity::{company, employee, import};

/// Creates the tables that are missing, and fills new ones with companies and
/// employees, so that no page is empty at first.
///
/// # Errors
///
/// The database refuses.
pub async fn prepare(db: &DatabaseConnection) -> Result<(), DbErr> {
    let schema = db.get_schema_builder();
    let schema = schema.register(company::Entity).register(employee::Entity);
    schema.register(import::Entity).sync(db).await?;
    if company::Entity::find().one(db).await?.is_none() {
        write_demo_data(db).await?;
    }
    Ok(())
}

/// All of it or nothing, so that a start that is interrupted is made up for.
async fn write_demo_data(db: &DatabaseConnection) -> Result<(), DbErr> {
    let transaction = db.begin().await?;
    for (name, people) in [("Harbour Logistics", 24), ("Alpine Dairy", 8), ("Night Train Books", 0)]
    {
        let company = company::ActiveModel { name: Set(name.into()), ..Default::default() };
        let company = company.insert(&transaction).await?;
        let employees: Vec<_> =
            (0..people).map(|number| employee(company.id, number).into_active_model()).collect();
        if !employees.is_empty() {
            let insert = employee::Entity::insert_many(employees.into_iter().map(without_id));
            insert.exec_without_returning(&transaction).await?;
        }
    }
    transaction.commit().await
}

/// The id is the database's to give.
fn without_id(mut employee: employee::ActiveModel) -> employee::ActiveModel {
    employee.id = sea_orm::NotSet;
    employee
}

const FIRST_NAMES: [&str; 8] =
    ["Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hiro"];
const LAST_NAMES: [&str; 3] = ["Lindqvist", "Moreau", "Okafor"];
const DEPARTMENTS: [&str; 4] = ["Dispatch", "Warehouse", "Accounts", "Fleet"];

/// A person made up from a number below 24.
fn employee(company_id: i32, number: usize) -> employee::Model {
    let first = FIRST_NAMES[number % FIRST_NAMES.len()];
    let last = LAST_NAMES[number % LAST_NAMES.len()];
    let small = u8::try_from(number).unwrap_or_default();
    employee::Model {
        id: 0,
        company_id,
        external_id: format!("E{:03}", number + 1),
        name: format!("{first} {last}"),
        email: (number % 5 != 4)
            .then(|| format!("{}.{}@example.com", first.to_lowercase(), last.to_lowercase())),
        department: DEPARTMENTS[number % DEPARTMENTS.len()].into(),
        salary: Decimal::from(3_000 + 50 * u32::from(small)),
        hired_on: Date::from_ymd_opt(2015 + i32::from(small % 10), 1 + u32::from(small % 12), 1)
            .unwrap_or_default(),
    }
}
