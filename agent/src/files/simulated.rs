//! A simulated disk for tests: holds back what was not synced, and at a power cut drops and tears it.
//!
//! Bytes: of the unsynced writes of a file a random prefix survives, the last of them in part, now
//! and then as zeros (a length that reached the disk before its data). Names: of the unsynced makings,
//! renamings and removals any subset survives in which those of one name keep their order.
use super::{Files, folder_of};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Debug, Clone)]
enum Write {
    Append(Vec<u8>),
    Truncate(usize),
}

impl Write {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Append(more) => bytes.extend_from_slice(more),
            Self::Truncate(length) => bytes.truncate(*length),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Contents {
    durable: Vec<u8>,
    unsynced: Vec<Write>,
    now: Vec<u8>,
}

impl Contents {
    fn write(&mut self, write: Write) {
        write.apply(&mut self.now);
        self.unsynced.push(write);
    }

    fn sync(&mut self) {
        self.unsynced.clear();
        self.durable.clone_from(&self.now);
    }

    fn tear(&mut self, random: &mut StdRng) {
        let survive = random.random_range(0..=self.unsynced.len());
        let mut bytes = std::mem::take(&mut self.durable);
        for write in &self.unsynced[..survive] {
            write.apply(&mut bytes);
        }
        if let Some(Write::Append(more)) = self.unsynced.get(survive) {
            let part = &more[..random.random_range(0..=more.len())];
            if random.random_ratio(1, 4) {
                bytes.resize(bytes.len() + part.len(), 0);
            } else {
                bytes.extend_from_slice(part);
            }
        }
        self.unsynced.clear();
        self.now.clone_from(&bytes);
        self.durable = bytes;
    }
}

#[derive(Debug, Clone)]
enum Naming {
    Make(String, usize),
    Rename(String, String),
    Remove(String),
}

impl Naming {
    fn names(&self) -> Vec<&String> {
        match self {
            Self::Make(name, _) | Self::Remove(name) => vec![name],
            Self::Rename(from, to) => vec![from, to],
        }
    }

    fn is_in(&self, folder: &str) -> bool {
        self.names().iter().any(|name| folder_of(name) == folder)
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Make(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }
}

#[derive(Debug, Default)]
struct Disk {
    contents: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    unsynced_names: Vec<Naming>,
    capacity_bytes: Option<usize>,
    steps_until_cut: Option<u64>,
    is_off: bool,
    syncs: u64,
    forgets_to_sync: bool,
}

/// The simulated disk. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimulatedFiles {
    disk: Arc<Mutex<Disk>>,
}

impl SimulatedFiles {
    /// The power goes after this many more operations; the next one fails, as do all that follow.
    pub(crate) fn cut_power_after(&self, steps: u64) {
        self.disk().steps_until_cut = Some(steps);
    }

    /// Cuts the power now, loses what the disk did not promise to keep, and switches it on again.
    pub(crate) fn power_cut(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let mut disk = self.disk();
        let mut lost = BTreeSet::new();
        for naming in std::mem::take(&mut disk.unsynced_names) {
            let follows_a_lost_one = naming.names().iter().any(|name| lost.contains(*name));
            if follows_a_lost_one || random.random_ratio(1, 2) {
                lost.extend(naming.names().into_iter().cloned());
            } else {
                naming.apply(&mut disk.durable_names);
            }
        }
        disk.names = disk.durable_names.clone();
        for contents in &mut disk.contents {
            contents.tear(&mut random);
        }
        disk.steps_until_cut = None;
        disk.is_off = false;
    }

    /// The process died and the system lives: what was written is there, synced or not.
    pub(crate) fn kill(&self) {
        let mut disk = self.disk();
        disk.steps_until_cut = None;
        disk.is_off = false;
    }

    /// Whether an operation has failed for want of power.
    pub(crate) fn is_off(&self) -> bool {
        self.disk().is_off
    }

