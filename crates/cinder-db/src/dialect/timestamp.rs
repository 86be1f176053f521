//! How each database holds a [`Timestamp`].
//!
//! SQLite: text with six digits of fraction. MySQL: a time whose fraction the server cuts where
//! the column has none (`spec/schema.md §2`). PostgreSQL: microseconds.

use diesel::{
    deserialize::{self, FromSql},
    serialize::{self, IsNull, Output, ToSql},
    sql_types,
};

use super::multi::{MultiBackend, MultiRawValue};
use crate::timestamp::Timestamp;

impl ToSql<sql_types::Timestamp, MultiBackend> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((sql_types::Timestamp, self));
        Ok(IsNull::No)
    }
}

impl FromSql<sql_types::Timestamp, MultiBackend> for Timestamp {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, sql_types::Timestamp>()
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::sqlite::{Sqlite, SqliteValue};

    use super::*;

    impl ToSql<sql_types::Timestamp, Sqlite> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.to_string());
            Ok(IsNull::No)
        }
    }

    impl FromSql<sql_types::Timestamp, Sqlite> for Timestamp {
        fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            Ok(Self::parse(value.read_text())?)
        }
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use chrono::NaiveDateTime;
    use diesel::mysql::{Mysql, MysqlValue};

    use super::*;

    impl ToSql<sql_types::Timestamp, Mysql> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Mysql>) -> serialize::Result {
            ToSql::<sql_types::Timestamp, Mysql>::to_sql(&self.naive(), &mut out.reborrow())
        }
    }

    impl FromSql<sql_types::Timestamp, Mysql> for Timestamp {
        fn from_sql(value: MysqlValue<'_>) -> deserialize::Result<Self> {
            <NaiveDateTime as FromSql<sql_types::Timestamp, Mysql>>::from_sql(value)
                .map(Self::from_naive)
        }
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use chrono::NaiveDateTime;
    use diesel::pg::{Pg, PgValue};

    use super::*;

    impl ToSql<sql_types::Timestamp, Pg> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            ToSql::<sql_types::Timestamp, Pg>::to_sql(&self.naive(), &mut out.reborrow())
        }
    }

    impl FromSql<sql_types::Timestamp, Pg> for Timestamp {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            <NaiveDateTime as FromSql<sql_types::Timestamp, Pg>>::from_sql(value)
                .map(Self::from_naive)
        }
    }
}
