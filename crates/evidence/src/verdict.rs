//! What is said of whether a page is blocked: a state with its mechanism, and what it rests on.
//!
//! A verdict is never mixed with the facts that it points to. It names the rules that fired, with
//! their versions, and the observations that fired them, so that anyone can hold it against them.
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

word_list! {
    /// The kinds of verdict.
    State {
        /// There is an artefact of blocking: a known block page or sinkhole, an address that no
        /// public service can have, a certificate made to intercept.
        Blocked = "blocked",
        /// A determinate rule fired, without an artefact.
        LikelyBlocked = "likely_blocked",
        /// Worse than for the controls, and not a determinate block.
        Impaired = "impaired",
        /// It fails for the controls too.
        Down = "down",
        /// Positive evidence of success.
        Ok = "ok",
        /// Nothing can be said, and [`Reason`] says why. Never the same as `ok`.
        Insufficient = "insufficient",
    }
}

word_list! {
    /// Why nothing can be said.
    Reason {
        /// No control saw the same.
        NoControl = "no_control",
        /// The run itself cannot be believed: VPN, captive portal, wrong clock, no connectivity.
        InvalidRun = "invalid_run",
        /// What was seen has innocent explanations that one run cannot tell apart.
        BelowFloor = "below_floor",
    }
}

word_list! {
    /// The step of a visit that a verdict is about.
    Layer {
        /// Resolving the name.
        Dns = "dns",
        /// Connecting to an address.
        Tcp = "tcp",
        /// The TLS handshake.
        Tls = "tls",
        /// Request and response.
        Http = "http",
    }
}

word_list! {
    /// How it is done, as deep as the observations support and no deeper.
    Mechanism {
        /// A false answer that leads to a block page or sinkhole.
        DnsInjectionBlockpage = "dns.injection.blockpage",
        /// A false answer with an address that no public service can have.
        DnsInjectionBogon = "dns.injection.bogon",
        /// A false answer with any other address.
        DnsInjectionOther = "dns.injection.other",
        /// The resolver denies that the name exists.
        DnsNxdomain = "dns.nxdomain",
        /// The resolver says that the name has no address.
        DnsNoAnswer = "dns.no_answer",
        /// The resolver refuses.
        DnsRefused = "dns.refused",
        /// The connection is reset.
        TcpReset = "tcp.reset",
        /// Nobody answers the SYN.
        TcpTimeout = "tcp.timeout",
        /// The connection is refused.
        TcpRefused = "tcp.refused",
        /// A router says that the address cannot be reached.
        IpUnreachable = "ip.unreachable",
        /// The handshake is cut off for this server name and not for another.
        TlsResetSni = "tls.reset.sni",
        /// The handshake is cut off or not answered for the extension that hides server names (ECH), and
        /// answered without it.
        TlsEch = "tls.ech",
        /// The handshake is cut off.
        TlsResetOther = "tls.reset.other",
        /// The handshake is not answered.
        TlsTimeout = "tls.timeout",
        /// Somebody answers with a certificate that he signed himself.
        TlsMitmSelfSigned = "tls.mitm.self_signed",
        /// Somebody answers with a certificate of an authority that nobody trusts.
        TlsMitmCaSigned = "tls.mitm.ca_signed",
        /// A block page in place of the page.
        HttpBlockpage = "http.blockpage",
        /// A redirect to a block page.
        HttpRedirect = "http.redirect",
        /// The exchange is cut off.
        HttpReset = "http.reset",
        /// The request is not answered.
        HttpTimeout = "http.timeout",
        /// Transfers are slowed down on purpose.
        Throttle = "throttle",
        /// UDP to port 443, and so QUIC, is not answered.
        QuicDropped = "quic.dropped",
        /// QUIC is not answered for this server name and is for another.
        QuicSni = "quic.sni",
        /// The response is another than the controls', and no known block page.
        HttpOther = "http.other",
    }
}

/// A rule that fired, and what fired it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The rule's id.
    pub rule: String,
    /// The rule's version.
    pub version: u32,
    /// JSON pointers (RFC 6901) into the record or measurement.
    pub observations: Vec<String>,
}

/// What is said of one layer, or of the page as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The state.
    pub state: State,
    /// Why nothing can be said; with `insufficient` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// How it is done; with `blocked`, `likely_blocked` and `impaired` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<Mechanism>,
    /// The site itself turns this visitor away (a CAPTCHA, a firewall of its own); with `ok` only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub server_side: bool,
    /// The rules that fired, the deciding one first.
    pub rules: Vec<Fired>,
    /// Observations that would change the verdict.
    pub would_change: Vec<String>,
}

/// What is said of a visit to a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageVerdict {
    /// Of the page as a whole.
    pub overall: Verdict,
    /// Of resolving; absent where nothing was resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Verdict>,
    /// Of connecting; absent where no address could be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Verdict>,
    /// Of the handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Verdict>,
    /// Of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Verdict>,
}

impl State {
    /// How strongly the state speaks when several hold: interference over success, success over
    /// failure everywhere, anything over nothing.
    #[must_use]
    pub fn strength(self) -> u8 {
        match self {
            Self::Blocked => 5,
            Self::LikelyBlocked => 4,
            Self::Impaired => 3,
            Self::Ok => 2,
            Self::Down => 1,
            Self::Insufficient => 0,
        }
    }

    /// True for both states that say that somebody interferes.
    #[must_use]
    pub fn is_blocking(self) -> bool {
        matches!(self, Self::Blocked | Self::LikelyBlocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_to_itself() {
        for mechanism in Mechanism::ALL {
            assert_eq!(mechanism.as_str().parse(), Ok(*mechanism));
            let json = serde_json::to_string(mechanism).unwrap();
            assert_eq!(json, format!("\"{mechanism}\""));
        }
        assert!("tls.magic".parse::<Mechanism>().is_err());
    }

    #[test]
    fn every_state_has_a_strength_of_its_own() {
        let mut strengths: Vec<u8> = State::ALL.iter().map(|state| state.strength()).collect();
        strengths.sort_unstable();
        strengths.dedup();
        assert_eq!(strengths.len(), State::ALL.len());
    }

    #[test]
    fn what_does_not_apply_is_not_written() {
        let verdict = Verdict {
            state: State::Ok,
            reason: None,
            mechanism: None,
            server_side: false,
            rules: Vec::new(),
            would_change: Vec::new(),
        };
        let json = serde_json::to_string(&verdict).unwrap();
        assert_eq!(json, r#"{"state":"ok","rules":[],"would_change":[]}"#);
    }
}
