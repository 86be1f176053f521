//! From addresses to functions, files and lines, by what the program's files say.
//!
//! One file after the other is mapped, asked and given back. A file that has been replaced since
//! the program started would give wrong names; then there are none. Must not: fail because of one
//! file, or look at one that this process does not execute.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::MetadataExt;

use addr2line::Context;
use gimli::{EndianSlice, LittleEndian, SectionId};
use object::{Object, ObjectSection, SymbolMap, SymbolMapName};

use super::StackFrame;
use super::modules::Module;
use crate::sys::FileMap;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// The functions at each address, the innermost first: inlined ones stand before their callers.
pub(super) fn look_up(
    modules: &[Module],
    addresses: &BTreeSet<u64>,
) -> BTreeMap<u64, Vec<StackFrame>> {
    let mut names = BTreeMap::new();
    for module in modules {
        let inside: Vec<u64> = addresses.range(module.range.clone()).copied().collect();
        if inside.is_empty() {
            continue;
        }
        let file = open(module).and_then(|file| FileMap::of(&file).ok());
        let mut lookup = file.as_deref().and_then(Lookup::new);
        for address in inside {
            let at = address - module.bias;
            let found = lookup.as_mut().map(|lookup| lookup.frames(at)).unwrap_or_default();
            let frames = if found.is_empty() { vec![bare(&module.path, at)] } else { found };
            names.insert(address, frames);
        }
    }
    for address in addresses {
        names.entry(*address).or_insert_with(|| vec![bare("unknown code", *address)]);
    }
    names
}

/// What can be said without a name: enough to look it up elsewhere.
fn bare(path: &str, at: u64) -> StackFrame {
    StackFrame { function: format!("{path}+{at:#x}"), file: None, line: None }
}

/// The file that the code was loaded from, if it is still there.
fn open(module: &Module) -> Option<File> {
    if !module.path.starts_with('/') {
        return None;
    }
    // The running program can be opened even after it has been replaced or deleted.
    let is_module = |file: &File| file.metadata().is_ok_and(|data| data.ino() == module.inode);
    let program = File::open("/proc/self/exe").ok().filter(is_module);
    program.or_else(|| File::open(&module.path).ok().filter(is_module))
}

/// An opened file.
struct Lookup<'a> {
    lines: Option<Context<Bytes<'a>>>,
    symbols: SymbolMap<SymbolMapName<'a>>,
}

impl<'a> Lookup<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let file = object::File::parse(bytes).ok()?;
        let section = |id: SectionId| -> Result<Bytes<'a>, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|found| found.data().ok());
            Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        };
        let lines = gimli::Dwarf::load(section).and_then(Context::from_dwarf).ok();
        Some(Self { lines, symbols: file.symbol_map() })
    }

    fn frames(&mut self, at: u64) -> Vec<StackFrame> {
        let mut all = Vec::new();
        if let Some(lines) = &self.lines
            && let Ok(mut found) = lines.find_frames(at).skip_all_loads()
        {
            while let Ok(Some(frame)) = found.next() {
                let name = frame.function.as_ref().and_then(|name| name.raw_name().ok());
                let place = frame.location;
                all.push(StackFrame {
                    function: name.map_or_else(|| "??".to_owned(), |name| readable(&name)),
                    file: place.as_ref().and_then(|place| place.file).map(source),
                    line: place.and_then(|place| place.line),
                });
            }
        }
        let symbol = self.symbols.containing(at).map(|symbol| readable(symbol.name()));
        // Line tables alone know a function by its last name only; the symbol has all of them. It
        // is that of the function which the others are inlined into.
        match (all.last_mut(), symbol) {
            (Some(outermost), Some(symbol)) => outermost.function = symbol,
            (Some(_), None) => {}
            (None, symbol) => {
                all.extend(symbol.map(|function| StackFrame { function, file: None, line: None }))
            }
        }
        all
    }
}

/// A source file; one of Rust's own libraries without the long name of their commit.
fn source(file: &str) -> String {
    let inside = file.strip_prefix("/rustc/").and_then(|rest| rest.split_once('/'));
    inside.map_or(file, |(_commit, inside)| inside).to_owned()
}

/// A name as its source has it, without the hash that the compiler appends.
fn readable(name: &str) -> String {
    // A version of a symbol, `read@@GLIBC_2.2.5`, is of no interest here.
    let name = name.split('@').next().unwrap_or(name);
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacks::modules;

    #[test]
    fn an_address_has_a_name_a_file_and_a_line() {
        let here = an_address_has_a_name_a_file_and_a_line as fn() as usize as u64;
        let names = look_up(&modules::loaded(), &BTreeSet::from([here, 1]));
        let frame = names[&here].last().unwrap();
        assert!(frame.function.ends_with("::an_address_has_a_name_a_file_and_a_line"), "{frame:?}");
        assert!(frame.file.as_ref().unwrap().ends_with("stacks/symbols.rs"), "{frame:?}");
        assert!(frame.line.is_some());
        assert_eq!(names[&1][0].function, "unknown code+0x1");
    }

    #[test]
    fn a_source_file_is_shown_as_one_would_look_for_it() {
        assert_eq!(source("/rustc/0123/library/std/src/rt.rs"), "library/std/src/rt.rs");
        assert_eq!(source("/usr/src/a.c"), "/usr/src/a.c");
    }

    #[test]
    fn a_file_that_was_replaced_gives_no_names() {
        let here = a_file_that_was_replaced_gives_no_names as fn() as usize as u64;
        let mut modules = modules::loaded();
        let ours = modules.iter_mut().find(|module| module.range.contains(&here)).unwrap();
        ours.inode += 1;
        let place = format!("{}+{:#x}", ours.path, here - ours.bias);
        assert_eq!(look_up(&modules, &BTreeSet::from([here]))[&here][0].function, place);
    }
}
