//! Which rows of the table a sync is about.

use sea_orm::{
    DbBackend,
    sea_query::{
        Condition, MysqlQueryBuilder, PostgresQueryBuilder, Query, SelectStatement,
        SqliteQueryBuilder,
    },
};

/// The whole table as the scope of a sync: each row that no model is given for
/// is deleted. A condition that selects everything by being empty is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeTable;

/// The rows that a sync makes equal to the models.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope(Option<Condition>);

impl Scope {
    /// The condition that rows in scope meet; `None` for the whole table.
    #[must_use]
    pub fn condition(&self) -> Option<&Condition> {
        self.0.as_ref()
    }

    /// The condition in the words of the backend; empty for the whole table.
    pub(crate) fn text(&self, backend: DbBackend) -> String {
        self.0.as_ref().map(|condition| text(condition, backend)).unwrap_or_default()
    }

    /// Whether rows can be in scope because of other rows.
    pub(crate) fn has_subquery(&self, backend: DbBackend) -> bool {
        self.0.as_ref().is_some_and(|condition| has_subquery(condition, backend))
    }

    /// Whether the condition names nothing to decide by, as `Condition::all()`
    /// with nothing in it does.
    pub(crate) fn is_empty(&self, backend: DbBackend) -> bool {
        self.0.as_ref().is_some_and(|condition| selects_by_nothing(condition, backend))
    }
}

/// What can be the scope of a sync: anything that SeaORM takes as a condition,
/// and [`WholeTable`].
pub trait IntoScope {
    /// The scope.
    fn into_scope(self) -> Scope;
}

impl<C: Into<Condition>> IntoScope for C {
    fn into_scope(self) -> Scope {
        Scope(Some(self.into()))
    }
}

impl IntoScope for WholeTable {
    fn into_scope(self) -> Scope {
        Scope(None)
    }
}

/// `Condition` keeps its parts to itself, so its text has to tell: what is
/// left of an empty one, however nested, is made of these words.
fn selects_by_nothing(condition: &Condition, backend: DbBackend) -> bool {
    text(condition, backend)
        .split(|c: char| !c.is_alphanumeric() && c != '"' && c != '`' && c != '\'' && c != '?')
        .filter(|word| !word.is_empty())
        .all(|word| ["SELECT", "WHERE", "TRUE", "FALSE", "AND", "OR", "NOT"].contains(&word))
}

/// Whether rows can meet the condition because of other rows.
fn has_subquery(condition: &Condition, backend: DbBackend) -> bool {
    let sql = backend.build(&select(condition)).sql;
    // where a quote may be no quote, each SELECT counts
    let is_intricate = ["\\", "$$", "--", "/*", "#"].iter().any(|mark| sql.contains(mark));
    if is_intricate {
        return sql.to_ascii_uppercase().matches("SELECT").count() > 1;
    }
    // names and texts are in quotes, and a quote within them is doubled; values are parameters
    let mut quote = None;
    let outside = |c: char| {
        let is_outside = quote.is_none();
        if quote == Some(c) {
            quote = None;
        } else if is_outside && matches!(c, '"' | '`' | '\'') {
            quote = Some(c);
        }
        if is_outside && quote.is_none() { c } else { ' ' }
    };
    let sql: String = sql.chars().map(outside).collect();
    let words = sql.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| word.eq_ignore_ascii_case("SELECT")).nth(1).is_some()
}

/// `SELECT WHERE condition`, in the words of the backend: some expressions are
/// known to one alone.
fn text(condition: &Condition, backend: DbBackend) -> String {
    let select = select(condition);
    match backend {
        DbBackend::Postgres => select.to_string(PostgresQueryBuilder),
        DbBackend::MySql => select.to_string(MysqlQueryBuilder),
        _ => select.to_string(SqliteQueryBuilder),
    }
}

fn select(condition: &Condition) -> SelectStatement {
    Query::select().cond_where(condition.clone()).take()
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Expr, ExprTrait};

    use super::*;

    #[test]
    fn a_condition_without_a_predicate_is_empty_however_it_is_nested() {
        let nested = Condition::all().add(Condition::any().add(Condition::all().not()));
        for condition in [Condition::all(), Condition::any(), nested] {
            assert!(condition.clone().into_scope().is_empty(DbBackend::Sqlite), "{condition:?}");
        }
        assert!(Expr::val(true).into_scope().is_empty(DbBackend::Sqlite));
    }

    #[test]
    fn a_condition_with_a_predicate_is_not_empty() {
        for expr in [
            Expr::col("a").eq(1),
            Expr::col("true").eq(true),
            Expr::col("id").is_in(Vec::<i32>::new()),
            Expr::col("active"),
        ] {
            assert!(!expr.clone().into_scope().is_empty(DbBackend::Sqlite), "{expr:?}");
        }
        assert!(!WholeTable.into_scope().is_empty(DbBackend::Sqlite));
    }

    #[test]
    fn a_subquery_is_told_from_texts_and_names() {
        let nested = Query::select().column("id").from("other").take();
        let is_one = |condition: Condition| {
            [DbBackend::Postgres, DbBackend::MySql, DbBackend::Sqlite]
                .map(|backend| has_subquery(&condition, backend))
        };
        assert_eq!(is_one(Expr::col("id").in_subquery(nested).into()), [true; 3]);
        assert_eq!(is_one(Expr::cust("id IN (select id from other)").into()), [true; 3]);
        for expr in [
            r"name <> 'it\'s' AND id IN (SELECT id FROM other WHERE a = 'b')",
            "name <> $$it's$$ AND id IN (SELECT id FROM other WHERE a = 'b')",
            "id /* don't */ IN (SELECT id FROM other WHERE a = 'b')",
        ] {
            assert_eq!(is_one(Expr::cust(expr).into()), [true; 3], "{expr}");
        }
        for expr in [
            Expr::col("selected").eq(true),
            Expr::col("select").eq("it's a select"),
            Expr::cust("name = 'select it''s select' OR last_select = 1"),
        ] {
            assert_eq!(is_one(expr.clone().into()), [false; 3], "{expr:?}");
        }
    }
}
