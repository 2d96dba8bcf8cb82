//! The thread that moves the [`World`]: reads what the kernels send, writes what arrives.
use super::clock::Clock;
use super::flight::{Ended, Fate};
use super::world::World;
use crate::packet::Packet;
use crate::truth::Recorder;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tun_rs::SyncDevice;

/// Packets that are read from one host before the next one's turn.
const BATCH: usize = 64;
/// The largest IP packet.
const MAX_PACKET: usize = 65_535;
/// Waiting ends so long before the next packet is due; the rest of the time is spent looking at the
/// clock, because a thread wakes up late.
const SPIN_NS: u64 = 60_000;

/// The running hub.
#[derive(Debug)]
pub(crate) struct Hub {
    orders: Sender<Order>,
    bell: UnixStream,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    /// Answered when it was done.
    Begin(Sender<()>),
    Stop,
}

impl Hub {
    /// Starts the thread. One device for each host of the scenario, in its order.
    pub(crate) fn start(
        world: World,
        devices: Vec<SyncDevice>,
        recorder: Arc<Recorder>,
    ) -> io::Result<Self> {
        let (orders, received) = channel();
        let (bell, heard) = UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        let shell = Shell {
            world,
            devices,
            recorder,
            orders: received,
            heard,
            clock: Clock::start(),
        };
        let thread = std::thread::Builder::new().name("lab-hub".to_owned());
        Ok(Self {
            orders,
            bell,
            thread: Some(thread.spawn(move || shell.run())?),
        })
    }

    /// The scenario begins now: its changes, its patterns and its truth.
    pub(crate) fn begin(&self) {
        let (tell, told) = channel();
        self.order(Order::Begin(tell));
        let _ = told.recv();
    }

    fn order(&self, order: Order) {
        // A hub that has ended has no use for orders.
        let _ = self.orders.send(order);
        let _ = (&self.bell).write_all(&[1]);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Shell {
    world: World,
    devices: Vec<SyncDevice>,
    recorder: Arc<Recorder>,
    orders: Receiver<Order>,
    heard: UnixStream,
    clock: Clock,
}

impl Shell {
    fn run(mut self) {
        super::priority::raise();
        // Wake-ups of this thread are not put off to share one with others (prctl(2)).
        let _ = nix::sys::prctl::set_timerslack(1);
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            let ready = self.wait();
            if self.heard_stop() {
                return;
            }
            for host in ready {
                self.read(host, &mut buffer);
            }
            self.world.advance(self.clock.now_ns());
            self.hand_over();
        }
    }

    /// Waits until a host has sent something, or something is due. Which hosts have.
    fn wait(&self) -> Vec<usize> {
        let timeout = self.world.next_ns().map(|next_ns| {
            let left_ns = next_ns.saturating_sub(self.clock.now_ns());
            TimeSpec::from(Duration::from_nanos(left_ns.saturating_sub(SPIN_NS)))
        });
        let bell = PollFd::new(self.heard.as_fd(), PollFlags::POLLIN);
        let devices = self.devices.iter();
        let mut all: Vec<PollFd<'_>> = devices
            .map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN))
            .chain([bell])
            .collect();
        match ppoll(&mut all, timeout, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Vec::new(),
        }
        let hosts = all.iter().take(self.devices.len()).enumerate();
        let ready = hosts.filter(|(_, one)| one.any().unwrap_or(false));
        ready.map(|(host, _)| host).collect()
    }

    fn heard_stop(&mut self) -> bool {
        let mut rings = [0; 16];
        let _ = self.heard.read(&mut rings);
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Begin(tell) => {
                    self.begin();
                    let _ = tell.send(());
                }
                Order::Stop => return true,
            }
        }
        false
    }

    fn begin(&mut self) {
        let now_ns = self.clock.now_ns();
        self.world.begin(now_ns);
        self.hand_over();
        let begun_us = self.clock.wall_offset_us() + now_ns / 1000;
        self.recorder.begin(begun_us);
    }

    fn read(&mut self, host: usize, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Ok(bytes) = self.devices[host].recv(buffer) else {
                return;
            };
            let Ok(packet) = Packet::parse(buffer[..bytes].to_vec()) else {
                continue;
            };
            if is_housekeeping(packet.destination()) {
                continue;
            }
            self.world.send(host, packet, self.clock.now_ns());
        }
    }

    /// Writes what arrived and tells the recorder of all that ended.
    fn hand_over(&mut self) {
        let ended = self.world.take_ended();
        if ended.is_empty() {
            return;
        }
        let wall_us = self.clock.wall_offset_us();
        let mut told = Vec::with_capacity(ended.len());
        for one in ended {
            let at_ns = self.clock.now_ns();
            self.deliver(&one);
            told.push((one, at_ns));
        }
        self.recorder.tell(&told, wall_us);
    }

    fn deliver(&self, one: &Ended) {
        let (Fate::Delivered, Some(host)) = (one.fate, one.to) else {
            return;
        };
        // A kernel that has no room drops the packet, as it would from a network card.
        let _ = self.devices[host].send(one.packet.bytes());
    }
}

/// What an interface says when it comes up and nobody asked for: multicast, link-local.
fn is_housekeeping(destination: IpAddr) -> bool {
    match destination {
        IpAddr::V4(address) => {
            address.is_multicast() || address.is_broadcast() || address.is_link_local()
        }
        IpAddr::V6(address) => address.is_multicast() || address.is_unicast_link_local(),
    }
}
