//! Reading the files again: `mutate` for a running daemon, `reload` for a program that restarts.
//!
//! New layers are read and judged completely before anything is replaced; a failure leaves
//! everything as it was.

use std::sync::Arc;

use super::{OsloConfig, lookup};
use crate::{
    error::LoadError,
    excerpt::excerpt,
    files,
    notice::{Notice, NoticeLevel},
    python,
    source::Store,
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
    /// Reads the files again and lets mutable options change.
    ///
    /// # Errors
    ///
    /// Everything wrong with the new files, including values of mutable options that are not of
    /// their type; the old configuration stays in force.
    pub fn mutate(&mut self) -> Result<Mutation, Vec<LoadError>> {
        let (store, errors) = self.read_again();
        if !errors.is_empty() {
            return Err(errors);
        }
        let before = std::mem::replace(&mut self.live, Arc::new(store));
        let mutable = self.options().filter(|(_, option)| option.mutable);
        let mut errors: Vec<LoadError> = mutable
            .filter_map(|(group, option)| self.find(group, option).err())
            .map(LoadError::Read)
            .collect();
        errors.extend(self.required_in_live());
        if !errors.is_empty() {
            self.live = before;
            return Err(errors);
        }
        Ok(self.difference(&before))
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

    fn read_again(&mut self) -> (Store, Vec<LoadError>) {
        let named = (self.config_file.clone(), self.config_dir.clone());
        let gathered = files::gather(&self.request);
        let (store, errors) = self.accept(gathered);
        if !errors.is_empty() {
            (self.config_file, self.config_dir) = named;
        }
        (store, errors)
    }

    fn required_in_live(&self) -> Vec<LoadError> {
        let required = self.options().filter(|(_, option)| option.required);
        let missing = required.filter(|(group, option)| {
            let text = self.in_layers(&self.live, group, option).pop();
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

    fn difference(&self, before: &Store) -> Mutation {
        let mut out = Mutation::default();
        for (group, option) in self.options() {
            let texts = |store| {
                let found = self.in_layers(store, group, option);
                found.into_iter().map(|(text, _)| text).collect::<Vec<_>>()
            };
            let (old, new) =
                (texts(if option.mutable { before } else { &self.frozen }), texts(&self.live));
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
