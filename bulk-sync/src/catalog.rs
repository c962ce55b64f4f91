//! What the table's columns are declared as, which can differ from what the
//! entity says. Read only when a key may not be stored as it is, or when rows
//! would be created or updated.

use std::collections::HashMap;

use sea_orm::{
    DbBackend, DbErr, EntityTrait,
    sea_query::{
        Expr, ExprTrait, Func, FunctionCall, Query, SelectStatement, SubQueryStatement, UnionType,
    },
};

use crate::{
    columns::{Columns, Position},
    connection::is_denied,
    reader::Reader,
};

/// What the catalog says of a table.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    /// Of each column.
    pub columns: Vec<Declared>,
    /// Whether it is known to say that the database refuses a row whose key it
    /// holds equal to another's. Asked where that is often the case: on MySQL.
    pub has_unique_key: bool,
    /// Whether its index PRIMARY is known to find rows by the one column of the
    /// primary key. Asked on MySQL.
    pub has_index_of_primary_key: bool,
}

/// How a column stores what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The types that CASTs, one after the other, take to round a value as the
    /// column does; none where the column rounds nothing, or no CAST can say it.
    pub casts: Vec<String>,
    /// The digits after the decimal point, or of a second, that it keeps;
    /// `None` for all.
    pub fraction_digits: Option<i64>,
    /// How many characters of text it keeps; `None` for any number.
    pub length: Option<usize>,
    /// Whether it is a `char(n)`, which does not keep trailing blanks.
    pub is_padded: bool,
    /// Whether texts that differ can be equal keys, as under a
    /// case-insensitive collation.
    pub is_loose: bool,
    /// The type that a value has to be cast to so that it is compared as the
    /// column's values are compared with each other.
    pub compared_as: Option<String>,
    /// Whether the database computes its values, and refuses others.
    pub is_generated: bool,
    /// Whether the catalog says anything of it.
    pub is_known: bool,
}

/// What the catalog says of these columns, in their order, and of their key.
/// Nothing is said where the connection may not look.
///
/// # Errors
///
/// Those of the database.
pub(crate) async fn read<E: EntityTrait>(
    columns: &Columns<E>,
    db: &dyn Reader,
) -> Result<Catalog, DbErr> {
    let backend = db.get_database_backend();
    // only PostgreSQL tells names apart that differ in case, of types too
    let folded = |name: &str| match backend {
        DbBackend::Postgres => name.to_owned(),
        _ => name.to_lowercase(),
    };
    let rows = match db.query_all(&select::<E>(backend)).await {
        Err(error) if is_denied(&error) => Vec::new(),
        rows => rows?,
    };
    let mut catalog = HashMap::with_capacity(rows.len());
    let mut indexes: HashMap<String, bool> = HashMap::new();
    let mut has_index_of_primary_key = false;
    for row in rows {
        let name = row.try_get_by_index::<Option<String>>(0)?.map(|name| folded(&name));
        if backend == DbBackend::MySql
            && let Some(index) = row.try_get_by_index::<Option<String>>(4)?
        {
            let is_it = |&key: &Position| name == Some(folded(columns.name(key)));
            let is_first = row.try_get_by_index::<Option<String>>(1)?.as_deref() == Some("1");
            has_index_of_primary_key |= is_first
                && index == "PRIMARY"
                && matches!(&columns.primary_key[..], [key] if is_it(key));
            *indexes.entry(index).or_insert(true) &= columns.key.iter().any(is_it);
            continue;
        }
        let column_type: Option<String> = row.try_get_by_index(1)?;
        let collation: Option<String> = row.try_get_by_index(2)?;
        let generated: Option<String> = row.try_get_by_index(3)?;
        let column_type = folded(&column_type.unwrap_or_default());
        let mut declared = declared(backend, &column_type, collation.as_deref());
        declared.is_generated = is_generated(backend, generated.as_deref().unwrap_or_default());
        declared.is_known = true;
        catalog.insert(name.unwrap_or_default(), declared);
    }
    let of = |position| catalog.get(&folded(columns.name(position))).cloned().unwrap_or_default();
    Ok(Catalog {
        columns: columns.all().map(of).collect(),
        has_index_of_primary_key,
        has_unique_key: indexes.into_values().any(|is_covered| is_covered),
    })
}

