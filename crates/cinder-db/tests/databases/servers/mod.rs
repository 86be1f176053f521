//! What only servers have: sessions that end, networks that fall silent, limits, logins.

/// Makes `mysql::name` and `postgres::name` of each function.
macro_rules! on_every_server {
    ($($name:ident),* $(,)?) => {
        #[cfg(feature = "mysql")]
        on_every_database!(mysql Mysql Plain: $($name)*);
        #[cfg(feature = "postgres")]
        on_every_database!(postgres Postgres Plain: $($name)*);
    };
}

mod deadlock;
mod faults;
#[cfg(feature = "postgres")]
mod languages;
mod login;
mod proxy;
mod resources;
mod round_trips;
#[cfg(feature = "mysql")]
mod tls;
