//! How an option is declared: its name, type, limits and everything the tools print about it.
//!
//! A declaration is plain borrowed data, so Cinder's tables are constants that cost nothing at
//! start-up, and a program with options of its own can build them at run time. Must not hold values.

use crate::kind::Kind;

/// One option, declared once; reading, checking, sample, dump and reference all come from it.
///
/// ```
/// use cinder_conf::Opt;
/// const WORKERS: Opt<'static> = Opt::integer("osapi_compute_workers").min(1).help("API processes.");
/// assert_eq!(WORKERS.dest, "osapi_compute_workers");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opt<'a> {
    /// Name as declared; may contain dashes.
    pub name: &'a str,
    /// Name in files and in code: the same with underscores.
    pub dest: &'a str,
    /// What it is for, one or more sentences.
    pub help: &'a str,
    /// Type and limits.
    pub kind: Kind<'a>,
    /// Value when nobody sets it.
    pub default: Fallback<'a>,
    /// Every occurrence counts, not only the last one.
    pub multi: bool,
    /// Shown as `****` everywhere.
    pub secret: bool,
    /// May change while the process runs.
    pub mutable: bool,
    /// Start fails without a value.
    pub required: bool,
    /// Listed last in samples: not for the first day.
    pub advanced: bool,
    /// Former names, in the order they are tried.
    pub aliases: &'a [Alias<'a>],
    /// Marked for removal.
    pub removal: Option<Removal<'a>>,
    /// Also an argument of the program.
    pub cli: Option<Cli<'a>>,
    /// What the sample shows instead of a default that depends on the machine.
    pub sample_default: Option<&'a str>,
}

/// A former name of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias<'a> {
    /// Former group; `None` is the option's own.
    pub group: Option<&'a str>,
    /// Former name; `None` is the option's own.
    pub name: Option<&'a str>,
}

impl<'a> Alias<'a> {
    /// A former name in the same group.
    pub const fn name(name: &'a str) -> Self {
        Self { group: None, name: Some(name) }
    }

    /// A former name in another group.
    pub const fn at(group: &'a str, name: &'a str) -> Self {
        Self { group: Some(group), name: Some(name) }
    }
}

/// Why and since when an option is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal<'a> {
    /// The reason, if one was given.
    pub reason: Option<&'a str>,
    /// The release that announced it.
    pub since: Option<&'a str>,
}

/// How an option shows on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cli<'a> {
    /// One-letter spelling.
    pub short: Option<char>,
    /// Placeholder in the help; `None` is the name in capitals.
    pub metavar: Option<&'a str>,
    /// Taken by position instead of by name.
    pub positional: bool,
}

/// What an option is worth when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fallback<'a> {
    /// None: the option reads as unset.
    Unset,
    /// Text, converted and substituted like text from a file.
    Text(&'a str),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Items of a list, or the occurrences of a multi-valued option.
    List(&'a [&'a str]),
    /// Keys and values.
    Dict(&'a [(&'a str, &'a str)]),
}

impl Fallback<'_> {
    /// Whether the option is unset by default.
    pub const fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }
}

impl<'a> Opt<'a> {
    /// An option of any type; `name` must be spelled with underscores (else add [`Opt::dest`]).
    pub const fn new(name: &'a str, kind: Kind<'a>) -> Self {
        Self {
            name,
            dest: name,
            help: "",
            kind,
            default: Fallback::Unset,
            multi: false,
            secret: false,
            mutable: false,
            required: false,
            advanced: false,
            aliases: &[],
            removal: None,
            cli: None,
            sample_default: None,
        }
    }

    /// Free text.
    pub const fn string(name: &'a str) -> Self {
        Self::new(name, Kind::STRING)
    }

