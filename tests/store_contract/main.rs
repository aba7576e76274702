//! What every store promises, as one suite of functions over `&dyn Store`, and what the file store promises beside it.
//! A store joins with one line at the end of this file.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "../support/bucket_server/mod.rs"]
mod bucket_server;
mod cache;
#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "../support/cache_server/mod.rs"]
mod cache_server;
mod contract;
mod exec_place;
mod exec_store;
mod file_store;
mod git_place;
mod git_store;
mod objects;
mod place;
mod races;
mod support;

/// Runs the suite against the places that an expression makes: one place per test, empty at first.
macro_rules! store_contract {
    ($name:ident, $place:expr, [$($module:ident::$test:ident),* $(,)?]) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    let place = $place;
                    if !crate::place::Place::is_turned_off(&place) {
                        crate::$module::$test(&place);
                    }
                }
            )*
        }
    };
    ($name:ident, $place:expr) => {
        store_contract!($name, $place, [
            contract::a_slot_that_was_never_written_is_none,
            contract::what_was_created_is_read_back_exactly,
            contract::creating_twice_conflicts,
            contract::only_the_right_version_is_replaced,
            contract::a_conflict_leaves_the_content,
            contract::a_content_that_comes_back_has_its_old_version_only_by_being_the_same_record,
            contract::slots_are_independent,
            contract::the_largest_baton_fits,
            contract::more_than_a_baton_is_refused,
            contract::facts_allow_a_lease,
            contract::the_name_is_stable,
            races::one_writer_wins_each_round,
            races::no_increment_is_lost_among_threads,
            races::no_increment_is_lost_among_processes,
            races::a_reader_never_sees_half_a_content,
        ]);
    };
}

store_contract!(file, crate::place::File::new());
store_contract!(actions_cache, crate::cache::Cache::new(crate::cache_server::Speaks::V2));
store_contract!(actions_cache_v1, crate::cache::Cache::new(crate::cache_server::Speaks::V1));
store_contract!(git_by_path, crate::git_place::ByPath::new());
store_contract!(git_by_http, crate::git_place::ByHttp::new());
store_contract!(exec_etcd, crate::exec_place::InEtcd::new());
store_contract!(s3_moto, crate::objects::Bucket::moto());
store_contract!(azure_azurite, crate::objects::Bucket::azurite());
store_contract!(s3_strict, crate::objects::Bucket::strict("s3"));
store_contract!(gcs_strict, crate::objects::Bucket::strict("gs"));
