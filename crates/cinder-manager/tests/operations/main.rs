//! Operations on a real database with a driver that does what a test wants, called as the bus calls them.

mod bad_input;
mod drivers;
mod patience;
mod pretend;
mod reverts;
mod stand;
mod statements;
mod told;
