//! Sorting errors: by number where Diesel passes one on, else by what the database says.
//!
//! Must not: be asked about successes, or need a text to be English where a wrong guess would do
//! harm. Diesel makes kinds of some numbers (SQLSTATE, errno) and drops the others; of a failed
//! attempt to connect it keeps the text alone. The order therefore is
//!
//! 1. Diesel's kind, which is a number;
//! 2. what servers do not translate: names of settings, types, locks and accounts;
//! 3. words. SQLite and the client libraries speak English always, sessions on MySQL because we ask
//!    for it, PostgreSQL by default; there only its operator can change it.
//!
//! What nobody understands has been refused, if it was a statement. If it was an attempt to connect
//! it counts as lost: a refusal comes before a session could ask for English, and to try again what
//! is hopeless costs a minute, while to give up what was busy costs the service.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as SqlError};

use crate::error::Fault;

/// Texts of all databases and what they mean; the first that is contained counts.
const TEXTS: &[(&str, Fault)] = &[
    // Not translated: 1461, 1203, 22001, 22021.
    ("max_prepared_stmt_count", Fault::TooManyConnections),
    ("max_user_connections", Fault::TooManyConnections),
    ("character varying(", Fault::Value),
    (": 0x", Fault::Value),
    // What waiting does not cure, though the rest of the text may look like it.
    ("authentication failed", Fault::Refused),
    ("Access denied", Fault::Refused),
    ("no pg_hba.conf entry", Fault::Refused),
    ("does not exist", Fault::Refused),
    ("Unknown database", Fault::Refused),
    ("is not allowed to connect", Fault::Refused),
    ("is not permitted to log in", Fault::Refused),
    // Of the client libraries: 2026, 2059, 2019; libpq before and while it connects.
    ("TLS/SSL error", Fault::Refused),
    ("SSL connection error", Fault::Refused),
    ("uthentication plugin", Fault::Refused),
    ("no password supplied", Fault::Refused),
    ("does not support SSL", Fault::Refused),
    ("certificate", Fault::Refused),
    ("invalid connection option", Fault::Refused),
    ("invalid port number", Fault::Refused),
    (" value: \"", Fault::Refused),
    // Of pgbouncer.
    ("no such database", Fault::Refused),
    ("no such user", Fault::Refused),
    ("unsupported startup parameter", Fault::Refused),
    ("no more connections allowed", Fault::TooManyConnections),
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
    // 1040, 1226.
    ("Too many connections", Fault::TooManyConnections),
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
            _ => told(&**information),
        },
        SqlError::RollbackErrorOnCommit { commit_error, .. } => fault(commit_error),
        SqlError::BrokenTransactionManager => Fault::Lost,
        _ => Fault::Refused,
    }
}

/// What the database says about a statement.
fn told(information: &dyn DatabaseErrorInformation) -> Fault {
    let known = known(information.message());
    known.unwrap_or(if tells_a_deadlock(information) { Fault::Deadlock } else { Fault::Refused })
}

/// PostgreSQL's details of a deadlock, in whatever language: who waits for which kind of lock, one
/// line for each of the two or more. The kinds' names are not translated, and nothing else has such
/// lines.
fn tells_a_deadlock(information: &dyn DatabaseErrorInformation) -> bool {
    let lines = || information.details().into_iter().flat_map(str::lines);
    lines().count() > 1 && lines().all(|line| line.contains("Lock"))
}

/// What the text of a failed attempt to connect means; `login` are user and database.
///
/// MySQL and MariaDB name in all languages the account that they refuse, or the database that is not
/// there. PostgreSQL names them, too, when it merely has no place left, so that nothing follows.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) fn at_connecting(text: &str, login: Option<[&str; 2]>) -> Fault {
    let refuses = |[user, database]: [&str; 2]| {
        let names =
            |name: &str, after| !name.is_empty() && text.contains(&format!("'{name}'{after}"));
        names(user, "@'") || names(database, "")
    };
    known(text).unwrap_or(if login.is_some_and(refuses) { Fault::Refused } else { Fault::Lost })
}

fn known(text: &str) -> Option<Fault> {
    TEXTS.iter().find(|(words, _)| text.contains(words)).map(|(_, fault)| *fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PostgreSQL said.
    struct Said(&'static str, Option<&'static str>);

    impl DatabaseErrorInformation for Said {
        fn message(&self) -> &str {
            self.0
        }
        fn details(&self) -> Option<&str> {
            self.1
        }
        fn hint(&self) -> Option<&str> {
            None
        }
        fn table_name(&self) -> Option<&str> {
            None
        }
        fn column_name(&self) -> Option<&str> {
            None
        }
        fn constraint_name(&self) -> Option<&str> {
            None
        }
        fn statement_position(&self) -> Option<i32> {
            None
        }
    }

    #[test]
    fn what_is_not_translated_tells_in_any_language() {
        let details = "Prozess 7 wartet auf ShareLock-Sperre auf Transaktion 9; blockiert von Prozess 8.\n\
                       Prozess 8 wartet auf ShareLock-Sperre auf Transaktion 6; blockiert von Prozess 7.";
        for (said, fault) in [
            (Said("Verklemmung (Deadlock) entdeckt", Some(details)), Fault::Deadlock),
            (Said("Wert zu lang für Typ character varying(36)", None), Fault::Value),
            (Said("ungültige Byte-Sequenz für Kodierung »UTF8«: 0x00", None), Fault::Value),
            (Said("etwas anderes", Some("mit einer Zeile, in der Lock steht")), Fault::Refused),
            (Said("etwas anderes", None), Fault::Refused),
        ] {
            assert_eq!(told(&said), fault, "{}", said.0);
        }
    }

    #[cfg(any(feature = "mysql", feature = "postgres"))]
    #[test]
    fn what_nobody_understands_at_connecting_is_tried_again() {
        for (text, fault) in [
            ("Zu viele Verbindungen", Fault::Lost),
            (
                "Benutzer 'cinder'@'127.0.0.1' hat keine Zugriffsberechtigung (verwendetes Passwort: JA)",
                Fault::Refused,
            ),
            ("Unbekannte Datenbank 'db'", Fault::Refused),
            (
                "Benutzer 'cinder' hat mehr als max_user_connections aktive Verbindungen",
                Fault::TooManyConnections,
            ),
            (
                "Can't create more than max_prepared_stmt_count statements",
                Fault::TooManyConnections,
            ),
        ] {
            assert_eq!(at_connecting(text, Some(["cinder", "db"])), fault, "{text}");
        }
        assert_eq!(at_connecting("zu viele Verbindungen für Rolle 'cinder'", None), Fault::Lost);
        assert_eq!(at_connecting("leer ''", Some(["", ""])), Fault::Lost);
    }
}
