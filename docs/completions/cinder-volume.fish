# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cinder_volume_global_optspecs
    string join \n backend_host= backend_name= config-dir= config-file= d/debug log-config-append= log-date-format= log-dir= log-file= nodebug nouse-journal nouse-json nouse-syslog shell_completion= state_path= syslog-log-facility= use-journal use-json use-syslog version h/help
end

function __fish_cinder_volume_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cinder_volume_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cinder_volume_using_subcommand
    set -l cmd (__fish_cinder_volume_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -l version -d 'Print the version and stop'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "config" -d 'Look at the configuration; touches neither network nor state'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "db" -d 'The embedded database'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "status" -d 'Print the service table, with what the health server of this node knows'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "report" -d 'Print what a running daemon and its workers are doing'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "call" -d 'Call a method of a volume service over the message bus and print what comes of it as JSON'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "volume" -d 'Volumes on one machine without OpenStack: writes the rows that its API would write and asks the service over the message bus'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "operations" -d 'Print what the back ends of the running daemon are doing, what waits, and the last 50 operations that have ended, by its health server'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "operation" -d 'One operation of a back end'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "drain" -d 'Have back ends of this configuration take no new work, also after a restart, and print what still runs'
complete -c cinder-volume -n "__fish_cinder_volume_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and not __fish_seen_subcommand_from check dump sample explain help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and not __fish_seen_subcommand_from check dump sample explain help" -f -a "check" -d 'Report every problem, with file and line'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and not __fish_seen_subcommand_from check dump sample explain help" -f -a "dump" -d 'Print every option in force and where it comes from'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and not __fish_seen_subcommand_from check dump sample explain help" -f -a "sample" -d 'Print an annotated sample file'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and not __fish_seen_subcommand_from check dump sample explain help" -f -a "explain" -d 'Print all that is known of one option'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and not __fish_seen_subcommand_from check dump sample explain help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l format -d 'How to print the problems' -r -f -a "text\t''
json\t''"
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -l strict -d 'Fail on warnings, too'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from dump" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from sample" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Report every problem, with file and line'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "dump" -d 'Print every option in force and where it comes from'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "sample" -d 'Print an annotated sample file'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "explain" -d 'Print all that is known of one option'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and not __fish_seen_subcommand_from init help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and not __fish_seen_subcommand_from init help" -f -a "init" -d 'Create the SQLite file if it does not exist'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and not __fish_seen_subcommand_from init help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "init" -d 'Create the SQLite file if it does not exist'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l check -d 'Exit 0 if all (or any) of this configuration\'s back ends, or the one of --backend_name, are up by their heartbeat; 3 if not' -r -f -a "all\t''
any\t''"
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l alive -d 'Exit 0 if the daemon with this process id still reacts; 3 if not' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -l watch -d 'Print it again every two seconds'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l pid -d 'The daemon, or one worker of it; without, the daemon of this configuration' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l worker -d 'Only the worker of this back end; may be given more than once' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l backend -d 'The back end to ask, as in enabled_backends, or a service as in its row' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l arg -d 'One argument; its value is JSON if it can be read so, and text if not' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l json -d 'All arguments as one JSON object' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l timeout -d 'Wait so long for an answer instead of rpc_response_timeout' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l rpc-version -d 'The version of the interface that is asked for; 3.20 by default' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l cast -d 'Ask without waiting for an answer'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "create" -d 'Make a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "clone" -d 'Make a volume with the data of another'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "list" -d 'Show all volumes'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "show" -d 'Show a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "extend" -d 'Make a volume larger'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "delete" -d 'Delete a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "snapshot" -d 'Snapshots of volumes'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "revert" -d 'Give a volume the data back that its latest snapshot has'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "connect" -d 'Make a volume reachable and print how; may hold secrets'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "disconnect" -d 'Take that back'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "orphans" -d 'Print what is stored without a row, and rows whose data are gone; changes nothing'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and not __fish_seen_subcommand_from create clone list show extend delete snapshot revert connect disconnect orphans help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l size -d 'Its size in GiB' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l name -d 'A name for it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l from-volume -d 'With the data of this volume' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l from-snapshot -d 'With the data of this snapshot' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l wait -d 'Wait until it is done'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -l force -d 'Also where a scheduler is alive, which does not count this volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l size -d 'Its size in GiB' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l name -d 'A name for it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l wait -d 'Wait until it is done'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -l force -d 'Also where a scheduler is alive, which does not count this volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from clone" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l size -d 'Its size in GiB' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l wait -d 'Wait until it is done'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -l force -d 'Also where a scheduler is alive, which does not count this volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from extend" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l wait -d 'Wait until it is done'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -l force -d 'Also where a scheduler is alive, which does not count this volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -f -a "create" -d 'Make a snapshot'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -f -a "list" -d 'Show all snapshots'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -f -a "delete" -d 'Delete a snapshot'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from snapshot" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l wait -d 'Wait until it is done'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -l force -d 'Also where a scheduler is alive, which does not count this volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from revert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from connect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from disconnect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l backend -d 'The back end, as in enabled_backends; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from orphans" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "clone" -d 'Make a volume with the data of another'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show all volumes'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "extend" -d 'Make a volume larger'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "snapshot" -d 'Snapshots of volumes'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "revert" -d 'Give a volume the data back that its latest snapshot has'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "connect" -d 'Make a volume reachable and print how; may hold secrets'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "disconnect" -d 'Take that back'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "orphans" -d 'Print what is stored without a row, and rows whose data are gone; changes nothing'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand volume; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l backend -d 'Only this back end, as in enabled_backends' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -l watch -d 'Print it again every two seconds'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operations" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and not __fish_seen_subcommand_from abandon help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and not __fish_seen_subcommand_from abandon help" -f -a "abandon" -d 'Give up an operation that a crash has interrupted and that is not running: its volume or snapshot gets the status that the original gives'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and not __fish_seen_subcommand_from abandon help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l backend -d 'Its back end; not needed if there is one only' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from abandon" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from help" -f -a "abandon" -d 'Give up an operation that a crash has interrupted and that is not running: its volume or snapshot gets the status that the original gives'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand operation; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l backend_host -d 'Name to use instead of `host` for one back end; has effect only in that back end\'s section' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l backend_name -d 'Run only this back end, in the foreground and without a supervisor' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l config-dir -d 'Directory whose *.conf files are read in the order of their names' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l config-file -d 'Configuration file to read; may be given several times, later ones win' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l log-config-append -l log-config -l log_config -d 'Logging configuration file in the format of Python\'s logging module' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l log-date-format -d 'Format of the date and time in a log line, as strftime takes it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l log-dir -l logdir -d 'Directory of the log file; alone it makes the service log to PROGRAM.log in it' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l log-file -l logfile -d 'File to log to; relative names are taken below log_dir' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l shell_completion -d 'Print a completion script for this shell and stop' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l state_path -d 'Directory below which the service keeps its own files' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l syslog-log-facility -d 'Facility under which syslog files the lines' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l backend -d 'Only this back end, as in enabled_backends' -r
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -s d -l debug -d 'Log at DEBUG instead of INFO'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l nodebug -d 'The opposite of --debug'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l nouse-journal -d 'The opposite of --use-journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l nouse-json -d 'The opposite of --use-json'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l nouse-syslog -d 'The opposite of --use-syslog'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l use-journal -d 'Send log lines to the systemd journal'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l use-json -d 'Write each record as a JSON object'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l use-syslog -d 'Send log lines to syslog as well'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l undo -d 'Have them take work again'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -l json -d 'Print JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand drain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "config" -d 'Look at the configuration; touches neither network nor state'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "db" -d 'The embedded database'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "status" -d 'Print the service table, with what the health server of this node knows'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "report" -d 'Print what a running daemon and its workers are doing'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "call" -d 'Call a method of a volume service over the message bus and print what comes of it as JSON'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "volume" -d 'Volumes on one machine without OpenStack: writes the rows that its API would write and asks the service over the message bus'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "operations" -d 'Print what the back ends of the running daemon are doing, what waits, and the last 50 operations that have ended, by its health server'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "operation" -d 'One operation of a back end'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "drain" -d 'Have back ends of this configuration take no new work, also after a restart, and print what still runs'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and not __fish_seen_subcommand_from config db status report call volume operations operation drain help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Report every problem, with file and line'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "dump" -d 'Print every option in force and where it comes from'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "sample" -d 'Print an annotated sample file'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "explain" -d 'Print all that is known of one option'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "init" -d 'Create the SQLite file if it does not exist'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "create" -d 'Make a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "clone" -d 'Make a volume with the data of another'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "list" -d 'Show all volumes'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "show" -d 'Show a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "extend" -d 'Make a volume larger'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "delete" -d 'Delete a volume'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "snapshot" -d 'Snapshots of volumes'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "revert" -d 'Give a volume the data back that its latest snapshot has'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "connect" -d 'Make a volume reachable and print how; may hold secrets'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "disconnect" -d 'Take that back'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from volume" -f -a "orphans" -d 'Print what is stored without a row, and rows whose data are gone; changes nothing'
complete -c cinder-volume -n "__fish_cinder_volume_using_subcommand help; and __fish_seen_subcommand_from operation" -f -a "abandon" -d 'Give up an operation that a crash has interrupted and that is not running: its volume or snapshot gets the status that the original gives'
