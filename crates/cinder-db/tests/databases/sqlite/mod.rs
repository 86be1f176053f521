//! What only SQLite has: a file that is created, locked, moved and damaged.

mod connect;
mod embedded;
mod heartbeat;
mod pool;
mod quota;
mod schema;
