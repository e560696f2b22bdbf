//! The hooks of the reference: what an administrator of a target could do. Loopback only.

use std::sync::atomic::Ordering;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Response, StatusCode};

use super::site::{Site, plain};

/// `POST /clock?advance=SECONDS`, `POST /revoke?role=ROLE`, `POST /rotate?ROLE=NEXT`, `POST /forget`.
pub(super) fn answer(site: &Site, method: &Method, target: &str) -> Response<Full<Bytes>> {
    if method != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "{\"error\":\"hooks take POST\"}");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let argument = query.split_once('=');
    match (path, argument) {
        ("/clock", Some(("advance", seconds))) => match seconds.parse() {
            Ok(seconds) => {
                let add = |ahead: i64| Some(ahead.saturating_add(seconds));
                // The closure always gives a value, so the update can't fail.
                let _ = site.ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
                plain(StatusCode::OK, "{\"done\":true}")
            }
            Err(_) => plain(StatusCode::BAD_REQUEST, "{\"error\":\"advance takes whole seconds\"}"),
        },
        ("/revoke", Some(("role", role))) if site.reference.revoke(role) => {
            plain(StatusCode::OK, "{\"done\":true}")
        }
        ("/rotate", Some((from, to))) if site.reference.rotate(from, to) => {
            plain(StatusCode::OK, "{\"done\":true}")
        }
        ("/rotate", _) => plain(StatusCode::NOT_FOUND, "{\"error\":\"no such roles\"}"),
        ("/revoke", _) => plain(StatusCode::NOT_FOUND, "{\"error\":\"no such role\"}"),
        ("/forget", None) => {
            site.reference.forget();
            site.ahead.store(0, Ordering::Relaxed);
            plain(StatusCode::OK, "{\"done\":true}")
        }
        _ => plain(
            StatusCode::NOT_FOUND,
            "{\"error\":\"hooks are /clock?advance=N, /revoke?role=R, /rotate?R=NEXT and /forget\"}",
        ),
    }
}
