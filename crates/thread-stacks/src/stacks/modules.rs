//! The program and its libraries as they are in memory: where, from which file, how to unwind.
//!
//! All of it is read from memory, which is right even if a package upgrade has replaced the files.
//! Must not: fail because of one module; it is left out.

use std::ops::Range;

use framehop::ExplicitModuleSectionInfo;
use gimli::{BaseAddresses, EhFrameHdr, LittleEndian, Pointer};
use object::elf::{FileHeader64, PF_X, PT_GNU_EH_FRAME, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::sys::{page_size, read_own};

/// An ELF file begins with its headers; those of ours fit into much less.
const HEADERS: usize = 4096;
/// Unwind tables beyond this are not ours.
const MAX_TABLE: u64 = 256 << 20;

/// A file whose code is in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// As the kernel names it; `[vdso]` is the kernel's own.
    pub(super) path: String,
    pub(super) inode: u64,
    /// What to add to an address of the file to get one in memory.
    pub(super) bias: u64,
    /// Its addresses in memory.
    pub(super) range: Range<u64>,
    /// Where its index of unwind tables is, as an address of the file.
    index: Option<Range<u64>>,
    /// Where the memory ends that the tables are in.
    tables_end: u64,
}

/// Every module, in order of address.
pub(super) fn loaded() -> Vec<Module> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter_map(first_of_file).filter_map(Module::read).collect()
}

/// The start of a mapping that a file, or the kernel's own library, begins with.
fn first_of_file(line: &str) -> Option<(u64, u64, &str)> {
    // start-end mode offset device inode path
    let mut fields = line.splitn(6, ' ');
    let (start, _) = fields.next()?.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let readable = fields.next()?.starts_with('r');
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    let path = fields.next()?.trim_start();
    let is_code = path.starts_with('/') || path == "[vdso]";
    (readable && offset == 0 && is_code).then_some((start, inode, path))
}

impl Module {
    /// Reads the headers of a file that is mapped at `start`; none if it holds no code.
    fn read((start, inode, path): (u64, u64, &str)) -> Option<Self> {
        let bytes = read_own(start, HEADERS)?;
        let header = FileHeader64::<object::LittleEndian>::parse(&*bytes).ok()?;
        let endian = header.endian().ok()?;
        let parts = header.program_headers(endian, &*bytes).ok()?;
        let loads = || parts.iter().filter(|part| part.p_type(endian) == PT_LOAD);
        let end_of = |part: &object::elf::ProgramHeader64<_>| {
            part.p_vaddr(endian).saturating_add(part.p_memsz(endian))
        };
        loads().find(|part| part.p_flags(endian) & PF_X != 0)?;
        let first = loads().map(|part| part.p_vaddr(endian)).min()?;
        let last = loads().map(end_of).max()?;
        let bias = start.checked_sub(first - first % page_size())?;
        let index = parts.iter().find(|part| part.p_type(endian) == PT_GNU_EH_FRAME);
        let index = index.map(|part| part.p_vaddr(endian)..end_of(part));
        let around = |at: u64| {
            let within = |part: &&object::elf::ProgramHeader64<_>| {
                (part.p_vaddr(endian)..end_of(part)).contains(&at)
            };
            loads().find(within).map(end_of)
        };
        let tables_end = index.as_ref().and_then(|index| around(index.start)).unwrap_or(0);
        let range = start..bias.checked_add(last)?;
        Some(Self { path: path.to_owned(), inode, bias, range, index, tables_end })
    }

    /// Its unwind tables, copied for the unwinder.
    pub(super) fn unwind_data(&self) -> Option<framehop::Module<Vec<u8>>> {
        let copy = |range: &Range<u64>| {
            let length = range.end.checked_sub(range.start).filter(|length| *length < MAX_TABLE)?;
            read_own(self.bias.checked_add(range.start)?, usize::try_from(length).ok()?)
        };
        let index = self.index.clone()?;
        let index_bytes = copy(&index)?;
        let bases = BaseAddresses::default().set_eh_frame_hdr(index.start);
        let parsed = EhFrameHdr::new(&index_bytes, LittleEndian).parse(&bases, 8).ok()?;
        let Pointer::Direct(tables) = parsed.eh_frame_ptr() else { return None };
        let tables = tables..self.tables_end;
        let sections = ExplicitModuleSectionInfo {
            eh_frame: Some(copy(&tables)?),
            eh_frame_svma: Some(tables),
            eh_frame_hdr: Some(index_bytes),
            eh_frame_hdr_svma: Some(index),
            ..Default::default()
        };
        Some(framehop::Module::new(self.path.clone(), self.range.clone(), self.bias, sections))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_start_of_a_file_counts() {
        let line = "7f1200000000-7f1200028000 r--p 00000000 fe:01 131 /usr/lib/with space.so";
        let first = (0x7f12_0000_0000, 131, "/usr/lib/with space.so");
        assert_eq!(first_of_file(line), Some(first));
        for line in [
            "7f1200028000-7f12001bd000 r-xp 00028000 fe:01 131       /usr/lib/libc.so.6",
            "7f1200000000-7f1200028000 rw-p 00000000 00:00 0 ",
            "7f1200000000-7f1200028000 rw-p 00000000 00:00 0         [heap]",
            "7f1200000000-7f1200028000 ---p 00000000 fe:01 131       /usr/lib/libc.so.6",
            "",
        ] {
            assert_eq!(first_of_file(line), None, "{line}");
        }
    }

    #[test]
    fn this_program_and_its_libraries_can_be_unwound() {
        let modules = loaded();
        let program = std::env::current_exe().unwrap();
        let here = this_program_and_its_libraries_can_be_unwound as fn() as usize as u64;
        let ours = modules.iter().find(|module| module.range.contains(&here)).unwrap();
        assert_eq!(ours.path, program.to_string_lossy());
        assert!(ours.unwind_data().is_some());
        let libc = modules.iter().find(|module| module.path.contains("libc.so")).unwrap();
        assert!(libc.unwind_data().is_some());
    }
}
