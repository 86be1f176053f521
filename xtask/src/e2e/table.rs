//! The one list of scenarios. A scenario's name is its function's name, read as a sentence.

use super::props::original::is_wanted;
use super::runner::Scenario;
use super::scenarios::{
    broker, broker_at_length, claims, clocks, command_line, container, crash, database_faults,
    database_servers, descriptors, first_moments, full_disk, health, inheritance, languages,
    layers, limits, log_options, log_reader, messages, notifications, operators, original,
    original_api, peer, phases, progress, refusals, registration, reload, report, reverts,
    rotation, samples, scale, service_methods, shared_sessions, signals, spawn, startup, storms,
    stray_memory, supervision, systemd, tls, topology, volumes,
};
use crate::servers::Kind;

macro_rules! rows {
    ($($module:ident::$name:ident)*) => {
        [$(Scenario { name: sentence(stringify!($name)), alone: false, on: None, run: $module::$name }),*]
    };
}

/// Those that take too long for every change: `cargo xtask scheduled long`.
pub(super) fn long_scenarios() -> Vec<Scenario> {
    Vec::from(rows! {
        storms::ten_thousand_deaths_leave_no_descriptor_no_byte_and_no_zombie
    })
}

/// Each operation with a crash at each of its steps: `cargo xtask scheduled crash`.
pub(super) fn crash_scenarios() -> Vec<Scenario> {
    Vec::from(rows! {
        crash::a_worker_killed_at_any_point_of_any_operation_loses_nothing
        crash::a_worker_killed_at_any_point_of_any_operation_over_rabbitmq_loses_nothing
        crash::an_operation_of_any_kind_that_always_kills_its_worker_ends
    })
}

/// The same with RabbitMQ nodes of their own: `cargo xtask scheduled "broker at length"`.
pub(super) fn long_broker_scenarios() -> Vec<Scenario> {
    let rows = rows! {
        broker_at_length::a_right_that_is_refused_on_one_queue_keeps_that_server_alone_from_serving
        broker_at_length::a_queue_that_the_broker_has_given_up_is_made_anew
        broker_at_length::a_queue_whose_node_is_away_is_told_and_served_anew_once_the_node_is_given_up
        broker::a_hup_has_the_broker_reached_as_another_user_and_no_message_is_lost
        operators::a_drained_back_end_at_a_broker_takes_no_work_until_that_is_undone
        broker_at_length::fifty_back_ends_are_all_back_after_their_broker
        broker_at_length::twenty_restarts_of_a_broker_lose_no_cast_and_carry_none_out_twice
    };
    rows.map(|scenario| Scenario { alone: true, ..scenario }).into()
}

/// Those with processes of the original, which are slow to start.
fn beside_the_original() -> Vec<Scenario> {
    let rows = rows! {
        topology::twelve_sets_of_options_lead_to_what_the_original_declares
        original::the_originals_scheduler_lists_our_pools_whoever_comes_first
        original::a_back_end_goes_from_the_original_to_us_and_back_with_messages_waiting
        notifications::the_originals_listener_hears_of_a_volume_from_its_beginning_to_its_end
    };
    rows.into_iter().filter(|_| is_wanted()).collect()
}

