//! The vectors that the binary carries, as a folder. It must not touch the disk.

use bearproof_conform::suite::Folder;
use bearproof_vectors::VECTORS;

/// The embedded vectors.
pub(crate) struct Embedded;

impl Folder for Embedded {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        VECTORS.get_file(path).map(|f| f.contents().to_vec()).ok_or_else(|| "there is no such file".into())
    }

    fn list(&self, path: &str) -> Vec<String> {
        let dir = if path.is_empty() { Some(&VECTORS) } else { VECTORS.get_dir(path) };
        let entries = dir.into_iter().flat_map(include_dir::Dir::entries);
        let name =
            |e: &include_dir::DirEntry<'_>| e.path().file_name().map(|n| n.to_string_lossy().into_owned());
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.sort();
        names
    }

    fn name(&self, path: &str) -> String {
        format!("vectors/{path}")
    }
}
