//! Where requests may go, with real connections.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use im_runtime::{HttpTransport, Lookup, Reach};
use im_vendors::{Transport as _, TransportError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use url::Url;

/// Somebody inside: counts who connects, and answers all of them alike.
struct Inside {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Inside {
    async fn listen(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, connections }
    }

    async fn ok() -> Self {
        Self::listen("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi".into())
            .await
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// What names lead to; a name's second resolution may say something else.
#[derive(Default)]
struct Names {
    first: BTreeMap<&'static str, Vec<IpAddr>>,
    then: BTreeMap<&'static str, Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn with(mut self, name: &'static str, addresses: &[&str]) -> Self {
        self.first.insert(name, parsed(addresses));
        self
    }

    fn and_then(mut self, name: &'static str, addresses: &[&str]) -> Self {
        self.then.insert(name, parsed(addresses));
        self
    }
}

fn parsed(addresses: &[&str]) -> Vec<IpAddr> {
    let parse = |text: &&str| text.parse().expect("an address");
    addresses.iter().map(parse).collect()
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let is_first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        let later = self.then.get(name).filter(|_| !is_first);
        let found = later.or_else(|| self.first.get(name)).cloned();
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))
    }
}

fn transport(names: Names, reach: Reach) -> HttpTransport {
    HttpTransport::resolving_by(Arc::new(names), reach).expect("a transport")
}

async fn get(transport: &HttpTransport, url: &str) -> Result<u16, TransportError> {
    let request = Request::get(url).body(Bytes::new()).expect("a request");
    let answer = transport.send(request).await?;
    Ok(answer.status().as_u16())
}

fn out_of_reach(answer: Result<u16, TransportError>) -> String {
    match answer {
        Err(TransportError::OutOfReach(why)) => why,
        other => panic!("not refused for where it leads: {other:?}"),
    }
}

#[tokio::test]
async fn addresses_that_are_written_out_are_not_connected_to() {
    let inside = Inside::ok().await;
    let transport = transport(Names::default(), Reach::Public);
    let port = inside.port;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let why = out_of_reach(get(&transport, &format!("http://{host}:{port}/secret?a=b")).await);
        assert!(
            why.contains("leads to an address that is not public ("),
            "{why}"
        );
        assert!(!why.contains("secret"), "{why}");
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn names_that_lead_inside_are_not_connected_to() {
    let inside = Inside::ok().await;
    let names = Names::default()
        .with("loopback.example", &["127.0.0.1"])
        .with("loopback6.example", &["::1"])
        .with("metadata.example", &["169.254.169.254"])
        .with("private.example", &["10.0.0.1"])
        .with("mapped.example", &["::ffff:127.0.0.1"])
        .with("mixed.example", &["8.8.8.8", "127.0.0.1"])
        .with("localhost", &["127.0.0.1"]);
    let transport = transport(names, Reach::Public);
    for (name, leads_to) in [
        ("loopback.example", "127.0.0.1"),
        ("loopback6.example", "::1"),
        ("metadata.example", "169.254.169.254"),
        ("private.example", "10.0.0.1"),
        ("mapped.example", "::ffff:127.0.0.1"),
        ("mixed.example", "127.0.0.1"),
    ] {
        let url = format!("http://{name}:{}/", inside.port);
        let why = out_of_reach(get(&transport, &url).await);
        let at = format!("http://{name}:{}", inside.port);
        let expected = format!("{at} leads to an address that is not public ({leads_to})");
        assert_eq!(why, expected);
        let url = Url::parse(&url).expect("a URL");
        let refused = transport.refuses(&url).await;
        assert_eq!(refused.map(|why| format!("{at} {why}")), Some(expected));
    }
    for host in [
        "localhost",
        "localhost.",
        "a.localhost",
        "metadata.google.internal",
    ] {
        let why = out_of_reach(get(&transport, &format!("http://{host}:{}/", inside.port)).await);
        assert!(why.contains("names a host that is not public"), "{why}");
    }
    assert_eq!(inside.connections(), 0);
}

/// The name was public when somebody looked; the connection looks for itself.
#[tokio::test]
async fn a_name_that_leads_elsewhere_by_now_is_not_connected_to() {
    let inside = Inside::ok().await;
    let names = Names::default()
        .with("rebinding.example", &["8.8.8.8"])
        .and_then("rebinding.example", &["127.0.0.1"]);
    let transport = transport(names, Reach::Public);
    let url = format!("http://rebinding.example:{}/", inside.port);
    let parsed = Url::parse(&url).expect("a URL");
    assert_eq!(transport.refuses(&parsed).await, None);
    out_of_reach(get(&transport, &url).await);
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn this_machine_is_reached_where_that_is_allowed_and_nothing_else_inside() {
    let inside = Inside::ok().await;
    let names = Names::default()
        .with("stand-in.example", &["127.0.0.1"])
        .with("localhost", &["127.0.0.1"])
        .with("metadata.example", &["169.254.169.254"]);
    let transport = transport(names, Reach::PublicAndThisMachine);
    for host in ["127.0.0.1", "localhost", "stand-in.example"] {
        let answer = get(&transport, &format!("http://{host}:{}/", inside.port)).await;
        assert_eq!(answer, Ok(200), "{host}");
    }
    assert_eq!(inside.connections(), 3, "each had a connection of its own");
    for host in ["metadata.example", "169.254.169.254", "10.0.0.1", "0.0.0.0"] {
        out_of_reach(get(&transport, &format!("http://{host}/")).await);
    }
}

/// This machine's own resolver, and the name that every machine has.
#[tokio::test]
async fn localhost_leads_here_by_the_systems_own_resolver() {
    let inside = Inside::ok().await;
    let transport = HttpTransport::new(Reach::PublicAndThisMachine).expect("a transport");
    let url = format!("http://localhost:{}/", inside.port);
    assert_eq!(get(&transport, &url).await, Ok(200));
    let transport = HttpTransport::new(Reach::Public).expect("a transport");
    out_of_reach(get(&transport, &url).await);
    assert_eq!(inside.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Inside::ok().await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
    ] {
        let to = format!("http://127.0.0.1:{}/secret", inside.port);
        let vendor = Inside::listen(format!(
            "HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ))
        .await;
        let transport = transport(Names::default(), Reach::PublicAndThisMachine);
        let answer = get(&transport, &format!("http://127.0.0.1:{}/", vendor.port)).await;
        assert_eq!(
            answer.map(|code| code.to_string()),
            Ok(status[..3].to_owned())
        );
        assert_eq!((vendor.connections(), inside.connections()), (1, 0));
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_unreachable_and_may_be_configured() {
    let transport = transport(Names::default(), Reach::Public);
    let answer = get(&transport, "http://nowhere.example/").await;
    assert!(
        matches!(answer, Err(TransportError::Unreachable(_))),
        "{answer:?}"
    );
    let url = Url::parse("http://nowhere.example/").expect("a URL");
    assert_eq!(transport.refuses(&url).await, None);
}