/// Every scenario that this machine's environment asks for, in the order of their start: first the
/// long ones that mostly wait, so that all others run beside them.
pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        all.extend(on(
            kind,
            rows! {
                database_servers::a_server_away_for_two_minutes_costs_no_worker_and_one_line_each
            },
        ));
    }
    all.extend(beside_the_original());
    all.extend(starting());
    all.extend(running());
    all.extend(faults());
    all.extend(outside());
    all.extend(health());
    all.extend(messages());
    all.extend(volumes());
    all.extend(operators());
    for kind in Kind::ALL {
        let peer = rows! { peer::we_start_on_a_database_that_the_python_cinder_manage_made };
        let peer = peer.into_iter().filter(|_| is_wanted());
        let own = match kind {
            Kind::MariaDb => Vec::from(rows! {
                shared_sessions::six_back_ends_share_twelve_prepared_statements
                shared_sessions::a_start_waits_for_a_prepared_statement
                tls::a_session_is_protected_as_the_url_asks_or_there_is_none
                tls::localhost_is_verified_by_name_over_both_ways
                tls::status_and_report_say_how_a_session_is_protected
                tls::a_url_that_cannot_be_obeyed_is_refused_with_file_and_line
            }),
            Kind::Postgres => Vec::from(rows! {
                shared_sessions::six_back_ends_beat_over_three_sessions_of_a_pooler
                shared_sessions::nothing_is_left_on_a_session_of_a_pooler
                tls::libpq_protects_a_session_as_the_url_asks
            }),
        };
        if kind == Kind::MariaDb && is_wanted() {
            all.extend(on(
                kind,
                rows! {
                    original_api::the_originals_api_has_volumes_made_used_and_deleted_by_us
                },
            ));
        }
        all.extend(on(kind, on_server().into_iter().chain(own).chain(peer)));
    }
    let alone = |scenario| Scenario { alone: true, ..scenario };
    all.extend(
        rows!(
            supervision::no_worker_outlives_a_killed_parent_by_a_second
            supervision::no_worker_outlives_a_parent_killed_while_it_starts
            supervision::a_crash_loop_of_one_worker_does_not_delay_its_siblings
            spawn::no_subprocess_outlives_a_killed_parent_by_a_second
            first_moments::two_hundred_terms_in_the_first_moments_are_all_obeyed
            first_moments::as_process_1_two_hundred_terms_in_the_first_moments_are_all_obeyed
            phases::a_term_at_any_moment_of_the_start_leaves_nothing_half_done
            phases::a_kill_at_any_moment_of_the_start_leaves_nothing_half_done
            phases::no_worker_outlives_a_parent_killed_while_it_replaces_workers
            storms::a_storm_of_100_000_signals_leaves_everything_as_it_was
            storms::two_thousand_deaths_leave_no_descriptor_no_byte_and_no_zombie
            scale::fifty_back_ends_come_up_survive_kills_and_stop
            rotation::logrotate_with_create_loses_no_line_of_fifty_workers
            rotation::logrotate_with_copytruncate_loses_no_line_and_leaves_no_hole
            rotation::rotation_by_size_loses_no_line_of_fifty_workers
        )
        .map(alone),
    );
    if is_wanted() {
        all.extend(rows! { peer::the_python_cinder_manage_accepts_our_database });
    }
    all
}

fn starting() -> Vec<Scenario> {
    Vec::from(rows! {
        startup::three_back_ends_come_up_with_rows_as_upstream_writes_them
        startup::a_restart_keeps_the_rows_and_counts_on
        startup::a_back_end_without_a_driver_is_down_with_the_reason
        startup::a_cluster_name_creates_one_cluster_row_per_back_end
        startup::backend_host_replaces_the_host_of_its_back_end_only
        startup::a_back_end_can_have_its_own_zone
        startup::new_services_start_disabled_when_the_operator_says_so
        startup::a_report_interval_of_zero_means_no_heartbeats
        startup::too_short_a_service_down_time_is_corrected_with_a_warning
        refusals::a_back_end_with_invalid_capabilities_is_left_out_and_the_others_run
        refusals::a_back_end_with_a_value_of_the_wrong_type_is_left_out_and_the_others_run
        refusals::nothing_runs_when_every_back_end_is_bad
        refusals::no_enabled_back_end_is_an_error_with_upstreams_words
        refusals::a_missing_file_is_named
        refusals::an_unreadable_file_is_named
        refusals::what_is_no_file_is_named_with_its_kind
        refusals::a_directory_that_cannot_be_read_is_named_with_the_reason
        refusals::an_unreadable_search_path_is_a_warning_or_an_error_in_every_command
        refusals::a_malformed_file_is_named_with_its_line
        refusals::defect_08_a_bad_value_in_default_stops_the_start_with_its_line
        refusals::every_bad_value_is_reported_at_once
        refusals::a_database_without_cinders_tables_is_refused_untouched
        refusals::a_database_of_an_unknown_version_that_lacks_something_is_refused_untouched
        refusals::a_database_of_a_later_version_is_used_with_one_warning
        refusals::a_database_that_cannot_be_reached_is_tried_as_often_as_configured
        refusals::a_database_that_comes_back_in_time_lets_the_start_go_on
        refusals::a_term_during_the_wait_for_the_database_ends_the_start
        layers::the_search_path_and_its_directories_are_read_in_order
        layers::the_environment_overrides_a_file
        layers::the_command_line_overrides_the_environment_and_says_so
        layers::an_option_can_be_explained_and_a_sample_printed
        command_line::version_prints_upstreams_number
        command_line::help_lists_every_option_of_upstream
        command_line::a_wrong_command_line_exits_2_and_says_why
        command_line::config_check_reports_problems_and_touches_nothing
        command_line::config_dump_masks_secrets
        command_line::db_init_makes_the_database_once
        command_line::status_tells_who_is_up_and_who_is_down
        progress::progress_is_shown_on_a_terminal_and_nowhere_else
        progress::a_slow_start_tells_a_terminal_how_far_it_is
        progress::a_watched_status_is_repainted_in_place_on_a_terminal
        progress::a_watched_status_ends_when_nobody_reads_it
    })
}

