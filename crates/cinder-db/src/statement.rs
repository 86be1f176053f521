//! INSERT and UPDATE statements that are put together at run time, as SQL.
//!
//! Must not: know which columns a table has. Names and values are untyped here; `changes` and `cas`
//! make them of typed ones, so what could not be meant has not compiled. Diesel's own changesets
//! are tuples with a type per combination of columns; these are lists, so a table with 41 columns is
//! as cheap to compile as one with three.

use diesel::{
    QueryResult, RunQueryDsl,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{self, Bool, Integer, Text},
};

use crate::{
    dialect::{MultiBackend, Native},
    timestamp::Timestamp,
};

/// Up to how many values a list may have in a statement that stays prepared: as the lists of statuses have in our code.
const SHORT: usize = 4;

/// A value of any type that our columns have; where it may be missing, `None` is NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i32),
    Truth(bool),
    Time(Timestamp),
}

/// Values to compare with, and whether NULL is one of them.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    pub(crate) some: Vec<Value>,
    pub(crate) null: bool,
}

impl Values {
    pub(crate) fn new(values: impl IntoIterator<Item = Option<Value>>) -> Self {
        let all: Vec<_> = values.into_iter().collect();
        Self { null: all.contains(&None), some: all.into_iter().flatten().collect() }
    }
}

/// A condition on a row.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Is(&'static str, Values),
    IsNot(&'static str, Values),
    Elsewhere { table: Named, column: &'static str, wanted: bool, tests: Vec<Test> },
}

impl Test {
    /// The column has this value.
    pub(crate) fn is(column: &'static str, value: Value) -> Self {
        Self::Is(column, Values { some: vec![value], null: false })
    }

    /// Not marked as deleted. The name is the same in every table that has it.
    pub(crate) fn live() -> Self {
        Self::is("deleted", Value::Truth(false))
    }

    /// Whether a connection may remember its text for as long as it lives: lists make another one for each
    /// length. Which columns are changed and looked at is in our code, so those are few.
    fn is_short(&self) -> bool {
        match self {
            Self::Is(_, values) | Self::IsNot(_, values) => values.some.len() <= SHORT,
            Self::Elsewhere { tests, .. } => tests.iter().all(Self::is_short),
        }
    }

    fn reads(&self, column: &str) -> bool {
        match self {
            Self::Is(name, _) | Self::IsNot(name, _) => *name == column,
            // Of the row that changes it reads the id, which never changes.
            Self::Elsewhere { .. } => false,
        }
    }
}

/// Where the new value of a column comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Value(Option<Value>),
    Column(&'static str),
    Sum(&'static str, i32),
    Case { whens: Vec<(Test, Source)>, otherwise: Box<Source> },
}

impl Source {
    /// Whether it depends on what that column was.
    pub(crate) fn reads(&self, column: &str) -> bool {
        match self {
            Self::Value(_) => false,
            Self::Column(name) | Self::Sum(name, _) => *name == column,
            Self::Case { whens, otherwise } => {
                otherwise.reads(column)
                    || whens.iter().any(|(test, then)| test.reads(column) || then.reads(column))
            }
        }
    }
}

/// A table whose name was not known to Diesel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named(pub(crate) &'static str);

impl QueryFragment<MultiBackend> for Named {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.push_identifier(self.0)
    }
}

type Pass<'p, 'b> = AstPass<'p, 'b, MultiBackend>;

/// A change of the rows that pass all tests. Columns are written in the order in which they stand.
#[derive(Debug, Clone)]
pub(crate) struct Update<'a, T> {
    pub(crate) table: T,
    pub(crate) tests: &'a [Test],
    pub(crate) changes: &'a [(&'static str, Source)],
}

impl<T: QueryFragment<MultiBackend>> Update<'_, T> {
    /// Makes it; returns how many rows that were.
    pub(crate) fn execute(&self, native: &mut Native) -> QueryResult<usize> {
        RunQueryDsl::execute(self, native)
    }
}

