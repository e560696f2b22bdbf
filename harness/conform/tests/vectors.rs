//! One trial for each frozen vector: the file's bytes go through the reference in process, and the recipe under
//! the published binding gives these bytes again.

#![expect(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bearproof_conform::drive::{Script, drive};
use bearproof_conform::freeze::{freeze_plot, plots};
use bearproof_conform::frozen;
use bearproof_conform::in_process::InProcess;
use bearproof_conform::redact::Redactor;
use bearproof_conform::results::{Outcome, Via};
use bearproof_conform::suite::{Disk, Suite};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    let suite = Suite::load(Arc::new(Disk(folder))).map_err(|e| e.to_string()).unwrap();
    let mut trials = Vec::new();
    for scheme in &suite.schemes {
        let frozen = frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|e| e.to_string()).unwrap();
        let plots = plots(&suite.families, scheme).unwrap().plots;
        // A frozen vector without a recipe would never run.
        for id in frozen.keys().filter(|id| !plots.iter().any(|p| p.id == **id)) {
            let message = format!("{id} has no recipe; run `bearproof freeze`");
            trials.push(Trial::test(id.clone(), move || Err(Failed::from(message))));
        }
        for plot in plots {
            let vector = frozen.get(&plot.id).cloned();
            trials.push(Trial::test(plot.id.clone(), move || {
                let vector = vector.ok_or("not frozen; run `bearproof freeze`")?;
                if freeze_plot(&plot)? != vector {
                    return Err("the recipe gives other bytes than the frozen file; run `bearproof freeze` and review".into());
                }
                let subject = InProcess::new(&plot.variant, &plot.id);
                let redactor = Redactor::of_world(&plot.variant.world);
                let result = drive(&plot, Script::Frozen(&vector), &subject, Via::InProcess, &redactor);
                if result.outcome == Outcome::Pass { Ok(()) } else { Err(result.cause.into()) }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
