//! What the table's columns are declared as, which can differ from what the
//! entity says. Read only when a value may not be stored as it is, or when rows
//! with text keys would be created while others match no model.

use std::collections::HashMap;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait,
    sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, SubQueryStatement},
};

/// The declared columns of a table, by name.
pub(crate) type Catalog = HashMap<String, Declared>;

/// How a column stores what it is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The type that a CAST takes to round a value as the column does; `None`
    /// where the column rounds nothing, or no CAST can say it.
    pub cast: Option<String>,
    /// The digits after the decimal point, or of a second, that it keeps;
    /// `None` for all.
    pub fraction_digits: Option<usize>,
    /// The characters of a `char(n)`, which does not keep trailing blanks.
    pub blank_padded: Option<usize>,
    /// Whether texts that differ can be equal keys, as under a
    /// case-insensitive collation.
    pub is_loose: bool,
}

/// Reads the declared columns of the entity's table. Empty where the
/// connection may not look.
///
/// # Errors
///
/// Those of the database.
pub(crate) async fn read<E, C>(db: &C) -> Result<Catalog, DbErr>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let backend = db.get_database_backend();
    let rows = match db.query_all(&select::<E>(backend)).await {
        Err(DbErr::AccessDenied { .. } | DbErr::RbacError(_)) => return Ok(Catalog::new()),
        rows => rows?,
    };
    let declared = rows.iter().map(|row| {
        let name: String = row.try_get_by_index(0)?;
        let column_type: String = row.try_get_by_index(1)?;
        let collation: Option<String> = row.try_get_by_index(2)?;
        Ok((name, declared(backend, &column_type.to_lowercase(), collation.as_deref())))
    });
    declared.collect()
}

/// One row a column: its name, its type, and what tells of its collation.
fn select<E: EntityTrait>(backend: DbBackend) -> SelectStatement {
    let entity = E::default();
    let table = entity.table_name();
    match backend {
        DbBackend::Postgres => postgres(entity.schema_name(), table),
        DbBackend::MySql => mysql(entity.schema_name(), table),
        _ => Query::select()
            .column("name")
            .column("type")
            .expr(Expr::val(Option::<String>::None))
            .from_function(Func::cust("pragma_table_info").arg(table), "t")
            .to_owned(),
    }
}

fn postgres(schema: Option<&str>, table: &str) -> SelectStatement {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let path = schema.into_iter().chain([table]).map(quoted).collect::<Vec<_>>().join(".");
    let column_type = Func::cust("format_type")
        .arg(Expr::col(("a", "atttypid")))
        .arg(Expr::col(("a", "atttypmod")));
    // the name of a collation that holds different texts equal
    let loose = Query::select()
        .expr(Expr::col(("c", "collname")).cast_as("text"))
        .from_as(("pg_catalog", "pg_collation"), "c")
        .and_where(Expr::col(("c", "oid")).equals(("a", "attcollation")))
        .and_where(Expr::col(("c", "collisdeterministic")).not())
        .to_owned();
    Query::select()
        .expr(Expr::col(("a", "attname")).cast_as("text"))
        .expr(column_type)
        .expr(Expr::from(SubQueryStatement::from(loose)))
        .from_as(("pg_catalog", "pg_attribute"), "a")
        .and_where(Expr::col(("a", "attrelid")).eq(Func::cust("to_regclass").arg(path)))
        .and_where(Expr::col(("a", "attnum")).gt(0))
        .and_where(Expr::col(("a", "attisdropped")).not())
        .to_owned()
}

fn mysql(schema: Option<&str>, table: &str) -> SelectStatement {
    let column = |name: &'static str| Expr::col(("c", name)).cast_as("char");
    let schema = match schema {
        Some(schema) => Expr::val(schema),
        None => Func::cust("DATABASE").into(),
    };
    Query::select()
        .expr(column("COLUMN_NAME"))
        .expr(column("COLUMN_TYPE"))
        .expr(column("COLLATION_NAME"))
        .from_as(("information_schema", "COLUMNS"), "c")
        .and_where(Expr::col(("c", "TABLE_SCHEMA")).eq(schema))
        .and_where(Expr::col(("c", "TABLE_NAME")).eq(table))
        .to_owned()
}

