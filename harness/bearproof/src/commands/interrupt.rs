//! What Ctrl-C does to a run: the first ends it in order, the second at once. It must not write anything of a run.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Runtime;

/// Exit code of a run that the user interrupted.
pub(super) const CODE: u8 = 130;

/// Becomes true when the user interrupts, who is then told what happens.
pub(super) fn watch(runtime: &Runtime, words: &'static str) -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&interrupted);
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if told.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(CODE));
            }
            let _ = writeln!(std::io::stderr(), "{words}");
        }
    });
    interrupted
}
