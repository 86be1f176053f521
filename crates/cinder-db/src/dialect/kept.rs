//! UPDATEs that the database keeps prepared.
//!
//! Diesel has each UPDATE prepared anew, because every combination of columns is another text
//! and there could be very many. For a heartbeat that is a second round trip each time. Must not
//! be used where the text depends on data, as with a list of values: a connection remembers each
//! text for as long as it lives.

use diesel::{
    AsChangeset, QueryResult, RunQueryDsl, Table,
    query_builder::{AstPass, QueryFragment, QueryId},
};

use super::multi::{MultiBackend, Native};

/// An UPDATE that stays prepared; see [`kept_update`].
#[derive(Debug, Clone)]
pub(crate) struct KeptUpdate<T, C, F> {
    table: T,
    changes: C,
    filter: F,
}

/// An UPDATE of the rows that `filter` chooses; from its second time on it is one round trip.
pub(crate) fn kept_update<T, C, F>(
    table: T,
    filter: F,
    changes: C,
) -> KeptUpdate<T, C::Changeset, F>
where
    T: Table,
    C: AsChangeset<Target = T>,
{
    KeptUpdate { table, changes: changes.as_changeset(), filter }
}

impl<T, C, F> QueryFragment<MultiBackend> for KeptUpdate<T, C, F>
where
    T: QueryFragment<MultiBackend>,
    C: QueryFragment<MultiBackend>,
    F: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.filter.walk_ast(out)
    }
}

impl<T, C, F> RunQueryDsl<Native> for KeptUpdate<T, C, F> {}

/// Known by its text: columns that stay as they are do not stand in it.
impl<T, C, F> QueryId for KeptUpdate<T, C, F> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
