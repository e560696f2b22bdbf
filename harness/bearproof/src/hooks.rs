//! What an admin of a target can do for a run: a command or a request that ends a credential, moves the clock, puts all
//! back. It must not decide when.

use std::process::{Command, Stdio};
use std::time::Duration;

use bearproof_scheme::world::Hook;

use crate::clock::Stopwatch;
use crate::wire::Origin;

/// Longest that a command is waited for.
const LONGEST: Duration = Duration::from_secs(60);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A hook with a value at its place.
pub(crate) fn filled(hook: &Hook, (place, value): (&str, &str)) -> Hook {
    let fill = |text: &String| if place.is_empty() { text.clone() } else { text.replace(place, value) };
    match hook {
        Hook::Command(words) => Hook::Command(words.iter().map(fill).collect()),
        Hook::Request { method, url } => Hook::Request { method: method.clone(), url: fill(url) },
    }
}

/// Where a hook's request goes, and its bytes.
///
/// # Errors
/// Why the URL can't be used, in words.
pub(crate) fn request(method: &str, url: &str) -> Result<(Origin, Vec<u8>), String> {
    let path = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    let (origin, target) = url.split_at_checked(path).unwrap_or((url, ""));
    let target = if target.is_empty() { "/" } else { target };
    let origin = Origin::parse(origin)?;
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", origin.authority());
    Ok((origin, request.into_bytes()))
}

/// Runs a command to its end. What it prints is not shown: nobody knows what is in it.
///
/// # Errors
/// How it ended, if not with 0.
pub(crate) fn command(words: &[String]) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("a command without a program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("the hook's command `{program}` can't be run: {e}"))?;
    let watch = Stopwatch::start();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("the hook's command `{program}`: {status}")),
            Ok(None) if watch.elapsed() < LONGEST => std::thread::sleep(LOOK),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the hook's command `{program}` did not end in {} s", LONGEST.as_secs()));
            }
            Err(e) => return Err(format!("the hook's command `{program}`: {e}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_hook_says() {
        let hook = Hook::Command(vec!["revoke".into(), "--who={role}".into()]);
        assert_eq!(
            filled(&hook, ("{role}", "other")),
            Hook::Command(vec!["revoke".into(), "--who=other".into()])
        );
        let hook = Hook::Request { method: "POST".into(), url: "http://[::1]:9/clock?by={seconds}".into() };
        let Hook::Request { method, url } = filled(&hook, ("{seconds}", "60")) else { panic!("a request") };
        let (origin, bytes) = request(&method, &url).unwrap();
        assert_eq!((origin.to_string().as_str(), origin.port), ("http://[::1]:9", 9));
        assert!(bytes.starts_with(b"POST /clock?by=60 HTTP/1.1\r\nHost: [::1]:9\r\n"));
    }

    #[test]
    fn a_command_is_done_when_it_ends_with_nought() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        assert_eq!(command(&words("true")), Ok(()));
        assert_eq!(command(&words("false")).unwrap_err(), "the hook's command `false`: exit status: 1");
        assert!(command(&words("no-such-program-here")).unwrap_err().contains("can't be run"));
    }
}