/// One row a column: its name, its type, what tells of its collation, and what
/// tells whether it is generated.
fn select<E: EntityTrait>(backend: DbBackend) -> SelectStatement {
    let entity = E::default();
    let (schema, table) = (entity.schema_name(), entity.table_name());
    match backend {
        DbBackend::Postgres => postgres::<E>(),
        DbBackend::MySql => mysql(schema, table),
        _ => sqlite(schema, table),
    }
}

/// The type behind a column's, which can be a domain over another.
const BASE_TYPE: &str = "(WITH RECURSIVE base (oid, modifier) AS (\
     SELECT a.atttypid, a.atttypmod UNION ALL SELECT t.typbasetype, t.typtypmod \
     FROM base JOIN pg_catalog.pg_type t ON t.oid = base.oid WHERE t.typtype = 'd') \
     SELECT format_type(base.oid, base.modifier) \
     FROM base JOIN pg_catalog.pg_type t ON t.oid = base.oid WHERE t.typtype <> 'd')";

/// The table of an entity on PostgreSQL, as the connection finds it: a `regclass`, NULL
/// where there is none.
pub(crate) fn postgres_table<E: EntityTrait>() -> FunctionCall {
    let entity = E::default();
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let names = entity.schema_name().into_iter().chain([entity.table_name()]);
    Func::cust("to_regclass").arg(names.map(quoted).collect::<Vec<_>>().join("."))
}

fn postgres<E: EntityTrait>() -> SelectStatement {
    // the name of a collation that holds different texts equal
    let loose = Query::select()
        .expr(Expr::col(("c", "collname")).cast_as("text"))
        .from_as(("pg_catalog", "pg_collation"), "c")
        .and_where(Expr::col(("c", "oid")).equals(("a", "attcollation")))
        .and_where(Expr::col(("c", "collisdeterministic")).not())
        .to_owned();
    Query::select()
        .expr(Expr::col(("a", "attname")).cast_as("text"))
        .expr(Expr::cust(BASE_TYPE))
        .expr(Expr::from(SubQueryStatement::from(loose)))
        .expr(Expr::col(("a", "attgenerated")).cast_as("text"))
        .from_as(("pg_catalog", "pg_attribute"), "a")
        .and_where(Expr::col(("a", "attrelid")).eq(postgres_table::<E>()))
        .and_where(Expr::col(("a", "attnum")).gt(0))
        .and_where(Expr::col(("a", "attisdropped")).not())
        .to_owned()
}

/// And one row for each column of a unique index: its name, unless it is an
/// expression, and the name of the index.
fn mysql(schema: Option<&str>, table: &str) -> SelectStatement {
    let text = |name: &'static str| Expr::col(("c", name)).cast_as("char");
    let of = |view: &'static str| {
        let schema = match schema {
            Some(schema) => Expr::val(schema),
            None => Func::cust("DATABASE").into(),
        };
        Query::select()
            .from_as(("information_schema", view), "c")
            .and_where(Expr::col(("c", "TABLE_SCHEMA")).eq(schema))
            .and_where(Expr::col(("c", "TABLE_NAME")).eq(table))
            .take()
    };
    let indexes = of("STATISTICS")
        .expr(text("COLUMN_NAME"))
        .expr(text("SEQ_IN_INDEX"))
        .exprs([Expr::null(), Expr::null()])
        .expr(text("INDEX_NAME"))
        .and_where(Expr::col(("c", "NON_UNIQUE")).eq(0))
        .take();
    of("COLUMNS")
        .exprs(["COLUMN_NAME", "COLUMN_TYPE", "COLLATION_NAME", "GENERATION_EXPRESSION"].map(text))
        .expr(Expr::null())
        .union(UnionType::All, indexes)
        .take()
}

/// The collation of a column is not to be had; the statement that made the
/// table is, and tells whether it names any.
fn sqlite(schema: Option<&str>, table: &str) -> SelectStatement {
    let lower = |name: Expr| Expr::from(Func::lower(name));
    let mut statement = Query::select();
    statement.column("sql").and_where(lower(Expr::col("name")).eq(lower(Expr::val(table))));
    match schema {
        Some(schema) => statement.from((schema.to_owned(), "sqlite_master")),
        None => statement.from("sqlite_master"),
    };
    Query::select()
        .column(("t", "name"))
        .column(("t", "type"))
        .expr(Expr::from(SubQueryStatement::from(statement)))
        .expr(Expr::col(("t", "hidden")).cast_as("text"))
        .from_function(
            Func::cust("pragma_table_xinfo").args([table].into_iter().chain(schema).map(Expr::val)),
            "t",
        )
        .to_owned()
}

