use super::*;

/// The first and the last of each range that is not public.
const REFUSED: &[(&str, &[&str])] = &[
    ("this network", &["0.0.0.0", "0.0.0.1", "0.255.255.255"]),
    ("private", &["10.0.0.0", "10.255.255.255"]),
    ("carrier-grade NAT", &["100.64.0.0", "100.127.255.255"]),
    ("loopback", &["127.0.0.1", "127.255.255.255", "127.0.0.0"]),
    (
        "link-local",
        &[
            "169.254.0.0",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.255.255",
        ],
    ),
    ("private", &["172.16.0.0", "172.31.255.255"]),
    ("assignments", &["192.0.0.0", "192.0.0.170", "192.0.0.255"]),
    ("documentation", &["192.0.2.0", "192.0.2.255"]),
    ("6to4 relays", &["192.88.99.0", "192.88.99.255"]),
    ("private", &["192.168.0.0", "192.168.255.255"]),
    ("benchmarking", &["198.18.0.0", "198.19.255.255"]),
    ("documentation", &["198.51.100.0", "198.51.100.255"]),
    ("documentation", &["203.0.113.0", "203.0.113.255"]),
    ("multicast", &["224.0.0.0", "239.255.255.255"]),
    ("reserved", &["240.0.0.0", "255.255.255.254"]),
    ("broadcast", &["255.255.255.255"]),
    ("unspecified", &["::"]),
    ("loopback", &["::1"]),
    (
        "IPv4-compatible",
        &["::7f00:1", "::8.8.8.8", "::169.254.169.254"],
    ),
    (
        "IPv4-mapped",
        &[
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:8.8.8.8",
        ],
    ),
    ("IPv4-translated", &["::ffff:0:8.8.8.8"]),
    (
        "NAT64",
        &[
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b::127.0.0.1",
        ],
    ),
    (
        "NAT64 of a network's own",
        &["64:ff9b:1::", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1"],
    ),
    ("discard", &["100::", "100::1"]),
    (
        "protocol assignments",
        &["2001:2::1", "2001:10::1", "2001:1ff:ffff::1"],
    ),
    (
        "Teredo",
        &["2001::1", "2001:0:a00:1::1", "2001:0:808:808::f7f7:f7f7"],
    ),
    ("documentation", &["2001:db8::", "2001:db8:ffff::1"]),
    ("documentation", &["3fff::", "3fff:fff:ffff::1"]),
    (
        "6to4",
        &["2002:a00:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::"],
    ),
    ("segment routing", &["5f00::1"]),
    ("unique local", &["fc00::", "fd00:ec2::254", "fdff:ffff::1"]),
    ("link-local", &["fe80::", "fe80::1", "febf:ffff::1"]),
    ("site-local", &["fec0::", "feff:ffff::1"]),
    ("multicast", &["ff00::", "ff02::1", "ffff::1"]),
];

/// What lies just beside them, and some real ones.
const PUBLIC: &[&str] = &[
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2000::1",
    "2001:200::1",
    "2001:db7:ffff::1",
    "2001:db9::1",
    "2001:4860:4860::8888",
    "2002:808:808::1",
    "2003::1",
    "2606:4700::1111",
    "3ffe::1",
    "3fff:1000::1",
];

fn address(text: &str) -> IpAddr {
    text.parse().expect(text)
}

#[test]
fn what_is_not_public_is_out_of_reach() {
    for (kind, texts) in REFUSED {
        for text in *texts {
            assert!(!Reach::Public.allows(address(text)), "{kind}: {text}");
        }
    }
    for text in PUBLIC {
        for reach in [Reach::Public, Reach::PublicAndThisMachine] {
            assert!(reach.allows(address(text)), "{text}");
        }
    }
}

#[test]
fn this_machine_is_its_loopback_and_nothing_else() {
    let allowed: Vec<_> = REFUSED
        .iter()
        .flat_map(|(_, texts)| *texts)
        .filter(|text| Reach::PublicAndThisMachine.allows(address(text)))
        .collect();
    assert_eq!(
        allowed,
        [&"127.0.0.1", &"127.255.255.255", &"127.0.0.0", &"::1"]
    );
}

fn refusal(reach: Reach, url: &str) -> Option<String> {
    reach.refuses(&Url::parse(url).expect(url))
}

/// However it is written, an address is the address.
#[test]
fn every_way_to_write_an_address_is_seen_through() {
    for (url, leads_to) in [
        ("https://127.0.0.1/", "127.0.0.1"),
        ("https://127.0.0.1./", "127.0.0.1"),
        ("https://127.1/", "127.0.0.1"),
        ("https://2130706433/", "127.0.0.1"),
        ("https://0x7f.1/", "127.0.0.1"),
        ("https://0x7f000001/", "127.0.0.1"),
        ("https://0177.0.0.1/", "127.0.0.1"),
        ("https://017700000001/", "127.0.0.1"),
        ("https://127%2e0%2e0%2e1/", "127.0.0.1"),
        ("https://①②⑦。⓪.⓪.①/", "127.0.0.1"),
        ("https://2852039166/latest/meta-data", "169.254.169.254"),
        ("https://0xa9.0xfe.0xa9.0xfe/", "169.254.169.254"),
        ("https://0251.0376.0251.0376/", "169.254.169.254"),
        ("https://169.254.43518/", "169.254.169.254"),
        ("https://10.1/", "10.0.0.1"),
        ("https://0/", "0.0.0.0"),
        ("https://[::1]:8443/", "::1"),
        ("https://[0:0:0:0:0:0:0:1]/", "::1"),
        ("https://[::ffff:7f00:1]/", "::ffff:127.0.0.1"),
        (
            "https://[::ffff:169.254.169.254]/",
            "::ffff:169.254.169.254",
        ),
        ("https://[fd00:ec2::254]/", "fd00:ec2::254"),
    ] {
        let expected = format!("leads to an address that is not public ({leads_to})");
        assert_eq!(refusal(Reach::Public, url), Some(expected), "{url}");
    }
    for zone in ["https://[fe80::1%25eth0]/", "https://[::1%25lo]/"] {
        assert!(Url::parse(zone).is_err(), "{zone} is no URL");
    }
}

#[test]
fn names_of_what_is_inside_are_refused_whatever_they_resolve_to() {
    for name in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost..",
        "a.localhost",
        "metadata.google.internal",
        "metadata.google.internal.",
        "ip-10-0-0-1.ec2.internal",
        "internal",
        "printer.local",
        "db.localdomain",
    ] {
        let why = refusal(Reach::Public, &format!("https://{name}/"));
        let why = why.unwrap_or_else(|| panic!("{name} is let through"));
        assert!(
            why.starts_with("names a host that is not public ("),
            "{why}"
        );
        let is_local = name.to_lowercase().contains("localhost");
        let here = refusal(Reach::PublicAndThisMachine, &format!("https://{name}/"));
        assert_eq!(here.is_none(), is_local, "{name}");
    }
    for name in [
        "api.pagerduty.com",
        "acme.atlassian.net.",
        "localhost.example.com",
        "internal.example.com",
        "127.0.0.1.example.com",
    ] {
        assert_eq!(refusal(Reach::Public, &format!("https://{name}/")), None);
    }
}

#[test]
fn one_address_that_is_not_public_is_enough() {
    let resolved = |texts: &[&str]| {
        let addresses: Vec<_> = texts.iter().map(|text| address(text)).collect();
        Reach::Public.refuses_resolved(&addresses)
    };
    assert_eq!(resolved(&["8.8.8.8", "2606:4700::1111"]), None);
    assert_eq!(
        resolved(&["8.8.8.8", "10.0.0.1"]).as_deref(),
        Some("leads to an address that is not public (10.0.0.1)")
    );
    assert_eq!(resolved(&[]), None, "it leads nowhere");
}
