//! What must be the same on every database: each function here is a test per database.

/// Makes `sqlite::name`, `mysql::name` and `postgres::name` of each function.
///
/// A function takes the database and a connection to it.
macro_rules! on_every_database {
    ($($name:ident),* $(,)?) => {
        on_every_database!(sqlite Sqlite: $($name)*);
        #[cfg(feature = "mysql")]
        on_every_database!(mysql Mysql: $($name)*);
        #[cfg(feature = "postgres")]
        on_every_database!(postgres Postgres: $($name)*);
    };
    ($module:ident $kind:ident: $($name:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $name() {
                    use crate::database::{Kind, TestDatabase};
                    if let Some((database, connection)) = TestDatabase::of(Kind::$kind) {
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
mod volume_types;
mod volumes;
mod workers;
