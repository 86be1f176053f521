//! Changes that are put together at run time: which columns of which rows become what.
//!
//! Must not: write SQL; that is `statement`. The compiler checks that a column belongs to the table
//! and that a value fits the column (`Columns::put`).
//!
//! A change depends on nothing but itself. What may change a row only if it is still as expected
//! goes through [`cas`](crate::cas).

use std::marker::PhantomData;

use diesel::{
    Column, Expression, QueryResult, Table,
    query_builder::QueryFragment,
    sql_types::{self, Bool, Integer, Nullable, Text},
};

use crate::{
    dialect::{MultiBackend, Native},
    schema,
    statement::{Insert, Source, Test, Update, Value, Values},
    timestamp::Timestamp,
};

/// Sets a nullable column to a value: `size: to(3)`.
pub fn to<T>(value: impl Into<T>) -> Option<Option<T>> {
    Some(Some(value.into()))
}

/// Sets a nullable column to NULL: `host: null()`.
#[must_use]
pub fn null<T>() -> Option<Option<T>> {
    Some(None)
}

/// A value that fits columns of this SQL type.
pub(crate) trait Cell<SqlType> {
    /// The value to be written; `None` is NULL.
    fn value(&self) -> Option<Value>;
}

macro_rules! cells {
    ($($rust:ty, $sql:ty, $variant:ident;)+) => {$(
        impl Cell<$sql> for $rust {
            fn value(&self) -> Option<Value> {
                Some(Value::$variant(self.to_owned()))
            }
        }

        impl Cell<Nullable<$sql>> for $rust {
            fn value(&self) -> Option<Value> {
                Some(Value::$variant(self.to_owned()))
            }
        }
    )+};
}

cells! {
    str, Text, Text;
    String, Text, Text;
    i32, Integer, Number;
    bool, Bool, Truth;
    Timestamp, sql_types::Timestamp, Time;
}

impl<S, V: Cell<S>> Cell<Nullable<S>> for Option<V> {
    fn value(&self) -> Option<Value> {
        self.as_ref().and_then(Cell::value)
    }
}

impl<S, V: Cell<S> + ?Sized> Cell<S> for &V {
    fn value(&self) -> Option<Value> {
        (**self).value()
    }
}

/// Values for columns of table `T`; where a column comes twice, the later value counts.
#[derive(Debug, Clone)]
pub(crate) struct Columns<T> {
    values: Vec<(&'static str, Source)>,
    table: PhantomData<T>,
}

impl<T> Columns<T> {
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), table: PhantomData }
    }

    /// Adds a value for a column; `None` adds nothing.
    pub(crate) fn put<C, V>(&mut self, _column: C, value: Option<&V>)
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        if let Some(value) = value {
            self.set(C::NAME, value.value());
        }
    }

    /// The same, for building a row in one expression.
    pub(crate) fn with<C, V>(mut self, column: C, value: V) -> Self
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        self.put(column, Some(&value));
        self
    }

    fn set(&mut self, column: &'static str, value: Option<Value>) {
        self.values.retain(|(name, _)| *name != column);
        self.values.push((column, Source::Value(value)));
    }
}

/// A column of `T`, or of another `table!` that names the same table of the database.
pub(crate) trait OfTable<T> {}

impl<T: Table, C: Column<Table = T>> OfTable<T> for C {}

/// Inserts one row.
pub(crate) fn insert<T>(native: &mut Native, table: T, row: &Columns<T>) -> QueryResult<()>
where
    T: Table + QueryFragment<MultiBackend>,
{
    Insert { table, row: &row.values }.execute(native)
}

/// A table whose rows note their last change, and are marked instead of removed.
pub(crate) trait Marked: Table + QueryFragment<MultiBackend> + Copy {
    const UPDATED_AT: &'static str;
    const DELETED: &'static str;
    const DELETED_AT: &'static str;
}

macro_rules! marked {
    ($($table:ident)+) => {$(
        impl Marked for schema::$table::table {
            const UPDATED_AT: &'static str = <schema::$table::updated_at as Column>::NAME;
            const DELETED: &'static str = <schema::$table::deleted as Column>::NAME;
            const DELETED_AT: &'static str = <schema::$table::deleted_at as Column>::NAME;
        }
    )+};
}

marked! {
    attachment_specs backups clusters group_snapshots group_volume_type_mapping groups services
    snapshot_metadata snapshots transfers volume_admin_metadata volume_attachment
    volume_glance_metadata volume_metadata volumes
}

/// Rows of a table that are changed by one UPDATE.
#[derive(Debug, Clone)]
pub(crate) struct Rows<T> {
    table: T,
    tests: Vec<Test>,
    stamp: &'static str,
}

