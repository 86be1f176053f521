//! Typed columns, and the conditions and assignments that are made of them.
//!
//! Must not: turn into SQL; that is `statement`. Inside, names and values are untyped: what could not be
//! meant has not compiled.

use std::{iter, marker::PhantomData};

use diesel::sql_types;

use crate::{
    statement::{Named, Source, Test, Value, Values},
    timestamp::Timestamp,
};

/// A table whose rows have a text as their id; the type of a row stands for it.
pub trait Swappable {
    /// Its name.
    const NAME: &'static str;
}

/// Values of a text column.
#[derive(Debug, Clone, Copy)]
pub enum Text {}
/// Values of an integer column.
#[derive(Debug, Clone, Copy)]
pub enum Number {}
/// Values of a boolean column.
#[derive(Debug, Clone, Copy)]
pub enum Truth {}
/// Values of a column of times.
#[derive(Debug, Clone, Copy)]
pub enum Time {}

/// What can be compared with, or stored in, a column with values of kind `V`; `None` is NULL.
pub trait ValueOf<V> {
    /// The value as a statement takes it.
    fn into_value(self) -> Operand;
}

/// A value of some column, or NULL.
#[derive(Debug, Clone)]
pub struct Operand(Option<Value>);

macro_rules! value_of {
    ($kind:ident: $($from:ty),*) => {
        $(
            impl ValueOf<$kind> for $from {
                fn into_value(self) -> Operand {
                    Operand(Some(Value::$kind(self.into())))
                }
            }
        )*
    };
}

value_of!(Text: &str, String);
value_of!(Number: i32);
value_of!(Truth: bool);
value_of!(Time: Timestamp);

impl<V, X: ValueOf<V>> ValueOf<V> for Option<X> {
    fn into_value(self) -> Operand {
        Operand(self.and_then(|value| value.into_value().0))
    }
}

/// Which of our kinds a column of the schema holds.
pub(crate) trait Holds<V> {}

impl Holds<Text> for sql_types::Text {}
impl Holds<Number> for sql_types::Integer {}
impl Holds<Truth> for sql_types::Bool {}
impl Holds<Time> for sql_types::Timestamp {}
impl<V, S> Holds<V> for sql_types::Nullable<S> where S: Holds<V> + sql_types::SqlType {}

/// A column of table `T` with values of kind `V`.
#[derive(Debug)]
pub struct Column<T, V> {
    name: &'static str,
    of: PhantomData<(T, V)>,
}

impl<T, V> Clone for Column<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for Column<T, V> {}

impl<T: Swappable, V> Column<T, V> {
    pub(crate) const fn of<C: diesel::Column>() -> Self
    where
        C::SqlType: Holds<V>,
    {
        Self { name: C::NAME, of: PhantomData }
    }

    /// It has this value.
    pub fn is(self, value: impl ValueOf<V>) -> Condition<T> {
        self.is_in([value])
    }

    /// It has one of these values.
    pub fn is_in(self, values: impl IntoIterator<Item = impl ValueOf<V>>) -> Condition<T> {
        Condition::new(Test::Is(self.name, all(values)))
    }

    /// It has another value, or NULL unless that is the one.
    pub fn is_not(self, value: impl ValueOf<V>) -> Condition<T> {
        self.is_not_in([value])
    }

    /// It has none of these values; NULL is one only if it is among them.
    pub fn is_not_in(self, values: impl IntoIterator<Item = impl ValueOf<V>>) -> Condition<T> {
        Condition::new(Test::IsNot(self.name, all(values)))
    }

    /// It is NULL.
    pub fn is_null(self) -> Condition<T> {
        Condition::new(Test::Is(self.name, Values { some: Vec::new(), null: true }))
    }

    /// It becomes this value.
    pub fn to(self, value: impl ValueOf<V>) -> Assignment<T> {
        self.assign(Source::Value(value.into_value().0))
    }

