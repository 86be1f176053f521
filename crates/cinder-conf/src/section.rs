//! Typed sections: one declaration makes the option, its documentation and a field of a struct.
//!
//! Must not read anything; the struct is filled by [`OsloConfig::section`](crate::OsloConfig::section).

use crate::option::Opt;

/// A struct whose fields are the options of one group, or of one topic in a large group.
pub trait Section: serde::de::DeserializeOwned {
    /// The group the options stand in; for a back end's options `backend_defaults`.
    const GROUP: &'static str;
    /// The declarations, in the order of the fields.
    const OPTIONS: &'static [Opt<'static>];
}

/// Declares a section: options, their help (the doc comments) and a struct with a field for each.
///
/// ```
/// use cinder_conf::{Opt, OsloConfig, Request, Section, section};
/// section! {
///     /// Options of `[api]`.
///     pub struct Api in "api" {
///         /// Processes that answer requests.
///         workers: i64 = Opt::integer("").default_int(2).min(1);
///         /// Address to listen on.
///         listen: Option<String> = Opt::host_address("");
///     }
/// }
/// let mut config = OsloConfig::new();
/// config.declare_all(Api::GROUP, Api::OPTIONS).unwrap();
/// config.load(Request::new("demo", "demo", "/")).unwrap();
/// let api: Api = config.section(Api::GROUP).unwrap();
/// assert_eq!((api.workers, api.listen), (2, None));
/// ```
#[macro_export]
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident in $group:literal {
            $( $(#[doc = $help:literal])+ $field:ident : $type:ty = $declaration:expr; )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, ::serde::Deserialize)]
        $vis struct $name {
            $( $(#[doc = $help])+ pub $field: $type, )*
        }

        impl $crate::Section for $name {
            const GROUP: &'static str = $group;
            const OPTIONS: &'static [$crate::Opt<'static>] = &[
                $( $declaration.field(stringify!($field), concat!($($help, "\n"),+)), )*
            ];
        }
    };
}
