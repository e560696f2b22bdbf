//! The time that a run spends making requests, before one of them is sent: composing, and above all signing.

use std::fmt::Write;

use bearproof_conform::freeze::plots;
use bearproof_conform::play::{Done, Next, play_with_effect};
use bearproof_conform::suite::Suite;
use cpu_time::ProcessTime;

/// Makes the requests of all vectors as a run does; a line for each scheme. What needs an answer first is left out, and
/// counted.
///
/// # Errors
/// What can't be loaded.
pub fn run(suite: &Suite) -> Result<String, String> {
    let mut lines = String::new();
    for scheme in &suite.schemes {
        let plots = plots(&suite.families, scheme).map_err(|e| e.to_string())?.plots;
        let now = scheme.default.world.clock.unwrap_or(0);
        let start = ProcessTime::now();
        let (mut made, mut left_out) = (0_u32, 0_u32);
        for plot in &plots {
            let mut earlier = Vec::new();
            for step in 0..plot.steps.len() {
                let done = match play_with_effect(plot, step, "benches", now, &earlier) {
                    Ok(Next::Send(sent)) => {
                        made += 1;
                        Done { message: Some(sent.message), written: sent.written, token: None }
                    }
                    Ok(Next::Wait(_) | Next::RevokeHook(_)) => Done::default(),
                    Err(_) => {
                        left_out += 1;
                        Done::default()
                    }
                };
                earlier.push(done);
            }
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(made.max(1));
        let _ = writeln!(
            lines,
            "{}: {made} requests, {each:.0} µs each on one processor; {left_out} left out",
            scheme.id
        );
    }
    Ok(lines)
}