fn declared(backend: DbBackend, column_type: &str, collation: Option<&str>) -> Declared {
    match backend {
        DbBackend::Postgres => postgres_column(column_type, collation),
        DbBackend::MySql => mysql_column(column_type, collation),
        _ => sqlite_column(column_type, collation),
    }
}

/// From `attgenerated`, from the expression itself, from `hidden`.
fn is_generated(backend: DbBackend, told: &str) -> bool {
    match backend {
        DbBackend::Postgres | DbBackend::MySql => !told.is_empty(),
        _ => matches!(told, "2" | "3"),
    }
}

/// From a type as `format_type` writes it: `numeric(12,2)`, `timestamp(3) with time zone`.
fn postgres_column(column_type: &str, loose_collation: Option<&str>) -> Declared {
    let name = base_name(column_type);
    let arguments = arguments(column_type);
    let is_citext = name == "citext" || name.ends_with(".citext");
    let is_padded = name == "character";
    let is_text = matches!(name, "text" | "character varying" | "character" | "bpchar" | "name");
    let fraction_digits = match name {
        "numeric" => arguments.get(1).copied(),
        _ if name.starts_with("time") => Some(arguments.first().copied().unwrap_or(6)),
        _ => None,
    };
    let length = match name {
        "character varying" => arguments.first().copied(),
        "character" => Some(arguments.first().copied().unwrap_or(1)),
        _ => None,
    };
    Declared {
        // json has no equality
        casts: match column_type {
            "json" | "json[]" => vec![column_type.replace("json", "jsonb")],
            _ if is_text || is_citext => Vec::new(),
            _ => vec![column_type.to_owned()],
        },
        fraction_digits,
        length: length.and_then(|length| length.try_into().ok()),
        is_padded,
        is_loose: is_citext || loose_collation.is_some(),
        // a parameter of text would be compared as text
        compared_as: match name {
            _ if is_citext => Some(column_type.to_owned()),
            "character" if column_type.ends_with("[]") => Some("bpchar[]".to_owned()),
            "character" => Some("bpchar".to_owned()),
            _ => None,
        },
        ..Declared::default()
    }
}

/// From a `COLUMN_TYPE`: `decimal(12,2) unsigned`, `datetime(6)`, `char(5)`.
fn mysql_column(column_type: &str, collation: Option<&str>) -> Declared {
    let name = base_name(column_type).trim_end_matches(" unsigned");
    let arguments = arguments(column_type);
    let digits = arguments.first().copied();
    let scale = arguments.get(1).copied().unwrap_or(0);
    // of the most digits there are: a CAST makes a number that is too
    // large the largest of the type, without an error
    let decimal = || format!("DECIMAL(65,{scale})");
    let seconds = digits.unwrap_or(0);
    let (casts, fraction_digits) = match name {
        "decimal" => (vec![decimal()], Some(scale)),
        "datetime" | "timestamp" => (vec![format!("DATETIME({seconds})")], Some(seconds)),
        "time" => (vec![format!("TIME({seconds})")], Some(seconds)),
        "float" | "double" if digits.is_none() => (vec![name.to_uppercase()], None),
        // double(10,2) rounds like a decimal
        "float" | "double" => (vec![decimal(), name.to_uppercase()], Some(scale)),
        "json" => (vec!["JSON".to_owned()], None),
        _ => (Vec::new(), None),
    };
    let is_padded = name == "char";
    let length = digits.filter(|_| matches!(name, "char" | "varchar"));
    Declared {
        casts,
        fraction_digits,
        length: length.and_then(|length| length.try_into().ok()),
        is_padded,
        is_loose: collation.is_some_and(is_loose_collation),
        ..Declared::default()
    }
}

