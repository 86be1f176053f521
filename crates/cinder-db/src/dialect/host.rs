//! Rows of a host, a back end or a pool, compared byte by byte on every database.
//!
//! MySQL compares names without regard to case unless one side is binary. LIKE is not used: it
//! takes `_` and `%` of a host's name for wildcards, and on SQLite disregards case.

use diesel::{
    QueryResult,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{Bool, Nullable, Text},
};

use super::multi::{MultiBackend, Native};

/// The condition that a column names `place` or something inside of it; see [`on_host`].
#[derive(Debug, Clone)]
pub(crate) struct OnHost<C> {
    column: C,
    place: String,
    /// What the names of things inside begin with.
    inside: Vec<String>,
    /// What stands around a value that is compared.
    around: [&'static str; 2],
}

/// `host#pool` means itself, `host@backend` its pools too, `host` all its back ends and pools
/// (`spec/schema.md §2`).
pub(crate) fn on_host<C>(native: &Native, column: C, place: &str) -> OnHost<C> {
    let separators: &[char] = match place {
        pool if pool.contains('#') => &[],
        backend if backend.contains('@') => &['#'],
        _ => &['#', '@'],
    };
    compared(native, column, place, separators)
}

/// The condition that a column holds this text and no other, whatever the database thinks of
/// capitals.
pub(crate) fn exactly<C>(native: &Native, column: C, text: &str) -> OnHost<C> {
    compared(native, column, text, &[])
}

fn compared<C>(native: &Native, column: C, place: &str, separators: &[char]) -> OnHost<C> {
    OnHost {
        column,
        place: place.to_owned(),
        inside: separators.iter().map(|separator| format!("{place}{separator}")).collect(),
        around: match native {
            #[cfg(feature = "mysql")]
            Native::Mysql(_) => ["CAST(", " AS BINARY)"],
            #[cfg(any(feature = "sqlite", feature = "postgres"))]
            _ => ["", ""],
        },
    }
}

impl<C> OnHost<C> {
    fn push_value<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, MultiBackend>,
        value: &'b String,
    ) -> QueryResult<()> {
        out.push_sql(self.around[0]);
        out.push_bind_param::<Text, _>(value)?;
        out.push_sql(self.around[1]);
        Ok(())
    }
}

impl<C: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for OnHost<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("(");
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.push_value(&mut out, &self.place)?;
        for prefix in &self.inside {
            out.push_sql(" OR substr(");
            self.column.walk_ast(out.reborrow())?;
            out.push_sql(&format!(", 1, {}) = ", prefix.chars().count()));
            self.push_value(&mut out, prefix)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<C: Expression> Expression for OnHost<C> {
    type SqlType = Nullable<Bool>;
}

impl<C: AppearsOnTable<Source>, Source> AppearsOnTable<Source> for OnHost<C> {}

impl<C: SelectableExpression<Source>, Source> SelectableExpression<Source> for OnHost<C> {}

impl<C, Group> ValidGrouping<Group> for OnHost<C> {
    type IsAggregate = is_aggregate::No;
}

/// The text depends on the place, so Diesel has to look at it.
impl<C> QueryId for OnHost<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
