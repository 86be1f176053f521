//! SELECT … FOR UPDATE where the database has it.
//!
//! SQLite has not and needs none: a writing transaction has the whole file to itself.

use diesel::{
    QueryResult, RunQueryDsl,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

use super::multi::{MultiBackend, Native};

/// A query whose rows stay locked until the transaction ends; see [`for_update`].
#[derive(Debug, Clone)]
pub(crate) struct ForUpdate<Q> {
    query: Q,
    words: &'static str,
}

/// Locks the rows that `query` returns, and reads their newest committed state, even where the
/// transaction otherwise sees an older one.
pub(crate) fn for_update<Q>(native: &Native, query: Q) -> ForUpdate<Q> {
    let words = match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(_) => "",
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        _ => " FOR UPDATE",
    };
    ForUpdate { query, words }
}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for ForUpdate<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(self.words);
        Ok(())
    }
}

impl<Q: Query> Query for ForUpdate<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> RunQueryDsl<Native> for ForUpdate<Q> {}

/// Not the same statement as the query without lock, which Diesel might have at hand.
impl<Q> QueryId for ForUpdate<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
