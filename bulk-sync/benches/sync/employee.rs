//! The table, its rows, and the models of each scenario.

use bulk_sync::SyncKey;
use sea_orm::entity::prelude::*;

use crate::{Failure, scenario::Scenario};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, SyncKey)]
#[sea_orm(table_name = "employee")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sync(key)]
    pub company_id: i32,
    #[sync(key)]
    pub external_id: String,
    pub name: String,
    pub phone: String,
    pub salary: Decimal,
    pub hired_at: DateTimeUtc,
    pub notes: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The company in scope.
pub const COMPANY: i32 = 501;

/// The rows in scope.
pub fn scope() -> Expr {
    Column::CompanyId.eq(COMPANY)
}

/// Whether two rows are the same but for the id.
pub fn is_same(left: &Model, right: &Model) -> bool {
    left.name == right.name
        && left.phone == right.phone
        && left.salary == right.salary
        && left.hired_at == right.hired_at
        && left.notes == right.notes
}

/// A row of a company; another edition differs in all that can be updated.
fn employee(company_id: i32, number: usize, edition: u32) -> Result<Model, Failure> {
    let n = i64::try_from(number)?;
    let hired = 1_000_000_000 + n * 61 + i64::from(edition);
    Ok(Model {
        id: 0,
        company_id,
        external_id: format!("E{number:08}"),
        name: format!("Employee of the Month {number} {edition}"),
        phone: format!("+43 1 {:07}-{edition}", number % 10_000_000),
        salary: Decimal::new(250_000 + (n * 37) % 500_000 + i64::from(edition), 2),
        hired_at: DateTimeUtc::from_timestamp(hired, 0).ok_or("a time out of range")?,
        notes: number
            .is_multiple_of(3)
            .then(|| format!("note {edition} on {number}, not very long")),
    })
}

/// The rows of the table: as many outside the scope as in it.
pub fn stored(rows: usize) -> Result<Vec<Model>, Failure> {
    let both = (0..rows).flat_map(|number| [(COMPANY, number), (COMPANY + 1, number)]);
    both.map(|(company, number)| employee(company, number, 1)).collect()
}

/// What the scope should be in a scenario.
pub fn desired(scenario: Scenario, rows: usize) -> Result<Vec<Model>, Failure> {
    let edition = |number: usize| match scenario {
        Scenario::OnePercent if number % 100 == 7 => 2,
        Scenario::Mixed if number % 10 == 7 => 2,
        Scenario::AllChanged => 2,
        _ => 1,
    };
    let numbers: Vec<usize> = match scenario {
        // 5 % are gone, and as many are new
        Scenario::Mixed => {
            let kept = (0..rows).filter(|number| number % 20 != 13);
            kept.chain(rows..rows + rows / 20).collect()
        }
        Scenario::AllGone => Vec::new(),
        _ => (0..rows).collect(),
    };
    numbers.into_iter().map(|number| employee(COMPANY, number, edition(number))).collect()
}
