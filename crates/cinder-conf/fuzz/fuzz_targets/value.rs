//! Any text as a value of every type, references included: no panic, no endless unfolding.

#![no_main]

use cinder_conf::{Kind, Opt, OsloConfig, Request};
use libfuzzer_sys::fuzz_target;

static OPTIONS: [Opt<'static>; 8] = [
    Opt::string("a"),
    Opt::list("b"),
    Opt::dict("c"),
    Opt::integer("d"),
    Opt::float("e"),
    Opt::uri("f"),
    Opt::host_address("g"),
    Opt::new("h", Kind::List { item: &Kind::DICT, bounds: true, min_length: None, max_length: None }),
];

fuzz_target!(|text: &str| {
    let mut config = OsloConfig::new();
    config.declare_all("DEFAULT", &OPTIONS).expect("the declarations are right");
    let mut request = Request::new("fuzz", "fuzz", "/");
    request.search_defaults = false;
    let texts = text.split('\n').map(str::to_owned);
    let names = OPTIONS.iter().map(|option| format!("OS_DEFAULT__{}", option.dest.to_uppercase()));
    request.environment = names.zip(texts).collect();
    drop(config.load(request));
    drop(config.effective());
});
