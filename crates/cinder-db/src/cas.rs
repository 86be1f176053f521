//! Compare-and-swap on one row: change it only if it is still as expected (`spec/schema.md` §6).
//!
//! Must not: read. The row is compared and changed by one UPDATE, so nobody comes in between; it
//! tells by the number of rows that matched. Columns and values are typed by table, so that
//! neither a change over two tables nor a number in a text's place compiles.
//!
//! ```no_run
//! # fn f(connection: &mut cinder_db::Connection, id: &str) -> Result<(), cinder_db::DbError> {
//! use cinder_db::{cas::Swap, snapshots, volumes::columns::{MIGRATION_STATUS, PREVIOUS_STATUS, STATUS}};
//!
//! let begun = Swap::of(id)
//!     .only_if(STATUS.is_in(["available", "error"]))
//!     .only_if(MIGRATION_STATUS.is_not("migrating"))
//!     .only_if(snapshots::columns::VOLUME_ID.nowhere([]))
//!     .set(PREVIOUS_STATUS.to_value_of(STATUS))
//!     .set(STATUS.to("deleting"))
//!     .run(connection)?;
//! # Ok(())
//! # }
//! ```
//!
//! A column of another table is none of this row's:
//!
//! ```compile_fail
//! use cinder_db::{cas::Swap, snapshots, volumes};
//!
//! let _ = Swap::<volumes::Row>::of("id").set(snapshots::columns::STATUS.to("error"));
//! ```

mod column;

use std::marker::PhantomData;

pub use column::{
    Assignment, Case, Column, Condition, Number, Operand, Swappable, Text, Time, Truth, ValueOf,
};

use crate::{
    connection::Connection,
    error::DbError,
    statement::{Named, Source, Test, Update, Value},
    timestamp::Timestamp,
    transaction::single,
};

/// Stands in every table.
const UPDATED_AT: &str = "updated_at";

/// A change of one live row of table `T` that depends on what the row is like.
#[derive(Debug, Clone)]
#[must_use = "nothing changes before it is run"]
pub struct Swap<T> {
    tests: Vec<Test>,
    changes: Vec<(&'static str, Source)>,
    table: PhantomData<T>,
}

impl<T: Swappable> Swap<T> {
    /// A change of the row with this id, so far without conditions.
    pub fn of(id: &str) -> Self {
        let tests = vec![Test::is("id", Value::Text(id.to_owned())), Test::live()];
        Self { tests, changes: Vec::new(), table: PhantomData }
    }

    /// Adds a condition; all must hold.
    pub fn only_if(mut self, condition: Condition<T>) -> Self {
        self.tests.push(condition.test);
        self
    }

    /// Adds a change; one before it to the same column is forgotten.
    ///
    /// All changes see the row as it was, in whichever order they are added.
    pub fn set(mut self, assignment: Assignment<T>) -> Self {
        let (column, source) = assignment.parts;
        self.changes.retain(|(known, _)| *known != column);
        self.changes.push((column, source));
        self
    }

    /// Changes the row; `false` if it is gone or no longer as expected.
    ///
    /// `updated_at` becomes now unless it is among the changes.
    ///
    /// # Errors
    ///
    /// [`DbError::Exchange`] if two columns want each other's values.
    pub fn run(mut self, connection: &mut Connection) -> Result<bool, DbError> {
        if self.changes.iter().all(|(column, _)| *column != UPDATED_AT) {
            let now = Source::Value(Some(Value::Time(Timestamp::now())));
            self.changes.push((UPDATED_AT, now));
        }
        let changes = in_order(self.changes)?;
        let update = Update { table: Named(T::NAME), tests: &self.tests, changes: &changes };
        single(connection, |native| Ok(update.execute(native)? != 0))
    }
}

/// Declares the columns of a table that are compared and swapped, as module `columns`.
///
/// Names and types come from the schema; a column is added when somebody needs it.
macro_rules! columns {
    ($row:ident in $table:literal { $($name:ident: $kind:ident = $of:ident::$column:ident,)* }) => {
        /// Columns as [`cas`](crate::cas) compares and swaps them.
        pub mod columns {
            use super::$row;
            use crate::{cas, schema};

            impl cas::Swappable for $row {
                const NAME: &'static str = $table;
            }

            $(
                #[doc = concat!("Column `", stringify!($column), "`.")]
                pub const $name: cas::Column<$row, cas::$kind> =
                    cas::Column::of::<schema::$of::$column>();
            )*
        }
    };
}

pub(crate) use columns;

/// Puts each change before those of the columns that it reads.
///
/// MySQL works from left to right, and a column that has been set is read with its new value.
fn in_order(mut rest: Vec<(&'static str, Source)>) -> Result<Vec<(&'static str, Source)>, DbError> {
    let mut ordered = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let others_need = |at: usize, column: &str| {
            rest.iter().enumerate().any(|(other, (_, source))| other != at && source.reads(column))
        };
        let next = rest.iter().enumerate().position(|(at, (column, _))| !others_need(at, column));
        let Some(next) = next else {
            let columns = rest.iter().map(|(column, _)| *column).collect();
            return Err(DbError::Exchange { columns });
        };
        ordered.push(rest.remove(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub struct Volumes;

    columns! {
        Volumes in "volumes" {
            STATUS: Text = volumes::status,
            PREVIOUS_STATUS: Text = volume_extras::previous_status,
            MIGRATION_STATUS: Text = volumes::migration_status,
            HOST: Text = volumes::host,
            SIZE: Number = volumes::size,
        }
    }

    fn order(assignments: Vec<Assignment<Volumes>>) -> Result<Vec<&'static str>, DbError> {
        let changes = assignments.into_iter().map(|one| one.parts).collect();
        Ok(in_order(changes)?.into_iter().map(|(column, _)| column).collect())
    }

    #[test]
    fn what_is_read_is_set_after_it_was_read() {
        use columns::{HOST, MIGRATION_STATUS, PREVIOUS_STATUS, SIZE, STATUS};
        let constant = || STATUS.to("deleting");
        let reader = || PREVIOUS_STATUS.to_value_of(STATUS);
        assert_eq!(order(vec![constant(), reader()]).unwrap(), ["previous_status", "status"]);
        assert_eq!(order(vec![reader(), constant()]).unwrap(), ["previous_status", "status"]);
        let case = || MIGRATION_STATUS.to_case(Case::when(PREVIOUS_STATUS.is("x"), "a").or("b"));
        assert_eq!(
            order(vec![SIZE.to_sum(SIZE, 1), constant(), reader(), case()]).unwrap(),
            ["size", "migration_status", "previous_status", "status"],
        );
        let circle = vec![STATUS.to_value_of(PREVIOUS_STATUS), HOST.to("h"), reader()];
        let error = order(circle).unwrap_err();
        assert_eq!(error.to_string(), "columns status, previous_status cannot exchange values");
    }
}
