//! Reading the files again: `mutate` for a running daemon, `reload` for a program that restarts.
//!
//! New layers are read and judged completely before anything is replaced; a failure leaves
//! everything as it was.

use std::sync::Arc;

use super::{OsloConfig, lookup};
use crate::{
    error::{LoadError, ReadError},
    excerpt::excerpt,
    files::{self, Gathered},
    notice::{Notice, NoticeLevel},
    python,
    source::{LayerName, Occurrence, Store},
    value::Value,
};

/// A mutable option that changed; raw texts, as upstream compares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Group of the option.
    pub group: String,
    /// The option, as declared.
    pub name: String,
    /// Texts before; empty when unset.
    pub old: Vec<String>,
    /// Texts after; empty when unset.
    pub new: Vec<String>,
    /// Whether to hide both.
    pub secret: bool,
    /// Whether both are lists.
    pub multi: bool,
}

impl Change {
    fn show(&self, texts: &[String]) -> String {
        if self.secret {
            return "****".to_owned();
        }
        if self.multi && !texts.is_empty() {
            let all: Vec<String> = texts.iter().map(|text| python::repr(text)).collect();
            return excerpt(&format!("[{}]", all.join(", "))).into_owned();
        }
        texts.last().map_or("None".to_owned(), |text| excerpt(text).into_owned())
    }
}

/// The raw texts of mutable options as a review has found them: all that another process with the
/// same configuration needs to follow, without reading a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Renewal {
    /// Files that a text stands in, in reading order; nothing for the command line.
    layers: Vec<Option<String>>,
    texts: Vec<RawText>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct RawText {
    section: String,
    key: String,
    /// Position in `layers`.
    layer: usize,
    line: u32,
    text: String,
}

impl Renewal {
    /// What these layers say under these names.
    fn of(store: &Store, names: impl Iterator<Item = (String, String)>) -> Self {
        let mut texts = Vec::new();
        for (section, key) in names {
            for one in store.occurrences(&section, &key) {
                texts.push(RawText {
                    section: section.clone(),
                    key: key.clone(),
                    layer: one.rank,
                    line: one.line,
                    text: one.text.clone(),
                });
            }
        }
        let mut used: Vec<usize> = texts.iter().map(|text| text.layer).collect();
        used.sort_unstable();
        used.dedup();
        for text in &mut texts {
            text.layer = used.partition_point(|rank| *rank < text.layer);
        }
        let name = |rank: &usize| match store.layers.get(*rank) {
            Some(LayerName::File(path)) => Some(path.clone()),
            _ => None,
        };
        Self { layers: used.iter().map(name).collect(), texts }
    }

    fn store(&self) -> Store {
        let layer = |name: &Option<String>| match name {
            Some(path) => LayerName::File(path.clone()),
            None => LayerName::CommandLine,
        };
        let texts = self.texts.iter().map(|one| {
            let found = Occurrence { rank: one.layer, line: one.line, text: one.text.clone() };
            (one.section.clone(), one.key.clone(), found)
        });
        Store::of_few(self.layers.iter().map(layer).collect(), texts)
    }
}

/// What reading the files again has led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutation {
    /// Options that read differently from now on; DEFAULT first, then by name.
    pub changed: Vec<Change>,
    /// Immutable options whose change has no effect, as `GROUP.NAME`.
    pub ignored: Vec<String>,
    /// Log records, in order.
    pub notices: Vec<Notice>,
}

impl<'a> OsloConfig<'a> {
    /// Reads the files again and lets mutable options change: [`review`](Self::review), then
    /// [`renew`](Self::renew).
    ///
    /// # Errors
    ///
    /// Everything wrong with the new files, including values of mutable options that are not of
    /// their type; the old configuration stays in force.
    pub fn mutate(&mut self) -> Result<Mutation, Vec<LoadError>> {
        let (mutation, renewal) = self.review()?;
        self.renew(&renewal)?;
        Ok(mutation)
    }

    /// Reads the files again and says what would change; changes nothing.
    ///
    /// What it answers can be handed to other processes with the same configuration.
    ///
    /// # Errors
    ///
    /// As [`mutate`](Self::mutate).
    pub fn review(&self) -> Result<(Mutation, Renewal), Vec<LoadError>> {
        let Gathered { layers, errors, .. } = files::gather(&self.request);
        let mut errors: Vec<LoadError> = errors.into_iter().map(LoadError::File).collect();
        let store = Store::build(layers).unwrap_or_else(|error| {
            errors.push(LoadError::Merge(error));
            Store::default()
        });
        if errors.is_empty() { self.compare(&store) } else { Err(errors) }
    }

    /// Says what would change with these layers.
    pub(crate) fn compare(&self, after: &Store) -> Result<(Mutation, Renewal), Vec<LoadError>> {
        let mut errors = self.unreadable_with(after);
        errors.extend(self.required_in(after));
        if !errors.is_empty() {
            return Err(errors);
        }
        let mutable = self.options().filter(|(_, option)| option.mutable);
        let names = mutable.flat_map(|(group, option)| lookup::names(group, option));
        Ok((self.difference(after), Renewal::of(after, names)))
    }