fn running() -> Vec<Scenario> {
    Vec::from(rows! {
        supervision::a_killed_worker_is_replaced_and_its_siblings_are_not_touched
        supervision::a_worker_that_is_told_to_stop_is_replaced_too
        supervision::an_interrupted_worker_exits_1_and_is_replaced
        supervision::usr1_replaces_the_workers_one_after_the_other
        supervision::the_watchdog_replaces_a_frozen_worker_and_no_other
        supervision::one_back_end_can_run_alone_in_process
        supervision::a_back_end_name_that_is_not_enabled_is_refused
        signals::term_stops_everything_and_exits_0
        signals::five_terms_still_mean_a_clean_stop
        signals::a_hup_during_the_drain_changes_nothing
        signals::a_term_to_the_whole_group_is_a_clean_stop
        signals::a_term_during_the_start_is_a_clean_stop
        signals::an_interrupt_exits_1_at_once
        signals::an_interrupt_during_the_drain_exits_1_at_once
        signals::a_hung_worker_is_killed_when_the_graceful_timeout_has_passed
        reload::a_hup_applies_debug_and_keeps_every_process
        reload::a_hup_does_not_apply_what_needs_a_restart
        reload::a_hup_reaches_the_driver_and_so_do_workers_that_come_later
        reload::a_hup_with_a_broken_file_changes_nothing
        reload::a_hup_with_a_bad_value_changes_nothing
        reload::a_hup_with_files_that_are_none_holds_nobody_up
        reload::a_hup_with_ten_thousand_unknown_options_is_over_at_once
        reload::a_burst_of_hups_keeps_every_process
        reload::a_hup_while_back_ends_start_loses_none_of_them
        reload::a_hup_in_the_foreground_of_a_terminal_is_a_clean_stop
        reload::a_hup_reloads_a_daemon_whose_terminal_is_gone
        database_faults::a_purged_row_is_recreated_with_a_new_uuid
        database_faults::a_soft_deleted_row_is_recreated_with_a_new_uuid
        database_faults::a_locked_database_is_reported_once_and_survived
        database_faults::a_term_while_the_database_is_locked_is_a_clean_stop
        database_faults::a_full_disk_is_reported_once_and_survived
        database_faults::a_start_on_a_full_disk_leaves_no_half_database
        spawn::the_spawn_launcher_runs_one_subprocess_per_back_end
        spawn::a_subprocess_at_the_process_limit_is_never_there_twice
        spawn::a_killed_subprocess_is_replaced_and_its_siblings_are_not_touched
    })
}

fn faults() -> Vec<Scenario> {
    Vec::from(rows! {
        limits::a_worker_that_cannot_be_forked_comes_when_the_process_limit_is_lifted
        limits::a_start_without_room_for_a_process_waits_for_it
        limits::a_worker_without_descriptors_comes_when_the_limit_is_lifted
        limits::a_reload_without_descriptors_changes_nothing
        limits::a_start_with_too_few_descriptors_says_so_or_works
        limits::a_hidden_proc_changes_nothing
        clocks::a_monotonic_clock_may_begin_anywhere
        clocks::jumps_of_the_wall_clock_delay_nothing
        inheritance::closed_standard_streams_change_nothing
        inheritance::ignored_and_blocked_signals_are_not_passed_on
        phases::a_term_while_the_configuration_is_read_ends_the_start
        phases::a_term_during_the_registration_ends_the_start
        first_moments::children_of_the_starter_do_not_stay_as_zombies
        first_moments::nobody_else_may_read_what_the_daemon_makes
        first_moments::what_the_starter_left_open_reaches_no_subprocess
        first_moments::a_log_file_at_its_size_limit_ends_nobody
        claims::two_daemons_share_no_back_end_and_each_serves_its_own
        claims::a_back_end_stays_with_its_daemon_over_reloads_and_restarts
        claims::a_back_end_that_runs_alone_is_claimed_too
        claims::a_killed_daemon_leaves_its_back_ends_to_the_next_at_once
        claims::a_first_start_with_everything_below_state_path_makes_it
        claims::without_a_state_path_there_is_one_warning_and_no_local_bus
        registration::who_supervises_reports_and_reloads_while_the_database_is_locked
        registration::a_registration_that_is_killed_is_an_error_and_ends_the_start
        phases::a_parent_killed_while_the_configuration_is_read_leaves_nothing
        phases::a_parent_killed_during_the_registration_leaves_nothing
        phases::a_parent_killed_while_it_waits_for_a_database_leaves_nothing
        phases::no_worker_outlives_a_parent_killed_during_the_drain
    })
}