impl<T: Marked> Rows<T> {
    /// Those with this value in a column, live and deleted.
    pub(crate) fn all<C, V>(table: T, column: C, value: V) -> Self
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        Self::any(table, column, &[value])
    }

    /// The live ones among them.
    pub(crate) fn live<C, V>(table: T, column: C, value: V) -> Self
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        let mut rows = Self::all(table, column, value);
        rows.tests.push(Test::is(T::DELETED, Value::Truth(false)));
        rows
    }

    /// Those with one of these values in a column, live and deleted.
    pub(crate) fn any<C, V>(table: T, _column: C, values: &[V]) -> Self
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        let wanted = Values::new(values.iter().map(Cell::value));
        Self { table, tests: vec![Test::Is(C::NAME, wanted)], stamp: T::UPDATED_AT }
    }

    /// Those among them with this value in another column.
    pub(crate) fn and<C, V>(mut self, _column: C, value: V) -> Self
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        self.tests.push(Test::Is(C::NAME, Values::new([value.value()])));
        self
    }

    /// Those among them with one of these values in another column.
    pub(crate) fn and_any<C, V>(mut self, _column: C, values: &[V]) -> Self
    where
        C: Column + Expression + OfTable<T>,
        V: Cell<C::SqlType>,
    {
        let wanted = Values::new(values.iter().map(Cell::value));
        self.tests.push(Test::Is(C::NAME, wanted));
        self
    }

    /// Their changes note the time in this column instead of `updated_at`.
    pub(crate) fn stamped<C: Column<Table = T>>(mut self, _column: C) -> Self {
        self.stamp = C::NAME;
        self
    }

    /// Changes them; returns how many they were.
    pub(crate) fn update(
        &self,
        native: &mut Native,
        columns: &Columns<T>,
        now: Timestamp,
    ) -> QueryResult<usize> {
        let mut columns = columns.clone();
        columns.set(self.stamp, Some(Value::Time(now)));
        self.write(native, &columns)
    }

    /// Marks them as deleted; returns how many they were. `updated_at` stays as it was
    /// (`spec/schema.md §2`) unless it is among the columns that change as well.
    pub(crate) fn delete(
        &self,
        native: &mut Native,
        columns: Columns<T>,
        now: Timestamp,
    ) -> QueryResult<usize> {
        let mut columns = columns;
        columns.set(T::DELETED, Some(Value::Truth(true)));
        columns.set(T::DELETED_AT, Some(Value::Time(now)));
        self.write(native, &columns)
    }

    fn write(&self, native: &mut Native, columns: &Columns<T>) -> QueryResult<usize> {
        let update = Update { table: self.table, tests: &self.tests, changes: &columns.values };
        update.execute(native)
    }
}

/// What can be changed in a row of a table, as [`changes!`] declares it.
pub(crate) trait Changes: Default + PartialEq {
    type Table: Marked;

    /// Adds the values to those of an UPDATE or an INSERT.
    fn put_into(&self, columns: &mut Columns<Self::Table>);

    /// The values; `None` if nothing changes.
    fn columns(&self) -> Option<Columns<Self::Table>> {
        if *self == Self::default() {
            return None;
        }
        let mut columns = Columns::new();
        self.put_into(&mut columns);
        Some(columns)
    }
}

/// Declares what can be changed in a row of a table: a struct of optional values.
///
/// Each field has the name of its column. `None` leaves the column as it is; a nullable column
/// takes [`to`] and [`null`].
macro_rules! changes {
    (
        $(#[$about:meta])*
        pub struct $name:ident of $table:ident, $row:ident {
            $($(#[$doc:meta])* $field:ident: $value:ty = $column:path,)+
        }
    ) => {
        $(#[$about])*
        ///
        /// Each field is a column; `None` leaves it as it is.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name {
            $($(#[$doc])* pub $field: Option<$value>,)+
        }

        impl $name {
            /// Whether it changes nothing.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// Makes the same changes to a row in memory.
            pub fn apply(&self, row: &mut $row) {
                $(if let Some(value) = &self.$field {
                    row.$field.clone_from(value);
                })+
            }

            /// The change that makes another row like this one, as far as it can.
            #[must_use]
            pub fn of(row: &$row) -> Self {
                Self { $($field: Some(row.$field.to_owned()),)+ }
            }
        }

        impl $crate::changes::Changes for $name {
            type Table = $crate::schema::$table::table;

            fn put_into(&self, columns: &mut $crate::changes::Columns<Self::Table>) {
                $(columns.put($column, self.$field.as_ref());)+
            }
        }
    };
}

pub(crate) use changes;
