//! `docs/man` and `docs/completions`, made of the definition of the command line; `UPDATE_EXPECT=1 cargo test -p
//! cinder-volume --lib papers` writes them anew.

use std::io::Write as _;
use std::process::{Command as Process, Stdio};

use cinder_conf::cinder;
use clap::{Arg, ArgAction, Command};
use clap_complete::Shell;
use expect_test::expect_file;

const NAME: &str = "cinder-volume";

fn definition() -> Command {
    let mut command = super::command(&cinder::arguments(), NAME);
    command.build();
    command
}

fn script(shell: Shell) -> String {
    super::script(shell, &mut super::command(&cinder::arguments(), NAME))
}

/// Text for troff: no dash is a hyphen, no line is a request.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let safe = |line: &str| match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}"),
        false => line.to_owned(),
    };
    text.lines().map(safe).collect::<Vec<_>>().join("\n")
}

/// `-d, --debug` or `--format <FORMAT>`.
fn spelling(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let mut all = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    let names = arg.get_value_names().unwrap_or_default();
    if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
        && arg.get_num_args() != Some(0.into())
    {
        let name = names.first().map_or_else(|| arg.get_id().to_string(), ToString::to_string);
        let equals = if arg.is_require_equals_set() { "[=" } else { "" };
        all += &match (all.is_empty(), equals) {
            (true, _) => format!("<{name}>"),
            (false, "") => format!(" <{name}>"),
            (false, _) => format!("[=<{name}>]"),
        };
    }
    all
}

fn arguments(out: &mut String, command: &Command, is_common: bool) {
    let is_wanted =
        |arg: &&Arg| arg.get_help_heading().is_some() == is_common && !arg.is_hide_set();
    for arg in command.get_arguments().filter(is_wanted) {
        let help =
            arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let values: Vec<String> =
            arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        // Flags have two as well, which nobody writes.
        let takes = arg.get_action().takes_values()
            && !values.is_empty()
            && arg.get_num_args() != Some(0.into());
        let values =
            if takes { format!("\nOne of: {}.", values.join(", ")) } else { String::new() };
        *out += &format!(".TP\n\\fB{}\\fR\n{}\n", plain(&spelling(arg)), plain(&(help + &values)));
    }
}

fn subcommands(out: &mut String, command: &Command, path: &str) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("{path} {}", sub.get_name());
        let about =
            sub.get_long_about().or(sub.get_about()).map(ToString::to_string).unwrap_or_default();
        if sub.has_subcommands() {
            subcommands(out, sub, &name);
            continue;
        }
        let usage = sub.clone().render_usage().to_string();
        let usage = usage.trim().trim_start_matches("Usage: ").to_owned();
        *out += &format!(
            ".SS {}\n{}\n.PP\n\\fB{}\\fR\n",
            plain(name.trim()),
            plain(&about),
            plain(&usage)
        );
        arguments(out, sub, false);
    }
}

fn manual() -> String {
    let command = definition();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut out = format!(
        ".\\\" Made of the definition of the command line by a test of cinder-volume; do not edit.\n\
         .TH CINDER\\-VOLUME 8 \"\" \"Cinder {}\" \"System administration\"\n.SH NAME\ncinder\\-volume \\- {}\n\
         .SH SYNOPSIS\n\\fBcinder\\-volume\\fR [OPTIONS] [COMMAND]\n.SH DESCRIPTION\n\
         Without a command the service runs in the foreground until it gets SIGTERM, which lets what is running come to\n\
         an end; SIGINT ends it at once, SIGHUP has it read its configuration again.\n.SH OPTIONS\n",
        super::UPSTREAM_VERSION,
        plain(&about),
    );
    arguments(&mut out, &command, false);
    out += ".SH CONFIGURATION\nThese may stand in front of a command and behind it. They win over the files that are named\nbefore them.\n";
    arguments(&mut out, &command, true);
    out += ".SH COMMANDS\n";
    subcommands(&mut out, &command, "");
    out += ".SH FILES\n/etc/cinder/cinder.conf, and what \\-\\-config\\-file and \\-\\-config\\-dir name.\n";
    out
}