fn outside() -> Vec<Scenario> {
    Vec::from(rows! {
        container::as_process_1_it_reaps_orphans_that_are_not_its_own
        container::as_process_1_it_does_not_take_its_reporters_for_orphans
        container::as_process_1_it_reaps_a_thousand_orphans_and_keeps_its_workers
        container::as_process_1_the_spawn_launcher_reaps_a_thousand_orphans_too
        descriptors::defect_15_a_worker_holds_only_what_is_its_own
        descriptors::defect_13_the_parent_opens_no_database_on_a_hup
        descriptors::the_parent_does_not_collect_descriptors_over_restarts
        systemd::the_service_manager_hears_of_start_reload_and_stop
        systemd::a_start_that_fails_is_never_called_ready
        systemd::the_watchdog_is_fed_when_asked_for
        log_reader::a_reader_of_the_log_that_stops_does_not_stop_supervision
        log_reader::a_stop_does_not_wait_for_the_reader_of_the_log
        log_reader::a_log_without_a_reader_does_not_stop_supervision
        log_options::with_use_json_every_line_is_an_object_with_the_originals_keys
        log_options::a_file_of_handlers_takes_the_place_of_the_options_and_a_hup_reads_it_again
        log_options::logging_that_cannot_be_set_up_ends_the_start_with_its_reason
        samples::the_sample_unit_is_valid_and_exposes_little
        samples::the_sample_probes_tell_a_daemon_that_is_well_from_one_that_is_not
        samples::the_samples_give_a_stop_the_time_it_needs
        report::a_report_is_written_on_usr2_and_the_service_goes_on
        report::a_report_shows_threads_that_hang_in_a_locked_database
        report::a_burst_of_50_report_signals_does_no_harm
        report::a_touched_file_asks_for_a_report_as_the_signal_does
        report::the_report_command_prints_parent_and_workers
        report::the_report_command_says_whom_it_does_not_find
        report::a_report_that_nobody_reads_holds_up_nothing
        report::a_report_from_other_namespaces_is_given_or_says_why_it_cannot_be
    })
}

/// These scenarios on a database of this kind of server.
fn on(kind: Kind, scenarios: impl IntoIterator<Item = Scenario>) -> impl Iterator<Item = Scenario> {
    scenarios.into_iter().map(move |scenario| Scenario {
        name: format!("{} on {}", scenario.name, kind.name()),
        on: Some(kind),
        ..scenario
    })
}

fn health() -> Vec<Scenario> {
    Vec::from(rows! {
        health::health_is_told_while_the_database_is_locked_and_workers_stand_still
        health::liveness_is_that_of_the_supervisor
        health::a_thousand_idle_and_slow_clients_of_the_health_server_harm_nobody
        health::a_health_server_that_is_killed_comes_back_and_counts_as_nothing
        health::a_health_server_has_no_database_and_its_parent_no_socket
        health::without_forked_workers_there_is_a_warning_and_no_health_server
        health::a_health_server_without_its_port_harms_nobody_and_gets_it_later
        health::a_health_server_stays_to_tell_of_a_drain
        health::status_joins_the_rows_with_what_the_health_server_knows
        health::the_overview_fits_a_phone
        stray_memory::a_scoreboard_full_of_nonsense_harms_neither_supervisor_nor_health_server
    })
}

fn messages() -> Vec<Scenario> {
    Vec::from(rows! {
        messages::a_call_is_answered_as_the_original_answers_it
        messages::who_asks_whether_somebody_is_there_is_told_if_that_is_wanted
        service_methods::levels_of_the_log_are_changed_and_asked_for_while_a_worker_runs
        service_methods::schedulers_are_told_at_the_start_now_and_then_and_when_they_ask
        service_methods::schedulers_are_told_in_the_words_of_the_oldest_and_a_hup_looks_again
        messages::a_stop_amid_calls_leaves_none_without_an_answer
        messages::casts_survive_a_worker_that_is_killed_again_and_again
        messages::a_hup_says_that_another_bus_needs_a_restart
        messages::a_socket_in_use_is_left_to_its_owner_until_it_ends
        messages::another_user_is_turned_away
        messages::a_bus_that_is_not_there_stops_no_heartbeat
        messages::a_transport_url_that_is_none_is_refused_with_file_and_line
        messages::messages_are_counted_and_reported
        topology::options_that_cannot_be_followed_are_refused_with_file_and_line
        broker::a_back_end_serves_over_a_broker_that_comes_and_goes
        broker::a_stop_needs_no_broker_and_a_call_says_that_there_is_none
        broker::a_hup_has_the_broker_reached_at_another_address_and_no_message_is_lost
        notifications::a_broker_that_is_away_delays_no_operation_and_no_stop
        notifications::who_tells_nobody_has_no_thread_for_it_and_says_what_is_in_vain
    })
}

