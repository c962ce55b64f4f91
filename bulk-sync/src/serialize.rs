//! Plans as data: an object with the table, the counts, and the rows.
//!
//! Values keep what they are where JSON can say it: NULL, booleans, integers,
//! finite floats, text and JSON. All others are text, so that no digit of a
//! decimal is lost; bytes are hexadecimal.

use std::fmt::Write;

use sea_orm::{
    EntityTrait, Value,
    sea_query::{OptionEnum, QueryBuilder, SqliteQueryBuilder},
};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::{
    Change, SyncPlan, SyncResult, UpdatedRow,
    columns::Columns,
    desired::RowList,
    field::{Row, is_null},
    plan::named_values,
};

impl<E: EntityTrait> Serialize for SyncPlan<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = &self.task.columns;
        let created = self.created.iter().map(|&index| (columns, self.desired.row(index)));
        let deleted = self.deleted.iter().map(|row| (columns, Row::Active(row)));
        let mut plan = serializer.serialize_struct("SyncPlan", 6)?;
        plan.serialize_field("table", &self.task.table)?;
        plan.serialize_field("fingerprint", &self.fingerprint().to_string())?;
        plan.serialize_field("summary", &self.summary())?;
        plan.serialize_field("created", &created.map(whole_row).collect::<Vec<_>>())?;
        plan.serialize_field("updated", &self.updated().collect::<Vec<_>>())?;
        plan.serialize_field("deleted", &deleted.map(whole_row).collect::<Vec<_>>())?;
        plan.end()
    }
}

impl Serialize for SyncResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut result = serializer.serialize_struct("SyncResult", 5)?;
        result.serialize_field("created", &self.created)?;
        result.serialize_field("updated", &self.updated)?;
        result.serialize_field("deleted", &self.deleted)?;
        result.serialize_field("revived", &self.revived)?;
        result.serialize_field("unchanged", &self.unchanged)?;
        result.end()
    }
}

impl Serialize for UpdatedRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("UpdatedRow", 4)?;
        row.serialize_field("key", &Named(&self.key))?;
        row.serialize_field("primary_key", &Named(&self.primary_key))?;
        row.serialize_field("changes", &self.changes)?;
        row.serialize_field("revived", &self.revived)?;
        row.end()
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut change = serializer.serialize_struct("Change", 3)?;
        change.serialize_field("column", self.column)?;
        change.serialize_field("current", &Cell(&self.current))?;
        change.serialize_field("desired", &Cell(&self.desired))?;
        change.end()
    }
}

/// The columns of a row that are set, as an object.
struct WholeRow(Vec<(&'static str, Value)>);

fn whole_row<E: EntityTrait>((columns, row): (&Columns<E>, Row<'_, E>)) -> WholeRow {
    let all: Vec<_> = columns.all().collect();
    WholeRow(named_values(columns, &all, row))
}

impl Serialize for WholeRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Named(&self.0).serialize(serializer)
    }
}

struct Named<'a>(&'a [(&'static str, Value)]);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &Cell(value))?;
        }
        map.end()
    }
}

struct Cell<'a>(&'a Value);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            null if is_null(null) => serializer.serialize_none(),
            Value::Bool(Some(value)) => serializer.serialize_bool(*value),
            Value::TinyInt(Some(value)) => serializer.serialize_i8(*value),
            Value::SmallInt(Some(value)) => serializer.serialize_i16(*value),
            Value::Int(Some(value)) => serializer.serialize_i32(*value),
            Value::BigInt(Some(value)) => serializer.serialize_i64(*value),
            Value::TinyUnsigned(Some(value)) => serializer.serialize_u8(*value),
            Value::SmallUnsigned(Some(value)) => serializer.serialize_u16(*value),
            Value::Unsigned(Some(value)) => serializer.serialize_u32(*value),
            Value::BigUnsigned(Some(value)) => serializer.serialize_u64(*value),
            Value::Float(Some(value)) if value.is_finite() => serializer.serialize_f32(*value),
            Value::Double(Some(value)) if value.is_finite() => serializer.serialize_f64(*value),
            Value::String(Some(value)) => serializer.serialize_str(value),
            Value::Char(Some(value)) => serializer.serialize_char(*value),
            Value::Enum(OptionEnum::Some(value)) => serializer.serialize_str(&value.value),
            Value::Json(Some(value)) => value.serialize(serializer),
            Value::Bytes(Some(value)) => serializer.serialize_str(&hexadecimal(value)),
            other => {
                let text = SqliteQueryBuilder.value_to_string(other);
                serializer.serialize_str(text.trim_matches('\''))
            }
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}
