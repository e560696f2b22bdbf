//! What the tests of the binary share: a folder of their own, a way to run it, profiles. It must not judge.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

pub(crate) mod seen;
pub(crate) mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that is gone when the test ends.
pub(crate) struct Temp(pub(crate) PathBuf);

impl Temp {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("bearproof-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a run of the binary ended, with `DIR` for the folder in its texts.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary in a folder.
pub(crate) fn bearproof(folder: &Temp, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearproof"));
    let output = command.args(arguments).current_dir(&folder.0).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(folder.0.to_str().unwrap(), "DIR");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The published vectors.
pub(crate) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// Copies the files of a folder, and those of its folders.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Writes `SCHEME.toml`: the scheme's published world as a profile for the server at `address`, keys beside it.
pub(crate) fn profile(folder: &Path, scheme: &str, address: &str) -> PathBuf {
    let published = vectors().join(scheme);
    let world = fs::read_to_string(published.join("world.toml")).unwrap();
    let (head, rest) = world.split_once("\n[").unwrap();
    let head: Vec<&str> = head.lines().filter(|line| !line.starts_with("clock")).collect();
    let permit = r#"permit = ["side-effects", "denial-of-service", "injection"]"#;
    let connect = format!("[connect]\naddress = \"{address}\"\n{permit}\n");
    let text = format!("{}\nscheme = \"{scheme}\"\n\n{connect}\n[{rest}", head.join("\n"));
    let file = folder.join(format!("{scheme}.toml"));
    fs::write(&file, text).unwrap();
    if published.join("keys").is_dir() {
        copy(&published.join("keys"), &folder.join("keys"));
    }
    file
}
