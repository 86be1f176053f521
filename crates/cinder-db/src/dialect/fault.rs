//! Sorting errors: Diesel's kinds where it has one, else the words of the database.
//!
//! Must not: be asked about successes. Diesel passes no error number on, so texts have to do.
//! They are English: SQLite's and the client libraries' always, the servers' because sessions
//! ask for it (MySQL) or by default (PostgreSQL, where only its operator can change it).

use diesel::result::{DatabaseErrorKind, Error as SqlError};

use crate::error::Fault;

/// Texts of all databases and what they mean; the first that is contained counts.
const TEXTS: [(&str, Fault); 57] = [
    // What waiting does not cure, though the rest of the text may look like it.
    ("authentication failed", Fault::Refused),
    ("Access denied", Fault::Refused),
    ("no pg_hba.conf entry", Fault::Refused),
    ("does not exist", Fault::Refused),
    ("Unknown database", Fault::Refused),
    ("TLS/SSL error", Fault::Refused),
    // 1406, 1366, 1292; 22001, 22021. SQLite takes any value.
    ("Data too long for column", Fault::Value),
    ("Incorrect string value", Fault::Value),
    ("Incorrect datetime value", Fault::Value),
    ("value too long for type", Fault::Value),
    ("invalid byte sequence for encoding", Fault::Value),
    // SQLite, sqlite3_errstr.
    ("database is locked", Fault::Busy),
    ("database table is locked", Fault::Busy),
    ("locking protocol", Fault::Busy),
    ("unable to open database file", Fault::Lost),
    ("disk I/O error", Fault::Lost),
    ("database or disk is full", Fault::Full),
    ("attempt to write a readonly database", Fault::ReadOnly),
    // The MariaDB and MySQL client libraries: 2002 to 2013, 2055, and what a proxy closes.
    ("Can't connect to", Fault::Lost),
    ("Unknown server host", Fault::Lost),
    ("Unknown MySQL server host", Fault::Lost),
    ("erver has gone away", Fault::Lost),
    ("Lost connection to", Fault::Lost),
    ("Commands out of sync", Fault::Lost),
    // Servers: 1053, 1927, 1047, 1213.
    ("Server shutdown in progress", Fault::Lost),
    ("Connection was killed", Fault::Lost),
    ("WSREP has not yet prepared node", Fault::Lost),
    ("Deadlock found", Fault::Deadlock),
    // 1205, 1969 and 3024 (limits of our own), 1317.
    ("Lock wait timeout exceeded", Fault::Busy),
    ("max_statement_time exceeded", Fault::Busy),
    ("maximum statement execution time exceeded", Fault::Busy),
    ("Query execution was interrupted", Fault::Busy),
    // 1040, 1203, 1226.
    ("Too many connections", Fault::TooManyConnections),
    ("max_user_connections", Fault::TooManyConnections),
    // 1290, 1792, 1836.
    ("read-only option", Fault::ReadOnly),
    ("read_only option", Fault::ReadOnly),
    ("READ ONLY transaction", Fault::ReadOnly),
    ("read only mode", Fault::ReadOnly),
    // 1021, 1114, and what the engine says.
    ("Disk full", Fault::Full),
    ("is full", Fault::Full),
    ("No space left on device", Fault::Full),
    // PostgreSQL: 40P01, 55P03, 57014, 25006, 53100, 53300, 57P01 to 57P03, 08*.
    ("deadlock detected", Fault::Deadlock),
    ("could not serialize access", Fault::Deadlock),
    ("due to lock timeout", Fault::Busy),
    ("due to statement timeout", Fault::Busy),
    ("in a read-only transaction", Fault::ReadOnly),
    ("too many clients", Fault::TooManyConnections),
    ("too many connections", Fault::TooManyConnections),
    ("remaining connection slots", Fault::TooManyConnections),
    ("terminating connection", Fault::Lost),
    ("server closed the connection", Fault::Lost),
    ("no connection to the server", Fault::Lost),
    ("the database system is", Fault::Lost),
    ("connection to server", Fault::Lost),
    ("could not translate host name", Fault::Lost),
    ("could not receive data from server", Fault::Lost),
    ("SSL SYSCALL error", Fault::Lost),
];

/// What an error of a statement means.
pub(crate) fn fault(error: &SqlError) -> Fault {
    use DatabaseErrorKind as Kind;
    match error {
        SqlError::DatabaseError(kind, information) => match kind {
            Kind::ClosedConnection | Kind::UnableToSendCommand => Fault::Lost,
            Kind::SerializationFailure => Fault::Deadlock,
            Kind::ReadOnlyTransaction => Fault::ReadOnly,
            Kind::UniqueViolation
            | Kind::ForeignKeyViolation
            | Kind::NotNullViolation
            | Kind::CheckViolation
            | Kind::RestrictViolation
            | Kind::ExclusionViolation => Fault::Constraint,
            _ => fault_of_text(information.message()),
        },
        SqlError::RollbackErrorOnCommit { commit_error, .. } => fault(commit_error),
        SqlError::BrokenTransactionManager => Fault::Lost,
        _ => Fault::Refused,
    }
}

/// What a text means; [`Fault::Refused`] if nobody taught us.
pub(super) fn fault_of_text(text: &str) -> Fault {
    let known = TEXTS.iter().find(|(words, _)| text.contains(words));
    known.map_or(Fault::Refused, |(_, fault)| *fault)
}
