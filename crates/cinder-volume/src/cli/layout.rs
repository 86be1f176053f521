//! How help looks: the first sentence for `-h`, all of it for `--help`, within 80 columns; what the configuration has,
//! under a heading of its own. Must not: know any argument.

use clap::{Arg, Command};

/// Columns of a terminal that nobody has widened, less a margin.
const WIDTH: usize = 78;
/// Columns in front of the help of an argument, in its long form.
const INDENT: usize = 10;
/// Longest name of a subcommand, and what stands around it.
const NAMES: usize = 16;

/// The heading of what stands in files as well.
const HEADING: &str = "Configuration";

/// The command with its texts laid out, and those of all its subcommands.
pub(super) fn of(command: Command) -> Command {
    let about = command.get_about().map(ToString::to_string);
    let command = match about {
        Some(about) => {
            let short = folded(first_sentence(&about), WIDTH - NAMES);
            command.about(short).long_about(folded(&about, WIDTH))
        }
        None => command,
    };
    command.mut_args(argument).mut_subcommands(of)
}

fn argument(arg: Arg) -> Arg {
    let help = arg.get_help().map(ToString::to_string);
    let arg = match help {
        Some(help) => {
            // Former spellings and choices stand behind it, in brackets.
            let aliases =
                arg.get_visible_aliases().map(|all| format!(" [aliases: {}]", all.join(", ")));
            let help = format!("{help}{}", aliases.unwrap_or_default());
            let short = folded(first_sentence(&help), WIDTH - INDENT);
            arg.help(short).long_help(folded(&help, WIDTH - INDENT))
        }
        None => arg,
    };
    // Whoever declares an option gives it its group: GROUP.NAME.
    let is_option = arg.get_id().as_str().contains('.');
    if is_option { arg.help_heading(HEADING) } else { arg }
}

/// The first sentence, without its full stop.
fn first_sentence(text: &str) -> &str {
    text.split(". ").next().unwrap_or(text).trim_end_matches('.')
}

/// The text with a line break wherever a line would be too long.
fn folded(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(folded("one two three", 7), "one two\nthree");
        assert_eq!(folded("much-too-long a", 4), "much-too-long\na");
        assert_eq!(first_sentence("One. Two."), "One");
        assert_eq!(first_sentence("All 1.5 of it."), "All 1.5 of it");
    }
}
