//! Our tables for test databases on servers against those that upstream's `cinder-manage db sync`
//! makes, in a normal form: columns in order, indexes, foreign keys.
//!
//! The expected text was taken from dumps of these (`spec/schema.md`), loaded into the same kind of
//! server and read by the same queries.

use expect_test::{ExpectFile, expect_file};

use crate::database::{Kind, TestDatabase};

/// What is listed: a heading, columns, and the rest of the query.
type Part<'a> = (&'a str, &'a [&'a str], &'a str);

fn check(kind: Kind, parts: &[Part<'_>], expected: &ExpectFile) {
    let Some((database, _connection)) = TestDatabase::of(kind) else { return };
    let mut raw = database.raw();
    let mut text = String::new();
    for (heading, columns, rest) in parts {
        text.push_str(&format!("{heading}\n"));
        for line in raw.lines(columns, rest) {
            text.push_str(&format!("  {}\n", line.replace('|', " ")));
        }
    }
    expected.assert_eq(&text);
}

#[cfg(feature = "mysql")]
#[test]
fn the_tables_for_tests_on_mysql_are_upstreams() {
    let parts: [Part<'_>; 3] = [
        (
            "columns",
            &["table_name", "column_name", "column_type", "is_nullable", "column_default", "extra"],
            "information_schema.columns WHERE table_schema = database()
             ORDER BY table_name, ordinal_position",
        ),
        (
            "indexes: not unique, columns",
            &[
                "table_name",
                "index_name",
                "non_unique",
                "group_concat(column_name ORDER BY seq_in_index)",
            ],
            "information_schema.statistics WHERE table_schema = database()
             GROUP BY table_name, index_name, non_unique ORDER BY table_name, index_name",
        ),
        (
            "foreign keys",
            &[
                "table_name",
                "constraint_name",
                "column_name",
                "referenced_table_name",
                "referenced_column_name",
            ],
            "information_schema.key_column_usage
             WHERE table_schema = database() AND referenced_table_name IS NOT NULL
             ORDER BY table_name, constraint_name",
        ),
    ];
    check(Kind::Mysql, &parts, &expect_file!["../../data/schema-mysql.txt"]);
}

#[cfg(feature = "postgres")]
#[test]
fn the_tables_for_tests_on_postgresql_are_upstreams() {
    let parts: [Part<'_>; 3] = [
        (
            "columns",
            &[
                "table_name",
                "column_name",
                "data_type",
                "character_maximum_length",
                "is_nullable",
                "column_default",
            ],
            "information_schema.columns WHERE table_schema = 'public'
             ORDER BY table_name COLLATE \"C\", ordinal_position",
        ),
        (
            "indexes",
            &["indexdef"],
            "pg_indexes WHERE schemaname = 'public' ORDER BY indexname COLLATE \"C\"",
        ),
        (
            "constraints",
            &["conrelid::regclass", "conname", "pg_get_constraintdef(oid)"],
            "pg_constraint WHERE connamespace = 'public'::regnamespace
             ORDER BY conrelid::regclass::text COLLATE \"C\", conname COLLATE \"C\"",
        ),
    ];
    check(Kind::Postgres, &parts, &expect_file!["../../data/schema-postgresql.txt"]);
}
