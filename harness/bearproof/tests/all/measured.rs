//! What a run on a target measures beside the vectors: limits as the server has them, and nothing judged by them.

use std::fs;

use crate::common::{Temp, bearproof, copy, vectors};
use crate::serve::serve;

#[test]
fn the_limits_of_a_server_are_found_as_it_has_them() {
    let folder = Temp::new();
    let scheme = folder.path("bursagb-jwt");
    copy(&vectors().join("bursagb-jwt"), &scheme);
    let world = fs::read_to_string(scheme.join("world.toml")).unwrap();
    let tolerant = world.replace("leeway = \"0s\"", "leeway = \"7s\"");
    assert_ne!(world, tolerant);
    fs::write(scheme.join("world.toml"), tolerant).unwrap();
    let served = serve("measured", scheme.to_str().unwrap(), &[]);
    let profile = served.folder.join("bursagb-jwt.toml");
    let ended = bearproof(&folder, &["run", "--target", profile.to_str().unwrap(), "--level", "must"]);

    let row = |asks: &str| {
        let line = ended.stdout.lines().find(|line| line.trim_start().starts_with(asks));
        line.unwrap_or_else(|| panic!("no row `{asks}`: {}", ended.stdout)).to_string()
    };
    // A second may pass between signing and verifying. `exp` is good before its second (RFC 7519 section 4.1.4), `nbf`
    // from its second on.
    let late = row("a token after its expiry");
    assert!(
        ["5 s, refused (401) from 6 s", "6 s, refused (401) from 7 s"].iter().any(|w| late.contains(w)),
        "{late}"
    );
    let early = row("a token before its `nbf`");
    assert!(
        ["7 s, refused (401) from 8 s", "8 s, refused (401) from 9 s"].iter().any(|w| early.contains(w)),
        "{early}"
    );
    assert!(row("the word before the token: left out").contains("refused (401)"));
    assert!(row("the word before the token: in capitals").contains("let in (200)"));

    // A part of the suite is asked for to see that part.
    let part = bearproof(&folder, &["run", "--target", profile.to_str().unwrap(), "--filter", "valid"]);
    assert!(!part.stdout.contains("measured, not judged"), "{}", part.stdout);
}