fn volumes() -> Vec<Scenario> {
    Vec::from(rows! {
        reverts::a_volume_gets_the_data_of_its_latest_snapshot_back_whatever_kills_the_worker
        volumes::volumes_come_and_go_on_one_machine
        service_methods::schedulers_hear_at_once_that_a_deleted_volume_has_made_room
        volumes::a_worker_killed_between_any_two_steps_loses_no_volume
        volumes::bad_requests_for_volumes_get_the_class_that_their_callers_expect
        volumes::what_is_not_carried_out_yet_is_refused_and_leaves_nothing_on_its_way
        volumes::without_a_place_for_records_operations_are_carried_out_all_the_same
        volumes::what_is_known_of_an_image_goes_along_with_its_data
        full_disk::a_full_state_path_fails_what_is_asked_for_and_leaves_nothing_half_done
        volumes::an_operation_that_kills_its_worker_each_time_is_given_up
        volumes::a_driver_that_fails_or_does_not_know_is_asked_and_fails_nothing_else
        crash::a_stop_under_twenty_operations_finishes_them_or_hands_them_back
        crash::two_services_that_clean_up_the_same_touch_each_volume_once
        crash::a_create_whose_entry_is_the_schedulers_is_not_missed
    })
}

fn operators() -> Vec<Scenario> {
    Vec::from(rows! {
        operators::operators_see_what_runs_what_waits_and_what_has_ended
        operators::what_is_taken_up_after_a_crash_is_shown_as_what_it_was
        operators::a_drained_back_end_takes_no_work_until_that_is_undone
        operators::an_interrupted_operation_can_be_given_up_and_a_running_one_cannot
        operators::what_nobody_will_finish_is_told_and_what_is_stored_without_a_row
    })
}

/// What is run once on each kind of database server.
fn on_server() -> Vec<Scenario> {
    Vec::from(rows! {
        health::health_and_status_are_told_while_a_server_is_away
        database_servers::back_ends_get_rows_as_upstream_writes_them
        database_servers::a_cluster_is_created_once_and_joined
        database_servers::two_daemons_that_start_at_once_share_one_row_per_back_end
        database_servers::a_database_without_tables_is_refused_and_left_alone
        database_servers::the_schema_of_a_later_release_is_used_with_one_warning
        database_servers::an_unknown_schema_that_lacks_something_is_refused_and_left_alone
        database_servers::the_schema_of_an_earlier_release_is_refused_and_left_alone
        languages::a_start_waits_for_a_connection_whatever_the_server_speaks
        languages::a_wrong_password_ends_a_start_whatever_the_server_speaks
        database_servers::a_wrong_password_is_an_error_that_does_not_show_it
        database_servers::the_parent_has_no_connection_and_a_worker_two_at_most
        database_servers::a_server_that_crashes_during_the_registration_leaves_no_half_row
        registration::a_stop_does_not_wait_for_a_server_that_never_answers
        registration::a_stop_of_a_back_end_alone_does_not_wait_for_a_mute_server_either
        registration::a_parent_killed_while_a_server_is_mute_leaves_nothing
        systemd::the_watchdog_is_fed_while_a_server_is_mute
        database_servers::a_mute_connection_is_noticed_and_replaced
        database_servers::a_server_without_free_connections_is_survived
        database_servers::a_server_that_turns_read_only_is_survived
        database_servers::a_start_waits_for_a_server_that_is_not_there_yet
        database_faults::a_purged_row_is_recreated_with_a_new_uuid
        database_faults::a_soft_deleted_row_is_recreated_with_a_new_uuid
        startup::a_restart_keeps_the_rows_and_counts_on
        startup::new_services_start_disabled_when_the_operator_says_so
    })
}

fn sentence(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_scenarios_share_a_name() {
        let all = scenarios();
        let names: BTreeSet<_> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.contains("term stops everything and exits 0"));
    }
}
