//! Many rows as one table inside a statement: `v` with the columns `c0`, `c1`, ….
//!
//! The names are positional, so that they never meet a column of the table.

use sea_orm::{
    ColumnTrait, EntityTrait, Value,
    sea_query::{
        Alias, ArrayType, Asterisk, CaseStatement, ColumnType, CommonTableExpression, DynIden,
        Expr, ExprTrait, Func, IntoIden, OptionEnum, Query, SelectStatement, TableRef, UnionType,
        Values, WithClause,
    },
};

use crate::{
    dialect::{Dialect, RowSource},
    field::{Field, is_null},
};

/// The name of the table of rows: `v`, unless that is the entity's.
fn rows_name<E: EntityTrait>() -> DynIden {
    let is_taken = E::default().table_name().eq_ignore_ascii_case("v");
    Alias::new(if is_taken { "w" } else { "v" }).into_iden()
}

/// Rows as a table: what to put before the statement, what to select from, and
/// how to refer to each column.
pub(crate) struct Rows {
    /// The common table expression that holds the rows, where they are in one.
    pub with: Option<WithClause>,
    /// The table.
    pub table: TableRef,
    /// One expression a column, in the order in which they were given.
    pub columns: Vec<Expr>,
}

/// How many parameters a row takes in `v`; 0 when the number of parameters
/// does not depend on the number of rows.
pub(crate) fn parameters_per_row<E: EntityTrait>(
    dialect: Dialect,
    fields: &[&'static Field<E>],
) -> usize {
    if unnests(dialect, fields) { 0 } else { fields.len() }
}

/// Whether rows of these columns can be sent as arrays.
pub(crate) fn unnests<E: EntityTrait>(dialect: Dialect, fields: &[&'static Field<E>]) -> bool {
    dialect.row_source == RowSource::Unnest
        && fields.iter().all(|field| element_type(&field.column_type()).is_some())
}

/// Puts rows, each with one value a field, into a table. At least one row.
pub(crate) fn rows<E: EntityTrait>(
    dialect: Dialect,
    fields: &[&'static Field<E>],
    rows: Vec<Vec<Value>>,
) -> Rows {
    let slots: Vec<_> = fields.iter().map(|field| Slot::Field(*field)).collect();
    fill(dialect, &slots, rows, unnests(dialect, fields))
}

/// As [`rows`], where they can be sent as arrays: as a list, which PostgreSQL goes through
/// while it reads. A table of UNNEST it fills first, at a tenth of what an INSERT takes.
pub(crate) fn streamed_rows<E: EntityTrait>(
    fields: &[&'static Field<E>],
    rows: Vec<Vec<Value>>,
) -> Rows {
    let slots: Vec<_> = fields.iter().map(|field| Slot::Field(*field)).collect();
    let (arrays, names, columns) = arrays(&slots, rows);
    let mut select = Query::select();
    select.exprs(arrays.into_iter().map(|array| Func::cust("UNNEST").arg(array)));
    with_rows::<E>(select, names, columns)
}

/// As [`rows`]; the first column is the number of the row, from 0.
pub(crate) fn numbered_rows<E: EntityTrait>(
    dialect: Dialect,
    fields: &[&'static Field<E>],
    rows: Vec<Vec<Value>>,
) -> Rows {
    let slots: Vec<_> =
        [Slot::Number].into_iter().chain(fields.iter().map(|field| Slot::Field(*field))).collect();
    let numbered = (0i64..).zip(rows).map(|(number, row)| {
        let mut values = vec![Value::from(number)];
        values.extend(row);
        values
    });
    fill(dialect, &slots, numbered.collect(), unnests(dialect, fields))
}

/// Pairs of values of a column, none of them NULL, with their numbers from 0:
/// the number, the left value and the right one.
pub(crate) fn numbered_pairs<E: EntityTrait>(
    dialect: Dialect,
    field: &'static Field<E>,
    left: Vec<Value>,
    right: Vec<Value>,
) -> Rows {
    let slots = [Slot::Number, Slot::Field(field), Slot::Field(field)];
    let numbers = (0i64..).map(Value::from);
    if !unnests(dialect, &[field]) {
        let rows = numbers.zip(left.into_iter().zip(right));
        let rows = rows.map(|(number, (left, right))| vec![number, left, right]).collect();
        return fill(dialect, &slots, rows, false);
    }
    let numbers = numbers.take(left.len()).collect();
    let arrays = slots.iter().zip([numbers, left, right]);
    let arrays = arrays.map(|(slot, values)| array(slot.array_type(), values, slot.element_type()));
    unnested::<E>(arrays.collect(), (0..slots.len()).map(name).collect(), saved(&slots))
}

/// Values of a column as one array, where equality with an element of it is
/// equality with the value: not so for text, which compares as the column's type.
pub(crate) fn value_array<E: EntityTrait>(
    dialect: Dialect,
    field: &'static Field<E>,
    values: Vec<Value>,
) -> Result<Expr, Vec<Value>> {
    let column_type = field.column_type();
    let is_plain = matches!(
        column_type,
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger | ColumnType::Uuid
    );
    let is_cast =
        |value: &Value| !matches!(field.column().save_as(Expr::val(value.clone())), Expr::Value(_));
    // SeaORM does not bind an array with a NULL in it
    let is_plain = is_plain && !values.first().is_some_and(is_cast) && !values.iter().any(is_null);
    match element_type(&column_type) {
        Some(element_type) if is_plain && dialect.row_source == RowSource::Unnest => {
            let values = values.into_iter().map(|value| bound(field, value)).collect();
            Ok(array(field.array_type(), values, element_type))
        }
        _ => Err(values),
    }
}

fn fill<E: EntityTrait>(
    dialect: Dialect,
    slots: &[Slot<E>],
    rows: Vec<Vec<Value>>,
    unnests: bool,
) -> Rows {
    match dialect.row_source {
        RowSource::Unnest if unnests => unnest(slots, rows),
        RowSource::Unnest | RowSource::Values => values(slots, rows),
        RowSource::UnionAll => union_all(dialect, slots, rows),
    }
}

/// The value as a parameter.
///
/// The driver sends moments as TIMESTAMP to MySQL and MariaDB. MariaDB then
/// takes one before 1970 or after 2038 for the time that it is now, even for a
/// DATETIME column, and finds only some of the moments in an IN list.
pub(crate) fn parameter(dialect: Dialect, column_type: &ColumnType, value: Value) -> Expr {
    match (dialect.row_source, column_type) {
        (RowSource::UnionAll, ColumnType::TimestampWithTimeZone) => {
            Expr::val(value).cast_as("DATETIME(6)")
        }
        _ => Expr::val(value),
    }
}

/// The value as it is bound: SeaORM's `save_as` may replace it.
pub(crate) fn bound<E: EntityTrait>(field: &Field<E>, value: Value) -> Value {
    match field.column().save_as(Expr::val(value.clone())) {
        Expr::Value(value) => value,
        _ => value,
    }
}

/// A column of `v`.
enum Slot<E: EntityTrait> {
    Number,
    Field(&'static Field<E>),
}

impl<E: EntityTrait> Slot<E> {
    fn bound(&self, value: Value) -> Value {
        match self {
            Self::Number => value,
            Self::Field(field) => bound(field, value),
        }
    }

    fn column_type(&self) -> ColumnType {
        match self {
            Self::Number => ColumnType::BigInteger,
            Self::Field(field) => field.column_type(),
        }
    }

    fn saved(&self, position: usize) -> Expr {
        let column = Expr::col((rows_name::<E>(), name(position)));
        match self {
            Self::Number => column,
            Self::Field(field) => field.column().save_as(column),
        }
    }

    fn element_type(&self) -> &'static str {
        match self {
            Self::Number => "int8",
            Self::Field(field) => element_type(&field.column_type()).unwrap_or("text"),
        }
    }

    fn array_type(&self) -> ArrayType {
        match self {
            Self::Number => ArrayType::BigInt,
            Self::Field(field) => match field.column_type() {
                ColumnType::Enum { .. } => ArrayType::String,
                _ => field.array_type(),
            },
        }
    }

    fn is_nullable(&self) -> bool {
        matches!(self, Self::Field(field) if field.is_option() || field.column().def().is_null())
    }
}

fn name(position: usize) -> DynIden {
    Alias::new(format!("c{position}")).into_iden()
}

fn null_mask(position: usize) -> DynIden {
    Alias::new(format!("n{position}")).into_iden()
}

fn saved<E: EntityTrait>(slots: &[Slot<E>]) -> Vec<Expr> {
    slots.iter().enumerate().map(|(position, slot)| slot.saved(position)).collect()
}

/// `WITH v (c0, c1) AS (VALUES (?, ?), (?, ?))`
fn values<E: EntityTrait>(slots: &[Slot<E>], rows: Vec<Vec<Value>>) -> Rows {
    let bound = |row: Vec<Value>| {
        Values(slots.iter().zip(row).map(|(slot, value)| slot.bound(value)).collect())
    };
    let mut table = CommonTableExpression::new();
    table
        .table_name(rows_name::<E>())
        .columns((0..slots.len()).map(name))
        .values(rows.into_iter().map(bound).collect());
    Rows {
        with: Some(with_clause(table)),
        table: TableRef::Table(rows_name::<E>().into(), None),
        columns: saved(slots),
    }
}

/// `(SELECT ? AS c0, ? AS c1 UNION ALL SELECT ?, ?) AS v`
fn union_all<E: EntityTrait>(dialect: Dialect, slots: &[Slot<E>], rows: Vec<Vec<Value>>) -> Rows {
    let mut selects = rows.into_iter().enumerate().map(|(row, values)| {
        let mut select = Query::select();
        for (position, (slot, value)) in slots.iter().zip(values).enumerate() {
            // the driver sends text as a varchar of any length, and MariaDB keeps the
            // length of a varchar in 16 bits; CONCAT gives a text type that is long enough
            let value = match slot.bound(value) {
                value @ Value::String(_) => Func::cust("CONCAT").arg(value).into(),
                value => parameter(dialect, &slot.column_type(), value),
            };
            if row == 0 {
                select.expr_as(value, name(position));
            } else {
                select.expr(value);
            }
        }
        select
    });
    let mut first: SelectStatement = selects.next().unwrap_or_default();
    first.unions(selects.map(|select| (UnionType::All, select)));
    Rows {
        with: None,
        table: TableRef::SubQuery(Box::new(first), rows_name::<E>()),
        columns: saved(slots),
    }
}

/// `WITH v (c0, n0) AS (SELECT * FROM UNNEST(CAST($1 AS text[]), CAST($2 AS bool[])))`
///
/// A NULL inside an array cannot be bound, so a column with NULLs comes with a
/// mask, and the array has any value of the type in their place.
fn unnest<E: EntityTrait>(slots: &[Slot<E>], rows: Vec<Vec<Value>>) -> Rows {
    let (arrays, names, columns) = arrays(slots, rows);
    unnested::<E>(arrays, names, columns)
}

/// One array a column and a mask for those with NULLs, their names in `v`, and
/// what refers to each column.
fn arrays<E: EntityTrait>(
    slots: &[Slot<E>],
    rows: Vec<Vec<Value>>,
) -> (Vec<Expr>, Vec<DynIden>, Vec<Expr>) {
    let mut arrays = Vec::with_capacity(slots.len());
    let mut masks = Vec::new();
    let mut names: Vec<_> = (0..slots.len()).map(name).collect();
    let mut columns = Vec::with_capacity(slots.len());
    for (position, (slot, values)) in slots.iter().zip(transpose(slots.len(), rows)).enumerate() {
        let (values, nulls) = without_nulls(values);
        arrays.push(array(slot.array_type(), values, slot.element_type()));
        let mut column = slot.saved(position);
        if slot.is_nullable() || nulls.contains(&Value::Bool(Some(true))) {
            masks.push(array(ArrayType::Bool, nulls, "bool"));
            names.push(null_mask(position));
            column = unmasked::<E>(column, position);
        }
        columns.push(column);
    }
    arrays.append(&mut masks);
    (arrays, names, columns)
}

fn unnested<E: EntityTrait>(arrays: Vec<Expr>, names: Vec<DynIden>, columns: Vec<Expr>) -> Rows {
    let mut select = Query::select();
    select.column(Asterisk).from_function(Func::cust("UNNEST").args(arrays), "u");
    with_rows::<E>(select, names, columns)
}

fn with_rows<E: EntityTrait>(
    select: SelectStatement,
    names: Vec<DynIden>,
    columns: Vec<Expr>,
) -> Rows {
    let mut table = CommonTableExpression::new();
    table.table_name(rows_name::<E>()).columns(names).query(select);
    Rows {
        with: Some(with_clause(table)),
        table: TableRef::Table(rows_name::<E>().into(), None),
        columns,
    }
}

/// Built in place: a copy would be one of all values, too.
fn with_clause(table: CommonTableExpression) -> WithClause {
    let mut with = WithClause::new();
    with.cte(table);
    with
}

fn unmasked<E: EntityTrait>(column: Expr, position: usize) -> Expr {
    CaseStatement::new()
        .case(Expr::col((rows_name::<E>(), null_mask(position))), Expr::null())
        .finally(column)
        .into()
}

fn transpose(width: usize, rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let mut columns: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns
}

/// The values with others in the place of NULL, and which were NULL.
///
/// The others are values of the same column: SeaORM's dummies of the crate
/// time are of a year that PostgreSQL does not have. A column of nothing but
/// NULL is an empty array, which UNNEST fills up with NULL.
fn without_nulls(values: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let values: Vec<Value> = values.into_iter().map(plain_text).collect();
    let nulls = values.iter().map(|value| Value::Bool(Some(is_null(value)))).collect();
    let Some(stand_in) = values.iter().find(|value| !is_null(value)).cloned() else {
        return (Vec::new(), nulls);
    };
    let filled = |value| if is_null(&value) { stand_in.clone() } else { value };
    (values.into_iter().map(filled).collect(), nulls)
}

/// The text of an enum value; `save_as` casts it back where the database has the type.
fn plain_text(value: Value) -> Value {
    match value {
        Value::Enum(OptionEnum::Some(value)) => Value::String(Some(value.value.into_owned())),
        Value::Enum(OptionEnum::None(_)) => Value::String(None),
        value => value,
    }
}

/// The cast is part of the text, because the driver caches prepared statements
/// by their text alone, whatever the types of the parameters.
fn array(elements: ArrayType, values: Vec<Value>, element_type: &str) -> Expr {
    Expr::val(Value::Array(elements, Some(Box::new(values)))).cast_as(format!("{element_type}[]"))
}

/// The PostgreSQL type as which the values of a Rust type are sent; `None`
/// where they have no array, or not one that SeaORM binds. Never one with a
/// length: a cast to `varchar(3)` shortens silently.
fn element_type(column_type: &ColumnType) -> Option<&'static str> {
    Some(match column_type {
        ColumnType::Char(_)
        | ColumnType::String(_)
        | ColumnType::Text
        | ColumnType::Enum { .. } => "text",
        ColumnType::SmallInteger => "int2",
        ColumnType::Integer | ColumnType::SmallUnsigned => "int4",
        ColumnType::BigInteger | ColumnType::BigUnsigned | ColumnType::Unsigned => "int8",
        ColumnType::Float => "float4",
        ColumnType::Double => "float8",
        ColumnType::Decimal(_) => "numeric",
        ColumnType::Boolean => "bool",
        ColumnType::Date => "date",
        ColumnType::Time => "time",
        ColumnType::DateTime => "timestamp",
        ColumnType::TimestampWithTimeZone => "timestamptz",
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => "bytea",
        ColumnType::Json | ColumnType::JsonBinary => "jsonb",
        ColumnType::Uuid => "uuid",
        ColumnType::Inet | ColumnType::Cidr => "inet",
        ColumnType::MacAddr => "macaddr",
        _ => return None,
    })
}
