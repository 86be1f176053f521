//! What must be the same on every database: each function here is a test per database, and the
//! same where a later release has migrated it, and on PostgreSQL behind a pooler.

/// Makes `sqlite::name`, `mysql::name` and `postgres::name` of each function; and of each of those
/// `later_sqlite::name` and so on, and `pooled_postgres::name` (see `Variation`).
///
/// A function takes the database and a connection to it.
macro_rules! on_every_database {
    ($($name:ident),* $(,)?) => {
        on_every_database!(sqlite Sqlite Plain: $($name)*);
        on_every_database!(later_sqlite Sqlite Later: $($name)*);
        #[cfg(feature = "mysql")]
        on_every_database!(mysql Mysql Plain: $($name)*);
        #[cfg(feature = "mysql")]
        on_every_database!(later_mysql Mysql Later: $($name)*);
        #[cfg(feature = "postgres")]
        on_every_database!(postgres Postgres Plain: $($name)*);
        #[cfg(feature = "postgres")]
        on_every_database!(later_postgres Postgres Later: $($name)*);
        #[cfg(feature = "postgres")]
        on_every_database!(pooled_postgres Postgres Pooled: $($name)*);
    };
    ($module:ident $kind:ident $variation:ident: $($name:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $name() {
                    use crate::database::{Kind, TestDatabase, Variation};
                    let lent = TestDatabase::varied(Kind::$kind, Variation::$variation);
                    if let Some((database, connection)) = lent {
                        super::$name(&database, connection);
                    }
                }
            )*
        }
    };
}

mod attachments;
mod cas;
mod conditions;
mod groups;
mod heartbeat;
mod images;
mod messages;
pub mod quota;
mod registry;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod schema;
mod services;
mod snapshots;
mod survey;
mod volume_types;
mod volumes;
mod workers;