    /// From now on the disk holds this many bytes.
    pub(crate) fn set_capacity(&self, bytes: Option<usize>) {
        self.disk().capacity_bytes = bytes;
    }

    /// Bytes of all files.
    pub(crate) fn used_bytes(&self) -> usize {
        self.disk().used_bytes()
    }

    /// How often a file or a folder was synced.
    pub(crate) fn syncs(&self) -> u64 {
        self.disk().syncs
    }

    /// Makes every sync a lie, to show that the tests would notice a missing one.
    pub(crate) fn forget_to_sync(&self) {
        self.disk().forgets_to_sync = true;
    }

    /// Changes bytes behind the program's back.
    pub(crate) fn damage(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut disk = self.disk();
        let file = disk.file(path).unwrap();
        let contents = &mut disk.contents[file];
        change(&mut contents.now);
        contents.sync();
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    /// The disk, if this step still has power.
    fn step(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let mut disk = self.disk();
        if disk.power_goes() {
            return Err(no_power());
        }
        Ok(disk)
    }
}

fn no_power() -> io::Error {
    io::Error::other("the power is off")
}

impl Disk {
    /// Counts one step; true when there is no power for it, or it goes during it.
    fn power_goes(&mut self) -> bool {
        match &mut self.steps_until_cut {
            Some(0) => self.is_off = true,
            Some(steps) => *steps -= 1,
            None => {}
        }
        self.is_off
    }

    fn file(&self, path: &str) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn used_bytes(&self) -> usize {
        self.names
            .values()
            .map(|file| self.contents[*file].now.len())
            .sum()
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.unsynced_names.push(naming);
    }
}

impl Files for SimulatedFiles {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let disk = self.step()?;
        let inside = disk.names.keys().filter(|path| folder_of(path) == folder);
        Ok(inside
            .map(|path| path.rsplit('/').next().unwrap().to_owned())
            .collect())
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let disk = self.step()?;
        Ok(disk.contents[disk.file(path)?].now.clone())
    }

    fn read_at(&self, path: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let bytes = self.read(path)?;
        let start = usize::try_from(offset).unwrap();
        bytes
            .get(start..start + length)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.is_off {
            return Err(no_power());
        }
        let power_goes = disk.power_goes();
        // The step on which the power goes may still have begun to write.
        let free = disk.capacity_bytes.map_or(usize::MAX, |capacity| {
            capacity.saturating_sub(disk.used_bytes())
        });
        if disk.file(path).is_err() {
            let file = disk.contents.len();
            disk.contents.push(Contents::default());
            disk.name(Naming::Make(path.to_owned(), file));
        }
        let file = disk.file(path)?;
        let fits = &bytes[..bytes.len().min(free)];
        disk.contents[file].write(Write::Append(fits.to_vec()));
        if power_goes {
            return Err(no_power());
        }
        if fits.len() < bytes.len() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        let mut disk = self.step()?;
        let file = disk.file(path)?;
        disk.contents[file].write(Write::Truncate(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.syncs += 1;
        if !disk.forgets_to_sync {
            let file = disk.file(path)?;
            disk.contents[file].sync();
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.file(from)?;
        disk.name(Naming::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.file(path)?;
        disk.name(Naming::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut disk = self.step()?;
        disk.syncs += 1;
        if disk.forgets_to_sync {
            return Ok(());
        }
        let namings = std::mem::take(&mut disk.unsynced_names);
        for naming in namings {
            if naming.is_in(folder) {
                naming.apply(&mut disk.durable_names);
            } else {
                disk.unsynced_names.push(naming);
            }
        }
        Ok(())
    }

    fn make_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!("{path}.tmp");
        super::remove_if_there(self, &temporary)?;
        self.append(&temporary, bytes)?;
        self.sync(&temporary)?;
        self.rename(&temporary, path)?;
        self.sync_folder(folder_of(path))
    }
}