#[test]
fn the_manual_is_the_one_in_the_documents() {
    expect_file!["../../../../docs/man/cinder-volume.8"].assert_eq(&manual());
}

#[test]
fn the_completions_are_those_in_the_documents() {
    expect_file!["../../../../docs/completions/cinder-volume.bash"].assert_eq(&script(Shell::Bash));
    expect_file!["../../../../docs/completions/_cinder-volume"].assert_eq(&script(Shell::Zsh));
    expect_file!["../../../../docs/completions/cinder-volume.fish"].assert_eq(&script(Shell::Fish));
}

#[test]
fn every_subcommand_and_every_argument_is_in_the_manual() {
    fn walk(command: &Command, manual: &str) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            for arg in sub.get_arguments() {
                let word = arg.get_long().map(|long| format!("--{long}"));
                let word = plain(&word.unwrap_or_default());
                assert!(manual.contains(&word), "{} {word}", sub.get_name());
            }
            walk(sub, manual);
        }
    }
    let manual = manual();
    walk(&definition(), &manual);
    for name in ["config check", "volume snapshot create", "operation abandon", "drain"] {
        assert!(manual.contains(&format!("\n.SS {name}\n")), "{name}");
    }
}

/// What each of these lines offers for its last word, and the shells have to.
const OFFERED: [(&str, &str); 8] = [
    ("st", "status"),
    ("status --ch", "--check"),
    ("config ex", "explain"),
    ("config check --str", "--strict"),
    ("config check --format j", "json"),
    ("volume snapshot cr", "create"),
    ("volume create --from-s", "--from-snapshot"),
    ("--config-f", "--config-file"),
];

/// What a shell prints that is given this program; skipped where there is no such shell.
fn run(shell: &str, arguments: &[&str], program: &str) -> Option<Vec<String>> {
    let mut command = Process::new(shell);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        test_conditions::skip(&format!("{shell} is not installed"));
        return None;
    };
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{out:?}");
    Some(String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_and_their_arguments() {
    for (line, wanted) in OFFERED {
        let program = format!(
            "{}\nCOMP_WORDS=({NAME} {line})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             function=$(complete -p {NAME} | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
             $function {NAME} \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            script(Shell::Bash)
        );
        let Some(offered) = run("bash", &["--norc", "--noprofile"], &program) else { return };
        assert_eq!(offered, [wanted], "{line:?}");
    }
}

#[test]
fn fish_completes_commands_and_their_arguments() {
    for (line, wanted) in OFFERED {
        let program = format!("{}\ncomplete -C '{NAME} {line}'\n", script(Shell::Fish));
        let Some(offered) = run("fish", &["--no-config"], &program) else { return };
        // Behind each is what it is for.
        let words = offered.iter().filter_map(|one| one.split('\t').next());
        assert_eq!(words.collect::<Vec<_>>(), [wanted], "{line:?}");
    }
}

/// It completes at a terminal only, so one shell has another one at a terminal, presses the key, and looks at what is
/// handed to `compadd`.
#[test]
fn zsh_completes_commands_and_their_arguments() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    std::fs::write(directory.path().join("_cinder-volume"), script(Shell::Zsh)).unwrap();
    let inner = format!(
        "PROMPT= TMOUT=60\nfpath=({place} $fpath)\nautoload -Uz compinit && compinit -u -D\nbindkey '^I' complete-word\n\
         compadd() {{\n\
         [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]] && {{ builtin compadd \"$@\"; return }}\n\
         local -a offered\nbuiltin compadd -O offered \"$@\"\nprint -rl -- $offered >> {place}/offered\n\
         builtin compadd \"$@\"\n}}\ncomppostfuncs=(exit)\n"
    );
    std::fs::write(directory.path().join("inner"), inner).unwrap();
    for (line, wanted) in OFFERED {
        let program = format!(
            "zmodload zsh/zpty\nzpty inner zsh -f -i\nzpty -w inner 'source {place}/inner'\n\
             zpty -w -n inner '{NAME} {line}'$'\\t'\nwhile zpty -r inner line; do :; done\n\
             cat {place}/offered; rm {place}/offered\n"
        );
        let Some(offered) = run("zsh", &["-f", "-s"], &program) else { return };
        assert_eq!(offered, [wanted], "{line:?}");
    }
}
