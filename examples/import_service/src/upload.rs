//! Files that were uploaded and wait for somebody to confirm them. They are kept
//! in memory and on disk, not in the database: a restart forgets them, and has
//! changed nothing.

use std::{
    collections::VecDeque,
    fs::File,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bulk_sync::{Fingerprint, SyncPlan, SyncResult};
use tokio::sync::watch;

use crate::{
    csv_file,
    entity::{company, employee},
    error::Problem,
    random,
};

/// How many uploads are kept; the oldest go first.
const KEPT: usize = 50;

/// A file for a company, and what has become of it.
pub struct Upload {
    /// The name in the address of its page.
    pub id: String,
    /// The company whose employees the file has.
    pub company_id: i32,
    /// The name of the file, as the browser gave it.
    pub file_name: String,
    file: Mutex<File>,
    stage: watch::Sender<Stage>,
}

/// Where an upload stands.
#[derive(Clone)]
pub enum Stage {
    /// It is being worked on.
    Running(Progress),
    /// A person has to look at it.
    Planned(Arc<Planned>),
    /// The table is as the file is.
    Applied(SyncResult),
    /// It cannot go on; nothing was changed.
    Failed(Problem),
}

/// How far the work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many lines of the file were read.
    File {
        /// The number of the last one.
        lines: u64,
    },
    /// The file was read, and is about to be compared with the table.
    Compare {
        /// Those of the file.
        employees: u64,
    },
    /// The plan is the one that was confirmed, and is about to be carried out.
    Apply {
        /// What it creates, updates and deletes.
        rows: u64,
    },
    /// What bulk-sync tells while it compares and writes.
    Sync(bulk_sync::Progress),
}

/// A plan to look at.
pub struct Planned {
    /// The company.
    pub company: company::Model,
    /// What would be done.
    pub plan: SyncPlan<employee::Entity>,
    /// The counts of the plan.
    pub summary: SyncResult,
    /// What a person confirms.
    pub fingerprint: Fingerprint,
    /// The employees to change as the file has them, in the order of the plan.
    pub changed: Vec<Option<employee::Model>>,
    /// The share of the employees that it may delete.
    pub max_delete_share: f64,
    /// Which guard would stop it.
    pub refusal: Option<Problem>,
    /// Whether it takes the place of a plan that was confirmed.
    pub is_stale: bool,
}

impl Upload {
    /// Where it stands now.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    /// Tells how far the work has come.
    pub fn progress(&self, progress: Progress) {
        self.stage.send_replace(Stage::Running(progress));
    }

    /// Ends the work.
    pub fn settle(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Begins work, unless some is being done already: the button was pressed
    /// twice. `may` tells from the stage whether the work makes sense.
    pub fn begin(&self, may: impl FnOnce(&Stage) -> bool) -> bool {
        self.stage.send_if_modified(|stage| {
            let begins = may(stage);
            if begins {
                *stage = Stage::Running(Progress::File { lines: 0 });
            }
            begins
        })
    }

    /// Waits for the work to end, but not for long: a small file needs no page
    /// that shows progress.
    pub async fn settled(&self, longest: Duration) {
        let mut stage = self.stage.subscribe();
        let is_settled = stage.wait_for(|stage| !matches!(stage, Stage::Running(_)));
        // a page that shows progress is right for each outcome
        let _ = tokio::time::timeout(longest, is_settled).await;
    }

    /// The employees of the file. Blocks.
    ///
    /// # Errors
    ///
    /// Those of [`csv_file::read`].
    pub fn read(&self) -> Result<Vec<employee::Model>, csv_file::ReadError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        csv_file::read_from_start(&mut *file, self.company_id, |line| {
            if line % 1_000 == 0 {
                self.progress(Progress::File { lines: line });
            }
        })
    }
}

/// All uploads that are kept.
#[derive(Default)]
pub struct Uploads(Mutex<VecDeque<Arc<Upload>>>);

impl Uploads {
    /// Keeps a file that has arrived.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn add(
        &self,
        company_id: i32,
        file_name: String,
        file: File,
    ) -> Result<Arc<Upload>, Problem> {
        let stage = Stage::Running(Progress::File { lines: 0 });
        let upload = Arc::new(Upload {
            id: random::digits()?,
            company_id,
            file_name,
            file: Mutex::new(file),
            stage: watch::Sender::new(stage),
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Arc::clone(&upload));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(upload)
    }

    /// The upload of a company with this id.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub fn find(&self, company_id: i32, id: &str) -> Result<Arc<Upload>, Problem> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let upload = kept.iter().find(|upload| upload.company_id == company_id && upload.id == id);
        upload.cloned().ok_or(Problem::NotFound(
            "This upload is not kept any more. Upload the file again; the list of past imports \
             tells whether it was applied.",
        ))
    }
}
