//! Who judges: the vector format, recipes, binding, judging and results. No sockets, no async, and nothing
//! here knows how a subject verifies.

pub mod results;
