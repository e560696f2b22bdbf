//! The tests of the binary, in one program: it is linked once, and no test waits for those of another file. It must
//! not hold tests itself.

#[path = "../common/mod.rs"]
mod common;

mod broken_files;
mod canary;
mod captured_request;
mod deviations;
mod explain;
mod explain_program;
mod fuzz;
mod hostile;
mod journal;
mod load;
mod login;
mod marked;
mod measured;
mod profiles;
mod reference;
mod repeat;
mod schemes;
mod serve;
mod sharding_examples;
mod shards;
mod side_by_side;
mod wrong_servers;