/// One new row.
#[derive(Debug, Clone)]
pub(crate) struct Insert<'a, T> {
    pub(crate) table: T,
    pub(crate) row: &'a [(&'static str, Source)],
}

impl<T: QueryFragment<MultiBackend>> Insert<'_, T> {
    pub(crate) fn execute(&self, native: &mut Native) -> QueryResult<()> {
        RunQueryDsl::execute(self, native).map(drop)
    }
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Update<'_, T> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        if !self.tests.iter().all(Test::is_short) {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        for (at, (column, source)) in self.changes.iter().enumerate() {
            out.push_sql(if at == 0 { " SET " } else { ", " });
            out.push_identifier(column)?;
            out.push_sql(" = ");
            push_source(&mut out, &self.table, source)?;
        }
        push_tests(&mut out, " WHERE ", &self.table, self.tests)
    }
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Insert<'_, T> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("INSERT INTO ");
        self.table.walk_ast(out.reborrow())?;
        for (at, (column, _)) in self.row.iter().enumerate() {
            out.push_sql(if at == 0 { " (" } else { ", " });
            out.push_identifier(column)?;
        }
        for (at, (_, source)) in self.row.iter().enumerate() {
            out.push_sql(if at == 0 { ") VALUES (" } else { ", " });
            push_source(&mut out, &self.table, source)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<T> RunQueryDsl<Native> for &Update<'_, T> {}
impl<T> RunQueryDsl<Native> for &Insert<'_, T> {}

/// The text depends on the columns, so Diesel has to look at it.
impl<T> QueryId for Update<'_, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> QueryId for Insert<'_, T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

fn push_column<'b, T>(out: &mut Pass<'_, 'b>, table: &'b T, column: &str) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
    table.walk_ast(out.reborrow())?;
    out.push_sql(".");
    out.push_identifier(column)
}

/// Begins with these words and joins the tests.
fn push_tests<'b, T>(
    out: &mut Pass<'_, 'b>,
    begin: &'static str,
    table: &'b T,
    tests: &'b [Test],
) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
    for (at, test) in tests.iter().enumerate() {
        out.push_sql(if at == 0 { begin } else { " AND " });
        push_test(out, table, test)?;
    }
    Ok(())
}

fn push_test<'b, T>(out: &mut Pass<'_, 'b>, table: &'b T, test: &'b Test) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
    match test {
        Test::Is(column, values) => match values {
            Values { some, null: false } if some.is_empty() => out.push_sql("1 = 0"),
            Values { some, null } => {
                push_comparison(out, table, column, [" = ", " IN ("], some, *null)?;
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
                push_comparison(out, table, column, [" <> ", " NOT IN ("], some, !null)?;
            }
        },
        Test::Elsewhere { table: other, column, wanted, tests } => {
            out.push_sql(if *wanted { "EXISTS" } else { "NOT EXISTS" });
            out.push_sql(" (SELECT 1 FROM ");
            other.walk_ast(out.reborrow())?;
            out.push_sql(" WHERE ");
            push_column(out, other, column)?;
            out.push_sql(" = ");
            push_column(out, table, "id")?;
            push_tests(out, " AND ", other, tests)?;
            out.push_sql(")");
        }
    }
    Ok(())
}

/// Compares with one value or many in these words, or with NULL.
fn push_comparison<'b, T>(
    out: &mut Pass<'_, 'b>,
    table: &'b T,
    column: &'static str,
    [one, many]: [&'static str; 2],
    values: &'b [Value],
    or_null: bool,
) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
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

fn push_source<'b, T>(out: &mut Pass<'_, 'b>, table: &'b T, source: &'b Source) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
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
            out.push_bind_param::<Integer, _>(more)
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
        Value::Text(text) => out.push_bind_param::<Text, _>(text),
        Value::Number(number) => out.push_bind_param::<Integer, _>(number),
        Value::Truth(truth) => out.push_bind_param::<Bool, _>(truth),
        Value::Time(time) => out.push_bind_param::<sql_types::Timestamp, _>(time),
    }
}
