//! Table `clusters`, and the cluster names that other tables carry.

use diesel::{
    prelude::*,
    sql_types::{SingleValue, SqlType, Text},
};

use crate::{
    changes::Rows,
    dialect::{Native, for_update, on_host},
    rows::cluster::{Cluster, IncludedResources, NewCluster},
    schema::{clusters, consistencygroups, groups, image_volume_cache_entries, volumes},
    timestamp::Timestamp,
};

diesel::define_sql_function! {
    /// SQL's own `replace`; NULL stays NULL.
    #[sql_name = "replace"]
    fn replace_text<T: SqlType + SingleValue>(text: T, from: Text, to: Text) -> T;
}

/// The live cluster of that name.
pub(crate) fn find(native: &mut Native, name: &str, binary: &str) -> QueryResult<Option<Cluster>> {
    clusters::table
        .filter(named(name, binary))
        .select(Cluster::as_select())
        .get_result(native)
        .optional()
}

/// The same as it is now, even if this transaction began before it came to be.
pub(crate) fn find_newest(
    native: &mut Native,
    name: &str,
    binary: &str,
) -> QueryResult<Option<Cluster>> {
    let query = clusters::table.filter(named(name, binary)).select(Cluster::as_select());
    for_update(native, query).get_result(native).optional()
}

#[diesel::dsl::auto_type]
fn named<'a>(name: &'a str, binary: &'a str) -> _ {
    clusters::deleted.eq(false).and(clusters::name.eq(name)).and(clusters::binary.eq(binary))
}

/// The live cluster with that key.
pub(crate) fn live(id: i32) -> Rows<clusters::table> {
    Rows::live(clusters::table, clusters::id, id)
}

/// Creates a cluster in a savepoint, so that a lost race does not spoil the transaction.
pub(crate) fn insert(native: &mut Native, cluster: &NewCluster<'_>) -> QueryResult<()> {
    native.transaction(|native| {
        diesel::insert_into(clusters::table).values(cluster).execute(native).map(drop)
    })
}

/// Puts the cluster's name on every resource of the back end `host`, keeping pool suffixes.
///
/// Rows that carry it already are left alone, so that doing it again moves no `updated_at`.
pub(crate) fn include_resources(
    native: &mut Native,
    host: &str,
    cluster: &str,
    now: Timestamp,
) -> QueryResult<IncludedResources> {
    /// One table that has `updated_at` and soft deletes.
    macro_rules! include {
        ($table:ident) => {{
            let name = replace_text($table::host, host, cluster);
            diesel::update($table::table)
                .filter($table::deleted.eq(false))
                .filter(on_host(native, $table::host, host))
                .filter($table::cluster_name.is_null().or($table::cluster_name.ne(name)))
                .set((
                    $table::cluster_name.eq(replace_text($table::host, host, cluster)),
                    $table::updated_at.eq(now),
                ))
                .execute(native)?
        }};
    }
    Ok(IncludedResources {
        volumes: include!(volumes),
        consistency_groups: include!(consistencygroups),
        groups: include!(groups),
        image_cache_entries: include_cache_entries(native, host, cluster)?,
    })
}

/// The cache has neither `deleted` nor `updated_at`.
fn include_cache_entries(native: &mut Native, host: &str, cluster: &str) -> QueryResult<usize> {
    use image_volume_cache_entries as cache;
    let name = || replace_text(cache::host, host, cluster).nullable();
    diesel::update(cache::table)
        .filter(on_host(native, cache::host, host))
        .filter(cache::cluster_name.is_null().or(cache::cluster_name.ne(name())))
        .set(cache::cluster_name.eq(name()))
        .execute(native)
}
