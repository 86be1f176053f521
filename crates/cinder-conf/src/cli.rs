//! The command line that follows from declared options: `clap` does the parsing, refusals read and
//! exit as upstream's do (`spec/config.md` §7).
//!
//! Must not print or exit: a refusal is returned as text, stream and code. The program may add
//! arguments and subcommands of its own to [`Arguments::command`].

mod wording;

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, builder::ValueParser};

use self::wording::Said;
use crate::{kind::Kind, option::Opt, request::Item};

/// What to print and how to exit instead of going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For the standard output; `--help` and `--version` go here.
    pub stdout: String,
    /// For the standard error.
    pub stderr: String,
    /// Exit code: 0 after help and version, 2 for a wrong command line.
    pub code: u8,
}

/// One way to write an option on the command line.
#[derive(Debug, Clone)]
struct Argument<'a> {
    /// `GROUP.dest`, and a marker for the negation.
    id: String,
    group: &'a str,
    option: &'a Opt<'a>,
    /// Long spellings without dashes, the proper one first.
    spellings: Vec<String>,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Value,
    Yes,
    No,
    Positional,
}

/// The arguments of a program, made from its options.
#[derive(Debug, Clone)]
pub struct Arguments<'a> {
    arguments: Vec<Argument<'a>>,
}

