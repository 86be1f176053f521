//! Sets of column values that are put together at run time: the SET of an UPDATE, the row of an
//! INSERT.
//!
//! Must not: decide which rows are meant. Diesel's own changesets are tuples with a type per
//! combination of columns; these are lists, so a table with 41 columns is as cheap to compile
//! as one with three. The compiler checks all the same that a column belongs to the table and
//! that a value fits the column ([`Columns::put`]).

use std::marker::PhantomData;

use diesel::{
    Column, Expression, QueryResult, Table,
    query_builder::{AsChangeset, AstPass, QueryFragment, QueryId},
    sql_types::{self, Bool, Integer, Nullable, Text},
};

use crate::{
    dialect::{MultiBackend, Native},
    timestamp::Timestamp,
};

/// Sets a nullable column to a value: `status: to("error")`.
pub fn to<T>(value: impl Into<T>) -> Option<Option<T>> {
    Some(Some(value.into()))
}

/// Sets a nullable column to NULL: `host: null()`.
#[must_use]
pub fn null<T>() -> Option<Option<T>> {
    Some(None)
}

/// A value of any type that our columns have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i32>),
    Truth(Option<bool>),
    Time(Option<Timestamp>),
}

/// A value that fits columns of this SQL type.
pub(crate) trait Cell<SqlType> {
    /// The value to be written.
    fn value(&self) -> Value;
}

macro_rules! cells {
    ($($rust:ty, $sql:ty, $variant:ident;)+) => {$(
        impl Cell<$sql> for $rust {
            fn value(&self) -> Value {
                Value::$variant(Some(self.to_owned()))
            }
        }

        impl Cell<Nullable<$sql>> for Option<$rust> {
            fn value(&self) -> Value {
                Value::$variant(self.to_owned())
            }
        }
    )+};
}

cells! {
    String, Text, Text;
    i32, Integer, Integer;
    bool, Bool, Truth;
    Timestamp, sql_types::Timestamp, Time;
}

/// Values for columns of table `T`; where a column comes twice, the later value counts.
#[derive(Debug, Clone)]
pub(crate) struct Columns<T> {
    values: Vec<(&'static str, Value)>,
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
        let Some(value) = value else { return };
        self.values.retain(|(name, _)| *name != C::NAME);
        self.values.push((C::NAME, value.value()));
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
}

/// A column of `T`, or of another `table!` that names the same table of the database.
pub(crate) trait OfTable<T> {}

impl<T: Table, C: Column<Table = T>> OfTable<T> for C {}

impl<T: Table> AsChangeset for Columns<T> {
    type Target = T;
    type Changeset = Assignments;

    fn as_changeset(self) -> Assignments {
        Assignments(self.values)
    }
}

/// The list that stands behind SET.
pub(crate) struct Assignments(Vec<(&'static str, Value)>);

impl QueryFragment<MultiBackend> for Assignments {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_identifier(name)?;
            out.push_sql(" = ");
            value.walk_ast(out.reborrow())?;
        }
        Ok(())
    }
}

/// The text depends on the columns, so Diesel has to look at it.
impl QueryId for Assignments {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<MultiBackend> for Value {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        match self {
            Self::Text(text) => out.push_bind_param::<Nullable<Text>, _>(text),
            Self::Integer(number) => out.push_bind_param::<Nullable<Integer>, _>(number),
            Self::Truth(truth) => out.push_bind_param::<Nullable<Bool>, _>(truth),
            Self::Time(time) => out.push_bind_param::<Nullable<sql_types::Timestamp>, _>(time),
        }
    }
}

/// Inserts one row.
pub(crate) fn insert<T>(native: &mut Native, table: T, row: Columns<T>) -> QueryResult<()>
where
    T: Table + QueryFragment<MultiBackend>,
{
    diesel::RunQueryDsl::execute(Insert { table, values: row.values }, native).map(drop)
}

struct Insert<T> {
    table: T,
    values: Vec<(&'static str, Value)>,
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Insert<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("INSERT INTO ");
        self.table.walk_ast(out.reborrow())?;
        for (index, (name, _)) in self.values.iter().enumerate() {
            out.push_sql(if index == 0 { " (" } else { ", " });
            out.push_identifier(name)?;
        }
        for (index, (_, value)) in self.values.iter().enumerate() {
            out.push_sql(if index == 0 { ") VALUES (" } else { ", " });
            value.walk_ast(out.reborrow())?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<T> QueryId for Insert<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> diesel::RunQueryDsl<Native> for Insert<T> {}

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

            /// Adds the values to those of an UPDATE or an INSERT.
            pub(crate) fn put_into(
                &self,
                columns: &mut $crate::changes::Columns<$crate::schema::$table::table>,
            ) {
                $(columns.put($column, self.$field.as_ref());)+
            }
        }
    };
}

pub(crate) use changes;
