//! The Merkle tree over a batch of receipts: one signature covers all, each proves itself alone.
//!
//! Hashing after RFC 6962 section 2.1: leaf = SHA-256(0x00 || data), node = SHA-256(0x01 || l || r),
//! and an unbalanced tree splits at the largest power of two below its size.
use crate::hash::{Hash, Hex};
use sha2::{Digest, Sha256};

/// Hash of one leaf.
#[must_use]
pub fn leaf_hash(data: &[u8]) -> Hash {
    Hex(Sha256::new_with_prefix([0x00])
        .chain_update(data)
        .finalize()
        .into())
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let node = Sha256::new_with_prefix([0x01])
        .chain_update(left.0)
        .chain_update(right.0);
    Hex(node.finalize().into())
}

/// Where a tree of `count` leaves (at least two) splits.
fn split(count: usize) -> usize {
    debug_assert!(count >= 2);
    count.next_power_of_two() / 2
}

/// Root over leaf hashes; `None` for no leaves.
#[must_use]
pub fn root(leaves: &[Hash]) -> Option<Hash> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Some(node_hash(&root(left)?, &root(right)?))
        }
    }
}

/// Sibling hashes from the leaf at `index` up to the root, lowest first (RFC 6962 section 2.1.1).
/// Empty for an index outside the tree.
#[must_use]
pub fn path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() < 2 || index >= leaves.len() {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, sibling) = if index < left.len() {
        (path(left, index), root(right))
    } else {
        (path(right, index - left.len()), root(left))
    };
    below.extend(sibling);
    below
}

/// The root and the path of every leaf, as [`root`] and [`path`] give them one by one, in one walk:
/// n−1 node hashes in place of n² for n leaves. `None` for no leaves.
#[must_use]
pub fn root_and_paths(leaves: &[Hash]) -> Option<(Hash, Vec<Vec<Hash>>)> {
    let mut paths = vec![Vec::new(); leaves.len()];
    let root = walk(leaves, &mut paths)?;
    Some((root, paths))
}

/// Root of a subtree; appends to the path of each of its leaves, lowest first.
fn walk(leaves: &[Hash], paths: &mut [Vec<Hash>]) -> Option<Hash> {
    if leaves.len() < 2 {
        return leaves.first().copied();
    }
    let at = split(leaves.len());
    let (left_paths, right_paths) = paths.split_at_mut(at);
    let left = walk(&leaves[..at], left_paths)?;
    let right = walk(&leaves[at..], right_paths)?;
    for path in left_paths {
        path.push(right);
    }
    for path in right_paths {
        path.push(left);
    }
    Some(node_hash(&left, &right))
}

/// The root that a leaf and its path lead to; `None` when the path does not fit the tree's shape.
#[must_use]
pub fn root_from_path(leaf: Hash, index: usize, count: usize, path: &[Hash]) -> Option<Hash> {
    if index >= count {
        return None;
    }
    if count == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (sibling, below) = path.split_last()?;
    let left_count = split(count);
    if index < left_count {
        let left = root_from_path(leaf, index, left_count, below)?;
        return Some(node_hash(&left, sibling));
    }
    let right = root_from_path(leaf, index - left_count, count - left_count, below)?;
    Some(node_hash(sibling, &right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_tree_of_one_empty_leaf_has_the_published_hash() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(root(&[leaf_hash(b"")]).unwrap().to_string(), expected);
    }

    proptest! {
        #[test]
        fn every_leaf_proves_itself_and_no_other(count in 1usize..70, pick in any::<prop::sample::Index>()) {
            let leaves: Vec<Hash> = (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let index = pick.index(count);
            let path = path(&leaves, index);
            prop_assert_eq!(root_from_path(leaves[index], index, count, &path), root(&leaves));
            let other = leaf_hash(b"another leaf");
            prop_assert_ne!(root_from_path(other, index, count, &path), root(&leaves));
        }

        #[test]
        fn one_walk_gives_the_same_root_and_paths(count in 1usize..70) {
            let leaves: Vec<Hash> = (0..count).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let (one_root, paths) = root_and_paths(&leaves).unwrap();
            prop_assert_eq!(Some(one_root), root(&leaves));
            for (index, one_path) in paths.into_iter().enumerate() {
                prop_assert_eq!(one_path, path(&leaves, index));
            }
        }

        #[test]
        fn no_path_makes_it_panic(index: usize, count: usize, length in 0usize..80) {
            let _ = root_from_path(Hex::ZERO, index, count.min(1 << 40), &vec![Hex::ZERO; length]);
        }
    }
}
