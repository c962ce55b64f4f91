//! An upload on its way to the disk: chunk by chunk, never as a whole in memory.

use std::{fs::File, time::Duration};

use axum::body::Bytes;
use tokio::io::AsyncWriteExt;

use crate::error::Problem;

/// A sender who is silent for so long is given up, and makes room for others.
const SILENCE: Duration = Duration::from_secs(30);

/// The next chunk of a request.
pub async fn next<T>(chunk: impl Future<Output = T>) -> Result<T, Problem> {
    let silent = |_| Problem::BadRequest("nothing more of the file has arrived".into());
    tokio::time::timeout(SILENCE, chunk).await.map_err(silent)
}

/// A file that arrives. It has no name, so that nothing of it is left once it is closed.
pub struct Spool {
    file: tokio::fs::File,
    bytes: u64,
    limit: u64,
}

impl Spool {
    /// An empty file that may not grow beyond `limit` bytes.
    pub async fn create(limit: u64) -> Result<Self, Problem> {
        let file = tokio::task::spawn_blocking(tempfile::tempfile).await;
        let file = file.map_err(std::io::Error::from)??;
        Ok(Self { file: tokio::fs::File::from_std(file), bytes: 0, limit })
    }

    /// Adds a chunk. What is too much is not written, and can still be received:
    /// a browser does not read a response before it has sent the whole request.
    pub async fn write(&mut self, chunk: &Bytes) -> Result<(), Problem> {
        self.bytes += chunk.len() as u64;
        if self.bytes <= self.limit {
            self.file.write_all(chunk).await?;
        } else if self.bytes > self.limit.saturating_mul(4) {
            return Err(Problem::TooLarge { limit: self.limit });
        }
        Ok(())
    }

    /// The file.
    pub async fn finish(mut self) -> Result<File, Problem> {
        if self.bytes > self.limit {
            return Err(Problem::TooLarge { limit: self.limit });
        }
        self.file.flush().await?;
        Ok(self.file.into_std().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sender_who_is_silent_is_given_up() {
        let silent = next(std::future::pending::<()>()).await;
        assert!(matches!(silent, Err(Problem::BadRequest(_))));
    }
}
