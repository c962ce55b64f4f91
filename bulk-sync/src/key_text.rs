//! Keys and values as text for messages and diffs.

use sea_orm::{
    EntityTrait, Value,
    sea_query::{QueryBuilder, SqliteQueryBuilder},
};

use crate::{
    columns::{Columns, Position},
    field::Row,
};

/// The longest text of a value in a message, in characters.
const LONGEST: usize = 80;

/// `company_id = 501, external_id = 'A1'`
pub(crate) fn row_text<E: EntityTrait>(
    columns: &Columns<E>,
    positions: &[Position],
    row: Row<'_, E>,
) -> String {
    let texts: Vec<String> = positions
        .iter()
        .map(|&position| {
            let field = columns.field(position);
            match field.value(row) {
                Some(value) => format!("{} = {}", field.name(), value_text(&value)),
                None => format!("{} not set", field.name()),
            }
        })
        .collect();
    texts.join(", ")
}

/// The value as an SQL literal, shortened where it is long.
pub(crate) fn value_text(value: &Value) -> String {
    let text = SqliteQueryBuilder.value_to_string(value);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
