//! Sets of products. In the store a set is cut into blocks of 65,536 numbers: a block's numbers in order, two bytes each,
//! or a bit for every number once that is shorter. Pure.

/// Numbers in a block.
pub(crate) const BLOCK: i64 = 1 << 16;
/// Words of 64 bits in a block.
const WORDS: usize = 1 << 10;
/// A block is looked at in so many parts, each as long as a block of the columns.
pub(crate) const PARTS: usize = 16;
/// Words of a part.
const PART: usize = WORDS / PARTS;
/// Bytes of a block with a bit for every number.
const BITS: usize = WORDS * 8;

/// The products of one block, a bit each.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Block(Box<[u64; WORDS]>);

impl Block {
    /// None.
    pub(crate) fn empty() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// Reads what [`bytes`](Self::bytes) wrote.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut block = Self::empty();
        if bytes.len() == BITS {
            for (word, bytes) in block.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        } else {
            for bytes in bytes.as_chunks::<2>().0 {
                block.insert(u16::from_le_bytes(*bytes));
            }
        }
        block
    }

    /// The shorter of the two forms.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.len() * 2 >= BITS {
            return self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        }
        self.iter().flat_map(u16::to_le_bytes).collect()
    }

    pub(crate) fn insert(&mut self, number: u16) {
        self.0[usize::from(number >> 6)] |= 1 << (number & 63);
    }

    pub(crate) fn remove(&mut self, number: u16) {
        self.0[usize::from(number >> 6)] &= !(1 << (number & 63));
    }

    #[cfg(test)]
    fn contains(&self, number: u16) -> bool {
        self.0[usize::from(number >> 6)] & (1 << (number & 63)) != 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Keeps what is in both.
    pub(crate) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(a, b)| *a &= b);
    }

    /// Adds what is in the other.
    pub(crate) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(a, b)| *a |= b);
    }

    /// Takes away what is in the other.
    pub(crate) fn minus(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(a, b)| *a &= !b);
    }

    /// In order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        (0..PARTS).flat_map(|part| self.part(part))
    }

    /// Those of one part, in order.
    pub(crate) fn part(&self, part: usize) -> impl Iterator<Item = u16> {
        let words = self.0.iter().zip(0u16..).skip(part * PART).take(PART);
        words.flat_map(|(word, index)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros();
                left &= left - 1;
                u16::try_from(bit).ok().map(|bit| index * 64 + bit)
            })
        })
    }

    /// Whether a part has any.
    pub(crate) fn has_any(&self, part: usize) -> bool {
        self.0[part * PART..(part + 1) * PART].iter().any(|word| *word != 0)
    }
}

/// A product's block and its number in it.
pub(crate) fn place(target: i64) -> (i64, u16) {
    (target.div_euclid(BLOCK), u16::try_from(target.rem_euclid(BLOCK)).unwrap_or_default())
}

/// The product at a place.
pub(crate) fn target(block: i64, number: u16) -> i64 {
    block * BLOCK + i64::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_as_it_was_written_in_both_forms() {
        for count in [0u32, 1, 64, 4_095, 4_096, 4_097, 65_536] {
            let mut block = Block::empty();
            (0..count).for_each(|n| block.insert(u16::try_from(n * 65_535 / count.max(1)).unwrap()));
            let bytes = block.bytes();
            assert!(bytes.len() <= BITS, "{count}");
            let again = Block::read(&bytes);
            assert!(again == block, "{count}");
            assert_eq!(again.iter().count(), block.len());
            assert!(again.iter().all(|n| block.contains(n)));
        }
    }

    #[test]
    fn sets_combine() {
        let of = |numbers: &[u16]| {
            let mut block = Block::empty();
            numbers.iter().for_each(|n| block.insert(*n));
            block
        };
        let (a, b) = (of(&[1, 64, 65_535]), of(&[64, 70]));
        let result = |change: fn(&mut Block, &Block)| {
            let mut result = a.clone();
            change(&mut result, &b);
            result.iter().collect::<Vec<_>>()
        };
        assert_eq!(result(Block::and), [64]);
        assert_eq!(result(Block::or), [1, 64, 70, 65_535]);
        assert_eq!(result(Block::minus), [1, 65_535]);
        assert_eq!(place(target(3, 9)), (3, 9));
        let parts: Vec<usize> = (0..PARTS).filter(|part| a.has_any(*part)).collect();
        assert_eq!(parts, [0, PARTS - 1]);
        assert_eq!(a.part(PARTS - 1).collect::<Vec<_>>(), [65_535]);
        assert_eq!(BLOCK, super::super::columns::BLOCK * i64::try_from(PARTS).unwrap());
    }
}
