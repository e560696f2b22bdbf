//! The client against real sockets. What one file alone decides is tested there.

use std::time::Duration;

use super::error::Waiting;
use super::testing::{Server, Step, client, config, impatient};
use super::{Client, ClientConfig, ExchangeError, Origin, TlsOptions};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Takes `REQUEST` and answers.
fn answer(bytes: &[u8]) -> [Step; 2] {
    [Step::Read(REQUEST.len()), Step::Send(bytes.to_vec())]
}

#[tokio::test]
async fn the_exact_bytes_arrive_whatever_they_are() {
    let requests: [&[u8]; 4] = [
        b"POST  /a%2fb?x=1&x=2 HTTP/1.1\r\nhOsT : x\r\nA: 1\r\na:2 \t\r\n\
          A: 1\r\n folded\r\nContent-Length: 1\r\n\r\nbody",
        b"\r\nget / HTTP/9.9\nHost: x\n\n",
        b"\x00\xff",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    ];
    for request in requests {
        let server = Server::http(vec![vec![Step::Read(request.len()), Step::Send(OK.to_vec())]]).await;
        let response = client().exchange(&server.origin, request, false).await.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (200, b"ok".as_slice()));
        assert_eq!(server.seen(), [request], "{}", request.escape_ascii());
    }
}

#[tokio::test]
async fn a_kept_alive_connection_is_used_again_by_every_clone() {
    let server = Server::http(vec![[answer(OK), answer(OK), answer(OK)].concat()]).await;
    let client = client();
    for _ in 0..3 {
        // On a task of its own: an exchange may move between threads.
        let (client, origin) = (client.clone(), server.origin.clone());
        let task = tokio::spawn(async move { client.exchange(&origin, REQUEST, false).await });
        assert!(task.await.unwrap().unwrap().reusable);
    }
    assert_eq!(server.seen(), [REQUEST.repeat(3)]);
}

#[tokio::test]
async fn without_idle_connections_every_exchange_opens_one() {
    let hang = [answer(OK).as_slice(), &[Step::Hang]].concat();
    let server = Server::http(vec![hang.clone(), hang]).await;
    let client = Client::new(ClientConfig { max_connections: 0, ..config(Vec::new()) }).unwrap();
    for _ in 0..2 {
        client.exchange(&server.origin, REQUEST, false).await.unwrap();
    }
    assert_eq!(server.seen(), [REQUEST, REQUEST]);
}

#[tokio::test]
async fn a_request_without_a_clear_end_does_not_leave_its_connection_to_the_next() {
    let unclear = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    let first = vec![Step::Read(unclear.len()), Step::Send(OK.to_vec()), Step::Hang];
    let server = Server::http(vec![first, answer(OK).to_vec()]).await;
    let client = client();
    assert!(!client.exchange(&server.origin, unclear, false).await.unwrap().reusable);
    client.exchange(&server.origin, REQUEST, false).await.unwrap();
    assert_eq!(server.seen(), [unclear.as_slice(), REQUEST]);
}

#[tokio::test]
async fn a_stale_idle_connection_is_replaced_once() {
    // The second script is what the retry meets: it takes the request and closes as well.
    let closes_later = [answer(OK).as_slice(), &[Step::Read(REQUEST.len())]].concat();
    let server = Server::http(vec![closes_later, answer(OK).to_vec()]).await;
    let client = client();
    client.exchange(&server.origin, REQUEST, false).await.unwrap();
    let response = client.exchange(&server.origin, REQUEST, false).await.unwrap();
    assert_eq!(response.body, b"ok");
    assert_eq!(server.seen(), [REQUEST.repeat(2).as_slice(), REQUEST]);
}