    /// A truth value.
    pub const fn boolean(name: &'a str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    /// A whole number.
    pub const fn integer(name: &'a str) -> Self {
        Self::new(name, Kind::INTEGER)
    }

    /// A number.
    pub const fn float(name: &'a str) -> Self {
        Self::new(name, Kind::Float { min: None, max: None })
    }

    /// A TCP or UDP port.
    pub const fn port(name: &'a str) -> Self {
        Self::new(name, Kind::Port { min: Some(0), max: Some(65535), choices: &[] })
    }

    /// Comma-separated texts.
    pub const fn list(name: &'a str) -> Self {
        Self::new(name, Kind::LIST)
    }

    /// Comma-separated `key:value` pairs.
    pub const fn dict(name: &'a str) -> Self {
        Self::new(name, Kind::DICT)
    }

    /// A host name or an address.
    pub const fn host_address(name: &'a str) -> Self {
        Self::new(name, Kind::HostAddress { version: None })
    }

    /// A URI with scheme and host.
    pub const fn uri(name: &'a str) -> Self {
        Self::new(name, Kind::Uri { schemes: &[], max_length: None })
    }

    /// Text out of a fixed set.
    pub const fn choice(name: &'a str, choices: &'a [&'a str]) -> Self {
        Self::new(name, Kind::STRING.with_choices(choices))
    }

    /// Explains the option; own words, whole sentences.
    pub const fn help(mut self, help: &'a str) -> Self {
        self.help = help;
        self
    }

    /// Sets the name that files and code use, when the declared one contains dashes.
    pub const fn dest(mut self, dest: &'a str) -> Self {
        self.dest = dest;
        self
    }

    /// Sets the declared name where it differs from the name in files.
    pub const fn spelled(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    /// Sets a text default; also the way to write a default that refers to `$other`.
    pub const fn default_text(mut self, text: &'a str) -> Self {
        self.default = Fallback::Text(text);
        self
    }

    /// Sets any default.
    pub const fn default(mut self, default: Fallback<'a>) -> Self {
        self.default = default;
        self
    }

    /// Sets a whole-number default.
    pub const fn default_int(mut self, number: i64) -> Self {
        self.default = Fallback::Int(number);
        self
    }

    /// Sets a truth-value default.
    pub const fn default_bool(mut self, value: bool) -> Self {
        self.default = Fallback::Bool(value);
        self
    }

    /// Sets a numeric default.
    pub const fn default_float(mut self, number: f64) -> Self {
        self.default = Fallback::Float(number);
        self
    }

    /// Sets a list default.
    pub const fn default_list(mut self, items: &'a [&'a str]) -> Self {
        self.default = Fallback::List(items);
        self
    }

    /// Smallest accepted number.
    pub const fn min(mut self, min: i64) -> Self {
        self.kind = self.kind.with_min(min);
        self
    }

    /// Largest accepted number.
    pub const fn max(mut self, max: i64) -> Self {
        self.kind = self.kind.with_max(max);
        self
    }

    /// Makes every occurrence count.
    pub const fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    /// Hides the value everywhere.
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Lets a reload change the value.
    pub const fn mutable(mut self) -> Self {
        self.mutable = true;
        self
    }

    /// Makes a missing value an error.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Moves the option to the end of samples.
    pub const fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// Former names, in the order they are tried.
    pub const fn aliases(mut self, aliases: &'a [Alias<'a>]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Marks the option for removal.
    pub const fn removal(mut self, reason: Option<&'a str>) -> Self {
        self.removal = Some(Removal { reason, since: None });
        self
    }

    /// Makes the option an argument of the program, too.
    pub const fn cli(mut self) -> Self {
        self.cli = Some(Cli { short: None, metavar: None, positional: false });
        self
    }

    /// As [`Opt::cli`], with placeholder and one-letter spelling.
    pub const fn cli_as(mut self, short: Option<char>, metavar: Option<&'a str>) -> Self {
        self.cli = Some(Cli { short, metavar, positional: false });
        self
    }

    /// As [`Opt::cli`], but taken by position.
    pub const fn cli_positional(mut self) -> Self {
        self.cli = Some(Cli { short: None, metavar: None, positional: true });
        self
    }

    /// What the sample shows instead of a machine-dependent default.
    pub const fn sample_default(mut self, text: &'a str) -> Self {
        self.sample_default = Some(text);
        self
    }

    /// Marks the two built-in options whose value is the list of files or directories read.
    pub(crate) const fn multi_files(mut self) -> Self {
        self.default = Fallback::List(&[]);
        self
    }

    /// Used by [`section!`](crate::section): field name and doc comment complete a declaration.
    #[doc(hidden)]
    pub const fn field(mut self, dest: &'a str, help: &'a str) -> Self {
        self.dest = dest;
        if self.name.is_empty() {
            self.name = dest;
        }
        self.help = help;
        self
    }

    /// The help as one paragraph per blank line, without the layout of the source file.
    pub fn help_text(&self) -> String {
        let mut out = String::new();
        for line in self.help.lines().map(str::trim) {
            match line.is_empty() {
                true if out.is_empty() || out.ends_with('\n') => {}
                true => out.push('\n'),
                false => {
                    if !(out.is_empty() || out.ends_with('\n')) {
                        out.push(' ');
                    }
                    out.push_str(line);
                }
            }
        }
        out.trim_end().to_owned()
    }
}
