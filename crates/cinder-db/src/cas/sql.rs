//! The UPDATE of a swap.
//!
//! Must not: decide about order; the changes come as they have to stand.

use diesel::{
    QueryResult, RunQueryDsl,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types,
};

use super::column::{Source, Test, Value, Values};
use crate::dialect::{MultiBackend, Native};

/// One row, if it passes the tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update<'a> {
    pub(super) table: &'static str,
    pub(super) id: &'a String,
    pub(super) tests: &'a [Test],
    pub(super) changes: &'a [(&'static str, Source)],
}

type Pass<'p, 'b> = AstPass<'p, 'b, MultiBackend>;

impl QueryFragment<MultiBackend> for Update<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        // Lists make another text for each length.
        out.unsafe_to_cache_prepared();
        out.push_sql("UPDATE ");
        out.push_identifier(self.table)?;
        for (at, (column, source)) in self.changes.iter().enumerate() {
            out.push_sql(if at == 0 { " SET " } else { ", " });
            out.push_identifier(column)?;
            out.push_sql(" = ");
            push_source(&mut out, self.table, source)?;
        }
        out.push_sql(" WHERE ");
        push_column(&mut out, self.table, "id")?;
        out.push_sql(" = ");
        out.push_bind_param::<sql_types::Text, _>(self.id)?;
        push_live_and(&mut out, self.table, self.tests)
    }
}

impl RunQueryDsl<Native> for Update<'_> {}

impl QueryId for Update<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// Goes on with ` AND`, for a row that is not deleted and passes the tests.
fn push_live_and<'b>(
    out: &mut Pass<'_, 'b>,
    table: &'static str,
    tests: &'b [Test],
) -> QueryResult<()> {
    out.push_sql(" AND ");
    push_column(out, table, "deleted")?;
    out.push_sql(" = false");
    for test in tests {
        out.push_sql(" AND ");
        push_test(out, table, test)?;
    }
    Ok(())
}

fn push_column(out: &mut Pass<'_, '_>, table: &str, column: &str) -> QueryResult<()> {
    out.push_identifier(table)?;
    out.push_sql(".");
    out.push_identifier(column)
}

fn push_test<'b>(out: &mut Pass<'_, 'b>, table: &'static str, test: &'b Test) -> QueryResult<()> {
    match test {
        Test::Is(column, values) => match values {
            Values { some, null: false } if some.is_empty() => out.push_sql("1 = 0"),
            Values { some, null } => {
                let words = [" = ", " IN ("];
                push_comparison(out, table, column, words, some, *null)?;
            }
        },
        Test::IsNot(column, values) => match values {
            Values { some, null: false } if some.is_empty() => out.push_sql("1 = 1"),
            Values { some, null: true } if some.is_empty() => {
                push_column(out, table, column)?;
                out.push_sql(" IS NOT NULL");
            }
            // In SQL a comparison with NULL is never true, so NULL has to be let in by name.
            Values { some, null } => {
                let words = [" <> ", " NOT IN ("];
                push_comparison(out, table, column, words, some, !null)?;
            }
        },
        Test::Elsewhere { table: other, column, wanted, tests } => {
            out.push_sql(if *wanted {
                "EXISTS (SELECT 1 FROM "
            } else {
                "NOT EXISTS (SELECT 1 FROM "
            });
            out.push_identifier(other)?;
            out.push_sql(" WHERE ");
            push_column(out, other, column)?;
            out.push_sql(" = ");
            push_column(out, table, "id")?;
            push_live_and(out, other, tests)?;
            out.push_sql(")");
        }
    }
    Ok(())
}

/// Compares with one value or many in these words, or with NULL.
fn push_comparison<'b>(
    out: &mut Pass<'_, 'b>,
    table: &'static str,
    column: &'static str,
    [one, many]: [&'static str; 2],
    values: &'b [Value],
    or_null: bool,
) -> QueryResult<()> {
    out.push_sql("(");
    if let [first, rest @ ..] = values {
        push_column(out, table, column)?;
        out.push_sql(if rest.is_empty() { one } else { many });
        push_value(out, first)?;
        for value in rest {
            out.push_sql(", ");
            push_value(out, value)?;
        }
        out.push_sql(match (rest.is_empty(), or_null) {
            (true, false) => "",
            (false, false) => ")",
            (true, true) => " OR ",
            (false, true) => ") OR ",
        });
    }
    if or_null {
        push_column(out, table, column)?;
        out.push_sql(" IS NULL");
    }
    out.push_sql(")");
    Ok(())
}

fn push_source<'b>(
    out: &mut Pass<'_, 'b>,
    table: &'static str,
    source: &'b Source,
) -> QueryResult<()> {
    match source {
        Source::Value(Some(value)) => push_value(out, value),
        Source::Value(None) => {
            out.push_sql("NULL");
            Ok(())
        }
        Source::Column(column) => push_column(out, table, column),
        Source::Sum(column, more) => {
            push_column(out, table, column)?;
            out.push_sql(" + ");
            out.push_bind_param::<sql_types::Integer, _>(more)
        }
        Source::Case { whens, otherwise } => {
            out.push_sql("CASE");
            for (test, then) in whens {
                out.push_sql(" WHEN ");
                push_test(out, table, test)?;
                out.push_sql(" THEN ");
                push_source(out, table, then)?;
            }
            out.push_sql(" ELSE ");
            push_source(out, table, otherwise)?;
            out.push_sql(" END");
            Ok(())
        }
    }
}

fn push_value<'b>(out: &mut Pass<'_, 'b>, value: &'b Value) -> QueryResult<()> {
    match value {
        Value::Text(text) => out.push_bind_param::<sql_types::Text, _>(text),
        Value::Number(number) => out.push_bind_param::<sql_types::Integer, _>(number),
        Value::Truth(truth) => out.push_bind_param::<sql_types::Bool, _>(truth),
        Value::Time(time) => out.push_bind_param::<sql_types::Timestamp, _>(time),
    }
}
