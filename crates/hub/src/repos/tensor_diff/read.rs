//! Two tensors, read in step and compared block by block.

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use hub_weights::{Dtype, RankProbe, Tensor, TensorDiff};

use super::{BLOCK_ELEMENTS, Numbers};
use crate::app::App;
use crate::error::{HubError, HubResult};
use crate::repos::weight_files::WeightFile;

/// What is computed so far, with room that is used again for each block.
struct Work {
    diff: TensorDiff,
    probe: Option<RankProbe>,
    here: Vec<f64>,
    base: Vec<f64>,
}

impl Work {
    fn add(&mut self, (here, left): (&Bytes, Dtype), (base, right): (&Bytes, Dtype)) {
        self.here.clear();
        self.base.clear();
        left.decode(here, &mut self.here);
        right.decode(base, &mut self.base);
        self.diff.add(&self.here, &self.base);
        if let Some(probe) = &mut self.probe {
            probe.add(&self.here, &self.base);
        }
    }

    fn numbers(self) -> Numbers {
        let rank = self.probe.filter(|_| self.diff.changed > 0).and_then(RankProbe::rank);
        Numbers {
            max_delta: self.diff.max_delta,
            relative_delta: self.diff.relative_delta(),
            cosine: self.diff.cosine(),
            changed_share: self.diff.changed_share(),
            rank,
        }
    }
}

/// Compares all numbers of two tensors of one shape.
pub(super) async fn compare(
    app: &App,
    (file, tensor, left): (&WeightFile, &Tensor, Dtype),
    (base_file, base, right): (&WeightFile, &Tensor, Dtype),
) -> HubResult<Numbers> {
    let mut here = Blocks::open(app, file, tensor, left).await?;
    let mut there = Blocks::open(app, base_file, base, right).await?;
    let shape = tensor.shape.clone();
    let start = move || Work { diff: TensorDiff::default(), probe: RankProbe::new(&shape), here: Vec::new(), base: Vec::new() };
    let mut work = tokio::task::spawn_blocking(start).await?;
    loop {
        let (a, b) = futures::try_join!(here.next(), there.next())?;
        if a.is_empty() || b.is_empty() {
            break;
        }
        let add = move || {
            work.add((&a, left), (&b, right));
            work
        };
        work = tokio::task::spawn_blocking(add).await?;
    }
    Ok(tokio::task::spawn_blocking(move || work.numbers()).await?)
}

/// The bytes of a tensor, as many numbers at a time as the other side's.
struct Blocks {
    parts: BoxStream<'static, HubResult<Bytes>>,
    waiting: BytesMut,
    block_bytes: usize,
    left_bytes: u64,
}

impl Blocks {
    async fn open(app: &App, file: &WeightFile, tensor: &Tensor, dtype: Dtype) -> HubResult<Self> {
        let parts = file.stream(app, tensor.bytes.clone()).await?;
        let block_bytes = BLOCK_ELEMENTS * dtype.width();
        Ok(Self { parts, waiting: BytesMut::new(), block_bytes, left_bytes: tensor.bytes.end - tensor.bytes.start })
    }

    /// The next block; empty at the end.
    async fn next(&mut self) -> HubResult<Bytes> {
        let wanted = usize::try_from(self.left_bytes).unwrap_or(usize::MAX).min(self.block_bytes);
        while self.waiting.len() < wanted {
            let part = self.parts.try_next().await?;
            self.waiting.extend_from_slice(&part.ok_or_else(|| HubError::internal("a tensor ends too early"))?);
        }
        self.left_bytes -= wanted as u64;
        Ok(self.waiting.split_to(wanted).freeze())
    }
}
