//! The store's promises. Every case of the list below runs on every kind of store: a local folder, and those services that
//! the environment names (docs/storage.md): S3, Azure Blob Storage, Google Cloud Storage. With `HUB_TEST_STORES=all` a
//! service that is not named is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod faults;
mod line;
mod lists;
mod local;
mod objects;
mod places;
mod presigned;
mod s3;
mod streams;

use places::{Kind, Place};

async fn run(kind: Kind, case: impl AsyncFnOnce(&Place)) {
    if let Some(place) = Place::fresh(kind).await {
        case(&place).await;
    }
}

macro_rules! on {
    ($name:ident, $kind:expr, $($module:ident::$case:ident,)*) => {
        mod $name {
            use crate::places::Kind;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::run($kind, crate::$module::$case).await;
                }
            )*
        }
    };
}

macro_rules! on_every_store {
    ($($module:ident::$case:ident,)*) => {
        on!(on_local, Kind::Local, $($module::$case,)*);
        on!(on_s3, Kind::S3, $($module::$case,)*);
        on!(on_azure, Kind::Azure, $($module::$case,)*);
        on!(on_gcs, Kind::Gcs, $($module::$case,)*);
    };
}

on_every_store! {
    objects::a_store_that_works_passes_its_probe,
    objects::ranges_are_exact_and_stop_at_the_end,
    objects::missing_objects_are_not_found,
    objects::objects_are_copied_and_deleted,
    objects::large_objects_are_copied_whole,
    objects::files_go_in_and_come_out,
    objects::names_may_be_odd,
    streams::small_and_large_ones_come_back_as_they_went_in,
    streams::a_lie_about_size_or_hash_leaves_nothing,
    streams::what_breaks_off_or_is_dropped_leaves_nothing,
    streams::nothing_is_seen_of_an_object_before_its_end,
    streams::readers_see_one_of_the_objects_that_replace_each_other,
    streams::the_same_object_may_be_written_by_many_at_once,
    streams::of_many_large_writers_at_least_one_wins,
    lists::folders_are_listed_and_nothing_beside_them,
    lists::more_than_a_page_is_listed_once_each,
    presigned::whole_objects_are_read_with_ranges_and_headers,
    presigned::changed_and_old_addresses_are_refused,
    presigned::what_a_store_does_not_sign_is_an_error,
    faults::a_line_that_dies_during_an_upload_leaves_nothing,
    faults::a_line_that_breaks_once_is_not_noticed,
    faults::a_line_that_dies_during_a_download_gives_no_short_object,
    faults::wrong_credentials_and_dead_services_are_told_apart,
}
