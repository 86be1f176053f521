//! Rows whose key is one of several, in a statement that stays prepared where there is only one.
//!
//! Diesel's `eq_any` is a statement of another text for each number of keys and is never kept; nearly all
//! lists here have one key, because one resource is looked at.

use diesel::{
    QueryResult,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{Bool, Nullable, Text},
};

use super::multi::MultiBackend;

/// The condition that a column holds one of these keys; see [`among`].
#[derive(Debug, Clone)]
pub(crate) struct Among<'a, C> {
    column: C,
    keys: Vec<&'a str>,
}

/// No row if there are no keys.
pub(crate) fn among<'a, C>(column: C, keys: impl IntoIterator<Item = &'a str>) -> Among<'a, C> {
    Among { column, keys: keys.into_iter().collect() }
}

impl<C: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Among<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        let Some((first, others)) = self.keys.split_first() else {
            out.push_sql("1 = 0");
            return Ok(());
        };
        if !others.is_empty() {
            out.unsafe_to_cache_prepared();
        }
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (");
        out.push_bind_param::<Text, _>(first)?;
        for key in others {
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(key)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<C: Expression> Expression for Among<'_, C> {
    type SqlType = Nullable<Bool>;
}

impl<C: AppearsOnTable<Source>, Source> AppearsOnTable<Source> for Among<'_, C> {}

impl<C: SelectableExpression<Source>, Source> SelectableExpression<Source> for Among<'_, C> {}

impl<C, Group> ValidGrouping<Group> for Among<'_, C> {
    type IsAggregate = is_aggregate::No;
}

/// The text depends on the number of keys, so Diesel has to look at it.
impl<C> QueryId for Among<'_, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
