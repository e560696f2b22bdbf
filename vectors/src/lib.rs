//! Embeds the vector files, so that an installed binary works from any directory. No logic lives here.

use include_dir::{Dir, include_dir};

/// Everything below `vectors/`: one folder per scheme, `families/` and `schema/`.
pub static VECTORS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR");
