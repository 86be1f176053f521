//! Our schema against a dump of the one that upstream's `cinder-manage db sync` made.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;

use crate::database::TestDatabase;

const UPSTREAM: &str = include_str!("../../data/schema-sqlite.sql");

#[test]
fn the_created_schema_is_upstreams() {
    let (ours, _connection) = TestDatabase::created();
    let theirs = TestDatabase::absent();
    std::fs::create_dir_all(theirs.parent()).unwrap();
    theirs.raw().batch_execute(&format!("BEGIN; {UPSTREAM} COMMIT;")).unwrap();
    let (ours, theirs) = (normalised(&ours), normalised(&theirs));
    assert_eq!(ours.len(), 36 + 44, "tables and indexes: {:?}", ours.keys());
    for (name, sql) in &theirs {
        assert_eq!(ours.get(name), Some(sql), "{name}");
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
}

/// Definition of every table and index by name; automatic indexes have none.
fn normalised(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let rows = database.rows("name sql", "sqlite_master WHERE sql IS NOT NULL");
    let mut definitions = BTreeMap::new();
    // A definition spans lines; each begins with `name|CREATE`.
    let mut name = String::new();
    for line in rows.lines() {
        let text = match line.split_once("|CREATE ") {
            Some((of, text)) => {
                name = of.to_owned();
                text
            }
            None => line,
        };
        definitions.entry(name.clone()).or_insert_with(String::new).push_str(&format!(" {text}"));
    }
    definitions.into_iter().map(|(name, sql)| (name, parts(&sql))).collect()
}

/// A definition's head, columns in order, and constraints in any order: upstream's tool
/// rebuilds tables and writes the constraints as they come.
fn parts(sql: &str) -> Vec<String> {
    let words = sql.replace('"', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, body) = words.split_once('(').unwrap();
    let body = body.strip_suffix(')').unwrap();
    let (mut columns, mut constraints) = (vec![head.trim().to_owned()], Vec::new());
    for part in split_at_commas(body) {
        let first = part.split([' ', '(']).next().unwrap();
        match first {
            "CONSTRAINT" | "PRIMARY" | "FOREIGN" | "UNIQUE" | "CHECK" => constraints.push(part),
            _ => columns.push(part),
        }
    }
    constraints.sort();
    columns.extend(constraints);
    columns
}

fn split_at_commas(body: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in body.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let squeeze = |part: String| {
        part.trim().replace(" (", "(").replace("( ", "(").replace(" )", ")").replace(" ,", ",")
    };
    parts.into_iter().map(squeeze).collect()
}

#[test]
fn the_first_rows_are_those_of_upstreams_migrations() {
    let (database, _connection) = TestDatabase::created();
    assert_eq!(database.rows("version_num", "alembic_version"), "9c74c1c6971f");
    assert_eq!(
        database
            .rows("class_name resource hard_limit deleted updated_at", "quota_classes ORDER BY id"),
        "default|volumes|10|0|NULL\n\
         default|snapshots|10|0|NULL\n\
         default|gigabytes|1000|0|NULL\n\
         default|per_volume_gigabytes|-1|0|NULL\n\
         default|groups|10|0|NULL\n\
         default|backups|10|0|NULL\n\
         default|backup_gigabytes|1000|0|NULL"
    );
    assert_eq!(
        database.rows("name is_public deleted length(id)", "volume_types"),
        "__DEFAULT__|1|0|36"
    );
    assert_eq!(
        database.rows(
            "t.name t.is_public t.deleted key value s.deleted",
            "group_types t JOIN group_type_specs s ON s.group_type_id = t.id"
        ),
        "default_cgsnapshot_type|1|0|consistent_group_snapshot_enabled|<is> True|0"
    );
    assert_eq!(
        database.rows(
            "resource_type resource_id status service_id race_preventer deleted substr(updated_at,20)",
            "workers"
        ),
        "SENTINEL|SUB-SECOND|OK|NULL|0|0|.000123"
    );
}