    /// It becomes NULL.
    pub fn to_null(self) -> Assignment<T> {
        self.assign(Source::Value(None))
    }

    /// It becomes what another column was.
    pub fn to_value_of(self, other: Self) -> Assignment<T> {
        self.assign(Source::Column(other.name))
    }

    /// It becomes what the first condition that holds says.
    pub fn to_case(self, case: Case<T, V>) -> Assignment<T> {
        self.assign(case.source)
    }

    fn assign(self, source: Source) -> Assignment<T> {
        Assignment { parts: (self.name, source), table: PhantomData }
    }
}

impl<T: Swappable> Column<T, Number> {
    /// It becomes what a column was, and so much more.
    pub fn to_sum(self, other: Self, more: i32) -> Assignment<T> {
        self.assign(Source::Sum(other.name, more))
    }
}

impl<T: Swappable> Column<T, Text> {
    /// Some live row of `T` names the row that changes in this column and meets the conditions.
    pub fn somewhere<P>(self, conditions: impl IntoIterator<Item = Condition<T>>) -> Condition<P> {
        self.elsewhere(true, conditions)
    }

    /// No live row of `T` names the row that changes in this column and meets the conditions.
    pub fn nowhere<P>(self, conditions: impl IntoIterator<Item = Condition<T>>) -> Condition<P> {
        self.elsewhere(false, conditions)
    }

    fn elsewhere<P>(
        self,
        wanted: bool,
        conditions: impl IntoIterator<Item = Condition<T>>,
    ) -> Condition<P> {
        let tests = conditions.into_iter().map(|condition| condition.test);
        let tests = iter::once(Test::live()).chain(tests).collect();
        Condition::new(Test::Elsewhere { table: Named(T::NAME), column: self.name, wanted, tests })
    }
}

/// What a row of table `T` has to be like.
#[derive(Debug, Clone)]
pub struct Condition<T> {
    pub(super) test: Test,
    table: PhantomData<T>,
}

impl<T> Condition<T> {
    fn new(test: Test) -> Self {
        Self { test, table: PhantomData }
    }
}

/// What a column of table `T` becomes.
#[derive(Debug, Clone)]
pub struct Assignment<T> {
    pub(super) parts: (&'static str, Source),
    table: PhantomData<T>,
}

/// Values that depend on conditions.
#[derive(Debug, Clone)]
pub struct Case<T, V> {
    source: Source,
    of: PhantomData<(T, V)>,
}

impl<T: Swappable, V> Case<T, V> {
    /// One value under a condition; NULL otherwise, until [`Case::or`] says something else.
    pub fn when(condition: Condition<T>, value: impl ValueOf<V>) -> Self {
        let then = Source::Value(value.into_value().0);
        let whens = vec![(condition.test, then)];
        let otherwise = Box::new(Source::Value(None));
        Self { source: Source::Case { whens, otherwise }, of: PhantomData }
    }

    /// Another value under another condition, if none before holds.
    #[must_use]
    pub fn or_when(mut self, condition: Condition<T>, value: impl ValueOf<V>) -> Self {
        if let Source::Case { whens, .. } = &mut self.source {
            whens.push((condition.test, Source::Value(value.into_value().0)));
        }
        self
    }

    /// This value if no condition holds.
    #[must_use]
    pub fn or(self, value: impl ValueOf<V>) -> Self {
        self.otherwise(Source::Value(value.into_value().0))
    }

    /// What a column was if no condition holds.
    #[must_use]
    pub fn or_value_of(self, column: Column<T, V>) -> Self {
        self.otherwise(Source::Column(column.name))
    }

    fn otherwise(mut self, source: Source) -> Self {
        if let Source::Case { otherwise, .. } = &mut self.source {
            **otherwise = source;
        }
        self
    }
}

fn all<V>(values: impl IntoIterator<Item = impl ValueOf<V>>) -> Values {
    Values::new(values.into_iter().map(|value| value.into_value().0))
}