/// All but the binary ones that do not pad: a `_bin` collation holds texts equal
/// that differ in trailing blanks.
fn is_loose_collation(collation: &str) -> bool {
    let keeps_blanks = collation.contains("nopad") || collation.contains("0900");
    collation != "binary" && !(collation.ends_with("_bin") && keeps_blanks)
}

/// From a declared type, by SQLite's rules of affinity, and from the statement
/// that made the table.
fn sqlite_column(column_type: &str, statement: Option<&str>) -> Declared {
    let has = |word| column_type.contains(word);
    let affinity = if has("char") || has("clob") || has("text") || has("blob") {
        None
    } else if has("real") || has("floa") || has("doub") {
        Some("REAL".to_owned())
    } else {
        Some("NUMERIC".to_owned()).filter(|_| !column_type.is_empty())
    };
    Declared {
        casts: affinity.into_iter().collect(),
        is_loose: statement.is_none_or(|text| text.to_lowercase().contains("collate")),
        ..Declared::default()
    }
}

/// `timestamp(3) with time zone` is `timestamp`, `numeric(12,2)[]` is `numeric`.
fn base_name(column_type: &str) -> &str {
    let end = column_type.find(['(', '[']).unwrap_or(column_type.len());
    let name = column_type[..end].trim_end();
    let name = name.strip_suffix(" without time zone").unwrap_or(name);
    name.strip_suffix(" with time zone").unwrap_or(name)
}

/// The numbers in parentheses.
fn arguments(column_type: &str) -> Vec<i64> {
    let inside = column_type.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let Some((inside, _)) = inside else { return Vec::new() };
    inside.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_tell_what_they_keep() {
        let digits = |backend, text| declared(backend, text, None).fraction_digits;
        let postgres = |text| digits(DbBackend::Postgres, text);
        assert_eq!(postgres("numeric(12,2)"), Some(2));
        assert_eq!(postgres("numeric(5,-2)"), Some(-2));
        assert_eq!(postgres("numeric"), None);
        assert_eq!(postgres("timestamp(3) with time zone"), Some(3));
        assert_eq!(postgres("timestamp with time zone"), Some(6));
        assert_eq!(postgres("time(0) without time zone"), Some(0));
        assert_eq!(postgres("integer"), None);
        let mysql = |text| digits(DbBackend::MySql, text);
        assert_eq!(mysql("decimal(12,2) unsigned"), Some(2));
        assert_eq!(mysql("datetime"), Some(0));
        assert_eq!(mysql("timestamp(6)"), Some(6));
        assert_eq!(mysql("varchar(255)"), None);
    }

    #[test]
    fn keys_are_loose_where_different_texts_can_be_equal() {
        assert!(declared(DbBackend::Postgres, "citext", None).is_loose);
        assert!(declared(DbBackend::Postgres, "text", Some("ignore_case")).is_loose);
        assert!(!declared(DbBackend::Postgres, "character varying(40)", None).is_loose);
        assert!(declared(DbBackend::MySql, "varchar(40)", Some("utf8mb4_general_ci")).is_loose);
        assert!(declared(DbBackend::MySql, "varchar(40)", Some("utf8mb4_bin")).is_loose);
        assert!(!declared(DbBackend::MySql, "varchar(40)", Some("utf8mb4_nopad_bin")).is_loose);
        assert!(!declared(DbBackend::MySql, "int(11)", None).is_loose);
        let made_by = |statement| declared(DbBackend::Sqlite, "text", Some(statement)).is_loose;
        assert!(made_by("CREATE TABLE t (a text COLLATE NOCASE)"));
        assert!(!made_by("CREATE TABLE t (a text)"));
    }

    #[test]
    fn texts_have_a_length_and_may_be_padded() {
        let padded = declared(DbBackend::Postgres, "character(5)", None);
        assert_eq!((padded.length, padded.is_padded), (Some(5), true));
        let varying = declared(DbBackend::MySql, "varchar(3)", None);
        assert_eq!((varying.length, varying.is_padded), (Some(3), false));
        assert_eq!(declared(DbBackend::Sqlite, "varchar(3)", None).length, None);
    }

    #[test]
    fn a_rounded_float_is_cast_twice() {
        let casts = declared(DbBackend::MySql, "double(10,2)", None).casts;
        assert_eq!(casts, ["DECIMAL(65,2)", "DOUBLE"]);
    }
}