impl<'a> Arguments<'a> {
    /// Arguments for those options that are declared for the command line.
    pub fn new(options: impl IntoIterator<Item = (&'a str, &'a Opt<'a>)>) -> Self {
        let mut arguments = Vec::new();
        for (group, option) in options {
            let Some(cli) = option.cli else { continue };
            let id = format!("{group}.{}", option.dest);
            let prefix = prefix(group);
            let role = match option.kind {
                _ if cli.positional => Role::Positional,
                Kind::Boolean => Role::Yes,
                _ => Role::Value,
            };
            let mut spellings = vec![format!("{prefix}{}", option.name)];
            for alias in option.aliases {
                let group = alias.group.unwrap_or(group);
                let name = alias.name.unwrap_or(option.name);
                spellings.push(format!("{}{name}", self::prefix(group)));
            }
            if role == Role::Yes {
                let spellings = vec![format!("{prefix}no{}", option.name)];
                let id = format!("{id} no");
                arguments.push(Argument { id, group, option, spellings, role: Role::No });
            }
            arguments.push(Argument { id, group, option, spellings, role });
        }
        arguments.sort_by(|a, b| a.spellings.cmp(&b.spellings));
        Self { arguments }
    }

    /// A `clap` command with these arguments.
    pub fn command(&self, program: &str, version: &str) -> Command {
        Command::new(program.to_owned())
            .bin_name(program.to_owned())
            .version(version.to_owned())
            .infer_long_args(true)
            .disable_help_subcommand(true)
            .args(self.args())
            // `-V` is not upstream's.
            .disable_version_flag(true)
            .arg(
                Arg::new("version")
                    .long("version")
                    .action(ArgAction::Version)
                    .help("Print the version and stop"),
            )
    }

    /// The arguments alone, to be accepted by a subcommand as well.
    pub fn args(&self) -> Vec<Arg> {
        self.arguments.iter().map(Argument::to_clap).collect()
    }

    /// Parses words (without the program name) with `command`.
    ///
    /// # Errors
    ///
    /// [`Refusal`] for help, version and every wrong command line.
    pub fn parse(&self, command: Command, words: &[OsString]) -> Result<ArgMatches, Refusal> {
        let program = command.get_name().to_owned();
        let version = command.get_version().unwrap_or_default().to_owned();
        let mut command = command;
        // Only then it knows of its `help`, and what its subcommands are called in full.
        command.build();
        let subcommands: Vec<String> = command
            .get_subcommands()
            .flat_map(|sub| {
                let aliases = sub.get_all_aliases().map(str::to_owned);
                aliases.chain([sub.get_name().to_owned()]).collect::<Vec<_>>()
            })
            .collect();
        let all = std::iter::once(OsString::from(&program)).chain(words.iter().cloned());
        let failure = match command.try_get_matches_from_mut(all) {
            Ok(matches) if !words.iter().any(|word| word == "--") => return Ok(matches),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        use clap::error::ErrorKind as Kind;
        let version = || Refusal { stdout: format!("{version}\n"), stderr: String::new(), code: 0 };
        match failure.as_ref().map(clap::Error::kind) {
            Some(Kind::DisplayVersion) => return Err(version()),
            Some(Kind::DisplayHelp) => {
                let stdout = failure.map(|error| error.to_string()).unwrap_or_default();
                return Err(Refusal { stdout, stderr: String::new(), code: 0 });
            }
            _ => {}
        }
        let wrong = |usage: String, message: &str| {
            let stderr = format!("{usage}{program}: error: {message}\n");
            Refusal { stdout: String::new(), stderr, code: 2 }
        };
        Err(match (self.diagnose(words, &subcommands), failure) {
            (Some(Said::Version), _) => version(),
            (Some(Said::Wrong(message)), _) => wrong(self.usage(&program), &message),
            (Some(Said::Strangers(strangers)), _) => {
                let message = format!("unrecognized arguments: {}", strangers.join(" "));
                let meant = strangers.first().and_then(|word| self.meant(word, &subcommands));
                let meant = meant.map(|meant| format!("\n  did you mean {meant}?"));
                wrong(self.usage(&program), &(message + &meant.unwrap_or_default()))
            }
            (None, Some(error)) => wrong(
                wording::usage_of_subcommand(&mut command, words),
                &wording::own_words(&error),
            ),
            (None, None) => wrong(self.usage(&program), "unrecognized arguments: --"),
        })
    }

    /// What the matches say, in the order of the command line.
    ///
    /// For a subcommand that accepts [`Arguments::args`], call this on both matches and chain.
    pub fn items(&self, matches: &ArgMatches) -> Vec<Item> {
        let mut found: Vec<(usize, Item)> = Vec::new();
        for argument in &self.arguments {
            // A subcommand may take only some of the arguments.
            let Ok(Some(values)) = matches.try_get_many::<String>(&argument.id) else { continue };
            let indices = matches.indices_of(&argument.id).into_iter().flatten();
            found.extend(indices.zip(values).map(|(at, text)| (at, argument.item(text))));
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, item)| item).collect()
    }
}

impl Argument<'_> {
    fn to_clap(&self) -> Arg {
        let help = match self.role {
            Role::No => format!("The opposite of --{}", self.positive()),
            _ => self.option.help_text(),
        };
        let arg = Arg::new(self.id.clone())
            .help(help)
            .action(ArgAction::Append)
            .value_parser(ValueParser::string());
        if self.role == Role::Positional {
            return arg.value_name(self.option.dest.to_owned());
        }
        let mut spellings = self.spellings.iter().cloned();
        let arg = arg
            .long(spellings.next().unwrap_or_default())
            .visible_aliases(spellings.collect::<Vec<_>>());
        let arg = match self.short() {
            Some(short) => arg.short(short),
            None => arg,
        };
        match self.role {
            Role::Value => arg.value_name(self.metavar()).allow_negative_numbers(true),
            role => {
                let value = if role == Role::Yes { "true" } else { "false" };
                arg.num_args(0).default_missing_value(value)
            }
        }
    }

    fn positive(&self) -> String {
        format!("{}{}", prefix(self.group), self.option.name)
    }

    fn short(&self) -> Option<char> {
        self.option.cli.and_then(|cli| cli.short).filter(|_| self.role != Role::No)
    }

    fn metavar(&self) -> String {
        let given = self.option.cli.and_then(|cli| cli.metavar).map(str::to_owned);
        given.unwrap_or_else(|| self.positive().replace('-', "_").to_uppercase())
    }

    fn item(&self, text: &str) -> Item {
        let text = text.to_owned();
        match (self.group, self.option.dest) {
            ("DEFAULT", "config_file") => Item::File(text),
            ("DEFAULT", "config_dir") => Item::Directory(text),
            (group, dest) => Item::Value { group: group.to_owned(), dest: dest.to_owned(), text },
        }
    }
}

fn prefix(group: &str) -> String {
    if group == "DEFAULT" { String::new() } else { format!("{group}-") }
}
