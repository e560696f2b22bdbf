//! Who judges: the vector format, recipes, binding, judging and results. No sockets, no async, and nothing
//! here knows how a subject verifies.

pub mod captured;
pub mod catalogue;
pub mod compose;
pub mod deviation;
pub mod drive;
pub mod entropy;
pub mod equivalent;
pub mod explain;
mod forge;
pub mod freeze;
pub mod frozen;
pub mod in_process;
pub mod judge;
pub mod lint;
pub mod login;
pub mod matrix;
pub mod measure;
mod message;
pub mod needs;
pub mod outlook;
pub mod play;
pub mod plot;
pub mod properties;
pub mod recipe;
pub mod redact;
pub mod resolve;
pub mod results;
pub mod run;
mod sealing;
pub mod signing;
pub mod subject;
pub mod suite;
pub mod vector;
pub mod written;