fn declared(backend: DbBackend, column_type: &str, collation: Option<&str>) -> Declared {
    match backend {
        DbBackend::Postgres => postgres_column(column_type, collation),
        DbBackend::MySql => mysql_column(column_type, collation),
        _ => sqlite_column(column_type),
    }
}

/// From a type as `format_type` writes it: `numeric(12,2)`, `timestamp(3) with time zone`.
fn postgres_column(column_type: &str, loose_collation: Option<&str>) -> Declared {
    let name = base_name(column_type);
    let is_citext = name == "citext" || name.ends_with(".citext");
    let is_text = matches!(name, "text" | "character varying" | "character" | "bpchar" | "name");
    let fraction_digits = match name {
        "numeric" => arguments(column_type).get(1).copied(),
        _ if name.starts_with("time") => Some(arguments(column_type).first().copied().unwrap_or(6)),
        _ => None,
    };
    Declared {
        cast: (!is_text).then(|| column_type.to_owned()),
        fraction_digits,
        blank_padded: (name == "character")
            .then(|| arguments(column_type).first().copied().unwrap_or(1)),
        is_loose: is_citext || loose_collation.is_some(),
    }
}

/// From a `COLUMN_TYPE`: `decimal(12,2) unsigned`, `datetime(6)`, `char(5)`.
fn mysql_column(column_type: &str, collation: Option<&str>) -> Declared {
    let name = base_name(column_type).trim_end_matches(" unsigned");
    let arguments = arguments(column_type);
    let digits = arguments.first().copied().unwrap_or(0);
    let (cast, fraction_digits) = match name {
        "decimal" => {
            let scale = arguments.get(1).copied().unwrap_or(0);
            // of the most digits there are: a CAST makes a number that is too
            // large the largest of the type, without an error
            (Some(format!("DECIMAL(65,{scale})")), Some(scale))
        }
        "datetime" | "timestamp" => (Some(format!("DATETIME({digits})")), Some(digits)),
        "time" => (Some(format!("TIME({digits})")), Some(digits)),
        "float" | "double" if arguments.is_empty() => (Some(name.to_uppercase()), None),
        // float(10,2) rounds like a decimal
        "float" | "double" => {
            let (precision, scale) = (digits, arguments.get(1).copied().unwrap_or(0));
            (Some(format!("DECIMAL({precision},{scale})")), Some(scale))
        }
        "json" => (Some("JSON".to_owned()), None),
        _ => (None, None),
    };
    Declared {
        cast,
        fraction_digits,
        blank_padded: (name == "char").then_some(arguments.first().copied().unwrap_or(1)),
        is_loose: collation.is_some_and(is_loose_collation),
    }
}

/// All but the binary ones that do not pad: a `_bin` collation holds texts equal
/// that differ in trailing blanks.
fn is_loose_collation(collation: &str) -> bool {
    let keeps_blanks = collation.contains("nopad") || collation.contains("0900");
    collation != "binary" && !(collation.ends_with("_bin") && keeps_blanks)
}

/// From a declared type, by SQLite's rules of affinity. Its collation is not
/// to be had, and NOCASE is one.
fn sqlite_column(column_type: &str) -> Declared {
    let has = |word| column_type.contains(word);
    let cast = if has("char") || has("clob") || has("text") || has("blob") || column_type.is_empty()
    {
        None
    } else if has("real") || has("floa") || has("doub") {
        Some("REAL")
    } else {
        Some("NUMERIC")
    };
    Declared { cast: cast.map(str::to_owned), is_loose: true, ..Declared::default() }
}

/// `timestamp(3) with time zone` is `timestamp`, `numeric(12,2)[]` is `numeric`.
fn base_name(column_type: &str) -> &str {
    let end = column_type.find(['(', '[']).unwrap_or(column_type.len());
    let name = column_type[..end].trim_end();
    let name = name.strip_suffix(" without time zone").unwrap_or(name);
    name.strip_suffix(" with time zone").unwrap_or(name)
}

/// The numbers in parentheses.
fn arguments(column_type: &str) -> Vec<usize> {
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
        assert_eq!(declared(DbBackend::Postgres, "character(5)", None).blank_padded, Some(5));
    }
}
