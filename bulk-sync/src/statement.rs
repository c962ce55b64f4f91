//! The statements of a sync, built from columns and values: pure.
//!
//! Everything is a sea-query statement, so that a `RestrictedConnection` can
//! audit it, but for a question and the hints of [`text`](Statements::text), which
//! such a connection does not get. Each column is written through `save_as` and
//! read through `select_as`.

use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, Statement, StatementBuilder, Value,
    sea_query::{
        Asterisk, BinOper, ColumnType, Condition, DeleteStatement, Expr, ExprTrait, Func,
        InsertStatement, IntoIden, Order, PgFunc, Query, SelectStatement, UnionType,
        UpdateStatement, ValueTuple,
    },
};

use crate::{
    batch::rows_per_statement,
    columns::{Columns, Position},
    dialect::{Dialect, RowSource},
    field::Field,
    rounding::{is_integer, is_text},
    row_source::{self, Rows, bound},
    scope::Scope,
};

/// Builds statements on the table of `E`.
#[derive(Clone, Copy)]
pub(crate) struct Statements<'a, E: EntityTrait> {
    pub dialect: Dialect,
    pub columns: &'a Columns<E>,
}

impl<E: EntityTrait> Statements<'_, E> {
    fn fields(&self, positions: &[Position]) -> Vec<&'static Field<E>> {
        positions.iter().map(|&position| self.columns.field(position)).collect()
    }

    fn parameter(&self, field: &Field<E>, value: Value) -> Expr {
        row_source::parameter(self.dialect, &field.column_type(), value)
    }

    /// How many parameters a row of these columns takes; 0 when the number
    /// does not depend on the rows.
    pub fn parameters_per_row(&self, positions: &[Position]) -> usize {
        row_source::parameters_per_row(self.dialect, &self.fields(positions))
    }

    /// The number of parameters of a statement.
    pub fn parameters(&self, select: &SelectStatement) -> usize {
        self.dialect.backend.build(select).values.map_or(0, |values| values.0.len())
    }

    /// `SELECT … WHERE scope`
    pub fn select(&self, scope: &Scope, positions: &[Position]) -> SelectStatement {
        let mut select = Query::select();
        select.from(E::default().table_ref());
        for field in self.fields(positions) {
            let column = field.column();
            select.expr_as(column.select_as(Expr::col(column.as_column_ref())), field.name());
        }
        if let Some(condition) = scope.condition() {
            select.cond_where(condition.clone());
        }
        select
    }

    /// `ORDER BY` the primary key.
    pub fn order_by_primary_key(&self, select: &mut SelectStatement) {
        for field in self.fields(&self.columns.primary_key) {
            select.order_by(field.column().as_column_ref(), Order::Asc);
        }
    }

    /// `SELECT SUM(n), COUNT(*) FROM (SELECT COUNT(*) AS n … GROUP BY key)`: the
    /// rows of a `SELECT COUNT(*)`, and how many keys the database finds in them.
    pub fn count_keys(&self, mut count: SelectStatement) -> SelectStatement {
        let integer = if self.dialect.backend == DbBackend::MySql { "SIGNED" } else { "INTEGER" };
        count.clear_selects().expr_as(Func::count(Expr::col(Asterisk)), "n");
        self.group_by_key(&mut count);
        Query::select()
            .expr(Func::sum(Expr::col("n")).cast_as(integer))
            .expr(Func::count(Expr::col(Asterisk)))
            .from_subquery(count, "g")
            .to_owned()
    }

    /// `SELECT key … WHERE scope GROUP BY key HAVING COUNT(*) > 1`
    pub fn select_repeated_keys(&self, scope: &Scope) -> SelectStatement {
        let mut select = self.select(scope, &self.columns.key);
        self.group_by_key(&mut select);
        select.and_having(Func::count(Expr::col(Asterisk)).gt(1)).to_owned()
    }

    fn group_by_key(&self, select: &mut SelectStatement) {
        for field in self.fields(&self.columns.key) {
            select.add_group_by([Expr::col(field.column().as_column_ref())]);
        }
    }

    /// `SELECT COUNT(*) … WHERE scope`
    pub fn count(&self, scope: &Scope) -> SelectStatement {
        let mut select = self.select(scope, &[]);
        select.expr(Func::count(Expr::col(Asterisk)));
        select
    }

    /// `SELECT number, CAST(value AS type), … FROM v`: what columns of these
    /// types make of values. The rows are numbered from 0.
    pub fn cast(
        &self,
        positions: &[Position],
        casts: &[String],
        rows: Vec<Vec<Value>>,
    ) -> SelectStatement {
        let fields = self.fields(positions);
        let Rows { with, table, columns } = row_source::numbered_rows(self.dialect, &fields, rows);
        let mut select = Query::select();
        select.from(table);
        let mut columns = columns.into_iter();
        select.exprs(columns.next());
        for (field, value) in fields.iter().zip(columns) {
            select.expr(field.column().select_as(cast(value, casts)));
        }
        if let Some(with) = with {
            select.with_cte(with);
        }
        select
    }

    /// How many pairs of values are compared in one statement.
    pub fn pairs_per_statement(&self) -> usize {
        rows_per_statement(self.dialect, Some(self.dialect.compared_pairs), 0, 3)
    }

    /// `SELECT number FROM v WHERE CAST(desired AS type) IS DISTINCT FROM …`, or
    /// `NOT (… <=> …)`: the numbers, from 0, of the pairs that differ once a column
    /// has rounded them.
    pub fn select_differing(
        &self,
        position: Position,
        casts: &[String],
        current: Vec<Value>,
        desired: Vec<Value>,
    ) -> SelectStatement {
        let field = self.columns.field(position);
        let Rows { with, table, columns } =
            row_source::numbered_pairs(self.dialect, field, current, desired);
        let mut columns = columns.into_iter();
        let mut select = Query::select();
        select.exprs(columns.next()).from(table);
        let mut rounded = columns.map(|value| cast(value, casts));
        if let (Some(current), Some(desired)) = (rounded.next(), rounded.next()) {
            select.and_where(if self.dialect.backend == DbBackend::MySql {
                current.binary(BinOper::Custom("<=>"), desired).not()
            } else {
                current.binary(BinOper::Custom("IS DISTINCT FROM"), desired)
            });
        }
        if let Some(with) = with {
            select.with_cte(with);
        }
        select
    }

    /// The same for MySQL, as one text with commas: a row of a table for each
    /// pair would cost more than the comparison, and so would its parts as
    /// expressions of sea-query.
    pub fn list_differing(
        &self,
        position: Position,
        casts: &[String],
        current: Vec<Value>,
        desired: Vec<Value>,
    ) -> Statement {
        let field = self.columns.field(position);
        // the cast makes a moment a DATETIME, as `parameter` does
        let value =
            casts.iter().fold("?".to_owned(), |value, cast| format!("CAST({value} AS {cast})"));
        let differing = (0..current.len())
            .map(|number| format!("IF({value} <=> {value}, NULL, {number})"))
            .collect::<Vec<_>>();
        let sql = format!("SELECT CONCAT_WS(',', {})", differing.join(", "));
        let values = current.into_iter().zip(desired).flat_map(<[Value; 2]>::from);
        let values = values.map(|value| bound(field, value));
        Statement::from_sql_and_values(self.dialect.backend, sql, values)
    }

    /// How many keys are grouped in one statement.
    pub fn rows_to_group(&self) -> usize {
        let per_row = match self.parameters_per_row(&self.columns.key) {
            0 => 0,
            parameters => parameters + 1,
        };
        // `1 = 2`, the count and the limit are parameters, too
        rows_per_statement(self.dialect, Some(usize::MAX), 4, per_row)
    }

    /// `SELECT MIN(number), MAX(number) FROM v GROUP BY key HAVING COUNT(*) > 1`:
    /// the numbers, from 0, of two keys that the table would hold equal.
    ///
    /// No row of the table is read: it gives the columns their collations.
    pub fn select_equal_keys(&self, keys: Vec<Vec<Value>>) -> SelectStatement {
        let key = &self.columns.key;
        let fields = self.fields(key);
        let Rows { with, table, columns } = row_source::numbered_rows(self.dialect, &fields, keys);
        let mut columns = columns.into_iter();
        let mut given = Query::select();
        given.exprs(columns.next()).from(table);
        given.exprs(key.iter().zip(columns).map(|(&key, value)| self.comparable(key, value)));
        let mut all = Query::select();
        let integer = if self.dialect.backend == DbBackend::MySql { "SIGNED" } else { "BIGINT" };
        all.expr_as(Expr::null().cast_as(integer), "n").from(E::default().table_ref());
        let names: Vec<String> = (0..key.len()).map(|index| format!("k{index}")).collect();
        for (&key, name) in key.iter().zip(&names) {
            all.expr_as(self.key_column(key), name.clone());
        }
        all.and_where(Expr::val(1).eq(2)).union(UnionType::All, given);
        let mut select = Query::select();
        select
            .expr(Func::min(Expr::col("n")))
            .expr(Func::max(Expr::col("n")))
            .from_subquery(all, "g")
            .and_having(Func::count(Expr::col(Asterisk)).gt(1))
            .limit(1);
        for name in names {
            select.add_group_by([Expr::col(name)]);
        }
        if let Some(with) = with {
            select.with_cte(with);
        }
        select
    }

    /// `SELECT number, … FROM table JOIN v ON key = v.c WHERE scope`: the rows
    /// in scope whose keys the database holds equal to these.
    pub fn select_matching(
        &self,
        scope: &Scope,
        keys: Vec<Vec<Value>>,
        positions: &[Position],
    ) -> SelectStatement {
        let key = &self.columns.key;
        let fields = self.fields(key);
        let Rows { with, table, columns } = row_source::numbered_rows(self.dialect, &fields, keys);
        let mut columns = columns.into_iter();
        let mut select = Query::select();
        select.exprs(columns.next());
        for field in self.fields(positions) {
            let column = field.column();
            select.expr(column.select_as(Expr::col(column.as_column_ref())));
        }
        select.from(E::default().table_ref()).from(table);
        for (&key, value) in key.iter().zip(columns) {
            select.and_where(self.key_column(key).eq(self.comparable(key, value)));
        }
        if let Some(condition) = scope.condition() {
            select.cond_where(condition.clone());
        }
        if let Some(with) = with {
            select.with_cte(with);
        }
        select
    }

    /// A column to compare keys with.
    fn key_column(&self, position: Position) -> Expr {
        let column = Expr::col(self.columns.field(position).column().as_column_ref());
        match self.equality_type(position) {
            Some(column_type) => column.cast_as(column_type),
            None => column,
        }
    }

    /// A value of a key, as it has to be to be compared with the column.
    fn comparable(&self, position: Position, value: Expr) -> Expr {
        match self.equality_type(position).or_else(|| self.compared_as(position)) {
            Some(column_type) => value.cast_as(column_type),
            None => value,
        }
    }

    fn compared_as(&self, position: Position) -> Option<String> {
        self.columns.declared(position)?.compared_as.clone()
    }

    /// The type as which a column and values are compared, where the column's is
    /// not: PostgreSQL has no equality of `json`, nor of `varchar[]` with `text[]`.
    fn equality_type(&self, position: Position) -> Option<String> {
        if self.dialect.backend != DbBackend::Postgres {
            return None;
        }
        let is_json = |column_type: &ColumnType| {
            matches!(column_type, ColumnType::Json | ColumnType::JsonBinary)
        };
        match self.columns.field(position).column_type() {
            column_type if is_json(&column_type) => Some("jsonb".to_owned()),
            ColumnType::Array(element) if is_json(&element) => Some("jsonb[]".to_owned()),
            ColumnType::Array(element) if is_text(&element) => {
                Some(self.compared_as(position).unwrap_or_else(|| "text[]".to_owned()))
            }
            _ => None,
        }
    }

    /// `INSERT INTO …`: rows of one value a column.
    pub fn insert(&self, positions: &[Position], rows: Vec<Vec<Value>>) -> InsertStatement {
        let fields = self.fields(positions);
        let mut insert = Query::insert();
        insert
            .into_table(E::default().table_ref())
            .columns(fields.iter().map(|field| field.column()));
        if row_source::unnests(self.dialect, &fields) {
            let Rows { with, table, columns } = row_source::streamed_rows(&fields, rows);
            let select = Query::select().exprs(columns).from(table).take();
            if let Some(with) = with {
                insert.with_cte(with);
            }
            // as many expressions as columns, the one thing that it checks
            let _ = insert.select_from(select);
        } else {
            for row in rows {
                let values = fields
                    .iter()
                    .zip(row)
                    .map(|(field, value)| field.column().save_as(self.parameter(field, value)));
                let _ = insert.values(values);
            }
        }
        insert
    }

    /// `UPDATE … SET set = v.c FROM v WHERE primary key = v.c`: each row is the
    /// primary key, then one value for each column of `set`.
    pub fn update(&self, set: &[Position], rows: Vec<Vec<Value>>) -> UpdateStatement {
        let keys = self.fields(&self.columns.primary_key);
        let set = self.fields(set);
        let fields: Vec<_> = keys.iter().chain(&set).copied().collect();
        let key_of = |row: &Vec<Value>| row.iter().take(keys.len()).cloned().collect();
        let listed = self.goes_by_primary_key().then(|| rows.iter().map(key_of).collect());
        let Rows { with, table, columns } = row_source::rows(self.dialect, &fields, rows);
        let (key_values, set_values) = columns.split_at(keys.len());
        // MariaDB copies a text or blob that is too long for its column without
        // an error, cut to its length modulo 2^16, unless an expression gives it
        let copies = self.dialect.row_source == RowSource::UnionAll;
        let assign = |(field, value): (&&'static Field<E>, &Expr)| {
            let checked = if copies && field.can_be_long() {
                Func::coalesce([value.clone()]).into()
            } else {
                value.clone()
            };
            (field.column().into_iden(), checked)
        };
        let mut update = Query::update();
        update
            .table(E::default().table_ref())
            .from(table)
            .values(set.iter().zip(set_values).map(assign));
        if let Some(with) = with {
            update.with_cte(with);
        }
        for (field, value) in keys.iter().zip(key_values) {
            update.and_where(Expr::col(field.column().as_column_ref()).eq(value.clone()));
        }
        if let Some(listed) = listed {
            update.cond_where(self.among(&self.columns.primary_key, listed));
        }
        update
    }

    /// How many parameters a row of [`update`](Self::update) takes; 0 when the
    /// number does not depend on the rows.
    pub fn parameters_per_update(&self, set: &[Position]) -> usize {
        let positions = [&self.columns.primary_key[..], set].concat();
        self.parameters_per_row(&positions) + usize::from(self.goes_by_primary_key())
    }

    /// Whether updates can go by the primary key of the table, and look each row
    /// up in `v`. Left to itself, MariaDB goes by `v`, and keeps what it will write
    /// in a temporary table meanwhile, which doubles the time.
    fn goes_by_primary_key(&self) -> bool {
        let is_integer = |&key: &Position| is_integer(&self.columns.field(key).column_type());
        self.dialect.backend == DbBackend::MySql
            && matches!(&self.columns.primary_key[..], [key] if is_integer(key))
            && self.columns.catalog.get().is_some_and(|catalog| catalog.has_index_of_primary_key)
    }

    /// The text of a statement. That of an UPDATE that goes by the primary key
    /// has hints, which sea-query does not have for an UPDATE.
    pub fn text(&self, statement: &impl StatementBuilder) -> Statement {
        let mut statement = statement.build(&self.dialect.backend);
        if self.goes_by_primary_key() && statement.sql.starts_with("UPDATE ") {
            let hinted = "` FORCE INDEX (PRIMARY) STRAIGHT_JOIN (SELECT ";
            statement.sql = statement.sql.replacen("` JOIN (SELECT ", hinted, 1);
        }
        statement
    }

    /// `UPDATE … SET assignments WHERE primary key IN (…)`
    pub fn assign(
        &self,
        assignments: Vec<(E::Column, Expr)>,
        keys: Vec<Vec<Value>>,
    ) -> UpdateStatement {
        Query::update()
            .table(E::default().table_ref())
            .values(assignments)
            .cond_where(self.among(&self.columns.primary_key, keys))
            .take()
    }

    /// The parameters of the assignments of [`assign`](Self::assign).
    pub fn assign_parameters(&self, assignments: Vec<(E::Column, Expr)>) -> usize {
        let statement = self.dialect.backend.build(&self.assign(assignments, Vec::new()));
        statement.values.map_or(0, |values| values.0.len())
    }

    /// `DELETE … WHERE primary key IN (…)`, on MySQL `ORDER BY primary key LIMIT …`:
    /// without, it may scan the table, and wait for rows of other scopes. The limit
    /// is above the number of rows, so that one too many can be told.
    pub fn delete(&self, keys: Vec<Vec<Value>>) -> DeleteStatement {
        let primary_key = &self.columns.primary_key;
        let limit = keys.len() as u64 + 1;
        let mut delete = Query::delete();
        delete.from_table(E::default().table_ref()).cond_where(self.among(primary_key, keys));
        if self.dialect.backend == DbBackend::MySql {
            for field in self.fields(primary_key) {
                delete.order_by(field.column().as_column_ref(), Order::Asc);
            }
            delete.limit(limit);
        }
        delete
    }

    /// The rows whose columns `by` have one of these lists of values.
    pub fn among(&self, by: &[Position], keys: Vec<Vec<Value>>) -> Condition {
        let columns = || by.iter().map(|&position| self.key_column(position));
        let saved = |(&position, value): (&Position, Value)| {
            let field = self.columns.field(position);
            self.comparable(position, field.column().save_as(self.parameter(field, value)))
        };
        let expr = if keys.is_empty() {
            Expr::val(1).eq(2)
        } else if let [position] = by {
            let field = self.columns.field(*position);
            let values = keys.into_iter().flatten().collect();
            match row_source::value_array(self.dialect, field, values) {
                Ok(array) => self.key_column(*position).eq(PgFunc::any(array)),
                Err(values) => {
                    let values = values.into_iter().map(|value| saved((position, value)));
                    self.key_column(*position).is_in(values)
                }
            }
        } else if row_source::unnests(self.dialect, &self.fields(by)) {
            Expr::tuple(columns()).in_subquery(self.list(by, keys))
        } else if self.dialect.tuple_lists {
            let tuples = keys.into_iter().map(|key| Expr::tuple(by.iter().zip(key).map(saved)));
            Expr::tuple(columns()).is_in(tuples)
        } else {
            let fields = self.fields(by);
            let tuples = keys.into_iter().map(|key| {
                ValueTuple::Many(
                    fields.iter().zip(key).map(|(field, value)| bound(field, value)).collect(),
                )
            });
            let list = Query::select().column(Asterisk).from_values(tuples, "v").take();
            Expr::tuple(columns()).in_subquery(list)
        };
        expr.into()
    }

    /// `WITH v … SELECT v.c0, v.c1 FROM v`: of a list of 1,000 tuples, PostgreSQL
    /// makes as many conditions, and takes 0.4 s to plan them.
    fn list(&self, by: &[Position], keys: Vec<Vec<Value>>) -> SelectStatement {
        let Rows { with, table, columns } = row_source::rows(self.dialect, &self.fields(by), keys);
        let mut select = Query::select();
        select.from(table);
        select.exprs(by.iter().zip(columns).map(|(&key, value)| self.comparable(key, value)));
        if let Some(with) = with {
            select.with_cte(with);
        }
        select
    }
}

/// What a column of a type makes of a value.
fn cast(value: Expr, casts: &[String]) -> Expr {
    casts.iter().fold(value, |value, cast| value.cast_as(cast.clone()))
}
