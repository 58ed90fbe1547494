//! The conformance suite that every backend must pass.
//!
//! Each public function of the modules below checks one promise of the port. A backend's integration test names a
//! function that makes a [`Fixture`] over an empty database, and gets one test per promise:
//!
//! ```text
//! async fn fixture() -> MyFixture { /* an empty database that holds `conformance::COLLECTIONS` */ }
//! dezky::store_conformance!(fixture);
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test suite: a broken promise is a panic"
)]

pub mod atomicity;
pub mod conflicts;
pub mod documents;
mod entities;
mod fixture;
pub mod guards;
pub mod isolation;
pub mod liveness;
mod model;
pub mod pagination;
pub mod queries;
pub mod races;
pub mod reads;
pub mod terms;
pub mod unknown_fields;

pub use entities::{ACCOUNTS, ACTIVITIES, Account, Activity, Address, COLLECTIONS, Contact, Location};
pub use fixture::Fixture;

/// Makes a multi-threaded `#[tokio::test]` for every promise of the port, in modules named as in the suite.
///
/// The argument names an async function without parameters, in the calling module, that makes a
/// [`Fixture`](crate::store::conformance::Fixture) over an empty database.
#[macro_export]
macro_rules! store_conformance {
    ($make:ident) => {
        $crate::store_conformance! { @tests $make;
            documents {
                every_field_type_round_trips,
                optional_fields_are_unset_by_an_update,
                updates_replace_and_deletes_remove,
                missing_documents_are_none,
                text_survives_as_it_is,
                integers_survive_at_their_extremes,
                times_survive_at_their_extremes,
                documents_without_a_version_are_at_version_zero,
                one_commit_changes_many_documents,
                an_empty_commit_changes_nothing,
            }
            unknown_fields {
                updates_leave_unknown_fields,
                updates_leave_unknown_fields_inside_objects,
                unknown_fields_are_shown_and_ignored,
            }
            conflicts {
                an_outdated_update_is_a_version_conflict,
                an_outdated_delete_is_a_version_conflict,
                changing_a_missing_document_is_a_version_conflict,
                a_taken_id_is_named,
                a_taken_unique_key_is_named,
                a_document_may_keep_its_unique_keys,
                unique_keys_are_freed_by_an_update,
                unique_keys_are_freed_by_a_delete,
                unique_keys_move_after_a_delete_in_the_same_commit,
                unique_keys_move_after_an_update_in_the_same_commit,
                unique_keys_belong_to_their_collection,
                two_inserts_of_one_key_in_a_commit_are_refused,
                the_first_obstacle_is_named,
                a_refused_commit_frees_what_it_asked_for,
            }
            guards {
                a_version_guard_holds_and_fails,
                an_absence_guard_holds_and_fails,
                a_guard_on_a_deleted_document_fails,
                a_guard_alone_is_checked,
                a_guard_on_a_changed_document_is_met_by_the_change,
                changes_come_before_guards,
                a_guarded_document_keeps_its_version,
            }
            atomicity {
                a_failing_last_change_undoes_all_others,
                a_failing_guard_undoes_all_changes,
                a_dropped_commit_happens_whole_or_not_at_all,
                an_acknowledged_commit_is_seen_at_once,
                a_lost_acknowledgement_is_resolved,
            }
            races {
                write_skew_is_prevented,
                a_guard_beats_a_concurrent_change_or_loses_to_it,
                concurrent_writers_of_one_document_never_lose_an_update,
                concurrent_inserts_of_one_unique_key_have_one_winner,
                concurrent_absence_guards_have_one_winner,
                readers_never_see_half_a_commit,
            }
            pagination {
                every_sort_pages_through_all_documents,
                equal_sort_values_are_told_apart_by_id,
                pages_are_stable_under_writes,
                a_position_need_not_exist_any_more,
                an_equality_on_a_sort_field_leaves_it_out_of_the_position,
                descending_pages_through_filters,
            }
            queries {
                equality_compares_every_type,
                in_compares_with_several_values,
                an_empty_in_matches_nothing,
                in_takes_a_thousand_values,
                ranges_include_their_start_and_exclude_their_end,
                prefixes_are_literal_and_case_sensitive,
                prefixes_reach_the_end_of_unicode,
                conditions_are_combined,
                conditions_find_documents_that_lack_other_fields,
                unique_keys_find_their_documents,
                undeclared_queries_are_refused,
                updates_move_documents_between_results,
            }
            reads {
                reads_are_answered_in_their_order,
                what_was_found_is_followed,
                what_was_not_found_is_followed_to_nothing,
                each_document_is_followed_to_its_own,
                reads_equal_single_ones_for_random_queries,
                reads_never_show_another_tenants_documents,
                a_read_shows_what_was_acknowledged_before,
                documents_that_change_meanwhile_are_whole,
            }
            terms {
                documents_are_found_by_the_beginnings_of_words,
                terms_page_in_the_order_of_their_index,
                terms_follow_updates_and_deletes,
                terms_are_compared_as_a_whole,
                a_refused_commit_leaves_terms_alone,
            }
            isolation {
                a_tenant_filter_never_shows_another_tenants_documents,
                results_equal_a_model_for_random_queries,
            }
            liveness {
                the_store_is_healthy,
                a_passed_deadline_is_a_timeout,
                commits_are_noticed,
                the_second_handle_sees_and_is_seen,
            }
        }
    };
    (@tests $make:ident; $($module:ident { $($promise:ident,)+ })+) => {
        $(mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let fixture = super::$make().await;
                    $crate::store::conformance::$module::$promise(&fixture).await;
                }
            )+
        })+
    };
}
