//! The in-process run: every vector against the strict reference, then against every weakness. It must not judge
//! otherwise than the program does: what lives, or is not as expected, is an error.

use bearproof_conform::freeze::plots;
use bearproof_conform::frozen;
use bearproof_conform::matrix::matrix;
use bearproof_conform::suite::Suite;
use cpu_time::ProcessTime;

/// Runs all schemes; a line with the time that a single processor needs.
///
/// # Errors
/// What can't be loaded, or the first problem of the matrix.
pub fn run(suite: &Suite) -> Result<String, String> {
    let start = ProcessTime::now();
    let (mut vectors, mut weaknesses) = (0, 0);
    for scheme in &suite.schemes {
        let plots = plots(&suite.families, scheme).map_err(|e| e.to_string())?.plots;
        let frozen = frozen::load(&scheme.id, scheme.folder.as_ref()).map_err(|e| e.to_string())?;
        let matrix = matrix(scheme, &plots, &frozen)?;
        if let Some(problem) = matrix.problems().first() {
            return Err(format!("{}: {problem}", scheme.id));
        }
        vectors += frozen.len();
        weaknesses += matrix.lines.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!("{vectors} vectors, {weaknesses} weaknesses: {seconds:.1} s on one processor"))
}
