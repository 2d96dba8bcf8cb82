//! Three requests to the kernel about interfaces, in the form of rtnetlink(7).
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const NLMSG_ERROR: u16 = 2;
/// `NLM_F_REQUEST`, `NLM_F_ACK`.
const REQUEST: u16 = 0x1 | 0x4;
/// `NLM_F_REPLACE`, `NLM_F_CREATE`.
const CREATE: u16 = 0x100 | 0x400;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// The address may be used at once, without looking for another one like it.
const IFA_F_NODAD: u8 = 0x02;
const RTA_OIF: u16 = 4;
const RTA_PREFSRC: u16 = 7;
const RT_TABLE_MAIN: u8 = 254;
const RTPROT_STATIC: u8 = 4;
const RT_SCOPE_UNIVERSE: u8 = 0;
const RT_SCOPE_LINK: u8 = 253;
const RTN_UNICAST: u8 = 1;
const HEADER: usize = 16;

/// A conversation with the kernel about the namespace of the thread that began it.
#[derive(Debug)]
pub(crate) struct Netlink {
    socket: OwnedFd,
}

impl Netlink {
    /// Begins it.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        Ok(Self { socket })
    }

    /// Sets an interface up.
    pub(crate) fn set_up(&mut self, interface: u32) -> io::Result<()> {
        let mut body = vec![0; 4]; // any family, any type
        body.extend(interface.to_ne_bytes());
        body.extend(IFF_UP.to_ne_bytes());
        body.extend(IFF_UP.to_ne_bytes());
        self.ask(RTM_NEWLINK, REQUEST, &body)
    }

    /// Gives an interface an address, alone on its network.
    pub(crate) fn add_address(&mut self, interface: u32, address: IpAddr) -> io::Result<()> {
        let (family, bytes) = parts(address);
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        let mut body = vec![family, prefix, IFA_F_NODAD, RT_SCOPE_UNIVERSE];
        body.extend(interface.to_ne_bytes());
        attribute(&mut body, IFA_LOCAL, &bytes);
        attribute(&mut body, IFA_ADDRESS, &bytes);
        self.ask(RTM_NEWADDR, REQUEST | CREATE, &body)
    }

    /// Routes everything of an address's family through an interface, from that address.
    pub(crate) fn add_default_route(&mut self, interface: u32, from: IpAddr) -> io::Result<()> {
        let (family, bytes) = parts(from);
        let scope = match from {
            IpAddr::V4(_) => RT_SCOPE_LINK,
            IpAddr::V6(_) => RT_SCOPE_UNIVERSE,
        };
        let mut body = vec![
            family,
            0,
            0,
            0,
            RT_TABLE_MAIN,
            RTPROT_STATIC,
            scope,
            RTN_UNICAST,
        ];
        body.extend(0u32.to_ne_bytes());
        attribute(&mut body, RTA_OIF, &interface.to_ne_bytes());
        attribute(&mut body, RTA_PREFSRC, &bytes);
        self.ask(RTM_NEWROUTE, REQUEST | CREATE, &body)
    }

    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(HEADER + body.len()).expect("a request is a few bytes");
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]); // number and sender
        message.extend(body);
        let socket = self.socket.as_raw_fd();
        send(socket, &message, MsgFlags::empty())?;
        let mut answer = [0; 1024];
        let bytes = recv(socket, &mut answer, MsgFlags::empty())?;
        outcome(&answer[..bytes])
    }
}

/// An acknowledgment is an error message with the number 0.
fn outcome(answer: &[u8]) -> io::Result<()> {
    let odd = || io::Error::other("an answer of netlink that is no acknowledgment");
    let kind = answer.get(4..6).ok_or_else(odd)?;
    let number = answer.get(HEADER..HEADER + 4).ok_or_else(odd)?;
    if kind != NLMSG_ERROR.to_ne_bytes() {
        return Err(odd());
    }
    let number = i32::from_ne_bytes(number.try_into().map_err(|_| odd())?);
    match number {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(-number)),
    }
}

fn parts(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (AF_INET, address.octets().to_vec()),
        IpAddr::V6(address) => (AF_INET6, address.octets().to_vec()),
    }
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).expect("a value is a few bytes");
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}
