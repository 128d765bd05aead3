//! One condition of a filter policy, and whether one value meets it.
//!
//! Every operator but `exists` looks at a value that is there: an absent key meets no
//! `anything-but`.

use std::net::IpAddr;

/// A value of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fact<'a> {
    Text(&'a str),
    Number(f64),
    Flag(bool),
    Null,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Text(String),
    Number(f64),
    Flag(bool),
    Null,
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    Wildcard(String),
    Cidr {
        network: IpAddr,
        length: u32,
    },
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    /// None of these may hold.
    AnythingBut(Vec<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    pub(super) fn holds(&self, fact: Fact<'_>) -> bool {
        match (self, fact) {
            (Self::AnythingBut(refused), fact) => {
                !refused.iter().any(|condition| condition.holds(fact))
            }
            (Self::Text(expected), Fact::Text(found)) => expected == found,
            (Self::Prefix(prefix), Fact::Text(found)) => found.starts_with(prefix.as_str()),
            (Self::Suffix(suffix), Fact::Text(found)) => found.ends_with(suffix.as_str()),
            (Self::EqualsIgnoreCase(expected), Fact::Text(found)) => {
                expected.to_lowercase() == found.to_lowercase()
            }
            (Self::Wildcard(pattern), Fact::Text(found)) => {
                crate::wildcard::matches(pattern, found, false)
            }
            (Self::Cidr { network, length }, Fact::Text(found)) => found
                .parse()
                .is_ok_and(|address| is_within(address, *network, *length)),
            (Self::Number(expected), Fact::Number(found)) => expected == &found,
            (Self::Numeric(bounds), Fact::Number(found)) => bounds
                .iter()
                .all(|(comparison, bound)| comparison.holds(found, *bound)),
            (Self::Flag(expected), Fact::Flag(found)) => *expected == found,
            (Self::Null, Fact::Null) | (Self::Exists(true), _) => true,
            _ => false,
        }
    }
}

impl Comparison {
    pub(super) fn parse(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, found: f64, bound: f64) -> bool {
        match self {
            Self::Equal => found == bound,
            Self::Less => found < bound,
            Self::LessOrEqual => found <= bound,
            Self::Greater => found > bound,
            Self::GreaterOrEqual => found >= bound,
        }
    }
}

/// An address and the length of its network part: `10.0.0.0/24`.
pub(super) fn parse_cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (network, length) = text.split_once('/')?;
    let network: IpAddr = network.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let longest = if network.is_ipv4() { 32 } else { 128 };
    (length <= longest).then_some((network, length))
}

fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let same_bits = |left: u128, right: u128, width: u32| {
        let differing = left ^ right;
        length == 0 || differing >> (width - length) == 0
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => same_bits(
            u128::from(u32::from(address)),
            u128::from(u32::from(network)),
            32,
        ),
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            same_bits(u128::from(address), u128::from(network), 128)
        }
        _ => false,
    }
}