#[tokio::test]
async fn a_fresh_connection_that_closes_is_not_tried_again() {
    let silent = vec![Step::Read(REQUEST.len())];
    let stale = [answer(OK).as_slice(), &silent].concat();
    let server = Server::http(vec![stale, silent.clone(), answer(OK).to_vec()]).await;
    let client = client();
    client.exchange(&server.origin, REQUEST, false).await.unwrap();
    let outcome = client.exchange(&server.origin, REQUEST, false).await;
    assert_eq!(outcome, Err(ExchangeError::Reset { partial: false }));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_idle_connection_that_closed_or_spoke_is_dropped_unused() {
    let closed = answer(OK).to_vec();
    // Late enough not to be read together with the answer.
    let late = [Step::Pause(Duration::from_millis(50)), Step::Send(OK.to_vec()), Step::Hang];
    let spoke = [answer(OK).as_slice(), &late].concat();
    for first in [closed, spoke] {
        let server = Server::http(vec![first, answer(b"HTTP/1.1 204 No\r\n\r\n").to_vec()]).await;
        let client = client();
        assert_eq!(client.exchange(&server.origin, REQUEST, false).await.unwrap().status, 200);
        // By then the end or the extra bytes have arrived.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(client.exchange(&server.origin, REQUEST, false).await.unwrap().status, 204);
        assert_eq!(server.seen(), [REQUEST, REQUEST]);
    }
}

#[tokio::test]
async fn every_framing_is_read_over_a_socket() {
    let cases: [(&[u8], &[u8]); 4] = [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n",
            b"abcd",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", b"abcd"),
        (b"HTTP/1.1 200 OK\r\n\r\nabcd", b"abcd"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n", b""),
    ];
    for (bytes, body) in cases {
        // Byte by byte: a head, a chunk or a line end may be torn anywhere.
        let steps = bytes.iter().map(|byte| Step::Send(vec![*byte]));
        let script = [Step::Read(REQUEST.len())].into_iter().chain(steps).collect();
        let server = Server::http(vec![script]).await;
        let response = client().exchange(&server.origin, REQUEST, false).await.unwrap();
        assert_eq!(response.body, body, "{}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn no_body_is_awaited_after_head() {
    let request = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec();
    let server = Server::http(vec![vec![Step::Read(request.len()), Step::Send(answer), Step::Hang]]).await;
    let response = client().exchange(&server.origin, request, true).await.unwrap();
    assert_eq!((response.status, response.body.len(), response.reusable), (200, 0, true));
}

#[tokio::test]
async fn conflicting_lengths_and_garbage_are_errors_at_once() {
    let conflict = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    let server = Server::http(vec![[answer(conflict).as_slice(), &[Step::Hang]].concat()]).await;
    let outcome = client().exchange(&server.origin, REQUEST, false).await;
    assert_eq!(outcome, Err(ExchangeError::BadFraming { reason: "two Content-Length values differ" }));

    let server = Server::http(vec![[answer(b"220 mail ready\r\n").as_slice(), &[Step::Hang]].concat()]).await;
    let outcome = client().exchange(&server.origin, REQUEST, false).await;
    let excerpt = "220 mail ready\\r\\n".to_owned();
    assert_eq!(outcome, Err(ExchangeError::NotHttp { reason: "it has no HTTP/1 status line", excerpt }));
}

#[tokio::test]
async fn an_echo_puts_nothing_secret_into_an_error() {
    let request = b"hunter2hunter2 /hunter2hunter2 HTTP/1.1\r\nHost: x\r\n\r\n";
    let script = vec![Step::Read(request.len()), Step::Send(request.to_vec())];
    let server = Server::http(vec![script]).await;
    let error = client().exchange(&server.origin, request, false).await.unwrap_err();
    assert!(matches!(error, ExchangeError::NotHttp { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
}

#[tokio::test]
async fn a_connection_closed_early_is_a_reset() {
    let cases: [(&[u8], bool); 4] = [
        (b"", false),
        (b"HTTP/1.1 20", true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true),
        (b"HTTP/1.1 100 Continue\r\n\r\n", true),
    ];
    for (bytes, partial) in cases {
        let server = Server::http(vec![answer(bytes).to_vec()]).await;
        let outcome = client().exchange(&server.origin, REQUEST, false).await;
        assert_eq!(outcome, Err(ExchangeError::Reset { partial }), "{}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn an_answer_before_the_request_is_read_is_an_answer() {
    let request =
        [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n".as_slice(), &[b'a'; 9_000_000]];
    let request = request.concat();
    let early = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n".to_vec();
    let server = Server::http(vec![vec![Step::Read(10), Step::Send(early), Step::Hang]]).await;
    let response = client().exchange(&server.origin, &request, false).await.unwrap();
    assert_eq!((response.status, response.reusable), (413, false));
}

#[tokio::test]
async fn silence_and_endless_slow_answers_end_in_time() {
    let limit = Duration::from_millis(150);
    let head = |bytes: &[u8]| answer(bytes).to_vec();
    let drip = Step::SendForever(b"a".to_vec(), Duration::from_millis(10));
    let cases = [
        (vec![], Waiting::FirstByte),
        (head(b"HTTP/1.1 "), Waiting::Body),
        (head(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), Waiting::Body),
        ([head(b"HTTP/1.1 200 OK\r\n\r\n").as_slice(), &[drip]].concat(), Waiting::Body),
    ];
    for (script, what) in cases {
        let server = Server::http(vec![[script.as_slice(), &[Step::Hang]].concat()]).await;
        let client = impatient(limit);
        let exchange = client.exchange(&server.origin, REQUEST, false);
        let outcome = tokio::time::timeout(Duration::from_secs(10), exchange).await.expect("in time");
        assert_eq!(outcome, Err(ExchangeError::TimedOut { what, limit }));
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_no_connection_in_time() {
    let server = Server::http(vec![vec![Step::Hang]]).await;
    let origin = Origin { secure: true, ..server.origin.clone() };
    let limit = Duration::from_millis(150);
    let client = Client::new(ClientConfig { connect_timeout: limit, ..config(Vec::new()) }).unwrap();
    let exchange = client.exchange(&origin, REQUEST, false);
    let outcome = tokio::time::timeout(Duration::from_secs(10), exchange).await.expect("in time");
    assert_eq!(outcome, Err(ExchangeError::TimedOut { what: Waiting::Connect, limit }));
}

#[tokio::test]
async fn an_endless_body_is_cut_and_its_connection_dropped() {
    let endless = Step::SendForever(vec![b'a'; 50_000], Duration::ZERO);
    for head in ["", "Content-Length: 99999999999\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
        let script = [answer(head.as_bytes()).as_slice(), std::slice::from_ref(&endless)].concat();
        let server = Server::http(vec![script, answer(OK).to_vec()]).await;
        let client = client();
        let response = client.exchange(&server.origin, REQUEST, false).await.unwrap();
        assert_eq!(
            (response.body.len(), response.body_truncated, response.reusable),
            (1024 * 1024, true, false)
        );
        assert_eq!(client.exchange(&server.origin, REQUEST, false).await.unwrap().body, b"ok");
    }
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let origin = Origin { secure: false, host: "127.0.0.1".to_owned(), port: address.port() };
    let error = client().exchange(&origin, REQUEST, false).await.unwrap_err();
    assert_eq!(error, ExchangeError::Refused { address });
    assert!(error.is_unreachable());
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let other = Server::http(vec![answer(OK).to_vec()]).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {}/\r\nContent-Length: 0\r\n\r\n", other.origin);
    let server = Server::http(vec![answer(redirect.as_bytes()).to_vec()]).await;
    assert_eq!(client().exchange(&server.origin, REQUEST, false).await.unwrap().status, 302);
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_allowed_is_not_connected_to() {
    // Every address of 0.0.0.0 reaches this machine, so a connection would be seen.
    let server = Server::http(vec![answer(OK).to_vec(), answer(OK).to_vec()]).await;
    let origin = Origin { host: "0.0.0.0".to_owned(), ..server.origin.clone() };
    let outcome = client().exchange(&origin, REQUEST, false).await;
    assert_eq!(outcome, Err(ExchangeError::NotAllowed { host: "0.0.0.0".to_owned() }));
    assert!(server.seen().is_empty());
    let allowed = ClientConfig { allowed_hosts: vec!["0.0.0.0".to_owned()], ..config(Vec::new()) };
    let response = Client::new(allowed).unwrap().exchange(&origin, REQUEST, false).await.unwrap();
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn tls_works_with_the_root_and_keeps_its_connection() {
    let (server, root) = Server::https(vec![[answer(OK), answer(OK)].concat()]).await;
    let client = Client::new(config(root)).unwrap();
    for _ in 0..2 {
        assert_eq!(client.exchange(&server.origin, REQUEST, false).await.unwrap().body, b"ok");
    }
    assert_eq!(server.seen(), [REQUEST.repeat(2)]);
}

#[tokio::test]
async fn tls_without_the_right_root_or_name_is_an_error() {
    let (server, root) =
        Server::https(vec![answer(OK).to_vec(), answer(OK).to_vec(), answer(OK).to_vec()]).await;
    let (_, other_root) = Server::https(Vec::new()).await;
    let elsewhere = Origin { host: "localhost".to_owned(), ..server.origin.clone() };
    let cases = [
        (Vec::new(), &server.origin, "leads to no trusted root"),
        (other_root, &server.origin, ""),
        (root, &elsewhere, "for another host name"),
    ];
    for (roots, origin, expected) in cases {
        let error = Client::new(config(roots)).unwrap().exchange(origin, REQUEST, false).await.unwrap_err();
        assert!(matches!(&error, ExchangeError::Tls { reason } if reason.contains(expected)), "{error}");
        assert!(error.is_unreachable());
    }
    assert!(server.seen().iter().all(Vec::is_empty));
}

#[tokio::test]
async fn a_host_is_taken_as_it_is_only_by_name() {
    for (named, taken) in [("127.0.0.1", true), ("127.0.0.2", false)] {
        let (server, _) = Server::https(vec![vec![Step::Read(REQUEST.len()), Step::Send(OK.to_vec())]]).await;
        let tls = TlsOptions { insecure: vec![named.to_owned()], ..TlsOptions::default() };
        let client = Client::new(ClientConfig { tls, ..config(Vec::new()) }).unwrap();
        let outcome = client.exchange(&server.origin, REQUEST, false).await;
        assert_eq!(outcome.is_ok(), taken, "{named}: {outcome:?}");
    }
}

#[tokio::test]
async fn who_is_asked_for_a_certificate_shows_it() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem().into_bytes();
    let script = || vec![vec![Step::Read(REQUEST.len()), Step::Send(OK.to_vec())]];
    let (server, root) = Server::asking_for(&certificate, script()).await;
    let client = Client::new(config(root)).unwrap();
    let error = client.exchange(&server.origin, REQUEST, false).await.unwrap_err();
    assert!(error.to_string().contains("client's certificate"), "{error}");

    let (server, root) = Server::asking_for(&certificate, script()).await;
    let client_pem = Some((certificate, key.serialize_pem().into_bytes()));
    let tls = TlsOptions { extra_roots_pem: root, client_pem, ..TlsOptions::default() };
    let client = Client::new(ClientConfig { tls, ..config(Vec::new()) }).unwrap();
    assert_eq!(client.exchange(&server.origin, REQUEST, false).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_such() {
    let server = Server::http(vec![vec![Step::Send(b"HTTP/1.1 400 Bad\r\n\r\n".to_vec()), Step::Hang]]).await;
    let origin = Origin { secure: true, ..server.origin.clone() };
    let error = client().exchange(&origin, REQUEST, false).await.unwrap_err();
    assert_eq!(error, ExchangeError::Tls { reason: "the other side does not speak TLS".to_owned() });
}
