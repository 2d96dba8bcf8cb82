//! The one interface of a host, made on the thread that is in the host's namespace.
use crate::netns::netlink::Netlink;
use std::io;
use std::net::IpAddr;
use tun_rs::{DeviceBuilder, SyncDevice};

/// As on most lines; without offload, so that every packet crosses as it would there.
const MTU: u16 = 1500;
/// Packets that the kernel keeps for the hub: more than it sends before the hub looks again.
const SEND_QUEUE_PACKETS: u32 = 10_000;

/// An interface with these addresses that everything is routed to. Reading does not wait.
pub(crate) fn interface(netlink: &mut Netlink, addresses: &[IpAddr]) -> io::Result<SyncDevice> {
    let device = DeviceBuilder::new()
        .name("tun0")
        .mtu(MTU)
        .tx_queue_len(SEND_QUEUE_PACKETS)
        .build_sync()?;
    device.set_nonblocking(true)?;
    let index = device.if_index()?;
    for address in addresses {
        netlink.add_address(index, *address)?;
    }
    for is_ipv4 in [true, false] {
        // The first address of each family is the one that is used where a program names none.
        let first = addresses
            .iter()
            .find(|address| address.is_ipv4() == is_ipv4);
        if let Some(first) = first {
            netlink.add_default_route(index, *first)?;
        }
    }
    Ok(device)
}