    /// Puts in force what a review has found, here or in another process.
    ///
    /// # Errors
    ///
    /// When a mutable option could not be read then; nothing has changed in that case.
    pub fn renew(&mut self, renewal: &Renewal) -> Result<(), Vec<LoadError>> {
        let store = renewal.store();
        let errors = self.unreadable_with(&store);
        if !errors.is_empty() {
            return Err(errors);
        }
        self.live = Arc::new(store);
        Ok(())
    }

    /// What an option will read once this is in force.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_after(
        &self,
        renewal: &Renewal,
        group: &str,
        name: &str,
    ) -> Result<Value, ReadError> {
        let (shown, option) = (group.to_owned(), name.to_owned());
        let missing = || ReadError::NoSuchOption { group: shown, name: option };
        let group = self.group(group);
        let found = group.and_then(|group| Some((group, group.table.get(name)?)));
        let (group, option) = found.ok_or_else(missing)?;
        self.find_with(group, option, &renewal.store()).map(|found| found.value)
    }

    fn unreadable_with(&self, live: &Store) -> Vec<LoadError> {
        let mutable = self.options().filter(|(_, option)| option.mutable);
        let read = mutable.map(|(group, option)| self.find_with(group, option, live));
        read.filter_map(Result::err).map(LoadError::Read).collect()
    }

    /// Reads the files again and lets every option change.
    ///
    /// # Errors
    ///
    /// As [`OsloConfig::load`]; the old configuration stays in force.
    pub fn reload(&mut self) -> Result<(), Vec<LoadError>> {
        let (store, errors) = self.read_again();
        let store = Arc::new(store);
        let (frozen, live) = (
            std::mem::replace(&mut self.frozen, Arc::clone(&store)),
            std::mem::replace(&mut self.live, store),
        );
        self.finish(errors).inspect_err(|errors| {
            self.frozen = frozen;
            self.live = live;
            if let Some(error) = errors.first() {
                let text = format!("Caught Error while reloading configure files: {error}");
                self.notices.push(NoticeLevel::Warning, text);
            }
        })
    }

    /// For [`reload`](Self::reload), which replaces everything.
    fn read_again(&mut self) -> (Store, Vec<LoadError>) {
        let named = (self.config_file.clone(), self.config_dir.clone());
        let gathered = files::gather(&self.request);
        let (store, errors) = self.accept(gathered);
        if !errors.is_empty() {
            (self.config_file, self.config_dir) = named;
        }
        (store, errors)
    }

    fn required_in(&self, live: &Store) -> Vec<LoadError> {
        let required = self.options().filter(|(_, option)| option.required);
        let missing = required.filter(|(group, option)| {
            let text = self.in_layers(live, group, option).pop();
            let blank = text.is_none_or(|(text, _)| {
                option.kind.parse(&text).is_ok_and(|value| value.is_none())
            });
            blank
                && option.default.is_unset()
                && lookup::set(&self.defaults, group, option).is_none()
                && lookup::set(&self.overrides, group, option).is_none()
                && self.in_environment(group, option).is_none()
        });
        missing
            .map(|(group, option)| LoadError::Required {
                group: group.name.clone(),
                option: option.name.to_owned(),
            })
            .collect()
    }

    fn difference(&self, after: &Store) -> Mutation {
        let mut out = Mutation::default();
        for (group, option) in self.options() {
            let before = if option.mutable { &self.live } else { &self.frozen };
            // Most options of most back ends are set nowhere, neither before nor after.
            let own = |store: &Store| !store.occurrences(&group.folded, option.dest).is_empty();
            if option.aliases.is_empty() && !own(before) && !own(after) {
                continue;
            }
            let texts = |store| {
                let found = self.in_layers(store, group, option);
                found.into_iter().map(|(text, _)| text).collect::<Vec<_>>()
            };
            let (old, new) = (texts(before), texts(after));
            if old == new {
                continue;
            }
            let (group, name) = (group.name.clone(), option.name.to_owned());
            match option.mutable {
                true => out.changed.push(Change {
                    group,
                    name,
                    old,
                    new,
                    secret: option.secret,
                    multi: option.multi,
                }),
                false => out.ignored.push(format!("{group}.{name}")),
            }
        }
        out.changed.sort_by(|a, b| {
            let key = |c: &Change| (c.group != "DEFAULT", c.group.clone(), c.name.clone());
            key(a).cmp(&key(b))
        });
        let ignored = out.ignored.iter().map(|name| Notice {
            level: NoticeLevel::Warning,
            text: format!("Ignoring change to immutable option {name}"),
        });
        let changed = out.changed.iter().map(|change| Notice {
            level: NoticeLevel::Info,
            text: format!(
                "Option {}.{} changed from [{}] to [{}]",
                change.group,
                change.name,
                change.show(&change.old),
                change.show(&change.new)
            ),
        });
        out.notices = ignored.chain(changed).collect();
        out
    }
}
