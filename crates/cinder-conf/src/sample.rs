//! Annotated samples in the layout of upstream's generator (`spec/config.md` §10).
//!
//! Must not know Cinder: it prints the tables it is given.

use std::fmt::{self, Write};

use crate::{
    kind::Kind,
    option::{Alias, Opt},
    oslo::plain_default,
};

/// Width that comments are wrapped to.
const WIDTH: usize = 70;

/// One section of a sample: a group, where its options come from, and the options.
#[derive(Debug, Clone, Copy)]
pub struct SampleSection<'s, 'a> {
    /// Name between the brackets.
    pub group: &'s str,
    /// Who declares the options; shown as a banner.
    pub source: &'s str,
    /// The options in the order shown; advanced ones move to the end.
    pub options: &'s [&'a Opt<'a>],
}

/// Writes an annotated sample. Sections come out in the order given.
pub fn sample(sections: &[SampleSection<'_, '_>]) -> String {
    let mut out = String::new();
    for (at, section) in sections.iter().enumerate() {
        if at > 0 {
            out.push_str("\n\n");
        }
        write_section(&mut out, section).expect("a String takes any text");
    }
    out
}

fn write_section(out: &mut String, section: &SampleSection<'_, '_>) -> fmt::Result {
    writeln!(out, "[{}]\n\n#\n# From {}\n#", section.group, section.source)?;
    let (advanced, plain): (Vec<&&Opt<'_>>, Vec<_>) =
        section.options.iter().partition(|option| option.advanced);
    for option in plain.into_iter().chain(advanced) {
        out.push('\n');
        write_option(out, section.group, option)?;
    }
    Ok(())
}

fn write_option(out: &mut String, group: &str, option: &Opt<'_>) -> fmt::Result {
    let mut help = option.help_text();
    if option.removal.is_some() {
        help.insert_str(0, "DEPRECATED: ");
    }
    let kind = option.kind.sample_name(option.multi);
    for paragraph in format!("{help} ({kind})").lines() {
        comment(out, paragraph)?;
    }
    limits(out, &option.kind)?;
    if option.mutable {
        writeln!(out, "# Note: This option can be changed without restarting.")?;
    }
    for Alias { group: old_group, name } in option.aliases {
        let (old_group, name) = (old_group.unwrap_or(group), name.unwrap_or(option.dest));
        writeln!(out, "# Deprecated group/name - [{old_group}]/{name}")?;
    }
    if let Some(removal) = option.removal {
        let since = removal.since.map(|since| format!(" since {since}")).unwrap_or_default();
        writeln!(out, "# This option is deprecated for removal{since}.")?;
        writeln!(out, "# Its value may be silently ignored in the future.")?;
        if let Some(reason) = removal.reason {
            comment(out, &format!("Reason: {reason}"))?;
        }
    }
    if option.advanced {
        writeln!(out, "# Advanced Option: intended for advanced users and not used")?;
        writeln!(out, "# by the majority of users, and might have a significant")?;
        writeln!(out, "# effect on stability and/or performance.")?;
    }
    if let Some(shown) = option.sample_default {
        writeln!(out, "#\n# This option has a sample default set, which means that")?;
        writeln!(out, "# its actual default value may vary from the one documented")?;
        writeln!(out, "# below.")?;
        return writeln!(out, "#{} = {shown}", option.dest);
    }
    for text in default_texts(option) {
        let line = format!("#{} = {text}", option.dest);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn limits(out: &mut String, kind: &Kind<'_>) -> fmt::Result {
    let number = |out: &mut String, name: &str, limit: Option<String>| match limit {
        Some(limit) => writeln!(out, "# {name} value: {limit}"),
        None => Ok(()),
    };
    let choices = match kind {
        Kind::Integer { min, max, choices } | Kind::Port { min, max, choices } => {
            number(out, "Minimum", min.map(|n| n.to_string()))?;
            number(out, "Maximum", max.map(|n| n.to_string()))?;
            choices.iter().map(ToString::to_string).collect()
        }
        Kind::Float { min, max } => {
            number(out, "Minimum", min.map(|n| n.to_string()))?;
            number(out, "Maximum", max.map(|n| n.to_string()))?;
            Vec::new()
        }
        Kind::String(text) => text.choices.iter().map(|choice| (*choice).to_owned()).collect(),
        _ => Vec::new(),
    };
    if choices.is_empty() {
        return Ok(());
    }
    let shown = choices.iter().map(|c| if c.is_empty() { "''" } else { c }).collect::<Vec<_>>();
    writeln!(out, "# Possible values: {}", shown.join(", "))
}

/// The default as one would write it: one text, or one per occurrence.
fn default_texts(option: &Opt<'_>) -> Vec<String> {
    match plain_default(option) {
        crate::Value::List(items) if option.multi => match items.is_empty() {
            true => vec![String::new()],
            false => items.iter().map(crate::Value::to_ini).collect(),
        },
        other => vec![other.to_ini()],
    }
}

/// The default on one line; nothing for an option that is unset.
#[cfg(feature = "cinder")]
pub(crate) fn default_text(option: &Opt<'_>) -> Option<String> {
    (!option.default.is_unset()).then(|| default_texts(option).join(", "))
}

/// Wraps a text to comment lines.
fn comment(out: &mut String, text: &str) -> fmt::Result {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{line}")?;
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}")
}
